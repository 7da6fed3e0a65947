"""Sweeps (到期处理): "is there work? do it", for any number of processes at once, each thing exactly once.

The work is claimed in the database, in order of due time, in bounded batches. What a sweep does, the system does: the
history names no person.
"""

from workflow_service.sweeps.catch_up import Done, catch_up, heartbeat, next_due, sweep_deadlines
from workflow_service.sweeps.cleaning import Cleaned, clean
from workflow_service.sweeps.closing import close_ended
from workflow_service.sweeps.counters import fold_counts
from workflow_service.sweeps.deadlines import BATCH, escalate_due, escalate_empty_offices, expire_due, remind_due
from workflow_service.sweeps.duplicates import check_month_end
from workflow_service.sweeps.following import follow_ups
from workflow_service.sweeps.guests import end_guests
from workflow_service.sweeps.mergers import follow_mergers
from workflow_service.sweeps.numbers import number_month_end
from workflow_service.sweeps.windows import announce_windows

__all__ = [
    "BATCH",
    "Cleaned",
    "Done",
    "announce_windows",
    "catch_up",
    "check_month_end",
    "clean",
    "close_ended",
    "end_guests",
    "escalate_due",
    "escalate_empty_offices",
    "expire_due",
    "fold_counts",
    "follow_mergers",
    "follow_ups",
    "heartbeat",
    "next_due",
    "number_month_end",
    "remind_due",
    "sweep_deadlines",
]
