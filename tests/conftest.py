"""What every test may ask for: an empty, migrated database on each engine, and the promise that a skip is seen."""

import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from tests import postgres

RUN_DIR = "WORKFLOW_SERVICE_TEST_RUN"
"""The environment carries the run's folder from the pytest that was called to its xdist workers."""


@dataclass(frozen=True)
class Database:
    """Where a test's own database is: `owner_url` migrates, `url` is the service's role; one and the same on SQLite."""

    owner_url: str
    url: str
    dialect: str


class Compiled(BytecodeCache):
    """Templates as they were compiled once in this process: every test has an application of its own."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._known[bucket.key, bucket.checksum] = bucket.code


def pytest_configure(config: pytest.Config) -> None:
    Flask.jinja_options = {"bytecode_cache": Compiled()}
    if not hasattr(config, "workerinput"):
        run_dir = Path(tempfile.mkdtemp(prefix="wfs-run-"))
        (run_dir / "owner.pid").write_text(str(os.getpid()))
        os.environ[RUN_DIR] = str(run_dir)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        run_dir = Path(os.environ.pop(RUN_DIR))
        postgres.end(run_dir)
        shutil.rmtree(run_dir)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI=true a skip fails the run: a test that silently did not run proves nothing."""
    skipped = _skipped(session.config)
    if skipped and os.environ.get("CI") == "true" and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = _skipped(terminalreporter.config)
    if skipped:
        terminalreporter.section(f"{skipped} TESTS WERE NOT RUN (reasons above)", sep="!", red=True, bold=True)
        if os.environ.get("CI") == "true":
            terminalreporter.line("CI=true: a test that did not run counts as a failure.")


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if isinstance(reporter, pytest.TerminalReporter) else 0


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """Return the folder that all workers of this run share."""
    return Path(os.environ[RUN_DIR])


@pytest.fixture(scope="session")
def sqlite_template(run_dir: Path) -> Path:
    """Return a migrated, empty SQLite file, made once per run, to be copied."""
    from workflow_service import db

    path = run_dir / "template.sqlite"
    with postgres.locked(run_dir / "sqlite.lock"):
        if not path.exists():
            db.upgrade(f"sqlite:///{run_dir / 'new.sqlite'}")
            with closing(sqlite3.connect(run_dir / "new.sqlite", isolation_level=None)) as connection:
                connection.execute("VACUUM INTO ?", (str(path),))  # one file, whatever stood in its write-ahead log
    return path


@pytest.fixture(scope="session")
def postgres_place(run_dir: Path) -> Path:
    """Return the socket folder of this run's PostgreSQL."""
    return postgres.ensure(run_dir)


@pytest.fixture(scope="session")
def postgres_template(run_dir: Path, postgres_place: Path) -> str:
    """Return the name of a migrated, empty PostgreSQL database, made once per run, to be copied."""
    from workflow_service import db

    name = "migrated"
    with postgres.locked(run_dir / "template.lock"):
        if not (run_dir / "template.made").exists():
            with postgres.connect(postgres_place) as connection:
                connection.execute(f"CREATE DATABASE {name} OWNER {postgres.OWNER}")
            db.upgrade(
                postgres.url(postgres_place, name, postgres.OWNER),
                postgres.url(postgres_place, name, postgres.SERVICE),
            )
            (run_dir / "template.made").touch()
    return name


@pytest.fixture(scope="session")
def sqlite_world(run_dir: Path, sqlite_template: Path) -> Path:
    """Return an SQLite file with the demo's organizations, accounts, packs and calendar, made once per run."""
    path = run_dir / "world.sqlite"
    with postgres.locked(run_dir / "sqlite-world.lock"):
        if not path.exists():
            made = run_dir / "furnishing.sqlite"
            shutil.copyfile(sqlite_template, made)
            _furnish(f"sqlite:///{made}", f"sqlite:///{made}", run_dir / "sqlite-data")
            with closing(sqlite3.connect(made, isolation_level=None)) as connection:
                connection.execute("VACUUM INTO ?", (str(path),))
    return path


@pytest.fixture(scope="session")
def postgres_world(run_dir: Path, postgres_place: Path, postgres_template: str) -> str:
    """Return the name of a PostgreSQL database with the same in it, made once per run."""
    name = "world"
    with postgres.locked(run_dir / "world.lock"):
        if not (run_dir / "world.made").exists():
            with postgres.connect(postgres_place) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template} OWNER {postgres.OWNER}")
            where = (postgres.url(postgres_place, name, user) for user in (postgres.SERVICE, postgres.OWNER))
            _furnish(*where, run_dir / "postgres-data")
            (run_dir / "world.made").touch()
    return name


def _furnish(url: str, owner_url: str, folder: Path) -> None:
    """Put the test world into a database that is about to be copied, and let go of it."""
    from tests.workflow_service.world import make_world

    world = make_world(url, owner_url, folder)
    world.service.engine.dispose()
    world.service.hot.dispose()


def sqlite_copy(template: Path, folder: Path) -> Database:
    """A copy of an SQLite file, in a folder that has no other."""
    shutil.copyfile(template, folder / "test.sqlite")
    where = f"sqlite:///{folder / 'test.sqlite'}"
    return Database(where, where, "sqlite")


def _postgres_copy(place: Path, template: str) -> Iterator[Database]:
    name = f"t{uuid.uuid4().hex}"
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {postgres.OWNER} STRATEGY file_copy")
        yield Database(
            postgres.url(place, name, postgres.OWNER), postgres.url(place, name, postgres.SERVICE), "postgresql"
        )
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_world: Path) -> Database:
    """Give a test its own SQLite file with the test world in it."""
    return sqlite_copy(sqlite_world, tmp_path)


@pytest.fixture
def postgresql_database(postgres_place: Path, postgres_world: str) -> Iterator[Database]:
    """Give a test its own PostgreSQL database with the test world in it, owned by `owner`, used by `app`."""
    yield from _postgres_copy(postgres_place, postgres_world)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Database:
    """Run the test twice: on SQLite and on PostgreSQL, each with a world of its own."""
    database: Database = request.getfixturevalue(f"{request.param}_database")
    return database


@pytest.fixture
def empty_sqlite_database(tmp_path: Path, sqlite_template: Path) -> Database:
    """Give a test its own migrated SQLite file with nothing in it."""
    return sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def empty_postgresql_database(postgres_place: Path, postgres_template: str) -> Iterator[Database]:
    """Give a test its own migrated PostgreSQL database with nothing in it."""
    yield from _postgres_copy(postgres_place, postgres_template)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> Database:
    """Run the test twice: on SQLite and on PostgreSQL, each with an empty, migrated database of its own."""
    database: Database = request.getfixturevalue(f"empty_{request.param}_database")
    return database
