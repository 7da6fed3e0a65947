"""What follows a completion (办结后续): done at once after the commit, and by the sweeps where that failed.

The request is completed whatever happens here: a failure is logged, never answered, or whoever completed it would be
told that he did not. `sweeps.closing` finds requests that were left open by their student's state, `sweeps.following`
finds the rest by the row that the completion wrote.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete

from workflow_service.completion import AFTERWARDS, FOLLOW_UPS
from workflow_service.db import run_tx
from workflow_service.models import FollowUp

if TYPE_CHECKING:
    from workflow_service.actors import Actor
    from workflow_service.facts import Row
    from workflow_service.service import Service

log = logging.getLogger(__name__)


def follow(service: Service, row: Row, actor: Actor | None) -> None:
    """Do what follows the completion of the request in `row`. Raises nothing: what fails is left to the sweeps."""
    kind = row["kind"]
    if kind not in AFTERWARDS and kind not in FOLLOW_UPS:
        return
    try:
        if kind in FOLLOW_UPS:
            follow_up(service, row, actor)
        if kind in AFTERWARDS:
            AFTERWARDS[kind](service, row, actor)
    except Exception:
        log.exception("what follows the completion of request %s (%s) waits for the sweep", row["id"], kind)


def follow_up(service: Service, row: Row, actor: Actor | None) -> bool:
    """Do what is due after a completion, with the row that says so; False where somebody else has done it.

    `row` has id, kind, student_id and data of the request.
    """

    def work(connection: Connection) -> bool:
        due = connection.execute(delete(FollowUp).where(FollowUp.request_id == row["id"]))
        if due.rowcount == 1:
            FOLLOW_UPS[row["kind"]](connection, service, row, actor)
        return due.rowcount == 1

    return run_tx(service.engine, work)


__all__ = ["follow", "follow_up"]
