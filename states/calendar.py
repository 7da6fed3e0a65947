"""Legal days (法定日历): working days, and clocks that show their arithmetic.

Everything is Asia/Shanghai, whatever the machine thinks; an instant without an offset is refused. The calendar is
handed in: which days work is published each year by the State Council (国务院办公厅), and beyond the last published
year every answer is `provisional` (暂定).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any, Final, Literal

from states.lunar import FESTIVALS, CalendarGap

SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset: legal instants start in 2015, and a missing zone database must never move a deadline."""

Season = Literal["autumn", "spring"]
Group = Literal["overdue", "today", "soon", "later"]
Pause = tuple[date, date]
"""From the day of the return (退回) to the day of the resubmission, neither counted."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Term:
    """A school term (学期): first and last day, for the schools that follow `region`.

    `school_year` is the year in which it begins: 2025 for both terms of 2025/26. `basis` is `read` where the source
    was seen, `decided` where we chose a usual date.
    """

    region: str
    school_year: int
    season: Season
    starts: date
    ends: date
    source: str
    basis: str

    @property
    def holiday_starts(self) -> date:
        """The first day of the holiday (放假) after this term."""
        return self.ends + _DAY


@dataclass(frozen=True, slots=True)
class Outage:
    """Hours in which the service was down (停机), declared by an officer with a reason.

    `scope` is the path of an organization, "/"-separated; all below it are meant, "" means everyone.
    """

    scope: str
    starts: datetime
    ends: datetime
    reason: str
    declared_by: str

    def covers(self, path: str) -> bool:
        """Whether the organization at `path` is the one of the scope or lies below it."""
        scope = [part for part in self.scope.split("/") if part]
        return [part for part in path.split("/") if part][: len(scope)] == scope


@dataclass(frozen=True, slots=True)
class NoticeDates:
    """The days of a window as a notice (通知) set them for one season: both inclusive. They beat the rule."""

    first: date
    last: date
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """What is known of days, terms and windows. Immutable, compared by identity, so that results can be kept.

    `days`: date → works or not, the exceptions that notices name (holidays 放假, make-up days 调休上班) and nothing
    else needs to be in it. `terms`: (region, school year, season). `window_dates`: (window id, year, season).
    """

    days: Mapping[date, bool]
    published_years: frozenset[int]
    terms: Mapping[tuple[str, int, Season], Term] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    window_dates: Mapping[tuple[str, int, Season], NoticeDates] = field(default_factory=dict)
    version: str = ""

    def is_working(self, day: date) -> bool:
        """Whether `day` is a working day (工作日): by the notice, else Monday to Friday less the lawful holidays.

        In a published year the lawful holidays are not asked: the notice may let one of them be worked.
        """
        known = self.days.get(day)
        if known is not None:
            return known
        return day.weekday() < 5 and (day.year in self.published_years or day not in statutory_holidays(day.year))

    def is_provisional(self, day: date) -> bool:
        """Whether no notice has said yet if `day` works."""
        return day.year not in self.published_years and day not in self.days

    def term(self, region: str, school_year: int, season: Season) -> Term:
        """The term, or `CalendarGap` naming what has to be loaded."""
        try:
            return self.terms[region, school_year, season]
        except KeyError:
            raise CalendarGap(
                f"未录入学期日期 / no term dates loaded: {region} {school_year}/{school_year + 1} {season}"
            ) from None


@lru_cache(maxsize=256)
def statutory_holidays(year: int) -> frozenset[date]:
    """The holidays of 《全国年节及纪念日放假办法》 (2025-01-01), thirteen days; moved and bridging days are not known.

    Beyond the lunar table only those with a solar date are given.
    """
    days = {date(year, 1, 1), date(year, 5, 1), date(year, 5, 2), *(date(year, 10, n) for n in (1, 2, 3))}
    if year in FESTIVALS:
        spring, *others = FESTIVALS[year]
        days |= {spring + n * _DAY for n in (-1, 0, 1, 2)} | set(others)
    return frozenset(days)


# --- Clocks (期限) ---


@dataclass(frozen=True, slots=True)
class Clock:
    """A working-day limit with its working shown.

    `received` is the day of the event and is not counted; `starts` the first counted day; `due` the n-th, until
    24:00; `skipped` every day between `received` and `due` that does not count, weekends and pauses included.
    """

    received: date
    starts: date
    working_days: int
    skipped: tuple[date, ...]
    due: date
    provisional: bool


def run_clock(calendar: Calendar, received: date, working_days: int, paused: Sequence[Pause] = ()) -> Clock:
    """The clock of `working_days` (≥ 1) after the event of day `received` (民法典 201–203, N25-09).

    `paused`: the days from each return to its resubmission, both inclusive, do not count.
    """
    if working_days < 1:
        raise ValueError(f"a limit has at least one working day, not {working_days}")
    return _run_clock(calendar, received, working_days, tuple(paused))


@lru_cache(maxsize=4096)
def _run_clock(calendar: Calendar, received: date, working_days: int, paused: tuple[Pause, ...]) -> Clock:
    """Kept: whatever is received on one day under one limit has the same clock."""
    day, counted, skipped, starts = received, 0, [], None
    provisional = False
    while counted < working_days:
        day += _DAY
        provisional = provisional or calendar.is_provisional(day)
        if calendar.is_working(day) and not any(first <= day <= last for first, last in paused):
            counted += 1
            starts = starts or day
        else:
            skipped.append(day)
    assert starts is not None
    return Clock(received, starts, working_days, tuple(skipped), day, provisional)


def days_used(calendar: Calendar, clock: Clock, until: date) -> int:
    """Counted days of the clock before the day `until`, which is the day of an event and so not counted itself."""
    days = (clock.starts + n * _DAY for n in range((min(until, clock.due + _DAY) - clock.starts).days))
    return sum(calendar.is_working(day) and day not in clock.skipped for day in days)


def days_left(calendar: Calendar, clock: Clock, until: date) -> int:
    """Working days that are left when the clock stops on the day `until`: at least 1 until `due`, 0 after it."""
    return clock.working_days - days_used(calendar, clock, until)


def resume(calendar: Calendar, on: date, days_left: int) -> Clock:
    """The clock that goes on with the days that were left, after the resubmission of day `on`, not counted.

    Nothing left (it was late when it stopped) means due at the end of that same day. `due` is the same as that of
    `run_clock` with the pause, as long as the clock was not late when it stopped.
    """
    if days_left < 0:
        raise ValueError(f"fewer than no days left: {days_left}")
    if days_left == 0:
        return Clock(on, on, 0, (), on, calendar.is_provisional(on))
    return run_clock(calendar, on, days_left)


def remaining_working_days(calendar: Calendar, today: date, due: date) -> int:
    """Working days after `today` up to `due`: 0 on the last day, negative once it is past (then at least −1)."""
    if today > due:
        return -max(1, _working_between(calendar, due, today))
    return _working_between(calendar, today, due)


def due_group(calendar: Calendar, today: date, due: date, soon: int = 3) -> Group:
    """Where a deadline stands on the workbench: overdue, today, soon (within `soon` working days) or later."""
    if today > due:
        return "overdue"
    if today == due:
        return "today"
    return "soon" if remaining_working_days(calendar, today, due) <= soon else "later"


def _working_between(calendar: Calendar, after: date, until: date) -> int:
    return sum(calendar.is_working(after + n * _DAY) for n in range(1, (until - after).days + 1))


def clock_json(
    clock: Clock, rule: str, article: str, paused: Iterable[tuple[date, date | None]] = ()
) -> dict[str, Any]:
    """The clock as the contract shows it; a pause that still lasts has null as its end."""
    return {
        "rule": rule,
        "article": article,
        "received": clock.received.isoformat(),
        "starts": clock.starts.isoformat(),
        "working_days": clock.working_days,
        "skipped": [day.isoformat() for day in clock.skipped],
        "due": clock.due.isoformat(),
        "paused": [[first.isoformat(), last.isoformat() if last else None] for first, last in paused],
        "provisional": clock.provisional,
    }


# --- Instants and days ---


def due_instant(due: date) -> datetime:
    """24:00 of the day, Asia/Shanghai: the first instant that is too late."""
    return day_opens(due + _DAY)


def day_opens(day: date) -> datetime:
    """00:00 of the day, Asia/Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


def legal_day(at: datetime) -> date:
    """The legal day of an instant. ValueError for one without an offset: nobody could say which instant is meant."""
    if at.tzinfo is None:
        raise ValueError(f"an instant needs an offset: {at.isoformat()}")
    return at.astimezone(SHANGHAI).date()


# --- School years (学年) ---


def school_year(on: date) -> int:
    """The school year of a day by the year it begins in; the promotion of Aug 10, 24:00 turns it (SYS-44)."""
    return on.year if (on.month, on.day) >= (8, 11) else on.year - 1


def grade_of(first_grade: int, entered_school_year: int, on: date) -> int:
    """The grade on a day of a pupil who entered `first_grade` in that school year and was never held back."""
    return first_grade + school_year(on) - entered_school_year


def season_of(calendar: Calendar, on: date, region: str = "national") -> Season:
    """The term (学期) that a day belongs to: autumn until its last day, by default Jan 31, then spring."""
    year = school_year(on)
    term = calendar.terms.get((region, year, "autumn"))
    return "autumn" if on <= (term.ends if term else date(year + 1, 1, 31)) else "spring"
