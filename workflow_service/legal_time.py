"""Legal time as stored: the calendar of working days, terms and outages, kept until a row of it changes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, func, insert, select, update

from states.calendar import Calendar
from workflow_service.calendars import calendar_from_rows, published_days, published_terms
from workflow_service.db import reading
from workflow_service.models import LegalClock, Outage, Term, WindowDate, WorkingDay
from workflow_service.models.columns import from_micros, to_micros

if TYPE_CHECKING:
    from workflow_service.service import Clocks


_COUNTS = select(
    *(select(func.count()).select_from(table).scalar_subquery() for table in (WorkingDay, Term, Outage, WindowDate))
)
"""One statement, for every process asks once a second."""


class Calendars:
    """The calendar as the tables have it; read again when the number of rows or the newest outage changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._mark: tuple[int, ...] | None = None
        self._calendar: Calendar | None = None
        self._asked = -1

    def current(self, tick: int | None = None) -> Calendar:
        """The calendar. With `tick` (whole seconds of real time) the tables are asked at most once a second."""
        if self._calendar is not None and tick is not None and tick == self._asked:
            return self._calendar
        with reading(self._engine) as connection:
            mark = tuple(connection.execute(_COUNTS).one())
            if mark != self._mark or self._calendar is None:
                self._calendar, self._mark = read_calendar(connection), mark
        self._asked = -1 if tick is None else tick
        return self._calendar


def read_calendar(connection: Connection) -> Calendar:
    """The calendar of all rows."""
    days = connection.execute(select(WorkingDay.day, WorkingDay.working, WorkingDay.source)).all()
    terms = connection.execute(
        select(Term.region, Term.school_year, Term.season, Term.starts, Term.ends, Term.source, Term.basis)
    ).all()
    outages = [
        (path, from_micros(starts), from_micros(ends), reason, str(by))
        for path, starts, ends, reason, by in connection.execute(
            select(Outage.path, Outage.starts_at, Outage.ends_at, Outage.reason, Outage.declared_by)
        )
    ]
    dates = connection.execute(
        select(
            WindowDate.window, WindowDate.year, WindowDate.season, WindowDate.first, WindowDate.last, WindowDate.source
        )
    ).all()
    return calendar_from_rows(
        [tuple(row) for row in days], [tuple(row) for row in terms], outages, [tuple(row) for row in dates]
    )


def seed_calendar(connection: Connection) -> None:
    """Store the published days and terms that are not stored yet; an edited row is left as it is."""
    known = set(connection.execute(select(WorkingDay.day)).scalars())
    days = [{"day": d.date, "working": d.working, "source": d.source} for d in published_days() if d.date not in known]
    if days:
        connection.execute(insert(WorkingDay), days)
    terms = {
        (t.region, t.school_year, t.season)
        for t in connection.execute(select(Term.region, Term.school_year, Term.season))
    }
    rows = [
        {
            "region": t.region,
            "school_year": t.school_year,
            "season": t.season,
            "starts": t.starts,
            "ends": t.ends,
            "source": t.source,
            "basis": t.basis,
        }
        for t in published_terms()
        if (t.region, t.school_year, t.season) not in terms
    ]
    if rows:
        connection.execute(insert(Term), rows)


class EarlierToday(ValueError):
    """TODAY lies before a day that this data has already seen: legal time never goes back."""


def set_today(connection: Connection, clocks: Clocks, today: date | None, latest: int) -> None:
    """Start legal time at 09:00 of `today`, or where it stood when that is later; None leaves it alone.

    `latest`: the newest legal instant in the data. Raises `EarlierToday`.
    """
    row = connection.execute(select(LegalClock.today, LegalClock.offset)).one_or_none()
    if today is None:
        clocks.offset = row.offset if row else 0
        return
    if row and row.today and today < row.today:
        raise EarlierToday(
            f"TODAY={today} lies before {row.today}, which this data has already seen; "
            "choose that day or a later one, or another DATA"
        )
    nine = to_micros(from_micros(0).replace(year=today.year, month=today.month, day=today.day, hour=9))
    clocks.offset = max(nine, latest) - clocks.real()
    values = {"today": today, "offset": clocks.offset}
    if row:
        connection.execute(update(LegalClock).values(**values))
    else:
        connection.execute(insert(LegalClock), {"id": 1, **values})
