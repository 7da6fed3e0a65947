"""Facts of admissions that are asked once, before submit (入学事实): who has a record already, and what was left.

Like `workflow_service.record_facts`, they stand in no column of a stored request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, select

from states.kinds import KINDS
from states.likeness import Person as Compared
from workflow_service.duplicates import like
from workflow_service.duplicates.finding import kind_of
from workflow_service.duplicates.people import people, sound_of
from workflow_service.models import Enrolment, SchoolClass, Student

if TYPE_CHECKING:
    from workflow_service.newcomers import Person
    from workflow_service.service import Service

Row = dict[str, Any]


class Left(NamedTuple):
    """The school that a student without enrolment has left, the stage there, and the stage's last grade."""

    school_id: int
    stage: str
    last_grade: int


def left_school(connection: Connection, row: Row) -> Left | None:
    """What a leaver has left, for the kinds that carry a record on; None for everybody else."""
    if row["kind"] != "stage_promotion" or row["student_id"] is None:
        return None
    found = connection.execute(
        select(Enrolment.school_id, Enrolment.stage, SchoolClass.last_grade)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Enrolment.student_id == row["student_id"], Enrolment.ended_at.is_not(None))
        .order_by(Enrolment.recorded_at.desc()).limit(1)).one_or_none()  # fmt: skip
    return Left(*found) if found else None


def admission_facts(service: Service, connection: Connection, row: Row, left: Left | None) -> Row:
    """What the checks of admission ask at submit besides the gathered row; {} for all other kinds."""
    found: Row = {"left_last_grade": left.last_grade} if left else {}
    if KINDS[row["kind"]].numbers and row["number_hash"] is None and row["student_id"] is not None:
        found["duplicate"] = has_double(service, connection, row["student_id"], row.get("person"))
    return found


def has_double(service: Service, connection: Connection, student_id: int, person: Person | None) -> bool:
    """Whether somebody else has the same identity number, or differs by a slip of it (NUM-08, N13-05).

    `person`: who is not stored yet. A name alone stops nobody here: such pairs are for people, in the queue.
    """
    if person is not None:
        compared = Compared(
            person.name, sound_of(person.name), person.sex, person.birth_date, person.identity_number
        )  # fmt: skip
    else:
        compared = people(connection, service, [student_id], guardians=False)[student_id]
    if compared.identity_number is None:
        return False
    hashes = service.hashes.candidates("identity_number", compared.identity_number)
    same = select(Student.id).where(Student.identity_hash.in_(hashes), Student.id != student_id).limit(1)
    if connection.execute(same).first() is not None:
        return True
    return any(kind_of(one.reasons) == "same_number" for one in like(connection, service, compared, student_id))
