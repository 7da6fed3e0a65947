"""The repository holds itself to its own laws: what documents promise, what folders mean, what may not be committed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import Database

ROOT = Path(__file__).parent.parent
PACKAGES = ("states", "workflow_service", "api")


def tracked() -> list[Path]:
    """Return every file that git keeps, as far as it is in the work tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level name of every module that `path` imports from elsewhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def test_imports_go_from_api_to_workflow_service_to_states() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_states_imports_the_standard_library_and_statemachine_only() -> None:
    allowed = sys.stdlib_module_names - {"sqlite3", "socket", "http", "urllib", "subprocess", "threading"}
    outside = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources("states")
        for name in imported(path)
        if name not in allowed | {"states", "statemachine"}
    }
    assert outside == set()


def test_states_reads_no_clock_and_no_file() -> None:
    asked = re.compile(r"\b(datetime\.now|date\.today|utcnow|time\.time|open\(|\.read_text|\.read_bytes|random\.)")
    found = {
        f"{path.relative_to(ROOT)}: {hit}" for path in sources("states") for hit in asked.findall(path.read_text())
    }
    assert found == set()


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = re.compile(r"(^|_)(managers?|helpers?|utils?|utilities|processors?|info|base|common|misc)(_|$)")
    named = [path.relative_to(ROOT) for path in sources(*PACKAGES, "tests") if empty.search(path.stem)]
    assert named == []


def test_nothing_committed_names_a_registry_or_a_place_on_one_machine() -> None:
    # Written in parts, so that this file does not find itself.
    forbidden = re.compile("|".join([
        "pypi" + r"\.org", "python" + "hosted", r"registry\." + "npmjs", r"deb\." + "debian", "index" + "-url",
        "/" + "work/main", "/" + r"root/\.", r"/home/" + r"[a-z]+/",
    ]))  # fmt: skip
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:  # a picture or a font
            continue
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in forbidden.finditer(text)]
    assert found == []


def test_no_secret_or_database_is_committed() -> None:
    assert [
        p.name for p in tracked() if p.suffix in {".sqlite", ".sqlite3", ".db", ".pem", ".key"} or p.name == ".env"
    ] == []


@pytest.mark.parametrize("group", ["runtime", "test", "bench"])
def test_every_locked_package_has_one_version_and_hashes(group: str) -> None:
    text = (ROOT / "requirements" / f"{group}.txt").read_text()
    entries = re.split(r"\n(?=[a-zA-Z0-9])", text.strip())
    assert all(re.match(r"[\w.\-\[\],]+==[\w.]+", entry) and "--hash=sha256:" in entry for entry in entries)


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locks = {group: (ROOT / "requirements" / f"{group}.txt").read_text() for group in ("runtime", "test")}
    wanted = [("runtime", name) for name in project["project"]["dependencies"]]
    wanted += [("test", name) for name in project["dependency-groups"]["test"]]
    bare = [(group, re.split(r"[\[<>=,]", name)[0]) for group, name in wanted]
    assert [pair for pair in bare if not re.search(rf"^{re.escape(pair[1])}(\[.*\])?==", locks[pair[0]], re.M)] == []


def test_every_setting_that_is_read_is_in_env_example_and_no_other() -> None:
    from workflow_service.config import VARIABLES

    example = (ROOT / "deploy" / "env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=", example, re.M)) == set(VARIABLES)


def test_the_environment_is_read_in_one_place_only() -> None:
    """`config.load` reads it; the command line, which hands it in, is the only other file that may name it."""
    named = {str(p.relative_to(ROOT)) for p in sources(*PACKAGES) if re.search(r"os\.environ|getenv", p.read_text())}
    assert {name for name in named if not name.startswith(("workflow_service/config", "api/cli", "api/demo"))} == set()


def test_there_is_one_newest_migration() -> None:
    from alembic.script import ScriptDirectory

    from workflow_service.db import alembic_config

    assert len(ScriptDirectory.from_config(alembic_config("sqlite://")).get_heads()) == 1


def test_models_equal_migrations(empty_database_url: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from workflow_service.db import make_engine
    from workflow_service.models import Base
    from workflow_service.models.columns import NAMED_ONLY
    from workflow_service.models.students import ONE_ENGINE_ONLY

    left_out = ONE_ENGINE_ONLY | {name for _, name in NAMED_ONLY}
    engine = make_engine(empty_database_url.owner_url, owner=True)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True,
                   "include_name": lambda name, *_: name not in left_out,
                   "include_object": lambda _object, name, *_: name not in left_out}  # fmt: skip
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_services_own_role_only_adds_to_append_only_tables(empty_database_url: Database) -> None:
    from sqlalchemy import delete, update
    from sqlalchemy.exc import DatabaseError

    from workflow_service.db import begin, make_engine
    from workflow_service.models import APPEND_ONLY, Base

    engine = make_engine(empty_database_url.url)
    for name in APPEND_ONLY:
        table = Base.metadata.tables[name]
        column = next(iter(table.primary_key))
        for statement in (delete(table), update(table).values({column: column})):
            with pytest.raises(DatabaseError), begin(engine) as connection:
                connection.execute(statement)
    engine.dispose()


def test_models_equal_migrations_to_the_last_check_and_index(
    empty_postgresql_database: Database, postgres_place: Path
) -> None:
    """Alembic compares no CHECK and no index predicate; PostgreSQL's own catalogue does."""
    from sqlalchemy import Connection, text

    from workflow_service.db import make_engine
    from workflow_service.models import Base

    def catalogue(connection: Connection) -> set[str]:
        rows = connection.execute(
            text(
                "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace"
                " UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
            )
        )
        return {row[0] for row in rows if "alembic_version" not in row[0]}

    with postgres.connect(postgres_place) as plain:
        plain.execute(f"CREATE DATABASE from_models OWNER {postgres.OWNER}")
    migrated = make_engine(empty_postgresql_database.owner_url, owner=True)
    modelled = make_engine(postgres.url(postgres_place, "from_models", postgres.OWNER), owner=True)
    Base.metadata.create_all(modelled)
    with migrated.connect() as one, modelled.connect() as other:
        assert catalogue(one) == catalogue(other)
    migrated.dispose()
    modelled.dispose()


def test_the_package_ships_every_file_that_it_reads() -> None:
    """An editable install finds files that a built package would lack."""
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    inside = [path.relative_to(ROOT) for path in tracked() if path.relative_to(ROOT).parts[0] in PACKAGES]
    missing = [path for path in inside if path.suffix != ".py" and not any(path.match(glob) for glob in shipped)]
    assert missing == []


def test_sql_asks_for_no_time_and_no_chance_and_uses_no_trigger() -> None:
    """Time, ids and randomness are handed in: only so can a school year run in seconds from one seed.

    Triggers are only where no writer may forget them: SQLite's index of names, and the counters of what waits; they
    know no time and no chance.
    """
    asked = re.compile(r"\bnow\(\)|CURRENT_(?:TIMESTAMP|DATE|TIME)\b|\bRANDOM\(\)|CREATE TRIGGER|gen_random_uuid", re.I)
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}: {hit}"
        for path in sources("workflow_service", "api")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for hit in asked.findall(node.value)
        if hit != "CREATE TRIGGER" or path.name not in {"name_parts.py", "counters.py"}
    }
    assert found == set()


PUBLIC = {
    "POST /api/v1/tokens",
    "GET /api/v1/verify/<code>",
    "GET /api/v1/openapi.json",
    "GET /api/v1/docs",
    "GET /api/v1/docs/<name>",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /login",
    "GET /verify",
    "GET /verify/<code>",
    "GET /static/<path:filename>",
}
"""All that answers somebody who is not signed in; POST /login refuses, without the password.

Whoever adds a line says in the commit why.
"""


def test_every_route_asks_who_is_there_or_is_on_the_public_list(sqlite_database: Database, tmp_path: Path) -> None:
    """Asked without a token, a call answers 401 and a page shows the way to the sign-in page; nothing else."""
    from api.app import create_app
    from workflow_service.config import load

    settings = load({"WORKFLOW_ENV": "demo", "DATA": str(tmp_path), "DATABASE_URL": sqlite_database.url})
    app = create_app(settings)
    client = app.test_client()
    open_routes, refused = set(), set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]*>", "1", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = client.open(path, method=method)
            away = answer.status_code == 303 and answer.location.startswith("/login")
            asked = answer.status_code == 401 or away
            (refused if asked else open_routes).add(f"{method} {rule.rule}")
    app.extensions["service"].engine.dispose()
    app.extensions["service"].hot.dispose()
    assert open_routes == PUBLIC, "open without being on the list, or on the list without being there"
    assert refused


def documents() -> list[Path]:
    """Return what tells people which commands to type; the catalogue and the cases speak of regulations."""
    found = [path for path in tracked() if path.suffix == ".md" or path.parts[-2] == "systemd"]
    return [path for path in found if "policies" not in path.parts]


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    named = {name for path in documents() for name in re.findall(r"\bmake ([a-z][a-z-]+)", path.read_text())}
    assert {"demo", "test"} <= named <= targets


def test_every_command_that_a_document_names_exists() -> None:
    import click

    from api.cli import cli

    def known(group: click.Command, words: list[str]) -> bool:
        return not words or not isinstance(group, click.Group) or (
            words[0] in group.commands and known(group.commands[words[0]], words[1:])
        )  # fmt: skip

    line = re.compile(r"\bworkflow-service((?: [a-z]+)+)(?=[^a-z=/])")
    named = {words for path in documents() for words in line.findall(path.read_text())}
    assert named
    assert [words for words in named if not known(cli, words.split())] == []
