"""Organizations as they are shown (机构): code, name, stage and town to any staff, policy and places in scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, select

from states.calendar import grade_of
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Organization, SchoolClass, SchoolStage
from workflow_service.routing import ancestors, policy_of
from workflow_service.service import Service

_SHOWN = (
    Organization.id, Organization.code, Organization.name, Organization.kind, Organization.level, Organization.path,
    Organization.parent_id, Organization.stages, Organization.schooling, Organization.town, Organization.active,
    Organization.division_code, Organization.single_handed, Organization.version, Organization.policy,
)  # fmt: skip
KINDS = ("school", "bureau", "outside")
"""What is shown as an organization; the system's own place is none."""


def names_of(connection: Connection, ids: Iterable[int | None]) -> dict[int, dict[str, Any]]:
    """`{id: {id, code, name}}`, as a request shows its schools and holders."""
    query = select(Organization.id, Organization.code, Organization.name).where(Organization.id.in_(set(ids) - {None}))
    return {row.id: {"id": str(row.id), "code": row.code, "name": row.name} for row in connection.execute(query)}


def organizations_page(
    service: Service, actor: Actor, *, code: str | None, kind: str | None, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Organizations by id, after one; the id to go on after, None at the end."""
    query = _shown(actor).where(Organization.id > after).order_by(Organization.id).limit(limit + 1)
    if code is not None:
        query = query.where(Organization.code == code)
    if kind is not None:
        query = query.where(Organization.kind == kind)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
    return [_view(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None


def find_organization(service: Service, actor: Actor, organization_id: int) -> Any:
    """One organization's row. Raises NotFound."""
    with reading(service.engine) as connection:
        found = connection.execute(_shown(actor).where(Organization.id == organization_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def organization_view(service: Service, actor: Actor, row: Any) -> dict[str, Any]:
    """One organization; `policy`, `places` and `classes` where it lies in the asker's scope."""
    shown = _view(row)
    if not row.path.startswith(actor.path):
        return shown
    today = service.clocks.now().date()
    with reading(service.engine) as connection:
        stages = connection.execute(
            select(SchoolStage.stage, SchoolStage.quota, SchoolStage.attending, SchoolStage.held)
            .where(SchoolStage.school_id == row.id)
            .order_by(SchoolStage.stage)
        ).all()
        classes = connection.execute(
            select(*SchoolClass.__table__.c)
            .where(SchoolClass.school_id == row.id)
            .order_by(SchoolClass.first_grade, SchoolClass.entered_year.desc(), SchoolClass.sequence)
        ).all()
        policy = policy_of(ancestors(connection, row))
    return {
        **shown,
        "policy": policy,
        "places": [dict(stage._mapping) for stage in stages],
        "classes": [
            {
                "id": str(each.id), "name": each.name, "stage": each.stage, "attending": each.attending,
                "held": each.held, "grade": grade_of(each.first_grade, each.entered_year, today),
            }
            for each in classes
            if grade_of(each.first_grade, each.entered_year, today) <= each.last_grade
        ],
    }  # fmt: skip


def _shown(actor: Actor) -> Select[*tuple[Any, ...]]:
    query = select(*_SHOWN)
    return query if actor.kind == "system" else query.where(Organization.kind.in_(KINDS))


def _view(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "code": row.code, "name": row.name, "kind": row.kind, "level": row.level,
        "parent_id": None if row.parent_id is None else str(row.parent_id),
        "stage": row.stages[0] if row.stages else None,
        "stages": row.stages, "schooling": row.schooling, "town": row.town, "division_code": row.division_code,
        "single_handed": row.single_handed, "active": row.active, "version": row.version,
    }  # fmt: skip
