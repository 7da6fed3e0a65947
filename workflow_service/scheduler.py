"""The scheduler (定时进程): a process of its own whose ticks ask "is there work?" and do it.

Ticks live in memory and promise nothing: the work is claimed in the database, so that two schedulers side by side, or
one that was killed in the middle, still do each thing exactly once.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

from apscheduler.schedulers.blocking import BlockingScheduler

from workflow_service.calendar_update import recompute_clocks
from workflow_service.codes import give_codes
from workflow_service.outbox import deliver_outbox
from workflow_service.sweeps import (
    BATCH,
    announce_windows,
    check_month_end,
    clean,
    close_ended,
    end_guests,
    fold_counts,
    follow_mergers,
    follow_ups,
    heartbeat,
    number_month_end,
    sweep_deadlines,
)

if TYPE_CHECKING:
    from workflow_service.service import Service

NAME = "scheduler"
DEADLINES, MESSAGES, COUNTERS, WINDOWS, CALENDAR, DOUBLES, ENDS, CODES, PULSE = 2, 1, 2, 30, 60, 60, 60, 600, 5
"""Seconds of real time between two ticks of each kind."""

log = logging.getLogger(__name__)


def ticks(service: Service, limit: int = BATCH) -> dict[str, tuple[int, Callable[[], object]]]:
    """Every tick: how often (seconds of real time), and what it does at the legal time it then is."""
    legal = service.clocks.legal
    return {
        "deadlines": (DEADLINES, lambda: sweep_deadlines(service, legal(), limit)),
        "messages": (MESSAGES, lambda: deliver_outbox(service)),
        "counters": (COUNTERS, lambda: fold_counts(service)),
        "windows": (WINDOWS, lambda: announce_windows(service, legal())),
        "calendar": (CALENDAR, lambda: recompute_clocks(service, legal())),
        "doubles": (DOUBLES, lambda: check_month_end(service, legal())),
        "numbers": (DOUBLES, lambda: number_month_end(service, legal())),
        "codes": (CODES, lambda: give_codes(service)),
        "ended": (ENDS, lambda: close_ended(service)),
        "guests": (ENDS, lambda: end_guests(service, legal())),
        "cleaning": (CODES, lambda: clean(service)),
        "follow_ups": (PULSE, lambda: follow_ups(service)),
        "mergers": (PULSE, lambda: follow_mergers(service, legal())),
        "pulse": (PULSE, lambda: heartbeat(service, NAME)),
    }


def build_scheduler(service: Service, limit: int = BATCH) -> BlockingScheduler:
    """The scheduler with its ticks, not started. One kind never overlaps itself; a tick that came late just runs.

    An error in a tick is logged with its traceback by APScheduler, and the next tick tries again.
    """
    scheduler = BlockingScheduler(timezone=UTC)
    for name, (seconds, work) in ticks(service, limit).items():
        scheduler.add_job(
            work, "interval", seconds=seconds, id=name, coalesce=True, misfire_grace_time=None, max_instances=1,
            next_run_time=datetime.now(UTC),
        )  # fmt: skip
    return scheduler


def run(service: Service, limit: int = BATCH) -> None:
    """Tick until SIGTERM or SIGINT; the batch that is being written then is finished first. Main thread only."""
    scheduler = build_scheduler(service, limit)
    # In a thread: a handler may interrupt the scheduler while it holds its own lock, and would wait for itself.
    stopping = threading.Thread(target=scheduler.shutdown, name="stop")

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if scheduler.running and stopping.ident is None:
            stopping.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    log.info("scheduler started")
    scheduler.start()
    stopping.join()
    log.info("scheduler stopped")
