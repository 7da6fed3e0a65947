"""The shipped calendars, against a library day by day, and the strictness of the loader."""

from datetime import date, datetime, timedelta

import chinese_calendar
import pytest

from states.calendar import SHANGHAI, run_clock
from workflow_service.calendars import (
    CalendarFault,
    WorkingDay,
    calendar_from_rows,
    days_of_notice,
    load_calendar,
    published_days,
    published_terms,
    terms_of,
)

YEARS = (2023, 2024, 2025, 2026)
NOTICE = """
title = "通知"
source = "国办发明电"
published = 2026-11-01
holidays = [{ name = "元旦", from = 2027-01-01, to = 2027-01-03, working = [2027-01-09] }]
"""


@pytest.mark.parametrize("year", YEARS)
def test_every_day_works_or_rests_as_the_library_says(year: int) -> None:
    calendar = load_calendar()
    day = date(year, 1, 1)
    while day.year == year:
        assert calendar.is_working(day) == chinese_calendar.is_workday(day), day
        assert not calendar.is_provisional(day)
        day += timedelta(days=1)


def test_the_published_years_are_those_with_a_notice() -> None:
    assert load_calendar().published_years == frozenset(YEARS)


def test_every_day_names_its_notice_and_the_last_day_of_2022_stands_in_that_of_2023() -> None:
    sources = {row.date: row.source for row in published_days()}
    assert {day.year: source for day, source in sources.items() if day.month > 1} | {2022: ""} == {
        2022: "",
        2023: "国办发明电〔2022〕16号",
        2024: "国办发明电〔2023〕7号",
        2025: "国办发明电〔2024〕12号",
        2026: "国办发明电〔2025〕7号",
    }
    assert sources[date(2022, 12, 31)] == "国办发明电〔2022〕16号"


def test_rows_of_a_table_give_the_same_calendar_as_the_files() -> None:
    shipped = load_calendar()
    stored = calendar_from_rows(
        [(row.date, int(row.working), row.source) for row in reversed(published_days())],
        [(t.region, t.school_year, t.season, t.starts, t.ends, t.source, t.basis) for t in published_terms()],
    )
    assert (stored.days, stored.published_years, stored.terms) == (shipped.days, shipped.published_years, shipped.terms)
    assert stored.version == shipped.version


def test_a_changed_day_is_another_version_of_the_calendar() -> None:
    rows = published_days()
    changed = [*rows[:-1], WorkingDay(rows[-1].date, not rows[-1].working, "更正")]
    assert calendar_from_rows(rows).version != calendar_from_rows(changed).version


def test_loading_the_notice_of_2027_makes_its_clocks_firm() -> None:
    before = run_clock(load_calendar(), date(2026, 12, 31), 5)
    after = run_clock(calendar_from_rows([*published_days(), *days_of_notice(2027, NOTICE)]), date(2026, 12, 31), 5)
    assert (before.due, before.provisional) == (date(2027, 1, 8), True)
    assert (after.due, after.provisional) == (date(2027, 1, 8), False)


def test_two_rows_for_one_day_are_refused() -> None:
    rows = [*published_days(), WorkingDay(date(2026, 10, 1), True, "另一通知")]
    with pytest.raises(CalendarFault, match="two rows for 2026-10-01"):
        calendar_from_rows(rows)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("2027-01-09", "2027-01-08", "no Saturday or Sunday"),
        ("to = 2027-01-03", "to = 2026-12-31", "not a holiday of 2027"),
        ("from = 2027-01-01", "from = 2026-01-01", "not a holiday of 2027"),
        ("working =", "work =", "expected"),
        ("source =", "sourse =", "expected"),
    ],
)
def test_a_notice_that_cannot_be_one_is_refused(old: str, new: str, fault: str) -> None:
    with pytest.raises(CalendarFault, match=fault):
        list(days_of_notice(2027, NOTICE.replace(old, new)))


def test_terms_are_in_order_and_say_how_well_they_are_founded() -> None:
    terms = {(term.region, term.school_year, term.season): term for term in published_terms()}
    assert {key[:2] for key in terms} == {
        (region, year) for region in ("national", "beijing", "beijing-senior") for year in range(2023, 2027)
    }
    assert terms["beijing", 2025, "autumn"].ends == date(2026, 1, 23)
    assert terms["beijing", 2025, "autumn"].basis == "read"
    assert terms["beijing", 2026, "autumn"].basis == terms["national", 2025, "spring"].basis == "decided"


def test_terms_out_of_order_are_refused() -> None:
    text = (
        '[[region]]\nid = "x"\nsource = ""\nbasis = "decided"\n'
        "terms = [{ school_year = 2026, autumn = [2026-09-01, 2027-01-22], spring = [2027-01-20, 2027-07-09] }]"
    )
    with pytest.raises(CalendarFault, match="out of order"):
        list(terms_of(text))


@pytest.mark.parametrize(
    ("starts", "ends", "fault"),
    [
        (datetime(2026, 9, 20, 20), datetime(2026, 9, 20, 22), "no offset"),
        (datetime(2026, 9, 20, 20, tzinfo=SHANGHAI), datetime(2026, 9, 20, 20, tzinfo=SHANGHAI), "ends before"),
    ],
)
def test_an_outage_needs_instants_in_order(starts: datetime, ends: datetime, fault: str) -> None:
    with pytest.raises(CalendarFault, match=fault):
        calendar_from_rows(published_days(), outages=[("", starts, ends, "停电", "county2")])


def test_rows_of_outages_and_notices_reach_the_calendar() -> None:
    start = datetime(2026, 9, 20, 20, tzinfo=SHANGHAI)
    calendar = calendar_from_rows(
        published_days(),
        outages=[("/1/", start, start + timedelta(hours=2), "停电", "county2")],
        window_dates=[("TR-07", 2027, "spring", date(2027, 2, 20), date(2027, 3, 1), "教基字 12 号")],
    )
    assert calendar.outages[0].scope == "/1/"
    assert calendar.window_dates["TR-07", 2027, "spring"].source == "教基字 12 号"
