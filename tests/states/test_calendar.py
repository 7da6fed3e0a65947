"""Working days, clocks and school years, against a second implementation that walks day by day."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from states.calendar import (
    SHANGHAI,
    Calendar,
    Clock,
    Outage,
    Term,
    clock_json,
    days_left,
    days_used,
    due_group,
    due_instant,
    grade_of,
    legal_day,
    remaining_working_days,
    resume,
    run_clock,
    school_year,
    season_of,
    statutory_holidays,
)
from states.lunar import CalendarGap
from workflow_service.calendars import load_calendar

PUBLISHED = load_calendar()
ALL_DAYS = [date(2023, 1, 1) + timedelta(days=n) for n in range((date(2026, 12, 31) - date(2023, 1, 1)).days + 1)]
THREE_YEARS = st.dates(date(2023, 1, 1), date(2025, 12, 31))
LIMITS = st.integers(1, 40)


def slow_due(received: date, limit: int, pauses: tuple[tuple[date, date], ...] = ()) -> date:
    """The n-th working day after `received`, read off a list of all days instead of counted."""
    paused = {day for first, last in pauses for day in ALL_DAYS if first <= day <= last}
    return [day for day in ALL_DAYS if day > received and day not in paused and PUBLISHED.is_working(day)][limit - 1]


def test_the_contracts_example_clock_comes_out_as_printed() -> None:
    clock = run_clock(PUBLISHED, date(2026, 9, 18), 10)
    assert clock_json(clock, "N25-09", "第九条") == {
        "rule": "N25-09",
        "article": "第九条",
        "received": "2026-09-18",
        "starts": "2026-09-20",
        "working_days": 10,
        "skipped": ["2026-09-19", "2026-09-25", "2026-09-26", "2026-09-27"] + [f"2026-10-0{n}" for n in range(1, 8)],
        "due": "2026-10-09",
        "paused": [],
        "provisional": False,
    }


def test_a_pause_is_shown_as_pairs_and_one_that_lasts_has_no_end() -> None:
    clock = run_clock(PUBLISHED, date(2026, 9, 18), 10)
    shown = clock_json(clock, "N25-09", "", [(date(2026, 9, 21), date(2026, 9, 23)), (date(2026, 9, 28), None)])
    assert shown["paused"] == [["2026-09-21", "2026-09-23"], ["2026-09-28", None]]


@settings(deadline=None)
@given(received=THREE_YEARS, limit=LIMITS)
def test_the_clock_agrees_with_the_list_of_all_days(received: date, limit: int) -> None:
    clock = run_clock(PUBLISHED, received, limit)
    assert clock.due == slow_due(received, limit)
    between = [day for day in ALL_DAYS if received < day <= clock.due]
    assert clock.skipped == tuple(day for day in between if not PUBLISHED.is_working(day))
    assert clock.starts == next(day for day in between if PUBLISHED.is_working(day))
    assert len(between) - len(clock.skipped) == limit
    assert clock.provisional == any(day.year > 2026 for day in between)


@settings(deadline=None)
@given(received=THREE_YEARS, limit=LIMITS, data=st.data())
def test_a_returned_clock_goes_on_with_the_days_that_were_left(received: date, limit: int, data: st.DataObject) -> None:
    clock = run_clock(PUBLISHED, received, limit)
    stopped = data.draw(st.dates(received, clock.due))
    again = data.draw(st.dates(stopped, stopped + timedelta(days=60)))
    used = days_used(PUBLISHED, clock, stopped)
    assert used == sum(PUBLISHED.is_working(day) for day in ALL_DAYS if received < day < stopped)
    left = days_left(PUBLISHED, clock, stopped)
    assert left == limit - used >= 1
    resumed = resume(PUBLISHED, again, left)
    assert resumed.due == slow_due(again, left)
    whole = run_clock(PUBLISHED, received, limit, [(stopped, again)])
    assert whole.due == resumed.due == slow_due(received, limit, ((stopped, again),))
    assert days_used(PUBLISHED, whole, again) == used


@settings(deadline=None)
@given(received=THREE_YEARS, limit=LIMITS, late=st.integers(1, 400))
def test_a_clock_that_ran_out_has_used_all_its_days(received: date, limit: int, late: int) -> None:
    clock = run_clock(PUBLISHED, received, limit)
    assert days_left(PUBLISHED, clock, clock.due + timedelta(days=late)) == 0


def test_a_clock_that_stopped_late_is_due_on_the_day_on_which_it_goes_on() -> None:
    clock = resume(PUBLISHED, date(2026, 9, 19), 0)
    assert clock == Clock(date(2026, 9, 19), date(2026, 9, 19), 0, (), date(2026, 9, 19), False)


def test_a_limit_without_days_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one working day"):
        run_clock(PUBLISHED, date(2026, 9, 18), 0)
    with pytest.raises(ValueError, match="no days left"):
        resume(PUBLISHED, date(2026, 9, 18), -1)


@pytest.mark.parametrize(
    ("received", "limit", "due", "provisional"),
    [
        ("2026-12-17", 10, "2026-12-31", False),
        ("2026-12-18", 10, "2027-01-04", True),  # Jan 1 is a lawful holiday even before the notice.
        ("2026-12-31", 1, "2027-01-04", True),
        ("2024-02-28", 1, "2024-02-29", False),
        ("2024-02-28", 2, "2024-03-01", False),
        ("2025-02-28", 1, "2025-03-03", False),
        ("2024-02-08", 2, "2024-02-18", False),  # 除夕 was worked that year, and the Sunday after the holiday too.
        ("2022-12-30", 1, "2023-01-03", False),  # The last days of December stand in the next year's notice.
    ],
)
def test_year_ends_and_leap_days(received: str, limit: int, due: str, provisional: bool) -> None:
    clock = run_clock(PUBLISHED, date.fromisoformat(received), limit)
    assert (clock.due.isoformat(), clock.provisional) == (due, provisional)


def test_when_the_notice_comes_the_provisional_clock_is_run_again_and_is_firm() -> None:
    before = run_clock(PUBLISHED, date(2027, 2, 1), 10)
    # An invented notice that lets the first Saturday of February be worked.
    notice = Calendar({**PUBLISHED.days, date(2027, 2, 6): True}, PUBLISHED.published_years | {2027})
    after = run_clock(notice, before.received, before.working_days)
    assert before.provisional
    assert not after.provisional
    assert before.due != after.due


def test_an_unpublished_year_rests_on_the_lawful_holidays_only() -> None:
    assert {day.isoformat() for day in statutory_holidays(2027)} == {
        "2027-01-01", "2027-02-05", "2027-02-06", "2027-02-07", "2027-02-08", "2027-04-05", "2027-05-01",
        "2027-05-02", "2027-06-09", "2027-09-15", "2027-10-01", "2027-10-02", "2027-10-03",
    }  # fmt: skip
    assert not PUBLISHED.is_working(date(2027, 9, 15))
    assert PUBLISHED.is_working(date(2027, 10, 4))
    assert PUBLISHED.is_provisional(date(2027, 10, 4))


def test_beyond_the_lunar_table_the_solar_holidays_are_still_known() -> None:
    assert len(statutory_holidays(2051)) == 6


@pytest.mark.parametrize(
    ("today", "due", "left", "group"),
    [
        ("2026-09-18", "2026-10-09", 10, "later"),
        ("2026-09-24", "2026-09-30", 3, "soon"),
        ("2026-09-23", "2026-09-30", 4, "later"),
        ("2026-10-01", "2026-10-08", 1, "soon"),
        ("2026-10-08", "2026-10-08", 0, "today"),
        ("2026-10-09", "2026-10-08", -1, "overdue"),
        ("2026-09-25", "2026-09-24", -1, "overdue"),  # Past, though no working day has gone by.
        ("2026-10-12", "2026-10-08", -3, "overdue"),
    ],
)
def test_days_that_remain_and_their_group(today: str, due: str, left: int, group: str) -> None:
    day, last = date.fromisoformat(today), date.fromisoformat(due)
    assert remaining_working_days(PUBLISHED, day, last) == left
    assert due_group(PUBLISHED, day, last) == group


@settings(deadline=None)
@given(received=THREE_YEARS, limit=LIMITS)
def test_on_the_day_of_the_event_the_whole_limit_remains(received: date, limit: int) -> None:
    assert remaining_working_days(PUBLISHED, received, run_clock(PUBLISHED, received, limit).due) == limit


def test_a_due_day_ends_at_midnight_in_shanghai_whatever_the_zone_of_the_instant() -> None:
    end = due_instant(date(2026, 10, 9))
    assert end.isoformat() == "2026-10-10T00:00:00+08:00"
    assert legal_day(end.astimezone(UTC)) == date(2026, 10, 10)
    assert legal_day((end - timedelta(milliseconds=1)).astimezone(timezone(timedelta(hours=-5)))) == date(2026, 10, 9)
    assert due_instant(date(2026, 12, 31)) == datetime(2027, 1, 1, tzinfo=SHANGHAI)


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an offset"):
        legal_day(datetime(2026, 9, 18))


@pytest.mark.parametrize(
    ("on", "year"), [("2026-08-10", 2025), ("2026-08-11", 2026), ("2026-12-31", 2026), ("2027-01-01", 2026)]
)
def test_the_school_year_turns_after_the_tenth_of_august(on: str, year: int) -> None:
    assert school_year(date.fromisoformat(on)) == year


def test_a_pupil_rises_a_grade_with_each_promotion() -> None:
    assert grade_of(1, 2024, date(2024, 9, 1)) == 1
    assert grade_of(1, 2024, date(2026, 8, 10)) == 2
    assert grade_of(1, 2024, date(2026, 8, 11)) == 3
    assert grade_of(7, 2025, date(2026, 9, 1)) == 8


@pytest.mark.parametrize(
    ("on", "season"),
    [("2026-08-10", "spring"), ("2026-08-11", "autumn"), ("2027-01-22", "autumn"), ("2027-01-23", "spring"),
     ("2030-01-31", "autumn"), ("2030-02-01", "spring")],
)  # fmt: skip
def test_the_autumn_term_lasts_until_its_last_day(on: str, season: str) -> None:
    assert season_of(PUBLISHED, date.fromisoformat(on)) == season


def test_a_missing_term_is_named() -> None:
    with pytest.raises(CalendarGap, match=r"beijing 2030/2031 spring"):
        PUBLISHED.term("beijing", 2030, "spring")


def test_the_holiday_begins_on_the_day_after_the_term() -> None:
    term = Term("x", 2025, "autumn", date(2025, 9, 1), date(2025, 12, 31), "", "decided")
    assert term.holiday_starts == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("scope", "path", "covered"),
    [("", "/1/2/3/", True), ("/1/2/", "/1/2/3/", True), ("/1/2", "1/2", True), ("/1/2", "/1/23/", False),
     ("/1/2/3", "/1/2", False)],
)  # fmt: skip
def test_an_outage_covers_the_organizations_below_its_scope(scope: str, path: str, covered: bool) -> None:
    start = datetime(2026, 9, 20, tzinfo=SHANGHAI)
    assert Outage(scope, start, start + timedelta(hours=1), "断电", "county2").covers(path) is covered
