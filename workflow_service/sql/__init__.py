"""The hot statements: written once, run on two engines.

A transition is one list of writes. On PostgreSQL it becomes a single statement: `guard` locks the rows and compares
every version that the decision used, the writes follow as CTEs that draw from it. On SQLite the same writes run one by
one in BEGIN IMMEDIATE. No rule stands here: a copy of a rule would miss what changes while it waits for a lock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection, Engine

from workflow_service.sql.errors import is_lost
from workflow_service.sql.lines import driver_of
from workflow_service.sql.wire import rows_of

_DEAD = 2
"""Connections that one loss may leave behind one after the other: the line that was taken, and one that waited in the
engine's own pool when the next line was made."""
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_0-9]+)")


def for_postgresql(sql: str) -> str:
    """The statement with psycopg's parameters instead of `:name`."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


class Raw(NamedTuple):
    """A statement as PostgreSQL itself takes it, `$1` and so on, with the names that its numbers stand for.

    psycopg parses a statement of its own form anew at each call when it is longer than 4,096 characters or has more
    than fifty parameters; that costs as much as sending it.
    """

    sql: str
    names: tuple[str, ...]

    def rows(self, driver: psycopg.Connection[Any], parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """All rows; a connection that is not in autocommit goes by psycopg's cursor, which begins its transaction."""
        values = [parameters[name] for name in self.names]
        if driver.autocommit:
            return rows_of(driver, self.sql, values)
        return psycopg.RawCursor(driver).execute(self.sql, values).fetchall()


def raw(sql: str) -> Raw:
    """The statement with numbers instead of `:name`; a name that stands twice has one number."""
    names: dict[str, int] = {}
    text = _PARAMETER.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", sql)
    return Raw(text, tuple(names))


@dataclass(frozen=True, slots=True)
class Query:
    """A read in both dialects."""

    sqlite: str
    postgresql: Raw

    def one(self, engine: Engine, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
        """The first row, as `rows`."""
        return next(iter(self.rows(engine, parameters)), None)

    def rows(self, engine: Engine, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """All rows, in AUTOCOMMIT on the driver's own connection (SQLAlchemy's `text()` costs a third more)."""
        for _ in range(_DEAD):
            try:
                return self._ask(engine, parameters)
            except Exception as error:
                if not is_lost(error):
                    raise
        return self._ask(engine, parameters)  # A read may simply be asked again.

    def _ask(self, engine: Engine, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with driver_of(engine) as driver:
            if engine.dialect.name == "sqlite":
                rows: list[tuple[Any, ...]] = driver.execute(self.sqlite, parameters).fetchall()
                return rows
            return self.postgresql.rows(driver, parameters)

    def all(self, connection: Connection, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        """All rows, inside whatever transaction `connection` is in."""
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            rows: list[tuple[Any, ...]] = driver.execute(self.sqlite, parameters).fetchall()
            return rows
        return self.postgresql.rows(driver, parameters)


def query(sql: str) -> Query:
    """A `Query` from one text; `{list}` is the engines' different name for joining texts."""
    return Query(sql.replace("{list}", "group_concat"), raw(sql.replace("{list}", "string_agg")))


_DRAWING = {
    "{guard}": " AND EXISTS (SELECT 1 FROM guard)",
    "{moved}": " AND EXISTS (SELECT 1 FROM moved)",
    "{drawn}": " FROM moved",
    "{ended}": " FROM ended",
}
"""How a CTE draws from another one: after an UPDATE's WHERE, or as the FROM of an INSERT's SELECT."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a transition, with a mark of `_DRAWING` where it hangs on the guard."""

    name: str
    sql: str

    def text(self, single: bool) -> str:
        """The write as a CTE of the single statement, or as a statement of its own."""
        text = self.sql
        for mark, drawing in _DRAWING.items():
            text = text.replace(mark, drawing if single else "")
        return text


@dataclass(frozen=True, slots=True)
class Transaction:
    """A guard and its writes, in both dialects: all of them happen, or none."""

    guard: str
    writes: tuple[str, ...]
    single: str
    raw: Raw

    def run(self, engine: Engine, parameters: dict[str, Any]) -> bool:
        """Whether the guard held and everything was written. Driver errors pass through."""
        with driver_of(engine) as driver:
            if engine.dialect.name == "sqlite":
                return self._one_by_one(driver, parameters)
            return bool(self.raw.rows(driver, parameters))

    def _one_by_one(self, driver: Any, parameters: dict[str, Any]) -> bool:
        driver.execute("BEGIN IMMEDIATE")
        try:
            if driver.execute(self.guard, parameters).fetchone() is None:
                driver.execute("ROLLBACK")
                return False
            for write in self.writes:
                driver.execute(write, parameters)
            driver.execute("COMMIT")
        except BaseException:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            raise
        return True


def transaction(
    guard: str, lock: str, writes: tuple[Write, ...], then_lock: tuple[tuple[str, str], ...] = ()
) -> Transaction:
    """Compose both dialects. `lock` is PostgreSQL's FOR UPDATE … clause; SQLite's BEGIN IMMEDIATE needs none.

    The first write is the request's UPDATE, named `moved`; all others draw from it. `then_lock`: (name, SELECT … FOR
    UPDATE) of further rows that are locked in this order before anything is written, each drawing on the one before.
    """
    parts, before = [f"guard AS ({guard} {lock})"], "guard"
    for name, sql in then_lock:
        drawing = f"EXISTS (SELECT 1 FROM {before})"  # noqa: S608 - our own names
        parts.append(f"{name} AS ({sql.replace('{before}', drawing)})")
        before = name
    first, *others = writes
    parts.append(f"{first.name} AS ({first.text(single=True).replace('FROM guard', f'FROM {before}')})")
    parts += [f"{write.name} AS ({write.text(single=True)})" for write in others]
    single = "WITH " + ",\n".join(parts) + "\nSELECT id FROM moved"
    return Transaction(guard, tuple(write.text(single=False) for write in writes), for_postgresql(single), raw(single))


__all__ = ["Query", "Transaction", "Write", "driver_of", "for_postgresql", "query", "transaction"]
