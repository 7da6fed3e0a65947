"""Folding (归并计数): what the triggers wrote down since is added to the counters of every place above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select, text

from workflow_service.db import begin, reading, run_tx
from workflow_service.models import BOX_DELTA
from workflow_service.sql.counters import FOLD, FOLD_SQLITE, LAST, TIDY

if TYPE_CHECKING:
    from workflow_service.service import Service

DELTAS = 20_000
"""Differences of one transaction: so many are summed up in less than a tenth of a second."""


def fold_counts(service: Service, limit: int = DELTAS) -> int:
    """Fold all that waits, `limit` differences a transaction; how many.

    Any number of processes may do this at once, and one that is killed loses nothing: a difference is taken away in
    the transaction that counts it. A sum that is read meanwhile is right, as it adds what was not folded yet.
    """
    with reading(service.engine) as connection:
        if connection.execute(select(BOX_DELTA.c.amount).limit(1)).scalar() is None:
            return 0
    total = 0
    while count := run_tx(service.engine, lambda connection: _fold(connection, limit)):
        total += count
    with begin(service.engine) as connection:
        connection.execute(text(TIDY[connection.dialect.name]))
    return total


def _fold(connection: Connection, limit: int) -> int:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        return int(driver.execute(FOLD, {"limit": limit}).fetchone()[0])
    last, count = driver.execute(LAST, {"limit": limit}).fetchone()
    if count:
        for statement in FOLD_SQLITE:
            driver.execute(statement, {"last": last})
    return int(count)
