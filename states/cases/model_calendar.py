"""The calendar that cases are judged under (示例日历): every year alike, so that no case grows old."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Final

from states.calendar import Calendar, Season, Term

_YEARS: Final = range(2023, 2030)


def _terms() -> dict[tuple[str, int, Season], Term]:
    terms: dict[tuple[str, int, Season], Term] = {}
    for (region, later), year in product((("national", 1), ("beijing", 0)), _YEARS):
        days: dict[Season, tuple[date, date]] = {
            "autumn": (date(year, 9, 2 - later), date(year + 1, 1, 22 + later)),
            "spring": (date(year + 1, 2, 24), date(year + 1, 7, 8 + later)),
        }
        for season, (first, last) in days.items():
            terms[region, year, season] = Term(region, year, season, first, last, "示例", "decided")
    return terms


MODEL_CALENDAR: Final = Calendar(days={}, published_years=frozenset(range(2024, 2030)), terms=_terms())
"""Beijing's autumn begins a day after the national one and its terms end a day before, so that a rule which asks for
the wrong region is seen."""
