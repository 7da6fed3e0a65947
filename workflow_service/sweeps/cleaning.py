"""Cleaning (清理): what only serves for a while goes again, so that a finished request keeps its record and no more.

Keys and delivered messages go after 30 days, notices after 180. What the law or the trail needs is in other tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from workflow_service.db import begin, reading
from workflow_service.sweeps.catch_up import drain

if TYPE_CHECKING:
    from workflow_service.service import Service

DAY = 86_400_000_000
KEY_KEPT = 30 * DAY
"""Microseconds of real time in which a repeated call still gets its first answer."""
MESSAGE_KEPT = 30 * DAY
"""Microseconds by which newer messages must have been delivered before one goes: readers that stood still are told
nothing of what they missed, and whoever delivers nothing forgets nothing. `check` counts on it (K7)."""
NOTICE_KEPT = 180 * DAY
"""Microseconds of legal time in which the workbench shows a notice; the request's trail says the same for good."""
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many rows went."""

    keys: int = 0
    messages: int = 0
    notices: int = 0


def clean(service: Service, limit: int = BATCH) -> Cleaned:
    """Delete all whose time is over, at most `limit` rows in each transaction."""
    clocks = service.clocks
    return Cleaned(
        drain(lambda n: _delete(service, _KEYS[service.engine.dialect.name], clocks.real() - KEY_KEPT, n), limit),
        drain(lambda n: _delete(service, _MESSAGES, _newest(service) - MESSAGE_KEPT, n), limit),
        drain(lambda n: _delete(service, _NOTICES, clocks.legal() - NOTICE_KEPT, n), limit),
    )


def _delete(service: Service, statement: str, before: int, limit: int) -> int:
    with begin(service.engine) as connection:
        return connection.execute(text(statement), {"before": before, "limit": limit}).rowcount


def _newest(service: Service) -> int:
    with reading(service.engine) as connection:
        return connection.execute(text(_NEWEST)).scalar() or 0


# Keys have no order but that in which they were written: in a file their row's, on the server a range index of pages.
_KEYS = {
    "postgresql": """
DELETE FROM request_key WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM request_key WHERE created_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED))""",
    "sqlite": """
DELETE FROM request_key WHERE rowid IN (SELECT rowid FROM (
    SELECT rowid, created_at FROM request_key ORDER BY rowid LIMIT :limit) WHERE created_at < :before)""",
}
# The last message stays whatever its age: the next position follows on it.
_NEWEST = "SELECT delivered_at FROM outbox WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1"
_MESSAGES = """
DELETE FROM outbox WHERE id IN (SELECT id FROM (
    SELECT id, delivered_at FROM outbox WHERE position IS NOT NULL ORDER BY position LIMIT :limit) oldest
    WHERE delivered_at < :before)"""
_NOTICES = """
DELETE FROM notice WHERE id IN (SELECT id FROM (
    SELECT id, at FROM notice ORDER BY id LIMIT :limit) oldest WHERE at < :before)"""
