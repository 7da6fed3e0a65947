"""The years of the calendar as they are shown (工作日历): which are published by which document, which provisional."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from states.calendar import SHANGHAI
from workflow_service.db import reading
from workflow_service.models import Request, WorkingDay
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class Year:
    """A year: its documents, days off and make-up days (调休上班); `clocks` that are provisional and end in it."""

    year: int
    published: bool
    sources: tuple[str, ...]
    off: int
    working: int
    clocks: int


def years_view(service: Service) -> list[Year]:
    """Every published year, this year and the next, and each that a provisional clock reaches, in order.

    A year is published when its New Year's Day is named; every clock that reaches into another one is provisional.
    """
    with reading(service.engine) as connection:
        days: dict[int, list[Any]] = defaultdict(list)
        for row in connection.execute(select(WorkingDay.day, WorkingDay.working, WorkingDay.source)):
            days[row.day.year].append(row)
        provisional = (Request.provisional, Request.due_at.is_not(None))
        furthest = connection.execute(select(func.max(Request.due_at)).where(*provisional)).scalar()
        this = service.clocks.now().year
        last = max(this + 1, from_micros(furthest).year if furthest else this)
        clocks = {}
        for year in range(this, last + 1):
            within = (Request.due_at > _start(year), Request.due_at <= _start(year + 1))
            clocks[year] = connection.execute(select(func.count()).where(*provisional, *within)).scalar_one()
    years = [_year(year, days[year], clocks.get(year, 0)) for year in sorted({*days, *clocks})]
    # The first notice also names a last day of the year before it, of which nothing else is known or asked.
    return [year for year in years if year.published or year.year in clocks]


def _start(year: int) -> int:
    """The first instant of a year; a clock that is due at it ended with the year before, at 24:00."""
    return to_micros(datetime(year, 1, 1, tzinfo=SHANGHAI))


def _year(year: int, rows: list[Any], clocks: int) -> Year:
    published = any(row.day == date(year, 1, 1) for row in rows)
    off = sum(not row.working for row in rows)
    return Year(year, published, tuple(sorted({row.source for row in rows})), off, len(rows) - off, clocks)
