"""Students as they are shown (学生): numbers masked, in the scope of the current enrolment's school."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, literal, or_, select, tuple_
from sqlalchemy.orm import aliased

from states.calendar import grade_of, school_year
from states.student_status import StudentStatus
from workflow_service.actors import Actor
from workflow_service.archives import kept_by
from workflow_service.boxes import BadCursor, below, student_matches, two_ids
from workflow_service.crypto import mask_number
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Enrolment, Organization, RegisterEntry, Request, SchoolClass, Student
from workflow_service.service import Service
from workflow_service.sql import query
from workflow_service.views.student_time import student_history

STATUS_LABELS = {state.id: state.name for state in StudentStatus.states}
"""Chinese label of every status."""


@dataclass(frozen=True, slots=True)
class WantedStudents:
    """What a list of students asks for; None does not restrict. `grade`: of `states.vocabulary.GRADES`."""

    q: str | None = None
    school_id: int | None = None
    status: str | None = None
    grade: int | None = None
    stage: str | None = None


def list_students(
    service: Service, actor: Actor, wanted: WantedStudents, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Students in scope, school by school, and the cursor of the next page (None at the end). Raises BadCursor.

    In the order of the schools' places in the tree whatever lies below a bureau is read from where it begins; by their
    ids alone the students of one county would have to be looked for among everybody's.
    """
    today = service.clocks.now().date()
    path, student = (actor.path, 0) if cursor is None else place_of_cursor(service, cursor)
    # Its value, not a subquery: only by a value does the planner see how many schools are still to come.
    behind = and_(Organization.path >= path, tuple_(Organization.path, Enrolment.student_id) > tuple_(path, student))
    chosen = _enrolments(wanted).where(behind, *_predicates(service, actor, wanted, today))
    order = (Organization.path, Enrolment.student_id)
    # A school's students are sorted before they are read: what else is shown is looked up for one page alone.
    page = chosen.order_by(*order).limit(limit + 1).subquery()
    shown_rows = _rows().where(Enrolment.id.in_(select(page.c.id))).order_by(*order)
    with reading(service.engine) as connection:
        rows = connection.execute(shown_rows).all()
    shown = [_view(service, row, today) for row in rows[:limit]]
    return shown, f"{rows[limit - 1].school_id}-{rows[limit - 1].id}" if len(rows) > limit else None


def place_of_cursor(service: Service, cursor: str) -> tuple[str, int]:
    """Path of the school and id of the student behind whom a page begins. Raises BadCursor."""
    school, student = two_ids(cursor)
    found = _PATH.one(service.hot, {"id": school})
    if found is None:
        raise BadCursor(cursor)
    return found[0], student


_PATH = query("SELECT path FROM organization WHERE id = :id")


def _enrolments(wanted: WantedStudents) -> Select[int]:
    """Ids of current enrolments, joined with what the filters look at and no more."""
    chosen = (
        select(Enrolment.id)
        .join(Organization, Organization.id == Enrolment.school_id)
        .where(Enrolment.ended_at.is_(None))
    )
    if wanted.q or wanted.status is not None:
        chosen = chosen.join(Student, Student.id == Enrolment.student_id)
    if wanted.grade is not None:
        chosen = chosen.join(SchoolClass, SchoolClass.id == Enrolment.class_id)
    return chosen


def find_student(service: Service, actor: Actor, student_id: int) -> Any:
    """One student's row in scope, with the profile. Raises NotFound."""
    with reading(service.engine) as connection:
        found = connection.execute(
            _rows().add_columns(Student.profile).where(_in_scope(actor), Student.id == student_id)
        ).one_or_none()
        if found is None:
            found = connection.execute(
                _rows_without()
                .add_columns(Student.profile)
                .where(_in_scope_or_kept(actor), Student.id == student_id)
                .limit(1)
            ).one_or_none()
    if found is None:
        raise NotFound
    return found


def student_view(service: Service, row: Any, *, whole_number: bool = False) -> dict[str, Any]:
    """One student. `whole_number` shows the student number unmasked: the caller logs that first."""
    with reading(service.engine) as connection:
        open_request = connection.execute(
            select(Request.id, Request.number, Request.kind, Request.state)
            .where(Request.student_id == row.id, Request.open)
            .order_by(Request.submitted_at)
            .limit(1)
        ).one_or_none()
    shown = _view(service, row, service.clocks.now().date())
    if whole_number:
        shown["student_number"] = _number(service, row)
    shown["open_request"] = None if open_request is None else {
        "id": str(open_request.id), "number": open_request.number, "kind": open_request.kind,
        "state": open_request.state,
    }  # fmt: skip
    return shown


def _predicates(service: Service, actor: Actor, wanted: WantedStudents, today: date) -> list[ColumnElement[bool]]:
    found = [_in_scope(actor)]
    if wanted.q:
        found.append(student_matches(service, wanted.q))
    if wanted.school_id is not None:
        found.append(Enrolment.school_id == wanted.school_id)
    if wanted.status is not None:
        found.append(Student.status == wanted.status)
    if wanted.stage is not None:
        found.append(Enrolment.stage == wanted.stage)
    if wanted.grade is not None:
        found.append(SchoolClass.first_grade - SchoolClass.entered_year == wanted.grade - school_year(today))
    return found


def _in_scope(actor: Actor) -> ColumnElement[bool]:
    if not actor.works_on_requests:
        return false()
    return below(Organization.path, actor.path)


def _in_scope_or_kept(actor: Actor) -> ColumnElement[bool]:
    """Whoever keeps the records of a closed school sees those who left it (N13-12)."""
    kept = Organization.id.in_(kept_by(actor.organization_id))
    return or_(_in_scope(actor), kept) if actor.works_on_requests else false()


_COLUMNS = (
    Student.id, Student.name, Student.student_number, Student.status, Student.problem, Student.version,
    Student.birth_date, Student.sex, Student.local_code, SchoolClass.code.label("class_code"), Enrolment.stage,
    Enrolment.valid_from, Enrolment.ended_at, Enrolment.class_id,
    Organization.id.label("school_id"), Organization.code.label("school_code"),
    Organization.name.label("school_name"), SchoolClass.name.label("class_name"), SchoolClass.first_grade,
    SchoolClass.entered_year,
)  # fmt: skip


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(*_COLUMNS, literal(False).label("admitted"))
        .join(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
        .join(Organization, Organization.id == Enrolment.school_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
    )


def _rows_without() -> Select[*tuple[Any, ...]]:
    """Who is enrolled nowhere now: the last school still issues the papers, before that it is the admitting one."""
    now, last = aliased(Enrolment), aliased(Enrolment)
    current = select(now.id).where(now.student_id == Student.id, now.ended_at.is_(None)).exists()
    newest = (
        select(last.id)
        .where(last.student_id == Student.id)
        .order_by(last.recorded_at.desc())
        .limit(1)
        .correlate(Student)
    )
    admitted = and_(
        RegisterEntry.student_id == Student.id, RegisterEntry.section == "admission", RegisterEntry.ended_at.is_(None)
    )
    return (
        select(*_COLUMNS, (Organization.id == RegisterEntry.school_id).label("admitted"))
        .select_from(Student)
        .outerjoin(Enrolment, Enrolment.id == newest.scalar_subquery())
        .outerjoin(RegisterEntry, admitted)
        .join(Organization, or_(Organization.id == Enrolment.school_id, Organization.id == RegisterEntry.school_id))
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(~current)
    )


def _view(service: Service, row: Any, today: date) -> dict[str, Any]:
    number = _number(service, row)
    return {
        "id": str(row.id), "name": row.name, "student_number": None if number is None else mask_number(number),
        "status": row.status, "status_label": STATUS_LABELS.get(row.status, row.status), "problem": row.problem,
        "school": {"id": str(row.school_id), "code": row.school_code, "name": row.school_name},
        "class": row.class_name, "class_id": None if row.class_id is None else str(row.class_id), "stage": row.stage,
        "grade": None if row.first_grade is None else grade_of(row.first_grade, row.entered_year, today),
        "local_code": row.local_code, "class_code": row.class_code, "version": row.version,
    }  # fmt: skip


def _number(service: Service, row: Any) -> str | None:
    if row.student_number is None:
        return None
    return service.cipher.decrypt(row.student_number, "student.student_number")


__all__ = [
    "STATUS_LABELS", "WantedStudents", "find_student", "list_students", "place_of_cursor", "student_history",
    "student_view",
]  # fmt: skip
