"""Schools as their bureau keeps them (学校管理): whether one is single-handed (一人校), with nobody for a second look.

A single-handed school has no principal's step of its own (four eyes is about persons): on every request that is
submitted from then on, its bureau's decision stands in its place, and the request shows it. A request that is under
way keeps the route it was submitted with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from workflow_service.actors import Actor
from workflow_service.db import run_tx
from workflow_service.errors import Forbidden, NotFound, Stale
from workflow_service.keys import Key, claim_key
from workflow_service.models import AccessLog, Account, Organization
from workflow_service.models.columns import iso

if TYPE_CHECKING:
    from workflow_service.service import Service

ACTION = "mark_single_handed"


def mark_single_handed(
    service: Service, actor: Actor, school_id: int, single_handed: bool, version: int, key: Key | None = None
) -> int:
    """Mark a school single-handed, or an ordinary school again; the organization's version afterwards.

    Only by a registrar of a bureau above it, who names the version he saw. What is so already stays as it is, without
    a trace. Raises NotFound outside the actor's scope, Forbidden, Stale.
    """

    def write(connection: Connection) -> int:
        school = _below(connection, actor, school_id, "school")
        check_registrar(actor)
        if school.version == version and school.single_handed == single_handed:
            return version
        _mark(service, connection, actor, school_id, version, ACTION, {"single_handed": single_handed})
        if key is not None:
            claim_key(connection, actor, key, school_id, service.clocks.real())
        return version + 1

    return run_tx(service.engine, write)


def mark_city_powers(service: Service, actor: Actor, bureau_id: int, city_powers: bool, version: int) -> int:
    """Give a county's bureau the powers of a city's (扩权县, HN08-04), or take them back; its version afterwards.

    Only by a registrar of the province: what the county decides then no longer goes to the city. It holds for what is
    submitted from then on. Raises NotFound outside the actor's scope, Forbidden, Stale.
    """

    def write(connection: Connection) -> int:
        bureau = _below(connection, actor, bureau_id, "bureau")
        if not is_bureau_registrar(actor) or actor.level != "province" or bureau.level != "county":
            raise Forbidden("扩权县由省级学籍管理员设定 / the province's registrar gives a county a city's powers")
        if bureau.version == version and bureau.city_powers == city_powers:
            return version
        _mark(service, connection, actor, bureau_id, version, "mark_city_powers", {"city_powers": city_powers})
        return version + 1

    return run_tx(service.engine, write)


def _below(connection: Connection, actor: Actor, organization_id: int, kind: str) -> Any:
    """The organization of this kind in the actor's scope. Raises NotFound."""
    columns = (Organization.kind, Organization.level, Organization.path, Organization.single_handed,
               Organization.city_powers, Organization.version)  # fmt: skip
    found = connection.execute(select(*columns).where(Organization.id == organization_id)).one_or_none()
    if found is None or found.kind != kind or not found.path.startswith(actor.path):
        raise NotFound
    return found


def _mark(service: Service, connection: Connection, actor: Actor, organization_id: int, version: int, action: str,
          mark: dict[str, bool]) -> None:  # fmt: skip
    """Write one mark of an organization, and who made it. Raises Stale where it has moved on."""
    written = connection.execute(
        update(Organization)
        .where(Organization.id == organization_id, Organization.version == version)
        .values(**mark, version=version + 1)
    )
    if written.rowcount != 1:
        raise Stale(_current(connection, organization_id))
    [on] = mark.values()
    connection.execute(insert(AccessLog), {
        "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
        "account_id": actor.account_id, "action": action, "object_id": organization_id, "detail": "on" if on else "off",
    })  # fmt: skip


def check_registrar(actor: Actor) -> None:
    """The affairs of a bureau are its registrar's. Raises Forbidden for everybody else."""
    if not is_bureau_registrar(actor):
        raise Forbidden("由上级教育局学籍管理员办理 / only the registrar of a bureau above does this")


def is_bureau_registrar(actor: Actor) -> bool:
    """Whether the actor keeps the affairs of a bureau (教育局学籍管理员)."""
    return actor.supervises and "registrar" in actor.roles


def last_marks(connection: Connection, school_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Who marked these schools last: `{school: {at, by, organization}}`; without those that nobody ever marked."""
    rows = connection.execute(
        select(AccessLog.object_id, AccessLog.at, Account.name, Organization.name.label("organization"))
        .join(Account, Account.id == AccessLog.account_id)
        .join(Organization, Organization.id == Account.organization_id)
        .where(AccessLog.action == ACTION, AccessLog.object_id.in_(list(school_ids)))
        .order_by(AccessLog.at, AccessLog.recorded_at)
    )
    return {r.object_id: {"at": iso(r.at), "by": r.name, "organization": r.organization} for r in rows}


def _current(connection: Connection, school_id: int) -> dict[str, Any]:
    """What stands now, for whoever named an older version."""
    columns = (Organization.version, Organization.single_handed)
    now = connection.execute(select(*columns).where(Organization.id == school_id)).one()
    mark = last_marks(connection, [school_id]).get(school_id)
    return {
        "version": now.version, "single_handed": now.single_handed, "at": mark["at"] if mark else None,
        "decided_by": {"name": mark["by"], "organization": mark["organization"]} if mark else None,
    }  # fmt: skip
