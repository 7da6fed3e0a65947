"""Newcomers who are neither registered nor deferred (未注册也未延期的新生, BJ-11): whom school and bureau urge to come.

In the compulsory stages the school urges, then the township or street office orders the guardians; of later stages
whoever does not come gives the admission up, save for force majeure. People decide that, the service only lists.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, select, tuple_

from states.facts import COMPULSORY
from workflow_service.actors import Actor
from workflow_service.boxes import MANY, below
from workflow_service.crypto import mask_number
from workflow_service.db import reading
from workflow_service.models import Organization, RegisterEntry, Request, Student
from workflow_service.schooling import stage_of
from workflow_service.service import Service
from workflow_service.views.students import place_of_cursor

UNREGISTERED: Final = ("pending_registration", "graduated")
"""Statuses of who is admitted and does not attend yet: a newcomer of the first stage, a leaver who goes on (NJ-04)."""


def list_newcomers(
    service: Service, actor: Actor, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Unregistered newcomers in scope, school by school, and the cursor of the next page (None at the end).

    Whom two schools admitted stands at both (SYS-36). Raises BadCursor.
    """
    path, student = (actor.path, 0) if cursor is None else place_of_cursor(service, cursor)
    behind = and_(Organization.path >= path, tuple_(Organization.path, Student.id) > tuple_(path, student))
    order = (Organization.path, Student.id)
    query = _admitted(select(*_COLUMNS)).where(_in_scope(actor), behind).order_by(*order).limit(limit + 1)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        under_way = _under_way(connection, [row.id for row in rows]) if rows else {}
    following = f"{rows[limit - 1].school_id}-{rows[limit - 1].id}" if len(rows) > limit else None
    return [_view(service, row, under_way.get(row.id)) for row in rows[:limit]], following


def count_newcomers(service: Service, actor: Actor) -> int:
    """How many `list_newcomers` would give in all; counted up to `MANY`."""
    counted = _admitted(select(Student.id)).where(_in_scope(actor)).limit(MANY).subquery()
    with reading(service.engine) as connection:
        return connection.execute(select(func.count()).select_from(counted)).scalar_one()


def _under_way(connection: Connection, students: list[int]) -> dict[int, Any]:
    """The open request of each of them, by student."""
    query = select(Request.student_id, Request.id, Request.number, Request.kind, Request.state).where(
        Request.student_id.in_(students), Request.open
    )
    return {row.student_id: row for row in connection.execute(query)}


_COLUMNS = (
    Student.id, Student.name, Student.student_number, Student.birth_date, Student.status, RegisterEntry.data,
    RegisterEntry.valid_from, Organization.id.label("school_id"), Organization.code.label("school_code"),
    Organization.name.label("school_name"), Organization.schooling,
)  # fmt: skip


def _admitted(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.select_from(Organization)
        .join(
            RegisterEntry,
            and_(
                RegisterEntry.school_id == Organization.id, RegisterEntry.section == "admission",
                RegisterEntry.ended_at.is_(None),
            ),
        )
        .join(Student, and_(Student.id == RegisterEntry.student_id, Student.status.in_(UNREGISTERED)))
    )  # fmt: skip


def _in_scope(actor: Actor) -> ColumnElement[bool]:
    return below(Organization.path, actor.path) if actor.works_on_requests else false()


def _view(service: Service, row: Any, under_way: Any) -> dict[str, Any]:
    number = row.student_number and service.cipher.decrypt(row.student_number, "student.student_number")
    grade = row.data.get("grade")
    stage = None if grade is None else stage_of(row.schooling, grade)
    return {
        "id": str(row.id), "name": row.name, "student_number": mask_number(number) if number else None,
        "birth_date": row.birth_date.isoformat(), "status": row.status,
        "school": {"id": str(row.school_id), "code": row.school_code, "name": row.school_name},
        "grade": grade, "stage": stage and stage.name, "compulsory": stage and stage.name in COMPULSORY,
        "admitted_on": row.valid_from.isoformat(),
        "open_request": under_way and {
            "id": str(under_way.id), "number": under_way.number, "kind": under_way.kind, "state": under_way.state,
        },
    }  # fmt: skip
