"""The outbox (发件箱): messages leave after the commit, in an order that every reader can rely on.

An id is not commit order: a reader by id loses what commits late. So one sweep at a time stamps `position` on what is
committed, and readers of the feed go by that; per request the order is `seq`, its version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, func, insert, select, text

from states.definition import FINALS
from workflow_service.db import begin, reading, write_once
from workflow_service.models import Heartbeat, History, Notice, Outbox, Request, RequestParty

if TYPE_CHECKING:
    from workflow_service.service import Service

GATE = "outbox"
"""The row of `heartbeat` that one stamping process holds, so that positions have no gaps and no doubles."""
BATCH = 1_000
TOPIC_OF_DUTY = {"hold": "your_turn", "escalated": "escalated"}


def deliver_outbox(service: Service, limit: int = BATCH) -> int:
    """Stamp and deliver at most `limit` messages (1,000 at once); how many. 0 where another process is at it.

    Inside this installation a message becomes notices: to the new holders, to the applicant when it was decided, to
    the school that is left the receipt (回执) when the student has arrived.
    """
    with reading(service.engine) as connection:
        if connection.execute(select(Outbox.id).where(Outbox.delivered_at.is_(None)).limit(1)).scalar() is None:
            return 0
    total = 0
    while total < limit and (count := _deliver_batch(service, min(limit - total, BATCH))):
        total += count
    return total


def _deliver_batch(service: Service, limit: int) -> int:
    with begin(service.engine) as connection:
        if not _through_the_gate(connection):
            return 0
        first = (connection.execute(select(func.max(Outbox.position))).scalar() or 0) + 1
        stamp = {"first": first, "limit": limit, "when": service.clocks.real()}
        count = connection.execute(_STAMP, stamp).rowcount
        if count:
            _tell(service, connection, connection.execute(_stamped(first)).all())
        return count


# By id; but a request's own messages in the order of its versions, even where two clocks disagreed about their ids.
_STAMP = text("""
UPDATE outbox SET position = :first + x.place, delivered_at = :when
FROM (SELECT id, row_number() OVER (ORDER BY latest, seq) - 1 AS place FROM (
    SELECT id, seq, max(id) OVER (PARTITION BY object_id ORDER BY seq) AS latest FROM (
        SELECT id, object_id, seq FROM outbox WHERE delivered_at IS NULL ORDER BY id LIMIT :limit) due) ordered) x
WHERE outbox.id = x.id""")


def _through_the_gate(connection: Connection) -> bool:
    """Hold the gate until the commit; False where another process holds it. It is made on first use."""
    gate = select(Heartbeat.name).where(Heartbeat.name == GATE)
    if connection.execute(gate.with_for_update(skip_locked=True)).scalar() is not None:
        return True
    return connection.execute(gate).scalar() is None and write_once(connection, Heartbeat, {"name": GATE, "at": 0})


def _stamped(first: int) -> Select[*tuple[Any, ...]]:
    return (
        select(Outbox.object_id, Outbox.seq, Outbox.body, History.at, Request.bucket, Request.applicant_id,
               Request.origin_school_id)
        .join(History, (History.object_id == Outbox.object_id) & (History.seq == Outbox.seq))
        .join(Request, Request.id == Outbox.object_id)
        .where(Outbox.position >= first).order_by(Outbox.position)
    )  # fmt: skip


def _tell(service: Service, connection: Connection, rows: Sequence[Any]) -> None:
    parties = _parties(connection, {row.object_id for row in rows})
    notices = [
        {"id": service.ids.new(row.bucket), "organization_id": organization, "topic": topic, "object_id": row.object_id,
         "body": json.loads(row.body), "at": row.at, "read_at": None}
        for row in rows for topic, organization in sorted(_told(row, parties[row.object_id]))
    ]  # fmt: skip
    if notices:
        connection.execute(insert(Notice), notices)


def _parties(connection: Connection, requests: set[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {id_: [] for id_ in requests}
    rows = connection.execute(
        select(RequestParty.request_id, RequestParty.organization_id, RequestParty.duty, RequestParty.opened,
               RequestParty.to_at)
        .where(RequestParty.request_id.in_(requests), RequestParty.duty.in_(("hold", "escalated"))))  # fmt: skip
    for row in rows:
        found[row.request_id].append(row)
    return found


def _told(row: Any, parties: Iterable[Any]) -> set[tuple[str, int]]:
    """(topic, organization) of everyone whom one message concerns."""
    event, to = json.loads(row.body)["event"], json.loads(row.body)["to"]
    told = {(TOPIC_OF_DUTY[p.duty], p.organization_id) for p in parties if p.opened == row.seq}
    if event == "remind":
        told |= {("reminder", p.organization_id) for p in parties if p.duty == "hold" and p.to_at is None}
    if to in FINALS:
        told.add(("decided", row.applicant_id))
    if to == "completed":
        told.add(("receipt", row.origin_school_id))
    return told
