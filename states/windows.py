"""Windows (受理窗口): when a request may be submitted, judged once at the server's receipt.

A window is half open, [opens, closes): it opens at 00:00 of its first day and closes at 24:00 of its last, both
Asia/Shanghai. A freeze (冻结期) is taken out of it; hours of outage that were declared move its close.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, Literal

from states.calendar import Calendar, Outage, Season, day_opens, due_instant, legal_day
from states.lunar import CalendarGap, lunar_first_month

Anchor = Literal["term_starts", "term_ends", "holiday_starts"]
Days = tuple[date, date]

_MONTH_DAY: Final = re.compile(r"\d\d-\d\d")


def _check_month_days(*values: str) -> None:
    for value in values:
        if not _MONTH_DAY.fullmatch(value):
            raise ValueError(f"a day of every year is written MM-DD, not {value!r}")
        date.fromisoformat(f"2024-{value}")


@dataclass(frozen=True, slots=True)
class Solar:
    """From `first` to `last`, MM-DD, both inclusive; a `last` before `first` lies in the next year (08-15 to 01-10)."""

    season: Season
    first: str
    last: str

    def __post_init__(self) -> None:
        _check_month_days(self.first, self.last)

    def days(self, calendar: Calendar, year: int) -> Days:
        """The days of the span that begins in `year`."""
        return _solar_days(self.first, self.last, year)


@dataclass(frozen=True, slots=True)
class Lunar:
    """From day `first` to day `last` of the first lunar month (正月), both inclusive."""

    season: Season
    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last <= 29:
            raise ValueError(f"days of 正月 run from 1 to 29, in order: {self.first} to {self.last}")

    def days(self, calendar: Calendar, year: int) -> Days:
        """The days of the span in `year`; `CalendarGap` beyond the lunar table."""
        return lunar_first_month(year, self.first), lunar_first_month(year, self.last)


@dataclass(frozen=True, slots=True)
class TermRelative:
    """From `from_days` to `to_days` after the anchor of the season's term (−7 to −1: the week before), inclusive.

    `region`: whose terms are meant; they are dates of a notice, so a year without one is a `CalendarGap`.
    """

    season: Season
    anchor: Anchor
    from_days: int
    to_days: int
    region: str = "national"

    def __post_init__(self) -> None:
        if self.anchor not in ("term_starts", "term_ends", "holiday_starts"):
            raise ValueError(f"unknown anchor {self.anchor!r}")
        if self.from_days > self.to_days:
            raise ValueError(f"a span ends before it begins: {self.from_days} to {self.to_days}")

    def days(self, calendar: Calendar, year: int) -> Days:
        """The days of the span whose anchor lies in `year`."""
        begins_now = self.season == "autumn" and self.anchor == "term_starts"
        term = calendar.term(self.region, year if begins_now else year - 1, self.season)
        anchor: date = {"term_starts": term.starts, "term_ends": term.ends}.get(self.anchor, term.holiday_starts)
        return anchor + timedelta(days=self.from_days), anchor + timedelta(days=self.to_days)


Span = Solar | Lunar | TermRelative


@dataclass(frozen=True, slots=True)
class WindowRule:
    """When requests are taken in, every year: one span a season. Data of a pack, with its article and basis."""

    id: str
    spans: tuple[Span, ...]
    article: str
    basis: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days of every year, MM-DD, inclusive, in which nothing new is started (SYS-45); what runs goes on."""

    id: str
    first: str
    last: str
    article: str
    basis: str

    def __post_init__(self) -> None:
        _check_month_days(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, [opens, closes), in which a request is taken in; `source` is the article or the notice."""

    id: str
    season: Season
    opens: datetime
    closes: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an instant meets: the open window, or none; the next one after it; the freeze that lies on it.

    Freezes are taken out of both, so `next.opens` is an instant at which a submission really is possible. `gaps`
    names what could not be dated because it is not in the calendar, for this year and the next.
    """

    open: Window | None
    next: Window | None
    frozen: Freeze | None
    gaps: tuple[str, ...]

    @property
    def next_opening(self) -> datetime | None:
        """The first instant at which a submission is possible; None when it is now, or when nothing is known."""
        return self.next.opens if self.open is None and self.next is not None else None


ALWAYS: Final = WindowRule(
    "always", (Solar("autumn", "01-01", "12-31"),), "no window is set / 未规定受理窗口", "decided"
)
"""Where no rule sets a window, every day is open, less the freezes."""

TR_07: Final = WindowRule(
    "TR-07", (Solar("autumn", "08-20", "09-20"), Lunar("spring", 8, 20)), "转学办事指南 问5", "read"
)
"""The usual transfer window, for those who have no pack at hand yet (the day on which the demo starts)."""


def windows_in(rule: WindowRule, calendar: Calendar, year: int, scope: str = "") -> list[Window]:
    """The windows of `year`, soonest first, for the organization at the path `scope`.

    The days of a notice beat the rule's; declared outages move the close. `CalendarGap` if any cannot be dated.
    """
    windows, gaps = _windows(rule, calendar, year, scope)
    if gaps:
        raise CalendarGap(gaps[0])
    return windows


def judge(
    rules: Sequence[WindowRule], calendar: Calendar, at: datetime, freezes: Sequence[Freeze] = (), scope: str = ""
) -> Judgement:
    """Whether a submission received at `at` is in time, and when the next one is (TR-07, BJ-14, SYS-45).

    Without rules every day is open but for the freezes. Never raises for a missing notice: nothing is open then, and
    `gaps` says why.
    """
    year = legal_day(at).year
    stretches, gaps = _stretches(tuple(rules) or (ALWAYS,), calendar, year, tuple(freezes), scope)
    now = [window for window in stretches if window.opens <= at < window.closes]
    later = [window for window in stretches if window.opens > at]
    frozen = [freeze for freeze in freezes for span in _frozen(freeze, year) if span[0] <= at < span[1]]
    return Judgement(
        open=max(now, key=lambda window: window.closes, default=None),
        next=min(later, key=lambda window: window.opens, default=None),
        frozen=frozen[0] if frozen else None,
        gaps=gaps,
    )


def window_json(window: Window) -> dict[str, Any]:
    """The window as the contract shows it."""
    return {"id": window.id, "opens": window.opens.isoformat(), "closes": window.closes.isoformat()}


def default_demo_day(calendar: Calendar, rule: WindowRule = TR_07) -> date:
    """The third working day of the rule's latest window all of whose working days are published."""
    for year in sorted(calendar.published_years, reverse=True):
        for window in reversed(windows_in(rule, calendar, year)):
            length = (window.closes - window.opens).days
            days = [legal_day(window.opens) + timedelta(days=n) for n in range(length)]
            working = [day for day in days if calendar.is_working(day)]
            if len(working) >= 3 and not any(calendar.is_provisional(day) for day in days):
                return working[2]
    raise CalendarGap("没有已公布工作日的受理窗口 / no window lies in a year whose working days are published")


# --- How it is worked out ---


def _windows(rule: WindowRule, calendar: Calendar, year: int, scope: str) -> tuple[list[Window], list[str]]:
    noticed = {key[2]: dates for key, dates in calendar.window_dates.items() if key[:2] == (rule.id, year)}
    dated: list[tuple[Season, Days, str]] = [
        (season, (notice.first, notice.last), notice.source) for season, notice in noticed.items()
    ]
    gaps = []
    for span in rule.spans:
        if span.season not in noticed:
            try:
                dated.append((span.season, span.days(calendar, year), rule.article))
            except CalendarGap as gap:
                gaps.append(str(gap))
    outages = [outage for outage in calendar.outages if outage.covers(scope)]
    windows = [
        Window(rule.id, season, day_opens(first), _moved(day_opens(first), due_instant(last), outages), source)
        for season, (first, last), source in dated
    ]
    return sorted(windows, key=lambda window: window.opens), gaps


def _moved(opens: datetime, closes: datetime, outages: Iterable[Outage]) -> datetime:
    """The close, later by the hours of outage since the opening: the time that was open stays the same in sum.

    Hours that two declarations share are given back once, and an outage in the added hours is given back too.
    """
    seen = opens
    for outage in sorted(outages, key=lambda outage: outage.starts):
        start = max(outage.starts, seen)
        if start < closes and outage.ends > start:
            closes += outage.ends - start
            seen = outage.ends
    return closes


@lru_cache(maxsize=512)
def _stretches(
    rules: tuple[WindowRule, ...], calendar: Calendar, year: int, freezes: tuple[Freeze, ...], scope: str
) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """All open time around `year`, without the freezes, and what could not be dated. Kept: lists ask it per row."""
    windows: list[Window] = []
    gaps: list[str] = []
    for rule in rules:
        for near in (year - 1, year, year + 1):
            found, missing = _windows(rule, calendar, near, scope)
            windows = _joined([*windows, *found])
            gaps += missing if near >= year else []
    for freeze in freezes:
        for span in _frozen(freeze, year):
            windows = [piece for window in windows for piece in _without(window, *span)]
    return tuple(windows), tuple(gaps)


def _joined(windows: list[Window]) -> list[Window]:
    """Windows of one rule that touch become one: a year-round one must not seem to close on New Year's Eve."""
    joined: list[Window] = []
    for window in windows:
        if joined and joined[-1].id == window.id and joined[-1].closes == window.opens:
            joined[-1] = replace(joined[-1], closes=window.closes)
        else:
            joined.append(window)
    return joined


def _without(window: Window, starts: datetime, ends: datetime) -> list[Window]:
    before = replace(window, closes=min(window.closes, starts))
    after = replace(window, opens=max(window.opens, ends))
    return [piece for piece in (before, after) if piece.opens < piece.closes]


def _frozen(freeze: Freeze, year: int) -> list[tuple[datetime, datetime]]:
    spans = [_solar_days(freeze.first, freeze.last, near) for near in (year - 1, year, year + 1, year + 2)]
    return [(day_opens(first), due_instant(last)) for first, last in spans]


def _solar_days(first: str, last: str, year: int) -> Days:
    """In a common year Feb 29 is Mar 1 as a first day and Feb 28 as a last, so that no day outside is let in."""
    return _on(year, first, "03-01"), _on(year if first <= last else year + 1, last, "02-28")


def _on(year: int, month_day: str, instead: str) -> date:
    common = month_day == "02-29" and (year % 4 or (year % 100 == 0 and year % 400))
    return date.fromisoformat(f"{year}-{instead if common else month_day}")
