"""What a request is shown from beside its facts: statements written once, read on the hot path's own connections.

After every event the request is answered whole; built anew for each answer these reads cost more than the event.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from workflow_service.sql import query


class More(NamedTuple):
    """A request's columns that no rule looks at; `intake` is JSON, instants are microseconds."""

    number: str
    intake: str | None
    provisional: bool
    created_at: int
    submitted_at: int | None
    completed_at: int | None
    escalated: bool


class Hold(NamedTuple):
    """Whose turn it is."""

    organization_id: int
    role: str


class Linked(NamedTuple):
    """One row of a trail with the names of who did it; instants are microseconds."""

    seq: int
    at: int
    recorded_at: int
    event: str
    from_state: str | None
    to_state: str | None
    payload: str
    by: str | None
    organization: str | None
    organization_id: int | None
    comment: str | None


def more_of(connection: Connection, request_id: int) -> tuple[More, list[Hold]]:
    """The columns, and who holds the request, in the order in which they got it."""
    rows = _MORE.all(connection, {"id": request_id})
    return More(*rows[0][:7]), [Hold(*row[7:]) for row in rows if row[7] is not None]


def trail_of(connection: Connection, object_id: int) -> list[Linked]:
    """An object's trail, oldest first."""
    return [Linked(*row) for row in _TRAIL.all(connection, {"id": object_id})]


_MORE = query("""
SELECT r.number, r.intake, r.provisional, r.created_at, r.submitted_at, r.completed_at, r.escalated,
    p.organization_id, p.role
FROM request r
LEFT JOIN request_party p ON p.request_id = r.id AND p.duty = 'hold' AND p.to_at IS NULL
WHERE r.id = :id ORDER BY p.opened, p.organization_id
""")
_TRAIL = query("""
SELECT h.seq, h.at, h.recorded_at, h.event, h.from_state, h.to_state, h.payload, a.name, o.name, o.id, c.comment
FROM history h
LEFT JOIN account a ON a.id = h.account_id
LEFT JOIN organization o ON o.id = h.organization_id
LEFT JOIN history_comment c ON c.history_id = h.id
WHERE h.object_id = :id ORDER BY h.seq
""")
