"""What a bureau's registrar keeps in order (本局事务): schools, offices without anybody, hours of outage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, not_, or_, select

from workflow_service.actors import SUPERVISORS, Actor
from workflow_service.boxes import below
from workflow_service.db import reading
from workflow_service.models import Account, Organization, Outage, RequestParty
from workflow_service.models.columns import iso
from workflow_service.schools import last_marks
from workflow_service.service import Service

_NO_REGISTRAR = Organization.registrars == 0
_NO_PRINCIPAL = and_(Organization.kind == "school", not_(Organization.single_handed), Organization.principals == 0)
_EMPTY = or_(_NO_REGISTRAR, _NO_PRINCIPAL)
"""An office without an active account (空岗). A single-handed school needs no principal."""

_COLUMNS = (
    Organization.id, Organization.code, Organization.name, Organization.kind, Organization.stages,
    Organization.registrars, Organization.principals, Organization.single_handed, Organization.version,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WantedSchools:
    """What a list of schools asks for: `q` is part of a name or the start of a code."""

    q: str = ""
    single_handed: bool = False


def schools_page(
    service: Service, actor: Actor, wanted: WantedSchools, limit: int, after: str = ""
) -> tuple[list[dict[str, Any]], str | None]:
    """Schools under the bureau by code, after one; the code to go on after, None at the end.

    Each with its active registrars and principals, what waits for its principal, and who marked it last.
    """
    query = _schools(actor, wanted).where(Organization.code > after).order_by(Organization.code).limit(limit + 1)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        shown, ids = rows[:limit], [row.id for row in rows[:limit]]
        waiting, marks = _waiting(connection, ids), last_marks(connection, ids)
    return (
        [{**_organization(row), "single_handed": row.single_handed, "version": row.version,
          "waiting": waiting.get((row.id, "principal"), 0), "marked": marks.get(row.id)} for row in shown],
        rows[limit - 1].code if len(rows) > limit else None,
    )  # fmt: skip


def count_schools(service: Service, actor: Actor, wanted: WantedSchools) -> int:
    """How many schools `schools_page` lists in all."""
    with reading(service.engine) as connection:
        return connection.execute(select(func.count()).select_from(_schools(actor, wanted).subquery())).scalar_one()


def empty_offices(service: Service, actor: Actor) -> list[dict[str, Any]]:
    """Offices under the bureau without an active account (空岗), with the missing roles and what waits for them."""
    query = _under(actor, "school", *SUPERVISORS).where(_EMPTY).order_by(Organization.kind, Organization.code)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        waiting = _waiting(connection, [row.id for row in rows])
    return [{**_organization(row), "missing": _missing(row), "single_handed": row.single_handed,
             "waiting": sum(waiting.get((row.id, role), 0) for role in _missing(row))} for row in rows]  # fmt: skip


def outages_view(service: Service, actor: Actor, limit: int) -> list[dict[str, Any]]:
    """The newest declared hours of outage that touch the bureau: its own, those below it and those above it."""
    above = [actor.path[: end + 1] for end, character in enumerate(actor.path) if character == "/"]
    query = (
        select(Outage.id, Outage.starts_at, Outage.ends_at, Outage.reason, Outage.declared_at, Outage.path,
               Account.name.label("by"), Organization.name.label("organization"))
        .join(Account, Account.id == Outage.declared_by)
        .outerjoin(Organization, Organization.path == Outage.path)
        .where(or_(below(Outage.path, actor.path), Outage.path.in_(above)))
        .order_by(Outage.starts_at.desc(), Outage.id.desc())
        .limit(limit)
    )  # fmt: skip
    with reading(service.engine) as connection:
        return [
            {"id": str(row.id), "starts": iso(row.starts_at), "ends": iso(row.ends_at), "reason": row.reason,
             "minutes": (row.ends_at - row.starts_at) // 60_000_000, "organization": row.organization or row.path,
             "by": row.by, "declared": iso(row.declared_at)}
            for row in connection.execute(query)
        ]  # fmt: skip


def _schools(actor: Actor, wanted: WantedSchools) -> Select[*tuple[Any, ...]]:
    query = _under(actor, "school")
    if wanted.single_handed:
        query = query.where(Organization.single_handed)
    if wanted.q:
        named = Organization.name.contains(wanted.q, autoescape=True)
        query = query.where(or_(named, Organization.code.startswith(wanted.q, autoescape=True)))
    return query


def _under(actor: Actor, *kinds: str) -> Select[*tuple[Any, ...]]:
    """The organizations in scope that still exist, without the asker's own."""
    return select(*_COLUMNS).where(
        below(Organization.path, actor.path), Organization.id != actor.organization_id, Organization.kind.in_(kinds),
        Organization.active,
    )  # fmt: skip


def _waiting(connection: Connection, organization_ids: Sequence[int]) -> dict[tuple[int, str | None], int]:
    """How many requests each office holds just now: `{(organization, role): count}`."""
    query = (
        select(RequestParty.organization_id, RequestParty.role, func.count())
        .where(RequestParty.organization_id.in_(organization_ids), RequestParty.duty == "hold",
               RequestParty.to_at.is_(None))
        .group_by(RequestParty.organization_id, RequestParty.role)
    )  # fmt: skip
    return {(id_, role): count for id_, role, count in connection.execute(query)}


def _organization(row: Any) -> dict[str, Any]:
    return {"id": str(row.id), "code": row.code, "name": row.name, "kind": row.kind, "stages": row.stages,
            "registrars": row.registrars, "principals": row.principals}  # fmt: skip


def _missing(row: Any) -> list[str]:
    """The roles that nobody holds, of those that requests wait for."""
    wanted: Iterable[str] = ("registrar", "principal") if row.kind == "school" and not row.single_handed else (
        "registrar",)  # fmt: skip
    return [role for role in wanted if getattr(row, f"{role}s") == 0]
