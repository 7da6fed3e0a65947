"""Fetching data that were given out (取走对外提供的数据): once, by the unit that applied, and written down (N25-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from workflow_service.actors import Actor
from workflow_service.db import run_tx
from workflow_service.errors import Blocked, Forbidden, NotFound
from workflow_service.facts import gather
from workflow_service.models import AccessLog, ReleasedData

if TYPE_CHECKING:
    from workflow_service.service import Service


def fetch_release(service: Service, actor: Actor, request_id: int) -> tuple[str, str]:
    """(file name, CSV) of a completed release; afterwards its content is gone.

    Raises NotFound, Forbidden for whoever did not apply, Blocked for what was fetched before.
    """
    row, _plan, _facts = gather(service, request_id, actor)
    if row["kind"] != "data_release" or row["state"] != "completed":
        raise NotFound
    if actor.organization_id != row["applicant_id"] or "registrar" not in actor.roles:
        raise Forbidden("只有申请单位的学籍管理员可以取走数据 / only the applying unit's registrar fetches the data")
    entry = {
        "id": service.ids.new(row["bucket"]), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
        "account_id": actor.account_id, "action": "fetch_release", "object_id": request_id,
        "purpose": row["data"].get("release_purpose"), "detail": row["number"],
    }  # fmt: skip

    def take(connection: Connection) -> str:
        mine = ReleasedData.request_id == request_id, ReleasedData.fetched_at.is_(None)
        content = connection.execute(select(ReleasedData.content).where(*mine)).scalar()
        taken = connection.execute(
            update(ReleasedData).where(*mine)
            .values(content=None, fetched_at=service.clocks.legal(), fetched_by=actor.account_id))  # fmt: skip
        if content is None or taken.rowcount != 1:
            raise Blocked("数据已被取走一次；仍需要的请重新申请 / the data were fetched already; apply again if needed")
        connection.execute(insert(AccessLog), entry)
        return content

    return f"{row['number']}.csv", run_tx(service.engine, take)
