"""Windows: open from 00:00 of the first day until 24:00 of the last, to the millisecond, in every kind of rule."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.calendar import SHANGHAI, Calendar, NoticeDates, Outage
from states.lunar import CalendarGap
from states.windows import (
    ALWAYS,
    TR_07,
    Freeze,
    Lunar,
    Solar,
    TermRelative,
    Window,
    WindowRule,
    default_demo_day,
    judge,
    window_json,
    windows_in,
)
from workflow_service.calendars import load_calendar

PUBLISHED = load_calendar()
MS = timedelta(milliseconds=1)
SYS_45 = Freeze("SYS-45", "07-15", "08-14", "国家系统操作手册", "read")
BJ_14 = WindowRule(
    "BJ-14",
    tuple(TermRelative(season, "holiday_starts", -7, -1, "beijing") for season in ("autumn", "spring")),
    "2021 办法",
    "read",
)
SYS_47 = WindowRule("SYS-47", (Solar("autumn", "08-15", "12-14"), Solar("spring", "03-01", "05-31")), "", "read")
ALL_RULES = (TR_07, BJ_14, SYS_47)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def days(window: Window) -> tuple[str, str]:
    """First and last day, both inclusive."""
    return window.opens.date().isoformat(), (window.closes - MS).date().isoformat()


@pytest.mark.parametrize(
    ("rule", "year", "expected"),
    [
        (TR_07, 2024, [("2024-02-17", "2024-02-29"), ("2024-08-20", "2024-09-20")]),
        (TR_07, 2025, [("2025-02-05", "2025-02-17"), ("2025-08-20", "2025-09-20")]),
        (TR_07, 2026, [("2026-02-24", "2026-03-08"), ("2026-08-20", "2026-09-20")]),
        (TR_07, 2027, [("2027-02-13", "2027-02-25"), ("2027-08-20", "2027-09-20")]),
        (TR_07, 2033, [("2033-02-07", "2033-02-19"), ("2033-08-20", "2033-09-20")]),
        (BJ_14, 2024, [("2024-01-13", "2024-01-19"), ("2024-07-01", "2024-07-07")]),
        (BJ_14, 2026, [("2026-01-17", "2026-01-23"), ("2026-07-01", "2026-07-07")]),
        (SYS_47, 2026, [("2026-03-01", "2026-05-31"), ("2026-08-15", "2026-12-14")]),
    ],
)
def test_windows_of_a_year(rule: WindowRule, year: int, expected: list[tuple[str, str]]) -> None:
    assert [days(window) for window in windows_in(rule, PUBLISHED, year)] == expected


def test_the_other_reading_of_tr_07_is_relative_to_the_start_of_term() -> None:
    spans = (TermRelative("autumn", "term_starts", -7, 14), TermRelative("spring", "term_starts", -7, 14))
    found = windows_in(WindowRule("TR-07b", spans, "", "read"), PUBLISHED, 2026)
    assert [days(window) for window in found] == [("2026-02-23", "2026-03-16"), ("2026-08-25", "2026-09-15")]


def test_a_window_may_count_from_the_end_of_term() -> None:
    rule = WindowRule("x", (TermRelative("autumn", "term_ends", 0, 1),), "", "decided")
    assert days(windows_in(rule, PUBLISHED, 2026)[0]) == ("2026-01-30", "2026-01-31")


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_each_window_is_half_open_to_the_millisecond(rule: WindowRule, year: int) -> None:
    for window in windows_in(rule, PUBLISHED, year):
        before, first = judge([rule], PUBLISHED, window.opens - MS), judge([rule], PUBLISHED, window.opens)
        last, closed = judge([rule], PUBLISHED, window.closes - MS), judge([rule], PUBLISHED, window.closes)
        after = judge([rule], PUBLISHED, window.closes + MS)
        assert (before.open, before.next, before.next_opening) == (None, window, window.opens)
        assert first.open == last.open == window
        assert first.next_opening is None
        assert closed.open is after.open is None
        assert closed.next_opening == after.next_opening
        assert closed.next_opening is None or closed.next_opening > window.closes


def test_the_judgement_is_the_same_for_the_same_instant_in_another_zone() -> None:
    last = at("2026-09-20T23:59:59.999")
    assert judge([TR_07], PUBLISHED, last.astimezone(UTC)) == judge([TR_07], PUBLISHED, last)
    with pytest.raises(ValueError, match="needs an offset"):
        judge([TR_07], PUBLISHED, datetime(2026, 9, 20))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_the_zone_of_the_machine_changes_nothing(zone: str) -> None:
    script = (
        "from datetime import UTC, date, datetime; import time; time.tzset()\n"
        "from states.calendar import due_instant, legal_day\n"
        "from states.windows import TR_07, default_demo_day, judge\n"
        "from workflow_service.calendars import load_calendar\n"
        "calendar = load_calendar()\n"
        "for hour, minute in ((15, 59), (16, 0)):\n"
        "    found = judge([TR_07], calendar, datetime(2026, 9, 20, hour, minute, tzinfo=UTC))\n"
        "    print(found.open is not None, found.next.opens.isoformat())\n"
        "print(due_instant(date(2026, 10, 9)).isoformat(), legal_day(datetime(2026, 3, 8, 16, tzinfo=UTC)))\n"
        "print(default_demo_day(calendar))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines() == [
        "True 2027-02-13T00:00:00+08:00",
        "False 2027-02-13T00:00:00+08:00",
        "2026-10-10T00:00:00+08:00 2026-03-09",
        "2026-08-24",
    ]


def test_a_notice_beats_the_rule_for_its_year_and_season_only() -> None:
    notice = NoticeDates(date(2026, 2, 20), date(2026, 3, 1), "教基字 12 号")
    calendar = replace(PUBLISHED, window_dates={("TR-07", 2026, "spring"): notice})
    spring, autumn = windows_in(TR_07, calendar, 2026)
    assert (days(spring), spring.source) == (("2026-02-20", "2026-03-01"), "教基字 12 号")
    assert days(autumn) == ("2026-08-20", "2026-09-20")
    assert windows_in(TR_07, calendar, 2025) == windows_in(TR_07, PUBLISHED, 2025)


def test_a_notice_dates_a_window_that_no_table_knows() -> None:
    notice = NoticeDates(date(2051, 2, 18), date(2051, 3, 2), "通知")
    calendar = replace(PUBLISHED, window_dates={("TR-07", 2051, "spring"): notice})
    assert len(windows_in(TR_07, calendar, 2051)) == 2


def test_beyond_the_lunar_table_nothing_is_guessed() -> None:
    with pytest.raises(CalendarGap, match="2015 to 2050"):
        windows_in(TR_07, PUBLISHED, 2051)
    found = judge([TR_07], PUBLISHED, at("2051-02-20T12:00"))
    assert found.open is None
    assert "2051" in found.gaps[0]


def test_without_term_dates_nothing_is_open_and_the_gap_is_named() -> None:
    found = judge([BJ_14], PUBLISHED, at("2029-07-01T12:00"))
    assert (found.open, found.next) == (None, None)
    assert "beijing 2028/2029 autumn" in found.gaps[0]


def test_a_freeze_is_taken_out_of_the_window_that_it_lies_in() -> None:
    rule = WindowRule("x", (Solar("autumn", "07-01", "09-10"),), "", "decided")
    frozen = judge([rule], PUBLISHED, at("2026-07-15T00:00"), [SYS_45])
    assert (frozen.open, frozen.frozen) == (None, SYS_45)
    assert frozen.next_opening == at("2026-08-15T00:00")
    before = judge([rule], PUBLISHED, at("2026-07-14T23:59:59.999"), [SYS_45])
    assert before.open is not None
    assert before.open.closes == at("2026-07-15T00:00")
    assert before.next is not None
    assert days(before.next) == ("2026-08-15", "2026-09-10")
    assert judge([rule], PUBLISHED, at("2026-08-15T00:00"), [SYS_45]).open == before.next


def test_a_freeze_over_the_opening_delays_it() -> None:
    rule = WindowRule("x", (Solar("autumn", "08-01", "09-10"),), "", "decided")
    assert judge([rule], PUBLISHED, at("2026-08-01T09:00"), [SYS_45]).next_opening == at("2026-08-15T00:00")


def test_a_window_that_a_freeze_swallows_never_opens() -> None:
    rule = WindowRule("x", (Solar("autumn", "07-20", "08-14"),), "", "decided")
    found = judge([rule], PUBLISHED, at("2026-07-20T09:00"), [SYS_45])
    assert (found.open, found.next) == (None, None)


def test_without_a_rule_every_day_is_open_but_for_the_freeze() -> None:
    new_year = judge([], PUBLISHED, at("2027-01-01T00:00"), [SYS_45])
    assert new_year.open is not None
    assert new_year.open.id == ALWAYS.id
    assert days(new_year.open) == ("2026-08-15", "2027-07-14")
    assert judge([], PUBLISHED, at("2027-08-14T23:59:59.999"), [SYS_45]).next_opening == at("2027-08-15T00:00")


@settings(deadline=None)
@given(
    when=st.datetimes(datetime(2024, 1, 1), datetime(2026, 6, 30)).map(lambda naive: naive.replace(tzinfo=SHANGHAI)),
    rule=st.sampled_from([*ALL_RULES, WindowRule("x", (Solar("autumn", "07-01", "09-10"),), "", "decided")]),
)
def test_the_next_opening_is_open_and_the_moment_before_is_not(when: datetime, rule: WindowRule) -> None:
    found = judge([rule], PUBLISHED, when, [SYS_45])
    if found.open is None:
        assert found.next_opening is not None
        assert found.next_opening > when
        assert judge([rule], PUBLISHED, found.next_opening, [SYS_45]).open == found.next
        assert judge([rule], PUBLISHED, found.next_opening - MS, [SYS_45]).open is None
    else:
        assert found.next_opening is None
        assert judge([rule], PUBLISHED, found.open.closes, [SYS_45]).open is None


def outage(starts: str, ends: str, scope: str = "") -> Outage:
    return Outage(scope, at(starts), at(ends), "机房停电", "county2")


@pytest.mark.parametrize(
    ("outages", "closes"),
    [
        ([outage("2026-09-20T20:00", "2026-09-20T22:30")], "2026-09-21T02:30"),
        ([outage("2026-09-01T08:00", "2026-09-02T08:00")], "2026-09-22T00:00"),
        ([outage("2026-08-19T20:00", "2026-08-20T02:00")], "2026-09-21T02:00"),  # only from the opening on
        ([outage("2026-09-20T20:00", "2026-09-21T02:00")], "2026-09-21T06:00"),  # the four lost hours come after it
        ([outage("2026-09-20T20:00", "2026-09-20T22:00"), outage("2026-09-20T21:00", "2026-09-20T23:00")],
         "2026-09-21T03:00"),  # shared hours count once
        ([outage("2026-09-20T20:00", "2026-09-20T22:00"), outage("2026-09-21T01:00", "2026-09-21T02:00")],
         "2026-09-21T03:00"),  # an outage in the added hours
        ([outage("2026-09-21T00:00", "2026-09-21T05:00")], "2026-09-21T00:00"),
        ([outage("2026-09-20T20:00", "2026-09-20T22:00", "/1/2/9/")], "2026-09-21T00:00"),
        ([outage("2026-09-20T20:00", "2026-09-20T22:00", "/1/2/")], "2026-09-21T02:00"),
    ],
)  # fmt: skip
def test_declared_hours_move_the_close_of_those_below_the_scope(outages: list[Outage], closes: str) -> None:
    calendar = replace(PUBLISHED, outages=tuple(outages))
    found = judge([TR_07], calendar, at("2026-09-10T12:00"), scope="/1/2/3/")
    assert found.open is not None
    assert found.open.closes == at(closes)
    assert judge([TR_07], calendar, at(closes) - MS, scope="/1/2/3/").open == found.open
    assert judge([TR_07], calendar, at(closes), scope="/1/2/3/").open is None


@pytest.mark.parametrize(
    ("rule", "year", "expected"),
    [
        (Solar("spring", "02-20", "02-29"), 2024, ("2024-02-20", "2024-02-29")),
        (Solar("spring", "02-20", "02-29"), 2025, ("2025-02-20", "2025-02-28")),
        (Solar("spring", "02-29", "03-05"), 2028, ("2028-02-29", "2028-03-05")),
        (Solar("spring", "02-29", "03-05"), 2026, ("2026-03-01", "2026-03-05")),
        (Solar("spring", "02-29", "03-05"), 2100, ("2100-03-01", "2100-03-05")),
        (Solar("autumn", "12-20", "01-10"), 2026, ("2026-12-20", "2027-01-10")),
        (Solar("autumn", "12-31", "12-31"), 2026, ("2026-12-31", "2026-12-31")),
    ],
)
def test_leap_days_and_year_ends(rule: Solar, year: int, expected: tuple[str, str]) -> None:
    assert days(windows_in(WindowRule("x", (rule,), "", "decided"), PUBLISHED, year)[0]) == expected


def test_a_window_over_the_new_year_is_open_on_both_sides() -> None:
    rule = WindowRule("x", (Solar("autumn", "12-20", "01-10"),), "", "decided")
    for moment in ("2026-12-31T23:59:59.999", "2027-01-01T00:00", "2027-01-10T23:59"):
        assert judge([rule], PUBLISHED, at(moment)).open is not None
    assert judge([rule], PUBLISHED, at("2027-01-11T00:00")).open is None


@pytest.mark.parametrize(
    "build",
    [
        lambda: Solar("autumn", "8-20", "09-20"),
        lambda: Solar("autumn", "08-20", "09-31"),
        lambda: Freeze("SYS-45", "07-15", "13-01", "", "read"),
        lambda: Lunar("spring", 20, 8),
        lambda: Lunar("spring", 8, 30),
        lambda: TermRelative("autumn", "term_begins", 0, 1),  # type: ignore[arg-type]
        lambda: TermRelative("autumn", "term_starts", 1, 0),
    ],
)
def test_a_span_that_cannot_be_is_refused_when_it_is_read(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError):
        build()


def test_a_window_is_shown_with_its_id_and_both_instants() -> None:
    assert window_json(windows_in(TR_07, PUBLISHED, 2026)[1]) == {
        "id": "TR-07",
        "opens": "2026-08-20T00:00:00+08:00",
        "closes": "2026-09-21T00:00:00+08:00",
    }


def test_the_demo_starts_on_the_third_working_day_of_the_latest_published_window() -> None:
    assert default_demo_day(PUBLISHED) == date(2026, 8, 24)
    without_2026 = replace(PUBLISHED, published_years=PUBLISHED.published_years - {2026})
    assert default_demo_day(without_2026) == date(2025, 8, 22)
    with pytest.raises(CalendarGap):
        default_demo_day(Calendar({}, frozenset()))
