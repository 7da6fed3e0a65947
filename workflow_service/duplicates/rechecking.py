"""Looking again after key data changed (变更后再次查重, SYS-35)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, or_, select, update

from states.likeness import likeness, suspected, weight
from workflow_service.actors import Actor
from workflow_service.duplicates.finding import kind_of, queue, stored
from workflow_service.duplicates.parts import close
from workflow_service.duplicates.people import fill, people
from workflow_service.duplicates.trail import cleared, suspect
from workflow_service.models import DuplicatePair

if TYPE_CHECKING:
    from workflow_service.service import Service


def recheck(
    connection: Connection, service: Service, student_id: int, actor: Actor | None, request_id: int | None = None
) -> int:  # fmt: skip
    """Compare a student anew whose name, number or birth date changed, in the transaction that changed it.

    A pair that is none any more is decided as `change`; one that still is waits for words again; one that was proved
    and is more alike now is opened again. Gives the number of pairs that are open or became so.
    """
    fill(connection, service, [student_id])
    open_now = sum(_again(connection, service, pair, student_id, actor, request_id)
                   for pair in _pairs(connection, student_id))  # fmt: skip
    return open_now + queue(connection, service, [student_id], actor, "changed")


def _pairs(connection: Connection, student_id: int) -> list[Any]:
    mine = or_(DuplicatePair.first_id == student_id, DuplicatePair.second_id == student_id)
    alive = or_(DuplicatePair.state == "open", DuplicatePair.outcome != "merge")
    return list(connection.execute(select(DuplicatePair.__table__).where(mine, alive).order_by(DuplicatePair.id)))


def _again(
    connection: Connection, service: Service, pair: Any, student_id: int, actor: Actor | None, request_id: int | None
) -> int:
    known = people(connection, service, (pair.first_id, pair.second_id))
    reasons = likeness(known[pair.first_id], known[pair.second_id])
    alike = suspected(reasons)
    if pair.state == "open" and not alike:
        close(connection, service, pair, "change", student_id, request_id)
        for id_ in (pair.first_id, pair.second_id):
            details = {"pair": str(pair.id), "outcome": "change"}
            cleared(connection, service, id_, "duplicate_settled", details, actor)
        return 0
    if not alike or (pair.state == "decided" and weight(reasons) <= pair.strength):
        return 0
    connection.execute(
        update(DuplicatePair)
        .where(DuplicatePair.id == pair.id)
        .values(state="open", outcome=None, subject_id=None, decided_at=None, reasons=stored(reasons),
                kind=kind_of(reasons), strength=weight(reasons), round=DuplicatePair.round + 1,
                version=DuplicatePair.version + 1)
    )  # fmt: skip
    if pair.state == "decided":
        for id_ in sorted((pair.first_id, pair.second_id)):
            suspect(connection, service, id_, {pair.id: kind_of(reasons)}, actor)
    return 1
