"""The own table of lunar dates, against a library."""

from datetime import date

import pytest
from lunar_python import Lunar

from states.lunar import FESTIVALS, FIRST_YEAR, LAST_YEAR, SPRING_FESTIVAL, CalendarGap, lunar_first_month

YEARS = range(2015, 2051)


def by_library(year: int, month: int, day: int) -> date:
    return date.fromisoformat(Lunar.fromYmd(year, month, day).getSolar().toYmd())


def test_the_table_runs_from_2015_to_2050_without_a_hole() -> None:
    assert list(SPRING_FESTIVAL) == list(YEARS) == list(range(FIRST_YEAR, LAST_YEAR + 1))


@pytest.mark.parametrize("year", YEARS)
def test_every_date_of_the_table_is_that_of_the_library(year: int) -> None:
    spring, tombs, dragon_boat, mid_autumn = FESTIVALS[year]
    assert (spring, dragon_boat, mid_autumn) == (
        by_library(year, 1, 1),
        by_library(year, 5, 5),
        by_library(year, 8, 15),
    )
    terms = Lunar.fromYmd(year, 1, 1).getJieQiTable()
    assert tombs == date.fromisoformat(terms["清明"].toYmd())


@pytest.mark.parametrize("year", YEARS)
def test_the_days_of_the_first_month_are_those_of_the_library(year: int) -> None:
    for day in (1, 8, 20, 29):
        assert lunar_first_month(year, day) == by_library(year, 1, day)


def test_a_year_beyond_the_table_is_refused_by_name() -> None:
    for year in (2014, 2051):
        with pytest.raises(CalendarGap, match=f"2015 to 2050, not {year}"):
            lunar_first_month(year, 8)


@pytest.mark.parametrize("day", [0, 30])
def test_a_day_that_not_every_first_month_has_is_refused(day: int) -> None:
    with pytest.raises(ValueError, match="1 to 29"):
        lunar_first_month(2026, day)
