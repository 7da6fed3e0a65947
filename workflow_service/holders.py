"""Holders that are no bureaus (主管单位为其他单位, ZJ-06): a farm, an enterprise, a university that manages schools.

A holder stands in the tree like a bureau and does what one does for its schools: it supervises their stages, decides
their requests and asks for their founding. It lies below the bureau of its area, which sees what it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from workflow_service.db import run_tx
from workflow_service.errors import Invalid, NotFound
from workflow_service.models import Organization

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from workflow_service.service import Service


def add_holder(service: Service, *, code: str, name: str, above: str, policy: str | None = None) -> int:
    """Put a holder below the bureau with the code `above`; its id. `policy`: the pack that its schools follow.

    Raises NotFound for an unknown bureau, `Invalid` for a code that another organization has.
    """

    def write(connection: Connection) -> int:
        bureau = connection.execute(
            select(Organization.__table__).where(Organization.code == above, Organization.kind == "bureau")
        ).one_or_none()
        if bureau is None:
            raise NotFound(f"no bureau {above}")
        if connection.execute(select(Organization.id).where(Organization.code == code)).first() is not None:
            raise Invalid([{"field": "code", "message": "代码已被使用 / another organization has this code"}])
        id_ = service.ids.new_subject()
        connection.execute(insert(Organization), {
            "id": id_, "code": code, "name": name, "kind": "holder", "level": bureau.level, "parent_id": bureau.id,
            "path": f"{bureau.path}{code}/", "division_code": bureau.division_code, "policy": policy,
        })  # fmt: skip
        return id_

    return run_tx(service.engine, write)
