"""The trail of one object with its chain (留痕), to those who may see the object."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from workflow_service.actors import Actor
from workflow_service.db import chain_hash, reading
from workflow_service.errors import NotFound
from workflow_service.facts import gather
from workflow_service.models import History
from workflow_service.service import Service
from workflow_service.views.requests import history_views
from workflow_service.views.students import find_student


def trail_view(service: Service, actor: Actor, object_id: int) -> list[dict[str, Any]]:
    """Every event with its hash; `chained` is whether it follows from the one before. Raises NotFound."""
    query = (
        select(History.object_type, History.seq, History.payload, History.hash)
        .where(History.object_id == object_id)
        .order_by(History.seq)
    )
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        if not rows:
            raise NotFound
        plan = None
        if rows[0].object_type == "student":
            find_student(service, actor, object_id)
        else:
            _row, plan, _facts = gather(service, object_id, actor)
        shown = history_views(connection, plan, object_id)
    previous = b""
    for event, row in zip(shown, rows, strict=True):
        event["hash"], event["chained"] = row.hash.hex(), chain_hash(previous, row.payload) == row.hash
        previous = row.hash
    return shown
