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
        school = connection.execute(
            select(Organization.kind, Organization.path, Organization.single_handed, Organization.version)
            .where(Organization.id == school_id)
        ).one_or_none()  # fmt: skip
        if school is None or school.kind != "school" or not school.path.startswith(actor.path):
            raise NotFound
        check_registrar(actor)
        if school.version == version and school.single_handed == single_handed:
            return version
        written = connection.execute(
            update(Organization)
            .where(Organization.id == school_id, Organization.version == version)
            .values(single_handed=single_handed, version=version + 1)
        )
        if written.rowcount != 1:
            raise Stale(_current(connection, school_id))
        connection.execute(insert(AccessLog), {
            "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
            "account_id": actor.account_id, "action": ACTION, "object_id": school_id,
            "detail": "on" if single_handed else "off",
        })  # fmt: skip
        if key is not None:
            claim_key(connection, actor, key, school_id, service.clocks.real())
        return version + 1

    return run_tx(service.engine, write)


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
