"""What a request is shown from beside its facts: one statement, written once, on the hot path's own connections.

After every event the request is answered whole; read part by part these rows cost more than the event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from workflow_service.models.columns import loads
from workflow_service.sql import Query, query, raw
from workflow_service.views.documents import File

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workflow_service.service import Service


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
    """Whose turn it is, with the organization's code and name."""

    organization_id: int
    role: str
    code: str
    name: str


class Linked(NamedTuple):
    """One row of a trail with the names of who did it; instants are microseconds, `details` of the event."""

    seq: int
    at: int
    recorded_at: int
    event: str
    from_state: str | None
    to_state: str | None
    details: dict[str, Any] | None
    by: str | None
    organization: str | None
    organization_id: int | None
    comment: str | None


class Beside(NamedTuple):
    """What a request is shown with: holders in the order in which they got it, trail and files oldest first."""

    more: More
    names: dict[int, dict[str, Any]]
    holds: list[Hold]
    trail: list[Linked]
    files: list[File]


def beside(service: Service, request_id: int, organizations: Iterable[int]) -> Beside:
    """All of it for one request; `names` of these organizations and of whoever holds it: `{id: {id, code, name}}`."""
    listed = ",".join(map(str, sorted(set(organizations))))
    many = f"[{listed}]" if service.engine.dialect.name == "sqlite" else f"{{{listed}}}"
    row = _BESIDE.one(service.hot, {"id": request_id, "ids": many})
    assert row is not None  # It was gathered, and no request is ever deleted.
    named, held, trail, files = ([] if text is None else loads(text) for text in row[7:])
    held.sort()
    holds = [Hold(*each[1:]) for each in held]
    names = {id_: {"id": str(id_), "code": code, "name": name} for id_, code, name in named}
    for hold in holds:
        known = {"id": str(hold.organization_id), "code": hold.code, "name": hold.name}
        names.setdefault(hold.organization_id, known)
    return Beside(
        More(*row[:7]), names, holds,
        sorted((Linked(*each) for each in trail), key=lambda link: link.seq),
        sorted((File(*each) for each in files), key=lambda file: (file.uploaded_at, file.id)),
    )  # fmt: skip


def trail_of(connection: Connection, object_id: int) -> list[Linked]:
    """An object's trail, oldest first."""
    rows = _TRAIL.all(connection, {"id": object_id})
    return [Linked._make((*row[:6], loads(row[6]).get("d"), *row[7:])) for row in rows]


# Each part is one text of JSON: the database writes it and orjson reads it faster than four statements are sent.
_PARTS = """
SELECT r.number, r.intake, r.provisional, r.created_at, r.submitted_at, r.completed_at, r.escalated,
    (SELECT CAST({all}({array}(o.id, o.code, o.name)) AS TEXT) FROM organization o WHERE o.id {among}),
    (SELECT CAST({all}({array}(p.opened, p.organization_id, p.role, o.code, o.name)) AS TEXT)
        FROM request_party p JOIN organization o ON o.id = p.organization_id
        WHERE p.request_id = r.id AND p.duty = 'hold' AND p.to_at IS NULL),
    (SELECT CAST({all}({array}(h.seq, h.at, h.recorded_at, h.event, h.from_state, h.to_state, {details}, a.name,
            o.name, o.id, c.comment)) AS TEXT)
        FROM history h
        LEFT JOIN account a ON a.id = h.account_id
        LEFT JOIN organization o ON o.id = h.organization_id
        LEFT JOIN history_comment c ON c.history_id = h.id
        WHERE h.object_id = r.id),
    (SELECT CAST({all}({array}(m.id, m.kind, m.name, m.media_type, m.size, m.sha256, m.uploaded_at, m.organization_id))
            AS TEXT)
        FROM request_document m WHERE m.request_id = r.id AND m.removed_at IS NULL)
FROM request r WHERE r.id = :id
"""
_BESIDE = Query(
    _PARTS.format(all="json_group_array", array="json_array", details="json_extract(h.payload, '$.d')",
                  among="IN (SELECT value FROM json_each(:ids))"),
    raw(_PARTS.format(all="json_agg", array="json_build_array", details="CAST(h.payload AS json) -> 'd'",
                      among="= ANY(CAST(:ids AS bigint[]))")),
)  # fmt: skip
_TRAIL = query("""
SELECT h.seq, h.at, h.recorded_at, h.event, h.from_state, h.to_state, h.payload, a.name, o.name, o.id, c.comment
FROM history h
LEFT JOIN account a ON a.id = h.account_id
LEFT JOIN organization o ON o.id = h.organization_id
LEFT JOIN history_comment c ON c.history_id = h.id
WHERE h.object_id = :id ORDER BY h.seq
""")
