"""Organizations as they are shown (机构): code, name, stage and town to any staff, policy and places in scope."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, select

from states.calendar import grade_of
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Organization, SchoolClass, SchoolStage
from workflow_service.service import Service
from workflow_service.sql import Query, raw

_SHOWN = (
    Organization.id, Organization.code, Organization.name, Organization.kind, Organization.level, Organization.path,
    Organization.parent_id, Organization.stages, Organization.schooling, Organization.town, Organization.active,
    Organization.division_code, Organization.single_handed, Organization.city_powers, Organization.version,
    Organization.policy,
)  # fmt: skip
DEFAULT_POLICY = "national-k12"
"""The pack of an organization that names none, and has none above it that does."""

KINDS = ("school", "bureau", "holder", "outside")
"""What is shown as an organization; the system's own place is none."""


def names_of(connection: Connection, ids: Iterable[int | None]) -> dict[int, dict[str, Any]]:
    """`{id: {id, code, name}}`, as a request shows its schools and holders."""
    listed = ",".join(str(id_) for id_ in sorted({id_ for id_ in ids if id_ is not None}))
    many = f"[{listed}]" if connection.dialect.name == "sqlite" else f"{{{listed}}}"
    rows = _NAMES.all(connection, {"ids": many})
    return {id_: {"id": str(id_), "code": code, "name": name} for id_, code, name in rows}


_NAMES = Query(
    "SELECT id, code, name FROM organization WHERE id IN (SELECT value FROM json_each(:ids))",
    raw("SELECT id, code, name FROM organization WHERE id = ANY(CAST(:ids AS bigint[]))"),
)


def organizations_page(
    service: Service, actor: Actor, *, code: str | None, kind: str | None, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Organizations by id, after one, those in scope with policy and places; the id to go on after, None at the end."""
    query = _shown(actor).where(Organization.id > after).order_by(Organization.id).limit(limit + 1)
    if code is not None:
        query = query.where(Organization.code == code)
    if kind is not None:
        query = query.where(Organization.kind == kind)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        shown = _views(service, connection, actor, rows[:limit])
    return shown, rows[limit - 1].id if len(rows) > limit else None


def find_organization(service: Service, actor: Actor, organization_id: int) -> Any:
    """One organization's row. Raises NotFound."""
    with reading(service.engine) as connection:
        found = connection.execute(_shown(actor).where(Organization.id == organization_id)).one_or_none()
    if found is None:
        raise NotFound
    return found


def organization_coded(service: Service, actor: Actor, code: str) -> Any:
    """The row of the organization with a code, None where there is none."""
    with reading(service.engine) as connection:
        return connection.execute(_shown(actor).where(Organization.code == code)).one_or_none()


def organization_view(service: Service, actor: Actor, row: Any) -> dict[str, Any]:
    """One organization; `policy`, `places` and `classes` where it lies in the asker's scope."""
    with reading(service.engine) as connection:
        return _views(service, connection, actor, [row])[0]


def _views(service: Service, connection: Connection, actor: Actor, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """The organizations; what only those in scope show is read for all of them at once."""
    shown = [_view(row) for row in rows]
    inside = {row.id: view for row, view in zip(rows, shown, strict=True) if row.path.startswith(actor.path)}
    if not inside:
        return shown
    policies = _policies(connection)
    for row in rows:
        if row.id in inside:
            above = (row.path[: end + 1] for end in range(len(row.path) - 1, 0, -1) if row.path[end] == "/")
            policy = next((policies[path] for path in above if path in policies), DEFAULT_POLICY)
            inside[row.id].update(policy=policy, places=[], classes=[])
    _add_places(connection, inside)
    _add_classes(connection, inside, service.clocks.now().date())
    return shown


def _policies(connection: Connection) -> dict[str, str]:
    """The packs that organizations name themselves, by path."""
    query = select(Organization.path, Organization.policy).where(Organization.policy.is_not(None))
    return {row.path: row.policy for row in connection.execute(query)}


def _add_places(connection: Connection, shown: dict[int, dict[str, Any]]) -> None:
    columns = (SchoolStage.school_id, SchoolStage.stage, SchoolStage.quota, SchoolStage.attending, SchoolStage.held)
    query = select(*columns).where(SchoolStage.school_id.in_(shown)).order_by(SchoolStage.stage)
    for row in connection.execute(query):
        place = {"stage": row.stage, "quota": row.quota, "attending": row.attending, "held": row.held}
        shown[row.school_id]["places"].append(place)


def _add_classes(connection: Connection, shown: dict[int, dict[str, Any]], today: date) -> None:
    """The classes that have not left yet, by grade."""
    query = (
        select(*SchoolClass.__table__.c)
        .where(SchoolClass.school_id.in_(shown))
        .order_by(SchoolClass.first_grade, SchoolClass.entered_year.desc(), SchoolClass.sequence)
    )
    for row in connection.execute(query):
        grade = grade_of(row.first_grade, row.entered_year, today)
        if grade <= row.last_grade:
            shown[row.school_id]["classes"].append({
                "id": str(row.id), "name": row.name, "stage": row.stage, "grade": grade, "attending": row.attending,
                "held": row.held, "programme": row.programme,
            })  # fmt: skip


def _shown(actor: Actor) -> Select[*tuple[Any, ...]]:
    query = select(*_SHOWN)
    return query if actor.kind == "system" else query.where(Organization.kind.in_(KINDS))


def _view(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "code": row.code, "name": row.name, "kind": row.kind, "level": row.level,
        "parent_id": None if row.parent_id is None else str(row.parent_id),
        "stage": row.stages[0] if row.stages else None,
        "stages": row.stages, "schooling": row.schooling, "town": row.town, "division_code": row.division_code,
        "single_handed": row.single_handed, "city_powers": row.city_powers, "active": row.active,
        "version": row.version,
    }  # fmt: skip
