"""Catching up (补办): after an outage or a later TODAY everything that fell due is done in order of its due time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select, union_all, update

from workflow_service.calendar_update import recompute_clocks
from workflow_service.codes import give_codes
from workflow_service.db import begin, reading, write_once
from workflow_service.models import Heartbeat, Request
from workflow_service.outbox import deliver_outbox
from workflow_service.sweeps.closing import close_ended
from workflow_service.sweeps.deadlines import (
    BATCH,
    escalate_due,
    escalate_empty_offices,
    expire_due,
    remind_due,
    take_effect_due,
)
from workflow_service.sweeps.duplicates import check_month_end
from workflow_service.sweeps.guests import end_guests
from workflow_service.sweeps.mergers import follow_mergers
from workflow_service.sweeps.numbers import number_month_end
from workflow_service.sweeps.windows import announce_windows

if TYPE_CHECKING:
    from workflow_service.service import Service

WAKE_EVENTS = ("expire", "remind", "escalate")


@dataclass(slots=True)
class Done:
    """What one round did, per sweep."""

    expired: int = 0
    reminded: int = 0
    escalated: int = 0
    recomputed: int = 0
    announced: int = 0
    delivered: int = 0
    doubles: int = 0
    numbered: int = 0
    closed: int = 0
    guests: int = 0
    moved: int = 0
    effective: int = 0

    def __str__(self) -> str:
        counts = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return ", ".join(f"{count} {name}" for name, count in counts if count) or "nothing"


def catch_up(service: Service, until: int | None = None, *, limit: int = BATCH) -> Done:
    """Do all that is due up to the legal instant `until` (now): clocks, deadlines, windows, messages, the
    duplicate check of the month and the numbers after it, codes, requests of ended records, guests whose time is over,
    pupils of merged schools.
    """
    until = service.clocks.legal() if until is None else until
    recomputed = drain(lambda n: recompute_clocks(service, until, n), limit)
    done = sweep_deadlines(service, until, limit)
    done.recomputed = recomputed
    done.announced = announce_windows(service, until)
    done.delivered = drain(lambda n: deliver_outbox(service, n), limit)
    done.doubles = check_month_end(service, until)
    done.numbered = number_month_end(service, until)
    give_codes(service)
    done.closed = drain(lambda n: close_ended(service, n), limit)
    done.guests = drain(lambda n: end_guests(service, until, n), limit)
    done.moved = follow_mergers(service, until)
    return done


def sweep_deadlines(service: Service, until: int, limit: int = BATCH) -> Done:
    """Remind, expire and escalate what fell due up to the legal instant `until`, instant by instant.

    A reminder that was due before an expiry is written before it, as if nobody had been away; each row's time is the
    instant it fell due, its recorded time is real. What another process holds right now is left to it.
    """
    done = Done()
    while (instant := next_due(service, until)) is not None:
        before = replace(done)
        done.reminded += _all_at(remind_due, service, instant, limit)
        done.expired += _all_at(expire_due, service, instant, limit)
        done.escalated += _all_at(escalate_due, service, instant, limit)
        if before == done:
            break
    # Apart, each at its own instant: one whose effect fails would hold up every deadline that comes after it.
    done.effective += _all_at(take_effect_due, service, until, limit)
    done.escalated += _all_at(escalate_empty_offices, service, until, limit)
    return done


def next_due(service: Service, until: int) -> int | None:
    """The earliest legal instant at which something fell due and was not done yet, None when nothing did."""
    due = [
        select(func.min(Request.wake_at).label("at")).where(Request.wake_event == event, Request.wake_at <= until)
        for event in WAKE_EVENTS
    ]
    due.append(select(func.min(Request.wipe_at).label("at")).where(Request.wipe_at <= until))
    everything = union_all(*due).subquery()
    with reading(service.engine) as connection:
        return connection.execute(select(func.min(everything.c.at))).scalar()


def heartbeat(service: Service, name: str) -> None:
    """Say in real time that the process `name` has done a round; `readyz` reads it."""
    at = service.clocks.real()
    with begin(service.engine) as connection:
        if not write_once(connection, Heartbeat, {"name": name, "at": at}):
            connection.execute(update(Heartbeat).where(Heartbeat.name == name).values(at=at))


def _all_at(sweep: Callable[[Service, int, int], int], service: Service, instant: int, limit: int) -> int:
    return drain(lambda n: sweep(service, instant, n), limit)


def drain(sweep: Callable[[int], int], limit: int) -> int:
    """Call a sweep until a batch is not full any more; how much it did in all."""
    total = 0
    while (count := sweep(limit)) > 0:
        total += count
        if count < limit:
            break
    return total
