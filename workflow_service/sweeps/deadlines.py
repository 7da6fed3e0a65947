"""Deadlines (期限): what waits for the family or the applying school expires; officials are reminded, then reported."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from workflow_service.db import reading
from workflow_service.errors import Blocked
from workflow_service.history import PAYLOAD_VERSION
from workflow_service.models import History, Request
from workflow_service.sql.errors import is_repeatable, is_unique_violation
from workflow_service.sql.sweep import Sweep, escalation, expiry, reminder
from workflow_service.transitions import fire

if TYPE_CHECKING:
    from workflow_service.service import Service

BATCH = 5_000
"""Rows of one statement: what is sorted fits into PostgreSQL's usual memory, and locks stay short."""
ATTEMPTS = 5
log = logging.getLogger(__name__)
DRAFT_RULE = "WS-02"  # A draft has no clock of its own that could name its rule: packs fix 60 days under this id.
WIPE_RULE = "SYS-46"


def expire_due(service: Service, now: int, limit: int = BATCH) -> int:
    """End at most `limit` requests whose time is over at the legal instant `now`; how many.

    Silence ends what waits for the family or the applying school (details: the clock's rule, WS-02 for a draft);
    SYS-46 ends a graduating student's open request. Places are released, holders leave, nothing is deleted.
    """
    done = _run(service, expiry(wipe=False), now, limit, rule=DRAFT_RULE)
    return done + (_run(service, expiry(wipe=True), now, limit - done, rule=WIPE_RULE) if done < limit else 0)


def remind_due(service: Service, now: int, limit: int = BATCH) -> int:
    """Remind the holders of at most `limit` requests; each is next escalated when its step is due."""
    return _run(service, reminder(), now, limit)


def escalate_due(service: Service, now: int, limit: int = BATCH) -> int:
    """Show at most `limit` requests whose step ran out to the bureau above their holders (SYS-07)."""
    return _run(service, escalation(empty_office=False), now, limit)


def escalate_empty_offices(service: Service, now: int, limit: int = BATCH) -> int:
    """Show at most `limit` requests that wait for an office without an active account to the bureau at once."""
    return _run(service, escalation(empty_office=True), now, limit)


def take_effect_due(service: Service, now: int, limit: int = BATCH) -> int:
    """Complete at most `limit` decided requests whose effective day has come (生效, WS-202); how many ended.

    Each is a transaction of its own, for each has its kind's effect, and stands at the opening of its day, never before
    the event that it follows. Where the student's status allows it no more, the request ends unfinished, with the rule
    that refused.
    """
    last = select(func.max(History.at)).where(History.object_id == Request.id).scalar_subquery()
    due = (
        select(Request.id, Request.wake_at, last).where(Request.wake_event == "take_effect", Request.wake_at <= now)
        .order_by(Request.wake_at).limit(limit)
    )  # fmt: skip
    with reading(service.engine) as connection:
        rows = connection.execute(due).all()
    done = 0
    for request_id, day, before in rows:
        try:
            done += _take_effect(service, request_id, max(day, before))
        except Exception:
            # One that cannot take effect must not keep the others from it; it is tried again with the next round.
            log.exception("request %s did not take effect", request_id)
    return done


def _take_effect(service: Service, request_id: int, at: int) -> bool:
    """False where somebody else has moved it since it was looked for: then neither event fits any more."""
    try:
        fire(service, request_id, "take_effect", None, version=None, received=at)
    except Blocked as error:
        refusal = error.reasons[0]
        said = f"{refusal.no.message} / {refusal.no.message_en}"
        try:
            fire(service, request_id, "expire", None, version=None, reason=refusal.cite.rule, comment=said, received=at)
        except Blocked:
            return False
    return True


def _run(service: Service, sweep: Sweep, now: int, limit: int, rule: str | None = None) -> int:
    parameters: dict[str, Any] = {
        "now": now, "limit": limit, "rule": rule, "yes": True, "no": False,
        "recorded_at": service.clocks.real(), "payload_version": PAYLOAD_VERSION,
    }  # fmt: skip
    for attempt in range(1, ATTEMPTS + 1):
        parameters["ms"], parameters["turn"] = service.ids.reserve(limit)
        try:
            return sweep.run(service.hot, parameters)
        except Exception as error:
            # Two batches that free places of the same classes may meet in opposite order, and two processes may draw
            # one id: the batch is whole or not there at all, so it is simply taken again.
            if attempt == ATTEMPTS or not (is_repeatable(error) or is_unique_violation(error)):
                raise
    raise AssertionError("unreachable")
