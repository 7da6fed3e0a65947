"""Prepared statements by libpq itself (psycopg.pq), for the few statements of the hot path.

A cursor of psycopg costs twice the CPU of libpq's own call, and it names the smallest integer type that holds a value,
so that one statement is planned once for every mixture of small and large numbers. Here the server infers the types
from the statement, and each statement is prepared once per connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import count
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer

_AS_TEXT: dict[type, Callable[[Any], bytes | None]] = {
    int: lambda value: b"%d" % value,
    str: str.encode,
    bool: lambda value: b"t" if value else b"f",
    type(None): lambda value: None,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    date: lambda value: value.isoformat().encode(),
}
"""How a parameter is written; any other type is a mistake of ours and raises KeyError."""


class _Prepared:
    """One statement on one connection; the loaders of its columns are looked up once."""

    __slots__ = ("known", "loader", "name")

    def __init__(self, connection: psycopg.Connection[Any], name: bytes) -> None:
        self.name, self.loader, self.known = name, Transformer(connection), False

    def rows(self, result: pq.abc.PGresult) -> list[tuple[Any, ...]]:
        self.loader.set_pgresult(result, set_loaders=not self.known)
        self.known = True
        return self.loader.load_rows(0, result.ntuples, tuple)


_NUMBERS = count()  # A name is never used twice: a connection may have lost some of its statements and not others.
_PREPARED: WeakKeyDictionary[psycopg.Connection[Any], dict[str, _Prepared]] = WeakKeyDictionary()


def rows_of(connection: psycopg.Connection[Any], sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement with `$1` … on a connection in autocommit. Raises psycopg's errors."""
    try:
        return _ask(connection, sql, values)
    except errors.InvalidSqlStatementName:
        # Somebody deallocated what was prepared on this connection: psycopg itself does, after a ROLLBACK or a DROP.
        del _PREPARED[connection]
        return _ask(connection, sql, values)


def _ask(connection: psycopg.Connection[Any], sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    pgconn = connection.pgconn
    statements = _PREPARED.get(connection)
    if statements is None:
        statements = _PREPARED[connection] = {}
    prepared = statements.get(sql)
    if prepared is None:
        prepared = _prepare(connection, sql)
        statements[sql] = prepared
    written: list[Any] = [_AS_TEXT[type(value)](value) for value in values]
    result = pgconn.exec_prepared(prepared.name, written)
    if result.status != pq.ExecStatus.TUPLES_OK:
        _refuse(pgconn, result)
    return prepared.rows(result)


def _prepare(connection: psycopg.Connection[Any], sql: str) -> _Prepared:
    prepared = _Prepared(connection, b"hot%d" % next(_NUMBERS))
    result = connection.pgconn.prepare(prepared.name, sql.encode())
    if result.status != pq.ExecStatus.COMMAND_OK:
        _refuse(connection.pgconn, result)
    return prepared


def _refuse(pgconn: pq.abc.PGconn, result: pq.abc.PGresult) -> NoReturn:
    """Raise what the server, or the loss of it, means."""
    if pgconn.status == pq.ConnStatus.BAD:
        raise errors.OperationalError(pgconn.get_error_message())
    raise errors.error_from_result(result)
