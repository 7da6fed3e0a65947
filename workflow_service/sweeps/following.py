"""Follow-ups that were left (遗留的办结后续): the process that completed a request died before them, or they failed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import select

from workflow_service.db import reading
from workflow_service.following import follow_up
from workflow_service.models import FollowUp, Request

if TYPE_CHECKING:
    from workflow_service.service import Service

GRACE = 10_000_000
"""Microseconds of real time that the completing process has for it: the trail then names who completed the request."""
BATCH = 500

log = logging.getLogger(__name__)


def follow_ups(service: Service, limit: int = BATCH) -> int:
    """Do what is due after completions of some time ago; how many. What fails is logged and tried at each tick."""
    done, after = 0, 0
    query = (
        select(Request.id, Request.bucket, Request.kind, Request.student_id, Request.data)
        .join(FollowUp, FollowUp.request_id == Request.id)
        .where(FollowUp.due_at <= service.clocks.real() - GRACE)
        .order_by(Request.id).limit(limit)
    )  # fmt: skip
    while True:
        with reading(service.engine) as connection:
            rows = connection.execute(query.where(Request.id > after)).mappings().all()
        if not rows:
            return done
        for row in rows:
            after = row["id"]
            try:
                done += follow_up(service, dict(row), None)
            except Exception:
                # One that cannot be done must not keep all the others from being done.
                log.exception("what follows the completion of request %s failed", after)
