"""What a request is shown from beside its facts: one statement, written once, on the hot path's own connections.

After every event the request is answered whole; read part by part these rows cost more than the event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection

from workflow_service.models.columns import loads
from workflow_service.sql import query
from workflow_service.sql.gather import BESIDE
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
    row = BESIDE.one(service.hot, {"id": request_id, "ids": many})
    assert row is not None  # It was gathered, and no request is ever deleted.
    return beside_in(row)


def beside_in(row: tuple[Any, ...]) -> Beside:
    """The same from the columns of `BESIDE`."""
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


_TRAIL = query("""
SELECT h.seq, h.at, h.recorded_at, h.event, h.from_state, h.to_state, h.payload, a.name, o.name, o.id, c.comment
FROM history h
LEFT JOIN account a ON a.id = h.account_id
LEFT JOIN organization o ON o.id = h.organization_id
LEFT JOIN history_comment c ON c.history_id = h.id
WHERE h.object_id = :id ORDER BY h.seq
""")
