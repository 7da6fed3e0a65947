"""Guests whose time is over (借读到期): the entry ends, the place in the host's class is free again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from workflow_service.db import reading, run_tx
from workflow_service.history import history_row
from workflow_service.models import Enrolment, History, PlaceHold, RegisterEntry, SchoolClass, SchoolStage, Student
from workflow_service.models.columns import from_micros

if TYPE_CHECKING:
    from workflow_service.service import Service

BATCH = 500
STAYS = ("attending", "suspended")
"""Statuses of a student who is still on the register of his school, and so may be the guest of another."""


def end_guests(service: Service, now: int, limit: int = BATCH) -> int:
    """End at most `limit` guest attendances that are over at the legal instant `now`; how many.

    Over is one whose last day (`until`, to its end) has passed, and one of a student who has left his school or has
    been enrolled in the host itself.
    """
    today = from_micros(now).date()
    with reading(service.engine) as connection:
        over = [row for row in connection.execute(_guests()) if _is_over(row, today)][:limit]
    ended = 0
    for row in over:
        ended += run_tx(service.engine, lambda connection, row=row: _end(service, connection, row, now))  # type: ignore[misc]
    return ended


def _guests() -> Any:
    return (
        select(RegisterEntry.id, RegisterEntry.student_id, RegisterEntry.request_id, RegisterEntry.school_id,
               RegisterEntry.valid_from, RegisterEntry.data, Student.status, Student.version, Student.chain,
               Student.bucket, Enrolment.school_id.label("enrolled_at"))
        .join(Student, Student.id == RegisterEntry.student_id)
        .outerjoin(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
        .where(RegisterEntry.section == "guest", RegisterEntry.ended_at.is_(None)).order_by(RegisterEntry.id)
    )  # fmt: skip


def _last_day(row: Any) -> date | None:
    until = row.data.get("until")
    return date.fromisoformat(until) if until else None


def _is_over(row: Any, today: date) -> bool:
    last = _last_day(row)
    gone = row.status not in STAYS or row.enrolled_at in (None, row.school_id)
    return gone or (last is not None and last < today)


def _end(service: Service, connection: Connection, row: Any, now: int) -> int:
    """One guest's end in one transaction; 0 where the student's record has moved since it was read."""
    trail = history_row(
        object_type="student", object_id=row.student_id, bucket=row.bucket, seq=row.version + 1, event="guest_ended",
        from_state=row.status, to_state=row.status, at=now, recorded_at=service.clocks.real(), actor=None,
        details={"status": row.status, "host": str(row.school_id), "request": str(row.request_id)},
        previous=row.chain, row_id=service.ids.new(row.bucket))  # fmt: skip
    moved = connection.execute(
        update(Student).where(Student.id == row.student_id, Student.version == row.version)
        .values(version=trail["seq"], chain=trail["hash"])).rowcount  # fmt: skip
    if moved != 1:
        return 0
    today, last = from_micros(now).date(), _last_day(row)
    end = min(today, last + timedelta(days=1)) if last else today
    connection.execute(
        update(RegisterEntry).where(RegisterEntry.id == row.id, RegisterEntry.ended_at.is_(None))
        .values(valid_to=max(end, row.valid_from), ended_at=now))  # fmt: skip
    connection.execute(insert(History), trail)
    _free(connection, row.request_id, now)
    return 1


def _free(connection: Connection, request_id: int, now: int) -> None:
    """Give the place back, where the pack counted the guest at all."""
    held = connection.execute(
        select(SchoolClass.id, SchoolClass.school_id, SchoolClass.stage)
        .join(PlaceHold, PlaceHold.class_id == SchoolClass.id)
        .where(PlaceHold.request_id == request_id, PlaceHold.released_at.is_(None))).one_or_none()  # fmt: skip
    if held is None:
        return
    released = {"released_at": now, "outcome": "released"}
    connection.execute(update(PlaceHold).where(PlaceHold.request_id == request_id).values(released))
    connection.execute(update(SchoolClass).where(SchoolClass.id == held.id).values(held=SchoolClass.held - 1))
    connection.execute(
        update(SchoolStage).where(SchoolStage.school_id == held.school_id, SchoolStage.stage == held.stage)
        .values(held=SchoolStage.held - 1))  # fmt: skip
