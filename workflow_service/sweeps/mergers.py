"""Schools that were merged (学校合并): whoever still sits in one, and whatever is open about it, goes to its successor.

The completed request only marked the school. Here its pupils follow class by class, each with an end and a beginning
of his enrolment and a row of his own trail, and its open requests with new units and holders, in batches that any
process may go on with (BJ-06, N13-12). When nothing is left of a school it is never looked at again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, exists, func, insert, or_, select, update

from workflow_service.db import reading, run_tx
from workflow_service.history import history_row
from workflow_service.models import (
    Enrolment,
    History,
    Organization,
    PlaceHold,
    RegisterEntry,
    Request,
    SchoolClass,
    SchoolStage,
    Student,
)
from workflow_service.models.columns import from_micros
from workflow_service.sweeps.rerouting import reroute

if TYPE_CHECKING:
    from workflow_service.service import Service

STUDENTS = 300
"""Students of one transaction: their classes stay locked for a moment only."""
EVENT = "organization_change"
FOLLOWING = ("admission", "guest")
"""Sections of the record that say which school may see somebody: they begin anew at the successor."""


@dataclass(frozen=True, slots=True)
class Merger:
    """A school and its successor; `classes`: old class → new class; `request_id`: the request that merged it."""

    school_id: int
    successor_id: int
    request_id: int
    classes: dict[int, int]
    on: date
    at: int


class Moved(RuntimeError):
    """Somebody else wrote a row of the batch meanwhile; the batch is taken again."""


def move_merged(service: Service, now: int, limit: int = STUDENTS) -> int:
    """Move at most `limit` pupils, requests or entries of each merged school; how many. 0 when nothing is left."""
    with reading(service.engine) as connection:
        schools = connection.execute(_unfinished()).scalars().all()
    return sum(run_tx(service.engine, partial(_batch, service, school_id=id_, now=now, limit=limit)) for id_ in schools)


def follow_mergers(service: Service, now: int) -> int:
    """Move everybody who is left in merged schools, batch by batch; how many."""
    total = 0
    while moved := move_merged(service, now):
        total += moved
    return total


def _unfinished() -> Any:
    """Schools with a successor in which somebody still sits, or about which something is still open."""
    left = or_(
        exists().where(Enrolment.school_id == Organization.id, Enrolment.ended_at.is_(None)),
        exists().where(_about(Organization.id)),
        exists().where(_entries_of(Organization.id)),
    )
    return select(Organization.id).where(
        ~Organization.active, Organization.successor_id.is_not(None), left
    ).order_by(Organization.id)  # fmt: skip


def _about(school: Any) -> Any:
    schools = (Request.destination_school_id, Request.origin_school_id, Request.applicant_id)
    return or_(*(column == school for column in schools)) & ~Request.final & Request.student_id.is_not(None)


def _entries_of(school: Any) -> Any:
    return (RegisterEntry.school_id == school) & RegisterEntry.ended_at.is_(None) & RegisterEntry.section.in_(FOLLOWING)


def _batch(service: Service, connection: Connection, *, school_id: int, now: int, limit: int) -> int:
    merger = _prepared(service, connection, school_id, now)
    return (
        _move_students(service, connection, merger, limit)
        or _move_requests(service, connection, merger, limit)
        or _move_entries(service, connection, merger, limit)
    )


def _prepared(service: Service, connection: Connection, school_id: int, now: int) -> Merger:
    """The merger with a class of the successor for every class in which somebody sits or holds a place."""
    school = connection.execute(select(Organization.__table__).where(Organization.id == school_id)).one()
    known = {int(old): int(new) for old, new in school.particulars.get("classes", {}).items()}
    used = or_(
        exists().where(Enrolment.class_id == SchoolClass.id, Enrolment.ended_at.is_(None)),
        exists().where(PlaceHold.class_id == SchoolClass.id, PlaceHold.released_at.is_(None)),
        exists().where(Request.class_id == SchoolClass.id, ~Request.final),
    )
    rows = connection.execute(
        select(SchoolClass.__table__).where(SchoolClass.school_id == school_id, used).order_by(SchoolClass.id)
    ).all()
    made = {row.id: _class_for(service, connection, row, school) for row in rows if row.id not in known}
    if made:
        classes = {str(old): str(new) for old, new in {**known, **made}.items()}
        connection.execute(
            update(Organization).where(Organization.id == school_id)
            .values(particulars={**school.particulars, "classes": classes})
        )  # fmt: skip
    request_id = int(school.particulars["closed_by"])
    return Merger(school_id, school.successor_id, request_id, known | made, from_micros(now).date(), now)


def _class_for(service: Service, connection: Connection, row: Any, school: Any) -> int:
    """A class of its own at the successor: the pupils of one class stay together, whatever the classes there hold."""
    same = (SchoolClass.school_id == school.successor_id, SchoolClass.stage == row.stage,
            SchoolClass.entered_year == row.entered_year)  # fmt: skip
    last = connection.execute(select(func.max(SchoolClass.sequence)).where(*same)).scalar() or 0
    id_ = service.ids.new_subject()
    connection.execute(insert(SchoolClass), {
        "id": id_, "school_id": school.successor_id, "stage": row.stage, "entered_year": row.entered_year,
        "first_grade": row.first_grade, "last_grade": row.last_grade, "sequence": last + 1, "name": f"{last + 1}班",
        "programme": row.programme, "code": None, "attending": 0, "held": 0,
    })  # fmt: skip
    return id_


def _move_students(service: Service, connection: Connection, merger: Merger, limit: int) -> int:
    rows = connection.execute(
        select(Student.id, Student.bucket, Student.version, Student.chain, Student.status,
               Enrolment.id.label("enrolment_id"), Enrolment.class_id, Enrolment.stage, Enrolment.valid_from)
        .join(Enrolment, Enrolment.student_id == Student.id)
        .where(Enrolment.school_id == merger.school_id, Enrolment.ended_at.is_(None))
        .order_by(Student.id).limit(limit)
    ).all()  # fmt: skip
    for row in rows:
        _move_student(service, connection, merger, row)
    sat = Counter((row.class_id, row.stage) for row in rows if row.status == "attending")
    _move_places(connection, merger, "attending", sat)
    return len(rows)


def _move_student(service: Service, connection: Connection, merger: Merger, row: Any) -> None:
    """The end of one enrolment, the beginning of the next, and the row of the trail that tells both."""
    class_id = merger.classes[row.class_id]
    day = max(merger.on, row.valid_from)
    details = {
        "status": row.status, "school": str(merger.successor_id), "class": str(class_id), "stage": row.stage,
        "from": day.isoformat(), "request": str(merger.request_id),
    }  # fmt: skip
    trail = history_row(
        object_type="student", object_id=row.id, bucket=row.bucket, seq=row.version + 1, event=EVENT,
        from_state=row.status, to_state=row.status, at=merger.at, recorded_at=service.clocks.real(), actor=None,
        details=details, previous=row.chain, row_id=service.ids.new(row.bucket))  # fmt: skip
    written = connection.execute(
        update(Student).where(Student.id == row.id, Student.version == row.version)
        .values(version=row.version + 1, chain=trail["hash"])
    )  # fmt: skip
    if written.rowcount != 1:
        raise Moved(f"student {row.id} was written meanwhile")
    connection.execute(insert(History), trail)
    connection.execute(
        update(Enrolment).where(Enrolment.id == row.enrolment_id, Enrolment.ended_at.is_(None))
        .values(valid_to=day, ended_at=merger.at, end_reason=EVENT, end_request_id=merger.request_id)
    )  # fmt: skip
    connection.execute(insert(Enrolment), {
        "id": service.ids.new(row.bucket), "bucket": row.bucket, "student_id": row.id,
        "school_id": merger.successor_id, "class_id": class_id, "stage": row.stage, "valid_from": day,
        "recorded_at": merger.at, "start_reason": EVENT, "start_request_id": merger.request_id,
    })  # fmt: skip


def _move_places(connection: Connection, merger: Merger, column: str, taken: Counter[tuple[int, str]]) -> None:
    """So many places less here and more there: classes in the order of their ids, then stages, as a transition does."""
    classes: Counter[int] = Counter()
    stages: Counter[tuple[int, str]] = Counter()
    for (class_id, stage), count in taken.items():
        classes[class_id] -= count
        classes[merger.classes[class_id]] += count
        stages[merger.school_id, stage] -= count
        stages[merger.successor_id, stage] += count
    for id_, change in sorted(classes.items()):
        connection.execute(update(SchoolClass).where(SchoolClass.id == id_)
                           .values({column: getattr(SchoolClass, column) + change}))  # fmt: skip
    for (school_id, stage), change in sorted(stages.items()):
        connection.execute(update(SchoolStage).where(SchoolStage.school_id == school_id, SchoolStage.stage == stage)
                           .values({column: getattr(SchoolStage, column) + change}))  # fmt: skip


def _move_requests(service: Service, connection: Connection, merger: Merger, limit: int) -> int:
    """Open requests and drafts, with new units and holders; a place that one holds is held at the successor."""
    rows = connection.execute(
        select(Request.__table__).where(_about(merger.school_id)).order_by(Request.id).limit(limit)
    ).all()
    for row in rows:
        if not reroute(service, connection, row, merger, _stage_of(connection, merger, row)):
            raise Moved(f"request {row.id} was written meanwhile")
    _move_holds(connection, merger, [row.id for row in rows])
    return len(rows)


def _move_holds(connection: Connection, merger: Merger, request_ids: list[int]) -> None:
    """The places that these requests hold in the merged school's classes are held in the successor's."""
    holds = connection.execute(
        select(PlaceHold.request_id, PlaceHold.class_id, SchoolClass.stage)
        .join(SchoolClass, SchoolClass.id == PlaceHold.class_id)
        .where(PlaceHold.request_id.in_(request_ids), PlaceHold.released_at.is_(None),
               PlaceHold.class_id.in_(list(merger.classes)))
    ).all()  # fmt: skip
    for hold in holds:
        connection.execute(
            update(PlaceHold).where(PlaceHold.request_id == hold.request_id)
            .values(class_id=merger.classes[hold.class_id])
        )  # fmt: skip
    _move_places(connection, merger, "held", Counter((hold.class_id, hold.stage) for hold in holds))


def _stage_of(connection: Connection, merger: Merger, row: Any) -> str:
    """The stage of a request: its class's, else the student's, else the first of the school."""
    of_class = select(SchoolClass.stage).where(SchoolClass.id == row.class_id)
    of_student = select(Enrolment.stage).where(Enrolment.student_id == row.student_id, Enrolment.ended_at.is_(None))
    of_school = select(Organization.stages).where(Organization.id == merger.school_id)
    found = connection.execute(of_class).scalar() or connection.execute(of_student).scalar()
    return str(found or connection.execute(of_school).scalar_one()[0])


def _move_entries(service: Service, connection: Connection, merger: Merger, limit: int) -> int:
    rows = connection.execute(
        select(RegisterEntry.__table__).where(_entries_of(merger.school_id)).order_by(RegisterEntry.id).limit(limit)
    ).all()
    for row in rows:
        connection.execute(
            update(RegisterEntry).where(RegisterEntry.id == row.id)
            .values(valid_to=max(merger.on, row.valid_from), ended_at=merger.at, end_request_id=merger.request_id)
        )  # fmt: skip
        connection.execute(insert(RegisterEntry), {
            "id": service.ids.new(row.bucket), "bucket": row.bucket, "student_id": row.student_id,
            "section": row.section, "school_id": merger.successor_id, "valid_from": max(merger.on, row.valid_from),
            "recorded_at": merger.at, "request_id": row.request_id, "data": row.data,
        })  # fmt: skip
    # A guest's place is held by the request that opened the entry, which the entry therefore goes on to name.
    _move_holds(connection, merger, [row.request_id for row in rows if row.request_id is not None])
    return len(rows)


__all__ = ["STUDENTS", "Merger", "Moved", "follow_mergers", "move_merged"]
