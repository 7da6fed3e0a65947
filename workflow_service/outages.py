"""Hours of outage (停机登记): declared by a bureau with a reason; a window's close moves by them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert

from workflow_service.actors import Actor
from workflow_service.db import run_tx
from workflow_service.errors import Forbidden, Invalid
from workflow_service.keys import Key, claim_key
from workflow_service.models import AccessLog, Outage
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.schools import is_bureau_registrar

if TYPE_CHECKING:
    from workflow_service.service import Service

LONGEST = timedelta(days=14)
"""A declaration cannot be taken back, and a mistyped year would hold a window open for a year; more takes several."""


def declare_outage(
    service: Service, actor: Actor, starts: datetime, ends: datetime, reason: str, key: Key | None = None
) -> int:
    """Declare that nobody below the actor's bureau could reach the service from `starts` to `ends`; the row's id.

    Only hours that have passed, at most `LONGEST`, by a bureau's registrar, with a reason: a window that is still open
    closes later by them, one that has closed opens again for as long. Raises Forbidden, `Invalid`.
    """
    if not is_bureau_registrar(actor):
        raise Forbidden("停机由教育局学籍管理员登记 / only a bureau's registrar declares an outage")
    now = service.clocks.legal()
    errors = []
    if starts.tzinfo is None or ends.tzinfo is None:
        errors.append({"field": "starts", "message": "时间须带时区 / an instant needs an offset"})
    elif starts >= ends:
        errors.append({"field": "ends", "message": "须晚于开始时间 / must be later than the start"})
    elif to_micros(ends) > now:
        message = f"只登记已经结束的停机，现在是 {from_micros(now):%Y-%m-%d %H:%M} / only hours that are over"
        errors.append({"field": "ends", "message": message})
    elif ends - starts > LONGEST:
        message = f"一次最多 {LONGEST.days} 天，更长的请分次登记 / at most {LONGEST.days} days; declare more in parts"
        errors.append({"field": "ends", "message": message})
    if not reason.strip():
        errors.append({"field": "reason", "message": "须写明原因 / a reason is needed"})
    if errors:
        raise Invalid(errors)
    id_ = service.ids.new_subject()
    row = {
        "id": id_, "path": actor.path, "starts_at": to_micros(starts), "ends_at": to_micros(ends),
        "reason": reason.strip(), "declared_by": actor.account_id, "declared_at": now,
    }  # fmt: skip
    access = {
        "id": service.ids.new_subject(), "at": now, "recorded_at": service.clocks.real(),
        "account_id": actor.account_id, "action": "declare_outage", "object_id": id_, "purpose": reason.strip(),
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(Outage), row)
        connection.execute(insert(AccessLog), access)
        if key is not None:
            claim_key(connection, actor, key, id_, service.clocks.real())

    run_tx(service.engine, write)
    service.calendars.current()  # Read anew: the window that is shown next has moved already.
    return id_
