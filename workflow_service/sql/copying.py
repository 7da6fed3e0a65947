"""Many rows at once (批量写入): binary COPY on PostgreSQL, in the caller's transaction; executemany elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import sqlalchemy.exc
from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Connection, Date, Integer, LargeBinary, SmallInteger, insert

from workflow_service.models import Base

Row = dict[str, Any]
FEWEST = 100
"""Rows from which a COPY is worth its two more round trips."""
_TYPES = ((BigInteger, "int8"), (SmallInteger, "int2"), (Integer, "int4"), (Boolean, "bool"), (Date, "date"),
          (LargeBinary, "bytea"))  # fmt: skip


class Writer:
    """Writes batches of rows into one transaction, while the next batch is being made.

    Between `write` and `done` the connection is the writer's alone. Rows of one table all have the same columns; the
    tables of a batch are written in the order in which they are given, for foreign keys.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._copies = connection.dialect.name == "postgresql"
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        # Whatever is still under way ends before the caller rolls back.
        self._pool.shutdown()

    def write(self, tables: dict[type[Base], list[Row]]) -> None:
        """Write these, after all that was given before. Raises what that met: IntegrityError and its kin."""
        self.done()
        if self._copies and sum(map(len, tables.values())) >= FEWEST:
            self._last = self._pool.submit(self._copy, tables)
            return
        for table, rows in tables.items():
            self._connection.execute(insert(table), rows)

    def done(self) -> None:
        """Wait until all is written."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def _copy(self, tables: dict[type[Base], list[Row]]) -> None:
        driver: Any = self._connection.connection.driver_connection
        for table, rows in tables.items():
            _copy(driver, table.__tablename__, tuple(rows[0]), rows)


def _copy(driver: psycopg.Connection[Any], table: str, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table), names)
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_type(table, name) for name in columns])
            for row in rows:
                copy.write_row(tuple(row.values()))
    except psycopg.IntegrityError as error:
        raise sqlalchemy.exc.IntegrityError(f"COPY {table}", None, error) from error


def _type(table: str, column: str) -> str:
    kind = Base.metadata.tables[table].c[column].type
    return next((name for one, name in _TYPES if isinstance(kind, one)), "text")
