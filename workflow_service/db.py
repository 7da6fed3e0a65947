"""Engines, and the only way to begin a write.

Reads run in AUTOCOMMIT, one statement at a time. Writes run in `begin(engine)`: BEGIN IMMEDIATE on SQLite (a deferred
one fails under two writers), a plain transaction on PostgreSQL.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final, TypeVar

from alembic import command
from alembic.config import Config
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, create_engine, event, literal, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from workflow_service.models import APPEND_ONLY, Base
from workflow_service.sql.errors import is_repeatable

T = TypeVar("T")
TRIES: Final = 4

db = SQLAlchemy(model_class=Base)
"""Flask-SQLAlchemy's handle: sessions of the web process for cold reads; it shares the tables of `Base`."""

_FORBIDDEN = {sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_ALTER_TABLE}


def engine_options(url: str) -> dict[str, Any]:
    """Options for every engine on `url`, Flask-SQLAlchemy's included."""
    if make_url(url).get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": 10, "check_same_thread": False}}
    # psycopg prepares what is asked five times, and PostgreSQL then plans it once for every scope: a county's dashboard
    # was ten times as slow by the plan of a province. What reads lists is planned for the values that it has.
    custom = {"options": "-c plan_cache_mode=force_custom_plan"}
    return {"connect_args": custom, "pool_size": 8, "max_overflow": 4, "pool_timeout": 1, "pool_pre_ping": False}


def make_engine(url: str, *, autocommit: bool = False, owner: bool = False) -> Engine:
    """An engine on `url`. `autocommit`: the hot path's own pool; `owner`: migrations, without the append-only guard."""
    options = engine_options(url)
    if autocommit:
        options["isolation_level"] = "AUTOCOMMIT"
        options["pool_reset_on_return"] = None
        if make_url(url).get_backend_name() == "postgresql":
            # The few statements of this pool touch rows by their keys: planning them anew costs more than running them.
            settings = "-c plan_cache_mode=force_generic_plan -c jit=off"
            options["connect_args"] = {"options": settings, "prepare_threshold": 0}
    engine = create_engine(url, **options)
    prepare_engine(engine, owner=owner)
    return engine


def prepare_engine(engine: Engine, *, owner: bool = False) -> None:
    """Attach what every connection needs; on PostgreSQL nothing, there the server's grants do it."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not open transactions by itself: it would open deferred ones.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("chain_hash", 2, chain_hash, deterministic=True)
        if not owner:
            connection.set_authorizer(_append_only)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            immediate = connection.get_execution_options().get("immediate", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def chain_hash(previous: bytes, payload: str) -> bytes:
    """The hash of a history row: SHA-256 over the previous row's hash and the exact payload text."""
    return hashlib.sha256(previous + payload.encode()).digest()


def _append_only(action: int, table: str | None, column: str | None, _db: str | None, _trigger: str | None) -> int:
    if action in _FORBIDDEN and table in APPEND_ONLY:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """One write transaction, committed at the end and rolled back on any error."""
    with engine.connect() as connection:
        writer = connection.execution_options(immediate=True)
        with writer.begin():
            yield writer


def write_once(connection: Connection, table: type[Base], row: Mapping[str, Any]) -> bool:
    """Insert a row unless it is there already: True for whoever came first, once for all processes."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    written = insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(written).first() is not None


def run_tx(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run `work` in one write transaction, again where the engine says that a repetition may succeed.

    A connection lost at commit is not repeated: nobody knows whether it happened. The caller's key finds that out.
    """
    for _ in range(TRIES - 1):
        try:
            with begin(engine) as connection:
                return work(connection)
        except DBAPIError as error:
            if error.orig is None or not is_repeatable(error.orig):
                raise
    with begin(engine) as connection:
        return work(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for reads: every statement sees what is committed when it starts."""
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def alembic_config(owner_url: str) -> Config:
    """Alembic's settings, with the migrations that are shipped in this package."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("workflow_service") / "migrations"))
    config.attributes["url"] = owner_url
    return config


def upgrade(owner_url: str, service_url: str | None = None) -> None:
    """Migrate to the newest schema as the owner, and grant the service's own role what it needs and no more."""
    command.upgrade(alembic_config(owner_url), "head")
    if service_url is not None and make_url(owner_url).get_backend_name() == "postgresql":
        role = make_url(service_url).username
        if role and role != make_url(owner_url).username:
            grant_service_role(owner_url, role)


def grant_service_role(owner_url: str, role: str) -> None:
    """On PostgreSQL: the service's role reads and writes, but only adds to append-only tables."""
    engine = make_engine(owner_url, owner=True)
    quoted = engine.dialect.identifier_preparer.quote_identifier(role)
    with engine.begin() as connection:
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {quoted}"))
        for table in Base.metadata.sorted_tables:
            rights = "SELECT, INSERT" if table.name in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
            connection.execute(text(f"REVOKE ALL ON {table.name} FROM {quoted}"))
            connection.execute(text(f"GRANT {rights} ON {table.name} TO {quoted}"))
    engine.dispose()
