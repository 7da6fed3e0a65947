"""Whom a request may be about (可选学生): a school's own students, those admitted to it, and those who have left it,
or a closed school whose records it keeps; a bureau's are those who have left the closed schools that it keeps.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select

from states.calendar import grade_of
from workflow_service.archives import kept_by
from workflow_service.boxes import student_matches
from workflow_service.crypto import mask_number
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Enrolment, RegisterEntry, SchoolClass, Student
from workflow_service.service import Service

_CURRENT = and_(Enrolment.student_id == Student.id, Enrolment.ended_at.is_(None))


def candidates(
    service: Service, school_id: int, *, q: str = "", statuses: Collection[str] = (), limit: int = 20
) -> list[dict[str, Any]]:
    """Students of a school by name, pinyin or whole number; with `statuses` only those of these statuses."""
    query = _rows(school_id).where(_belongs_to(school_id))
    if q:
        query = query.where(student_matches(service, q))
    if statuses:
        query = query.where(Student.status.in_(sorted(statuses)))
    with reading(service.engine) as connection:
        rows = connection.execute(query.order_by(Student.pinyin, Student.id).limit(limit)).all()
        return [view for row in rows if (view := _view(service, connection, row, school_id)) is not None]


def candidate(service: Service, school_id: int, student_id: int) -> dict[str, Any]:
    """One of them by id. Raises NotFound."""
    with reading(service.engine) as connection:
        row = connection.execute(_rows(school_id).where(_belongs_to(school_id), Student.id == student_id)).one_or_none()
        view = None if row is None else _view(service, connection, row, school_id)
    if view is None:
        raise NotFound
    return view


def _admitted(school_id: int) -> Any:
    return exists().where(
        RegisterEntry.student_id == Student.id, RegisterEntry.school_id == school_id,
        RegisterEntry.section == "admission", RegisterEntry.ended_at.is_(None))  # fmt: skip


def _belongs_to(school_id: int) -> ColumnElement[bool]:
    """Enrolled here; or nowhere, and admitted here or enrolled here before (`_view` looks at which was the last)."""
    past = select(Enrolment.student_id).where(
        Enrolment.school_id.in_(kept_by(school_id)), Enrolment.ended_at.is_not(None)
    )
    elsewhere = and_(Enrolment.id.is_(None), or_(_admitted(school_id), Student.id.in_(past)))
    return or_(Enrolment.school_id == school_id, elsewhere)


def _rows(school_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Student.id, Student.name, Student.student_number, Student.status, Student.problem, Student.birth_date,
            Student.sex, Student.version, Enrolment.id.label("enrolment_id"), Enrolment.stage,
            SchoolClass.id.label("class_id"), SchoolClass.name.label("class_name"), SchoolClass.first_grade,
            SchoolClass.entered_year, _admitted(school_id).label("admitted"),
        )
        .outerjoin(Enrolment, _CURRENT)
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id)
    )  # fmt: skip


def _view(service: Service, connection: Connection, row: Any, school_id: int) -> dict[str, Any] | None:
    last = row if row.enrolment_id is not None else _last(connection, row.id)
    if last is not None and row.enrolment_id is None and not _keeps(connection, school_id, last.school_id):
        if not row.admitted:
            return None
        last = None  # the class of another school is none of this one's
    number = None
    if row.student_number is not None:
        number = mask_number(service.cipher.decrypt(row.student_number, "student.student_number"))
    today = service.clocks.now().date()
    return {
        "id": str(row.id), "name": row.name, "student_number": number, "status": row.status, "problem": row.problem,
        "version": row.version, "current": row.enrolment_id is not None, "stage": last.stage if last else None,
        "class": last.class_name if last else None, "class_id": str(last.class_id) if last else None,
        "grade": grade_of(last.first_grade, last.entered_year, today) if last else None,
    }  # fmt: skip


def _keeps(connection: Connection, organization_id: int, school_id: int) -> bool:
    """Whether these records are its own, or of a closed school that it keeps."""
    return school_id == organization_id or school_id in connection.execute(kept_by(organization_id)).scalars().all()


def _last(connection: Connection, student_id: int) -> Any:
    """The last enrolment of a student who has none now, None for who never had one."""
    return connection.execute(
        select(Enrolment.school_id, Enrolment.stage, Enrolment.class_id, SchoolClass.name.label("class_name"),
               SchoolClass.first_grade, SchoolClass.entered_year)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Enrolment.student_id == student_id).order_by(Enrolment.recorded_at.desc()).limit(1)
    ).one_or_none()  # fmt: skip
