"""Writing tables fast (批量写入): binary COPY into PostgreSQL, executemany into SQLite, indexes built afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Date, Engine, Integer, LargeBinary, SmallInteger, text

from workflow_service.db import make_engine
from workflow_service.models import Base

Columns = tuple[str, ...]
Rows = dict[tuple[str, Columns], list[tuple[Any, ...]]]
"""Rows that wait to be written, by table and columns."""

_TYPES = ((BigInteger, "int8"), (SmallInteger, "int2"), (Integer, "int4"), (Boolean, "bool"), (Date, "date"),
          (LargeBinary, "bytea"))  # fmt: skip


class Loader:
    """One connection of the owner that writes rows as they come; `close` commits what SQLite still holds."""

    def __init__(self, owner_url: str) -> None:
        self._engine = make_engine(owner_url, owner=True)
        self._pooled = self._engine.raw_connection()
        driver: Any = self._pooled.driver_connection
        self._driver = driver
        self._postgresql = self._engine.dialect.name == "postgresql"
        if self._postgresql:
            self._driver.autocommit = True
            # A crash loses the end of it: whoever generated data generates them again.
            self._driver.execute("SET synchronous_commit = off")
        else:
            self._driver.execute("PRAGMA foreign_keys=OFF")
            self._driver.execute("PRAGMA synchronous=OFF")
            self._driver.execute("BEGIN IMMEDIATE")

    def write(self, rows: Rows) -> None:
        """Write them, table by table, and forget them."""
        for (table, columns), some in rows.items():
            if self._postgresql:
                _copy(self._driver, table, columns, some)
            else:
                _insert(self._driver, table, columns, some)
        rows.clear()

    def close(self) -> None:
        """Commit and let go of the connection."""
        if not self._postgresql:
            self._driver.execute("COMMIT")
            self._driver.execute("PRAGMA synchronous=FULL")
            self._driver.execute("PRAGMA foreign_keys=ON")
        self._pooled.close()
        self._engine.dispose()


def _copy(driver: psycopg.Connection[Any], table: str, columns: Columns, rows: Iterable[tuple[Any, ...]]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), names)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([_type(table, name) for name in columns])
        for row in rows:
            copy.write_row(row)


def _type(table: str, column: str) -> str:
    kind = Base.metadata.tables[table].c[column].type
    return next((name for one, name in _TYPES if isinstance(kind, one)), "text")


def _insert(driver: sqlite3.Connection, table: str, columns: Columns, rows: Iterable[tuple[Any, ...]]) -> None:
    marks = ", ".join("?" for _ in columns)
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names
    days = [n for n, name in enumerate(columns) if _type(table, name) == "date"]
    driver.executemany(statement, _plain(rows, days) if days else rows)


def _plain(rows: Iterable[tuple[Any, ...]], days: list[int]) -> Iterator[list[Any]]:
    """Days as SQLAlchemy writes them: sqlite3's own way of doing it is going away."""
    for row in rows:
        cells = list(row)
        for place in days:
            if isinstance(cells[place], date):
                cells[place] = cells[place].isoformat()
        yield cells


@contextmanager
def without_indexes(engine: Engine, progress: Callable[[int, int, str], None]) -> Iterator[None]:
    """On PostgreSQL: take indexes and keys off the empty tables, and build them when everything is written.

    Building an index at the end sorts once; keeping it up to date through millions of rows reads and writes it in
    random places, and a foreign key asks for every row. When the work inside fails they are put back all the same.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        foreign, tables = (
            [tuple(row) for row in connection.execute(text(query))] for query in (_FOREIGN_KEYS, _INDEXES)
        )
        tables = [row for row in tables if row[0] in LOADED]
        for table, name, _, constraint in [*foreign, *tables]:
            connection.execute(text(
                f'ALTER TABLE {table} DROP CONSTRAINT "{name}"' if constraint else f'DROP INDEX "{name}"'))  # fmt: skip
    try:
        yield
    finally:
        _build(engine, tables, foreign, progress)


LOADED = frozenset({
    "enrolment", "guardian", "history", "history_comment", "judgement", "outbox", "place_hold", "register_entry",
    "request", "request_document", "request_party", "school_class", "student", "student_number",
})  # fmt: skip
"""The tables that hold what is generated; the others are small, and keep their indexes."""

_FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), true FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2"""
_INDEXES = """
SELECT i.indrelid::regclass::text, c.relname::text, COALESCE(pg_get_constraintdef(k.oid), pg_get_indexdef(c.oid)),
    k.oid IS NOT NULL
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = c.oid
    AND k.contype IN ('p', 'u')
WHERE c.relnamespace = 'public'::regnamespace AND i.indrelid <> 'alembic_version'::regclass ORDER BY 1, 2"""


def _build(
    engine: Engine, indexes: list[tuple[Any, ...]], foreign: list[tuple[Any, ...]],
    progress: Callable[[int, int, str], None],
) -> None:  # fmt: skip
    """Indexes first, table by table; then the foreign keys, which need them. Two at a time."""
    total = len(indexes) + len(foreign)
    built: list[str] = []

    def one(rows: list[tuple[Any, ...]]) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET maintenance_work_mem = '512MB'"))
            connection.execute(text("SET synchronous_commit = off"))
            for table, name, definition, constraint in rows:
                made = f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}' if constraint else definition
                connection.exec_driver_sql(made.replace("%", "%%"))
                built.append(name)
                progress(len(built), total, f"索引 / {name}")

    with ThreadPoolExecutor(2) as pool:
        for these in (indexes, foreign):
            by_table: dict[str, list[tuple[Any, ...]]] = {}
            for row in these:
                by_table.setdefault(row[0], []).append(row)
            large_first = sorted(by_table.items(), key=lambda item: _SIZE.get(item[0], 0))
            list(pool.map(one, (rows for _, rows in large_first)))


_LARGE = ("history", "student", "request_party", "outbox", "request", "enrolment", "guardian", "student_number")
_SIZE = {name: place for place, name in enumerate(_LARGE, -len(_LARGE))}
"""The largest tables first, so that the last one to be built is a small one."""


def analyse(engine: Engine) -> None:
    """Let the planner know what is there now: it still believes that every table is empty."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
