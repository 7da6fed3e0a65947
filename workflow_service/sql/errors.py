"""What a driver's error means, on both engines."""

from __future__ import annotations

import sqlite3

import psycopg
from psycopg import errors as pg


def is_unique_violation(error: BaseException, table: str = "") -> bool:
    """Whether a unique index refused the row, of `table` when one is named."""
    if isinstance(error, pg.UniqueViolation):
        return not table or error.diag.table_name == table
    if isinstance(error, sqlite3.IntegrityError):
        text = str(error)
        return "UNIQUE" in text and (not table or f"{table}." in text)
    return False


def is_repeatable(error: BaseException) -> bool:
    """Whether the same transaction, tried again, may succeed: serialization, deadlock, a busy SQLite file."""
    if isinstance(error, sqlite3.OperationalError):
        return "locked" in str(error) or "busy" in str(error)
    return isinstance(error, (pg.SerializationFailure, pg.DeadlockDetected))


def is_lost(error: BaseException) -> bool:
    """Whether the connection went away, so that nobody knows if the commit happened."""
    return isinstance(error, psycopg.OperationalError) and not isinstance(error, pg.QueryCanceled)
