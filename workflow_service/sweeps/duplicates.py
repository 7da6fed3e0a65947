"""The duplicate check at each month's end (月末查重, NUM-08): everybody is compared, in batches for any process."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from workflow_service.db import begin, reading, write_once
from workflow_service.duplicates.finding import queue
from workflow_service.duplicates.people import fill
from workflow_service.duplicates.trail import MERGED
from workflow_service.models import DuplicateSweep, LikenessBlock, Student
from workflow_service.models.columns import from_micros

if TYPE_CHECKING:
    from workflow_service.service import Service

STUDENTS = 500
"""Students of one transaction: locks stay short, and whoever is killed loses little."""


def check_month_end(service: Service, now: int, limit: int = STUDENTS) -> int:
    """Do what is left of the latest month's check at the legal instant `now`; how many pairs it found.

    What no registration could see is found here: two who came in at one moment, and records older than the blocks.
    After an outage one check does for all the months that were missed: it looks at everybody.
    """
    month_end = last_month_end(from_micros(now).date())
    found = 0
    while (batch := _batch(service, month_end, now, limit)) is not None:
        found += batch
    return found


def last_month_end(today: date) -> date:
    """The last day of a month that is today or lies behind."""
    tomorrow = today + timedelta(days=1)
    return today if tomorrow.day == 1 else today.replace(day=1) - timedelta(days=1)


def _batch(service: Service, month_end: date, now: int, limit: int) -> int | None:
    """The next students; None when the check is done, or another process has taken this batch."""
    with reading(service.engine) as connection:
        finished = connection.execute(
            select(DuplicateSweep.finished_at).where(DuplicateSweep.month_end == month_end)
        ).scalar()
    if finished is not None:
        return None
    with begin(service.engine) as connection:
        write_once(connection, DuplicateSweep, {"month_end": month_end, "after_id": 0, "found": 0, "started_at": now})
        after = connection.execute(
            select(DuplicateSweep.after_id).where(
                DuplicateSweep.month_end == month_end, DuplicateSweep.finished_at.is_(None)
            )
        ).scalar()
        if after is None:
            return None
        ids = _next(connection, after, limit)
        values = {"after_id": ids[-1]} if ids else {"finished_at": now}
        claimed = connection.execute(
            update(DuplicateSweep)
            .where(DuplicateSweep.month_end == month_end, DuplicateSweep.after_id == after)
            .where(DuplicateSweep.finished_at.is_(None))
            .values(values)
        )
        if claimed.rowcount != 1 or not ids:
            return None
        _fill_missing(connection, service, ids)
        found = queue(connection, service, ids, None, "month_end")
        if found:
            connection.execute(
                update(DuplicateSweep)
                .where(DuplicateSweep.month_end == month_end)
                .values(found=DuplicateSweep.found + found)
            )
        return found


def _next(connection: Connection, after: int, limit: int) -> list[int]:
    query = select(Student.id).where(Student.id > after).order_by(Student.id).limit(limit)
    return list(connection.execute(query).scalars())


def _fill_missing(connection: Connection, service: Service, ids: list[int]) -> None:
    """Blocks for students who came in before there were blocks. A merged record has none, and gets none."""
    filled = select(LikenessBlock.student_id).where(LikenessBlock.student_id.in_(ids)).distinct()
    kept = select(Student.id).where(Student.id.in_(ids), Student.problem.is_distinct_from(MERGED))
    there = set(connection.execute(filled).scalars())
    missing = [id_ for id_ in connection.execute(kept).scalars() if id_ not in there]
    if missing:
        fill(connection, service, missing)
