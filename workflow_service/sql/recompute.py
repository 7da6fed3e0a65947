"""The writes of `recompute_clock` (重算期限): the state stays, its clock and everything hung on it move together."""

from __future__ import annotations

from workflow_service.sql import Write, transaction
from workflow_service.sql.transition import HISTORY, OUTBOX

# Of an official's silence the bureau above was told once already; it is not told, nor he reminded, again.
_MOVED = Write(
    "moved",
    """
UPDATE request SET version = :new_version, clock = :clock, due_at = :due_at, provisional = :provisional,
    wake_at = CASE WHEN NOT escalated OR :wake_event = 'expire' THEN CAST(:wake_at AS BIGINT) END,
    wake_event = CASE WHEN NOT escalated OR :wake_event = 'expire' THEN :wake_event END, chain = :chain
WHERE id = :id AND bucket = :bucket AND version = :version{guard} RETURNING id""",
)
_HOLDS = Write(
    "holds",
    """
UPDATE request_party SET due_at = :due_at WHERE request_id = :id AND bucket = :bucket AND to_at IS NULL
    AND duty IN ('hold', 'escalated'){moved}""",
)

RECOMPUTE = transaction(
    "SELECT r.id FROM request r WHERE r.id = :id AND r.bucket = :bucket AND r.version = :version",
    "FOR UPDATE OF r",
    (_MOVED, HISTORY, OUTBOX, _HOLDS),
)
