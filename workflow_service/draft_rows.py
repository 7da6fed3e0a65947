"""A request that is not stored yet (新申请), as the row that rules look at: who is meant, from where, to where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from states.calendar import grade_of
from states.kinds import KINDS, Kind
from workflow_service.actors import Actor
from workflow_service.archives import kept_by
from workflow_service.errors import Blocked, Invalid
from workflow_service.facts import Row, place_columns, route_draft
from workflow_service.given import valid_data
from workflow_service.ids import bucket_of
from workflow_service.models import Enrolment, RegisterEntry, Request, SchoolClass, Student
from workflow_service.names import normal_name
from workflow_service.newcomers import Person
from workflow_service.numbering import student_of_number
from workflow_service.routing import NoRoute, closed_by, organization, surroundings
from workflow_service.sql.gather import COLUMNS

if TYPE_CHECKING:
    from workflow_service.service import Service

MISS = ("2001 姓名与学籍号不一致，或查无此人；请核对后重新填写",
        "2001 The name and the student number do not belong together, or there is no such student.")  # fmt: skip


@dataclass(frozen=True)
class NewRequest:
    """What a school asks for. The student by exact name and whole number (SYS-01), by id where it is its own, or as a
    `person` who is on no register yet. One school's kinds need no destination: it is the school itself.
    """

    kind: str
    destination_school_id: int | None = None
    grade: int | None = None
    ground: str | None = None
    student_id: int | None = None
    student_name: str | None = None
    student_number: str | None = None
    person: Person | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    batch_id: int | None = None


_STUDENT = (
    Student.id, Student.bucket, Student.name, Student.student_number_hash, Student.status, Student.problem,
    Student.special_education, Student.version, Student.chain, Student.birth_date,
)  # fmt: skip
_CLASS = (
    SchoolClass.first_grade, SchoolClass.last_grade, SchoolClass.entered_year, SchoolClass.programme,
)  # fmt: skip


def find_student(service: Service, connection: Connection, actor: Actor, body: NewRequest) -> Row | None:
    """The student's columns of a gathered row, None for a miss: unknown, differing and foreign look the same."""
    kind = KINDS[body.kind]
    if body.person is not None:
        return _person_columns(service, connection, body.person) if kind.newcomer else None
    if body.student_id is not None:
        where = Student.id == body.student_id
    elif body.student_name and body.student_number:
        # Also by a number that he had: a family holds papers with the L number for years (NUM-04).
        where = Student.id == student_of_number(service, connection, body.student_number)
    else:
        return None
    found = connection.execute(
        select(*_STUDENT, *_CLASS, Enrolment.id.label("enrolment_id"), Enrolment.school_id, Enrolment.class_id,
               Enrolment.stage, Enrolment.valid_from)
        .outerjoin(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id).where(where)).one_or_none()  # fmt: skip
    if found is None:
        return None
    if body.student_id is None:
        if normal_name(found.name) != normal_name(body.student_name or "") or not _may_name(kind, found, actor):
            return None
    elif found.school_id != actor.organization_id and not _was_here(connection, found.id, actor):
        return None
    columns = _columns(found)
    if found.enrolment_id is None:
        columns |= _last_class(connection, found.id)
        if kind.enrolment == "enter":
            columns["listed"] = _listed(connection, found.id, actor)
    return columns


def _may_name(kind: Kind, found: Any, actor: Actor) -> bool:
    """Whether a student may be named by a school that is not his: between two schools, or by who takes him in."""
    if kind.sides == "two" or found.school_id == actor.organization_id:
        return True
    return kind.enrolment == "enter" and found.school_id is None


def _was_here(connection: Connection, student_id: int, actor: Actor) -> bool:
    """Whether a student without a current enrolment was last this school's, or one's whose records the actor's unit
    keeps, or is admitted to it.
    """
    last = connection.execute(
        select(Enrolment.school_id, Enrolment.ended_at).where(Enrolment.student_id == student_id)
        .order_by(Enrolment.recorded_at.desc()).limit(1)).one_or_none()  # fmt: skip
    if last is not None and last.ended_at is None:
        return False
    if last is not None and last.school_id in connection.execute(kept_by(actor.organization_id)).scalars().all():
        return True
    return connection.execute(
        select(RegisterEntry.id).where(
            RegisterEntry.student_id == student_id, RegisterEntry.school_id == actor.organization_id,
            RegisterEntry.section == "admission", RegisterEntry.ended_at.is_(None))).first() is not None  # fmt: skip


def _listed(connection: Connection, student_id: int, actor: Actor) -> Row:
    """What the admission list said of somebody whom this school admitted: grade, and perhaps class."""
    found = connection.execute(
        select(RegisterEntry.data).where(
            RegisterEntry.student_id == student_id, RegisterEntry.school_id == actor.organization_id,
            RegisterEntry.section == "admission", RegisterEntry.ended_at.is_(None))).scalars().first()  # fmt: skip
    return found or {}


def _last_class(connection: Connection, student_id: int) -> Row:
    """The class that a student without a current enrolment was last in: the request's own until another is chosen."""
    found = connection.execute(
        select(Enrolment.class_id, Enrolment.stage, SchoolClass.name, *_CLASS)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id).where(Enrolment.student_id == student_id)
        .order_by(Enrolment.recorded_at.desc()).limit(1)).one_or_none()  # fmt: skip
    if found is None:
        return {}
    return {"class_id": found.class_id, "class_name": found.name, "class_stage": found.stage,
            "class_first_grade": found.first_grade, "class_last_grade": found.last_grade,
            "class_entered_year": found.entered_year, "class_programme": found.programme}  # fmt: skip


def _entries(connection: Connection, student_id: int) -> str:
    """The dated entries of the record, written as the facts of a stored request are gathered."""
    found = connection.execute(
        select(RegisterEntry.section, RegisterEntry.valid_from, RegisterEntry.valid_to)
        .where(RegisterEntry.student_id == student_id))  # fmt: skip
    return ",".join(f"{row.section}:{row.valid_from}:{row.valid_to or ''}" for row in found)


def _columns(found: Any) -> Row:
    return {
        "bucket": found.bucket, "subject_id": found.id, "student_id": found.id, "student_name": found.name,
        "number_hash": found.student_number_hash, "status": found.status, "problem": found.problem,
        "special_education": found.special_education, "student_version": found.version, "student_chain": found.chain,
        "birth_date": found.birth_date, "enrolment_id": found.enrolment_id, "enrolled_school_id": found.school_id,
        "enrolled_class_id": found.class_id, "class_id": found.class_id, "stage": found.stage,
        "enrolled_on": found.valid_from, "first_grade": found.first_grade, "last_grade": found.last_grade,
        "entered_year": found.entered_year, "programme": found.programme,
    }  # fmt: skip


def _person_columns(service: Service, connection: Connection, person: Person) -> Row:
    """A person who is on no register yet: the id that the row will have, and nothing behind it.

    Raises `Invalid` where the number is somebody's: whoever has a record here is named, not entered again (N13-05).
    """
    id_, number = service.ids.new_subject(), person.student_number
    if number and student_of_number(service, connection, number) is not None:
        message = "该学籍号已在本系统登记，请以姓名和学籍号申请 / registered here: name the student by name and number"
        raise Invalid([{"field": "person.student_number", "rule": "SYS-01", "message": message}])
    return {
        "bucket": bucket_of(id_), "subject_id": id_, "student_id": id_, "student_name": person.name,
        "status": "pending_registration", "special_education": person.special_education, "student_version": 1,
        "student_chain": b"", "birth_date": person.birth_date, "person": person,
        "number_hash": service.hashes.of("student_number", number) if number else None,
    }  # fmt: skip


def draft_row(service: Service, connection: Connection, actor: Actor, body: NewRequest, student: Row | None,
              on: date) -> Row:  # fmt: skip
    """A gathered row for a request that is not stored yet. Raises `Invalid` where a body's value cannot be used, and
    Blocked where a school that it names works no more.
    """
    kind = KINDS[body.kind]
    destination = _destination(connection, actor, body)
    row: Row = dict.fromkeys(COLUMNS)
    row.update(
        id=0, kind=body.kind, state="draft", version=0, lock_group=kind.lock, applicant_id=actor.organization_id,
        origin_school_id=destination.id, destination_school_id=destination.id, grade=body.grade, ground=body.ground,
        data=valid_data(service, body.data), approvals=[], shared_used=0, paused=[], holds_place=False, own=False,
        destination_code=destination.code, origin_code=destination.code, town=destination.town,
        destination_stages=destination.stages, batch_id=body.batch_id,
        grants=",".join(f"{grant.id}:{grant.version}:{grant.role}" for grant in actor.grants),
    )  # fmt: skip
    if student is None:
        subject = service.ids.new_subject() if body.ground == "founding" else destination.id
        row.update(subject_id=subject, bucket=bucket_of(subject), grade=body.grade or 0)
    else:
        row.update(student, entries=_entries(connection, student["student_id"]))
        _name(row, body)
    if kind.sides == "two":
        _between_two(connection, actor, row)
    elif kind.subject == "student":
        listed = row.get("listed") or {}
        if "class_name" in listed:
            row["data"] = {"class_name": listed["class_name"], **row["data"]}
        row["grade"] = body.grade or listed.get("grade") or _present_grade(row, on) or 0
    try:
        route_draft(service, connection, row, on)
    except (NoRoute, LookupError) as error:
        raise Invalid([no_route(body.kind)]) from error
    if row.get("closed_school"):
        raise _closed(service, connection, row, on)
    row["starter"] = _starter(row, actor)
    row["other_number"] = connection.execute(
        select(Request.number).where(Request.subject_id == row["subject_id"], Request.open,
                                     Request.lock_group == row["lock_group"])).scalar()  # fmt: skip
    return row


def _closed(service: Service, connection: Connection, row: Row, on: date) -> Blocked | Invalid:
    """The refusal of a draft that names a school which is closed, or was merged into another one (N13-12)."""
    around = surroundings(connection, row["kind"], row["destination_school_id"], row["origin_school_id"], on)
    assert around is not None  # It was found closed just now.
    try:
        reason = closed_by(service, around)
    except LookupError:
        return Invalid([no_route(row["kind"])])
    return Blocked(f"{reason.no.message} / {reason.no.message_en}", (reason,))


def no_route(kind: str) -> dict[str, str]:
    """The refusal of what no route fits: which of ground, facts and schools is the matter, the applicant must look."""
    return {
        "field": "destination_school_id" if KINDS[kind].sides == "two" else "ground",
        "message": "没有适用的办理流程，请核对事由、所填内容和学校 / no route fits: look at ground, facts and schools",
        "message_en": "No route fits: look at the ground, the facts and the school.",
    }


def _destination(connection: Connection, actor: Actor, body: NewRequest) -> Any:
    """The school (or bureau) that the request is about. A bureau names a school of its own area."""
    wanted = body.destination_school_id or actor.organization_id
    found = organization(connection, wanted)
    kind = KINDS[body.kind]
    if found is None or (found.kind != "school" and (kind.sides == "two" or found.id != actor.organization_id)):
        raise Invalid([{"field": "destination_school_id", "message": "没有这所学校 / there is no such school"}])
    if kind.sides == "one" and found.id != actor.organization_id and not (
            actor.supervises and found.path.startswith(actor.path)):  # fmt: skip
        raise Invalid([{"field": "destination_school_id", "message": "须为本校 / must be your own school"}])
    return found


def _name(row: Row, body: NewRequest) -> None:
    """The name and number as the applicant gave them, which stay those of the record (SYS-04)."""
    if body.student_name and body.student_id is None and body.person is None:
        row.update(named=normal_name(body.student_name), named_hash=row["number_hash"])


def _between_two(connection: Connection, actor: Actor, row: Row) -> None:
    """The origin of a request between two schools. Raises `Invalid` for a student of no school, or of a third one."""
    if row["enrolled_school_id"] is None:
        raise Invalid([{"field": "student", "message": MISS[0] + " / " + MISS[1], "rule": "SYS-04"}])
    if actor.organization_id not in (row["destination_school_id"], row["enrolled_school_id"]):
        raise Invalid([{"field": "destination_school_id",
                        "message": "须为本校：由转入学校发起 / must be your own school"}])  # fmt: skip
    origin = organization(connection, row["enrolled_school_id"])
    row.update(origin_school_id=origin.id, origin_code=origin.code, class_id=None)
    place_columns(row, None)


def _present_grade(row: Row, on: date) -> int | None:
    for part in ("", "class_"):
        if row[f"{part}first_grade"] is not None:
            return grade_of(row[f"{part}first_grade"], row[f"{part}entered_year"], on)
    return None


def _starter(row: Row, actor: Actor) -> str:
    """The unit that the applicant plays: of two schools the destination first, of one school's units its own."""
    mine = [unit for unit, (id_, _) in row["units"].items() if id_ == actor.organization_id]
    if KINDS[row["kind"]].sides == "two":
        return "destination_school" if actor.organization_id == row["destination_school_id"] else "origin_school"
    return next((unit for unit in ("school", "bureau", "city_bureau", "province_bureau") if unit in mine), "school")


__all__ = ["MISS", "NewRequest", "draft_row", "find_student", "no_route"]
