"""The lunar calendar (农历), as far as the rules need it: a table of its own, and never a guess beyond it.

Libraries agree on these dates up to 2056 and differ after; they are checked against one in `tests/states`. Windows
that are given in days of the first month (正月) are turned into plain dates here.
"""

from __future__ import annotations

from datetime import date, timedelta
from types import MappingProxyType
from typing import Final


class CalendarGap(LookupError):
    """A date cannot be known from the tables at hand; the text names what is missing."""


# 春节, 清明, 端午, 中秋 of each year, MM-DD.
_FESTIVALS: Final = {
    2015: "02-19 04-05 06-20 09-27",
    2016: "02-08 04-04 06-09 09-15",
    2017: "01-28 04-04 05-30 10-04",
    2018: "02-16 04-05 06-18 09-24",
    2019: "02-05 04-05 06-07 09-13",
    2020: "01-25 04-04 06-25 10-01",
    2021: "02-12 04-04 06-14 09-21",
    2022: "02-01 04-05 06-03 09-10",
    2023: "01-22 04-05 06-22 09-29",
    2024: "02-10 04-04 06-10 09-17",
    2025: "01-29 04-04 05-31 10-06",
    2026: "02-17 04-05 06-19 09-25",
    2027: "02-06 04-05 06-09 09-15",
    2028: "01-26 04-04 05-28 10-03",
    2029: "02-13 04-04 06-16 09-22",
    2030: "02-03 04-05 06-05 09-12",
    2031: "01-23 04-05 06-24 10-01",
    2032: "02-11 04-04 06-12 09-19",
    2033: "01-31 04-04 06-01 09-08",
    2034: "02-19 04-05 06-20 09-27",
    2035: "02-08 04-05 06-10 09-16",
    2036: "01-28 04-04 05-30 10-04",
    2037: "02-15 04-04 06-18 09-24",
    2038: "02-04 04-05 06-07 09-13",
    2039: "01-24 04-05 05-27 10-02",
    2040: "02-12 04-04 06-14 09-20",
    2041: "02-01 04-04 06-03 09-10",
    2042: "01-22 04-04 06-22 09-28",
    2043: "02-10 04-05 06-11 09-17",
    2044: "01-30 04-04 05-31 10-05",
    2045: "02-17 04-04 06-19 09-25",
    2046: "02-06 04-04 06-08 09-15",
    2047: "01-26 04-05 05-29 10-04",
    2048: "02-14 04-04 06-15 09-22",
    2049: "02-02 04-04 06-04 09-11",
    2050: "01-23 04-04 06-23 09-30",
}

FIRST_YEAR: Final = min(_FESTIVALS)
LAST_YEAR: Final = max(_FESTIVALS)

FESTIVALS: Final = MappingProxyType(
    {year: tuple(date.fromisoformat(f"{year}-{day}") for day in days.split()) for year, days in _FESTIVALS.items()}
)
"""Year → (春节, 清明, 端午, 中秋)."""

SPRING_FESTIVAL: Final = MappingProxyType({year: days[0] for year, days in FESTIVALS.items()})
"""Year → the first day of the first month (正月初一)."""


def lunar_first_month(year: int, day: int) -> date:
    """The date of a day of the first month (正月): 8 is 初八, 20 is 二十.

    Raises `CalendarGap` beyond the table, ValueError for a day that not every first month has (1 to 29).
    """
    if not 1 <= day <= 29:
        raise ValueError(f"正月 has days 1 to 29 for certain, not {day}")
    if year not in SPRING_FESTIVAL:
        raise CalendarGap(f"农历表只到 {LAST_YEAR} 年 / the lunar table covers {FIRST_YEAR} to {LAST_YEAR}, not {year}")
    return SPRING_FESTIVAL[year] + timedelta(days=day - 1)
