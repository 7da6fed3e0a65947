"""Published calendars (日历): the working days of the State Council and the terms, as data, read strictly.

The files seed the tables `working_day` and `term`; from then on the tables count, and `calendar_from_rows` turns
their rows into the `Calendar` that decisions are handed. Nothing here opens a connection or looks at a clock.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from states.calendar import Calendar, NoticeDates, Outage, Season, Term

K = TypeVar("K")
V = TypeVar("V")


class WorkingDay(NamedTuple):
    """A row of `working_day`: a day that a notice names, whether it works, and the notice."""

    date: date
    working: bool
    source: str


class CalendarFault(ValueError):
    """A calendar file or table that contradicts itself; the text says where and how."""


def load_calendar() -> Calendar:
    """The calendar of the files that ship with the service, without outages or window notices."""
    return calendar_from_rows(published_days(), published_terms())


def published_days() -> list[WorkingDay]:
    """Every day that the shipped notices name, in order: the seed of the table `working_day`."""
    names = (entry.name for entry in files(__name__).iterdir())
    years = sorted(int(name[:4]) for name in names if name[:4].isdigit() and name.endswith(".toml"))
    return sorted(day for year in years for day in days_of_notice(year, _text(f"{year}.toml")))


def published_terms() -> list[Term]:
    """Every term of the shipped file, the seed of the table `term`; `basis` tells read from decided."""
    return list(terms_of(_text("terms.toml")))


def days_of_notice(year: int, text: str) -> Iterator[WorkingDay]:
    """The days of a State Council notice (国办发明电) written as TOML; `CalendarFault` where it cannot be one."""
    notice = _notice(f"{year}.toml", text)
    for holiday in _holidays(f"{year}.toml", notice):
        first, last = holiday["from"], holiday["to"]
        if not date(year - 1, 12, 25) <= first <= last <= date(year, 12, 31):
            raise CalendarFault(f"{year}.toml: {holiday['name']} from {first} to {last} is not a holiday of {year}")
        for n in range((last - first).days + 1):
            yield WorkingDay(first + timedelta(days=n), False, notice["source"])
        for day in holiday["working"]:
            if day.weekday() < 5:
                raise CalendarFault(f"{year}.toml: the make-up day {day} is no Saturday or Sunday")
            yield WorkingDay(day, True, notice["source"])


def year_of_notice(text: str) -> int:
    """The year of a notice written as TOML: that of its New Year's Day, by which a year counts as published.

    Raises CalendarFault where there is none: its days would be stored, and the year's clocks stay provisional for good.
    """
    for holiday in _holidays("the notice", _notice("the notice", text)):
        new_year = date(holiday["to"].year, 1, 1)
        if holiday["from"] <= new_year <= holiday["to"]:
            return new_year.year
    raise CalendarFault("the notice names no 元旦 (New Year's Day)")


def _notice(where: str, text: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CalendarFault(f"{where}: {error}") from error
    return _table(where, table, "title", "source", "published", "holidays")


def _holidays(where: str, notice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The holidays of a notice, each field of its kind."""
    if not isinstance(notice["source"], str) or not notice["source"].strip():
        raise CalendarFault(f"{where}: source: the document's number is missing")
    for entry in _list(f"{where} holidays", notice["holidays"]):
        if not isinstance(entry, dict):
            raise CalendarFault(f"{where} holidays: expected tables, found {entry!r}")
        holiday = _table(f"{where} {entry.get('name')}", entry, "name", "from", "to", "working")
        for day in (holiday["from"], holiday["to"], *_list(f"{where} {holiday['name']} working", holiday["working"])):
            if type(day) is not date:  # A datetime is a date too, and compares with none.
                raise CalendarFault(f"{where} {holiday['name']}: {day!r} is no date, write 2027-01-01")
        yield holiday


def _list(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise CalendarFault(f"{where}: expected a list, found {value!r}")
    return value


def terms_of(text: str) -> Iterator[Term]:
    """The terms of a TOML file: per region its source, basis and the two terms of each school year."""
    for entry in _table("terms.toml", tomllib.loads(text), "region")["region"]:
        region = _table(f"terms.toml {entry.get('id')}", entry, "id", "source", "basis", "terms")
        for terms in region["terms"]:
            _table(f"terms.toml {region['id']}", terms, "school_year", "autumn", "spring")
            (first, winter), (spring, last) = terms["autumn"], terms["spring"]
            if not first < winter < spring < last or first.year != terms["school_year"]:
                raise CalendarFault(f"terms.toml: {region['id']} {terms['school_year']}: the days are out of order")
            yield _term(region, terms["school_year"], "autumn", first, winter)
            yield _term(region, terms["school_year"], "spring", spring, last)


def calendar_from_rows(
    days: Iterable[Sequence[Any]],
    terms: Iterable[Term | Sequence[Any]] = (),
    outages: Iterable[Outage | Sequence[Any]] = (),
    window_dates: Iterable[Sequence[Any]] = (),
) -> Calendar:
    """The calendar of plain rows, in the order of these columns:

    `days` (date, working, source) · `terms` (region, school_year, season, starts, ends, source, basis) · `outages`
    (scope, starts, ends, reason, declared_by), instants with an offset · `window_dates` (window_id, year, season,
    first, last, source). A year is published when its New Year's Day is named: every notice begins with 元旦, while
    its last days of December may stand in the next year's. Two rows for one day or term are a `CalendarFault`.
    """
    day_rows = [WorkingDay(day, bool(working), source) for day, working, source in days]
    term_rows = [row if isinstance(row, Term) else Term(*row) for row in terms]
    outage_rows = [row if isinstance(row, Outage) else Outage(*row) for row in outages]
    notices = [((window, year, season), NoticeDates(*rest)) for window, year, season, *rest in window_dates]
    for outage in outage_rows:
        _check_outage(outage)
    content = (
        sorted(day_rows),
        sorted(map(repr, term_rows)),
        sorted(map(repr, outage_rows)),
        sorted(map(repr, notices)),
    )
    return Calendar(
        days=MappingProxyType(_unique((row.date, row.working) for row in day_rows)),
        published_years=frozenset(row.date.year for row in day_rows if (row.date.month, row.date.day) == (1, 1)),
        terms=MappingProxyType(_unique(((row.region, row.school_year, row.season), row) for row in term_rows)),
        outages=tuple(sorted(outage_rows, key=lambda outage: outage.starts)),
        window_dates=MappingProxyType(_unique(notices)),
        version=hashlib.sha256(repr(content).encode()).hexdigest()[:12],
    )


def _term(region: dict[str, Any], school_year: int, season: Season, starts: date, ends: date) -> Term:
    return Term(region["id"], school_year, season, starts, ends, region["source"], region["basis"])


def _check_outage(outage: Outage) -> None:
    for instant in (outage.starts, outage.ends):
        if not isinstance(instant, datetime) or instant.tzinfo is None:
            raise CalendarFault(f"outage {outage.reason}: {instant} has no offset")
    if outage.starts >= outage.ends:
        raise CalendarFault(f"outage {outage.reason}: it ends before it begins")


def _unique(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    found: dict[K, V] = {}
    for key, value in pairs:
        if key in found:
            raise CalendarFault(f"two rows for {key}: {found[key]} and {value}")
        found[key] = value
    return found


def _table(where: str, table: dict[str, Any], *keys: str) -> dict[str, Any]:
    if set(table) != set(keys):
        raise CalendarFault(f"{where}: expected {sorted(keys)}, found {sorted(table)}")
    return table


def _text(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
