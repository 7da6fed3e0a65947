# The commands of the README. Each makes what it needs, inside the checkout.
PORT ?= 8000
DATA ?= var/demo
TODAY ?=
# Temporary files stay in the checkout too.
export TMPDIR := $(CURDIR)/.cache/tmp
export PYTHON

.PHONY: help demo test test-long bench load lint lock

help:
	@echo 'make demo [PORT=8000] [TODAY=2026-09-01] [DATA=var/demo]   a ready, living example in the browser'
	@echo 'make test                                                   all tests, on SQLite, PostgreSQL and in a browser'
	@echo 'make test-long                                              races at ten times the rounds, broken packs, mutants'
	@echo 'make bench [QUICK=1] [ONLY=1,3]                             the speed goals, against what is possible and peers'
	@echo 'make load [QUICK=1] [DURATION=300]                          the peak of a province through nginx, ten times it, after it'
	@echo 'make lint                                                   ruff, mypy, the direction of imports'

# The last line is exec'd, so that the signal which ends make ends the server and leaves nothing behind.
demo:
	@deploy/bootstrap.sh runtime
	@mkdir -p .cache/tmp
	@exec .venv/bin/workflow-service demo --port '$(PORT)' --data '$(DATA)' $(if $(TODAY),--today '$(TODAY)')

lint:
	@deploy/bootstrap.sh test
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

test: lint
	@mkdir -p .cache/tmp
	.venv/bin/python -m pytest -n 2 -m 'not long' $(ARGS)

# Races at ten times the rounds, every broken variant of every pack, every mutant.
test-long:
	@deploy/bootstrap.sh test
	@mkdir -p .cache/tmp
	.venv/bin/python -m pytest -n 2 -m long $(ARGS)

bench:
	@deploy/bootstrap.sh test
	@deploy/bootstrap.sh bench
	@mkdir -p .cache/tmp
	@.venv/bin/python -m tests.bench.run $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)')

# Needs nginx: the one in PATH, else Debian's package, which is unpacked into .cache without root.
load:
	@deploy/bootstrap.sh test
	@mkdir -p .cache/tmp
	@.venv/bin/python -m tests.load.run $(if $(QUICK),--quick) $(if $(DURATION),--duration '$(DURATION)')

# After a change of the dependencies in pyproject.toml; needs uv.
lock:
	uv pip compile pyproject.toml --group build --universal --generate-hashes --no-header --no-annotate -q \
		--python-version 3.11 -o requirements/runtime.txt
	uv pip compile pyproject.toml --group build --group test --universal --generate-hashes --no-header --no-annotate -q \
		--python-version 3.11 -c requirements/runtime.txt -o requirements/test.txt
	uv pip compile --group bench --universal --generate-hashes --no-header --no-annotate -q \
		--python-version 3.11 -c requirements/runtime.txt -o requirements/bench.txt
