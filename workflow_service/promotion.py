"""The roll of a school before the promotion (升级名单): whose promotion is recorded, and why not for all others.

Grades follow from cohort and school year (SYS-44), so nobody is moved one by one, and the class of who is left out
goes up as well; what must not happen is that somebody is left out of the recorded promotion unnoticed. The roll names
everyone on the register of the school, as it is now; a batch of promotions keeps who was left out, and why, when it
began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from states.calendar import grade_of, school_year
from states.facts import COMPULSORY
from states.student_status import STATUSES
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Enrolment, Organization, RegisterEntry, Request, SchoolClass, Student

if TYPE_CHECKING:
    from workflow_service.service import Service

STAGES = (*COMPULSORY, "senior")
"""Stages whose grades the national system promotes; a university registers each year instead (HE14-09)."""


@dataclass(frozen=True, slots=True)
class RollRow:
    """A student of the roll. `reason` is why he does not move, as a code with its words; None for who does.

    `recorded`: the promotion of this school year is in the record already.
    """

    student_id: int
    name: str
    school_class: str
    grade: int
    moves: bool
    recorded: bool = False
    reason: str | None = None
    label: str = ""
    label_en: str = ""


def promotion_roll(service: Service, actor: Actor, school_id: int) -> list[RollRow]:
    """Everyone on the register of a school in the actor's scope, by class and name. Raises NotFound."""
    today = service.clocks.now().date()
    year = school_year(today)
    open_request = (
        select(Request.number).where(Request.subject_id == Student.id, Request.open, Request.lock_group == "status")
        .limit(1).scalar_subquery())  # fmt: skip
    promoted = (
        select(RegisterEntry.id).where(
            RegisterEntry.student_id == Student.id, RegisterEntry.section == "promotion",
            RegisterEntry.valid_from > date(year, 8, 11))
        .limit(1).scalar_subquery())  # fmt: skip
    query = (
        select(Student.id, Student.name, Student.status, SchoolClass.name.label("class_name"), SchoolClass.stage,
               SchoolClass.first_grade, SchoolClass.last_grade, SchoolClass.entered_year,
               open_request.label("open_request"), promoted.label("promoted"))
        .join(Enrolment, and_(Enrolment.student_id == Student.id, Enrolment.ended_at.is_(None)))
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Organization, Organization.id == Enrolment.school_id)
        .where(Enrolment.school_id == school_id, SchoolClass.stage.in_(STAGES),
               Organization.path.startswith(actor.path, autoescape=True))
        .order_by(SchoolClass.entered_year.desc(), SchoolClass.sequence, Student.name, Student.id))  # fmt: skip
    with reading(service.engine) as connection:
        if connection.execute(
            select(Organization.id).where(
                Organization.id == school_id, Organization.path.startswith(actor.path, autoescape=True))
        ).first() is None:  # fmt: skip
            raise NotFound
        return [_row(row, grade_of(row.first_grade, row.entered_year, today)) for row in connection.execute(query)]


def staying(service: Service, actor: Actor) -> list[dict[str, Any]]:
    """Whom the promotion of the actor's own school leaves out, as a batch keeps it: by id, so that no name is copied.

    [{"student": id, "grade": 1-12, "class": name, "reason": code, "label": zh, "label_en": en}], in order of the roll.
    """
    return [
        {"student": str(row.student_id), "grade": row.grade, "class": row.school_class, "reason": row.reason,
         "label": row.label, "label_en": row.label_en}
        for row in promotion_roll(service, actor, actor.organization_id) if not row.moves
    ]  # fmt: skip


def _row(row: Any, grade: int) -> RollRow:
    reason, label, label_en = _reason(row, grade)
    return RollRow(row.id, row.name, row.class_name, grade, reason is None, row.promoted is not None, reason, label,
                   label_en)  # fmt: skip


def _reason(row: Any, grade: int) -> tuple[str | None, str, str]:
    """Why a student does not move; (None, "", "") for who does. The record says it, nobody has to write it down."""
    status = STATUSES[row.status]
    if not status.in_school:
        return row.status, f"学籍状态为{status.label}", f"The status is {status.label_en}."
    if grade >= row.last_grade:
        return "graduating", "毕业年级，办理毕业", "In the last grade: to graduate."
    if row.open_request is not None:
        return "open_request", f"有在办业务 {row.open_request}", f"Request {row.open_request} is open."
    return None, "", ""
