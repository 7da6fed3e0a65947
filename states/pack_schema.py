"""The pack's form (规则包格式): which tables, which keys, which values; everything else is refused (P001–P009).

Four levels that strictly alternate: fixed table, free id, fixed keys, values. There are no expressions: a condition
(`when`) is an AND of "this fact is one of these values", papers are an AND of OR, and whatever computes is Python.
"""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, get_args

from states.definition import Basis
from states.pack_source import Diagnostic, Path, Source
from states.rules import CHECKS
from states.vocabulary import (
    DATA_FACTS,
    DOCUMENT_KINDS,
    EVENTS,
    GROUNDS,
    HOLDER_EVENTS,
    ROLES,
    UNITS,
    WHEN_FACTS,
)

STATES: Final = (
    "draft",
    "returned",
    "awaiting_destination_principal",
    "awaiting_destination_bureau",
    "awaiting_origin_school",
    "awaiting_origin_bureau",
    "awaiting_shared_bureau",
    "awaiting_province_bureaus",
    "awaiting_record",
    "awaiting_arrival",
)
_MONTH_DAY: Final = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")

Findings = Iterator[Diagnostic]
Judge = Callable[[Source, Path, Any], Findings]


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a row may have."""

    judge: Judge
    required: bool = False


# --- Values ---


def _typed(source: Source, path: Path, value: Any, kind: type, called: str) -> Findings:
    if type(value) is not kind:
        quoted = " (a number in quotes?)" if kind is int and isinstance(value, str) else ""
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants {called}, not {value!r}{quoted}")


def _word(among: Iterable[Any], code: str, called: str, source: Source, path: Path, value: Any) -> Findings:
    known = tuple(among)
    if value not in known or type(value) not in {type(one) for one in known}:
        yield source.finding("error", code, path, f"{value!r} is no {called}", value, known)


def _words(among: Iterable[Any], code: str, called: str, source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, list):
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants a list, not {value!r}")
        return
    for word in value:
        yield from _word(among, code, called, source, path, word)


TEXT: Final = partial(_typed, kind=str, called="a text")
NUMBER: Final = partial(_typed, kind=int, called="a whole number")
YES_NO: Final = partial(_typed, kind=bool, called="true or false")
DAY: Final = partial(_typed, kind=date, called="a date without quotes")


def word(among: Iterable[Any], called: str, code: str = "P004") -> Judge:
    """One of these words."""
    return partial(_word, among, code, called)


def words(among: Iterable[Any], called: str, code: str = "P004") -> Judge:
    """A list of these words."""
    return partial(_words, among, code, called)


def _anything(source: Source, path: Path, value: Any) -> Findings:
    return iter(())


def _texts(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants a list of texts, not {value!r}")


def _when(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, dict):
        yield source.finding("error", "P009", path, f"`when` wants {{ fact = value }}, not {value!r}")
        return
    for fact, wanted in value.items():
        domain = fact_domain(fact)
        if not domain:
            why = "holds dates or texts; only a check may judge it" if fact in DATA_FACTS else "is no fact"
            known = [*WHEN_FACTS, *(name for name, kind in DATA_FACTS.items() if kind.values)]
            yield source.finding("error", "P003", path, f"`{fact}` {why}", fact, known)
            continue
        for one in wanted if isinstance(wanted, list) else [wanted]:
            if one not in domain or type(one) is not type(domain[0]):
                yield source.finding("error", "P004", path, f"`{fact}` is never {one!r}", one, domain)


def fact_domain(fact: str) -> tuple[Any, ...]:
    """Every value that a condition may compare `fact` with; () for an unknown fact, a date or a text."""
    if fact in WHEN_FACTS:
        return WHEN_FACTS[fact]
    return DATA_FACTS[fact].values if fact in DATA_FACTS else ()


def _in_force(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, dict) or "from" not in value or not all(type(day) is date for day in value.values()):
        yield source.finding("error", "P009", path, "`in_force` wants { from = 2026-08-20 } and perhaps `to`")
        return
    for key in value.keys() - {"from", "to"}:
        yield source.finding("error", "P002", path, f"`in_force` has no `{key}`", key, ("from", "to"))


def _month_days(source: Source, path: Path, value: Any) -> Findings:
    days = value if isinstance(value, list) else [value]
    if len(days) != 2 or not all(isinstance(day, str) and _MONTH_DAY.fullmatch(day) for day in days):
        yield source.finding("error", "P009", path, f'two days as ["07-15", "08-14"] are wanted, not {value!r}')


def _month_day(source: Source, path: Path, value: Any) -> Findings:
    yield from _month_days(source, path, [value, value])


SPAN: Final = "{ season, solar | lunar | anchor and days }"


def _spans(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, list) or not value:
        yield source.finding(
            "error", "P009", path, "`spans` wants a list of { season, solar | lunar | anchor and days }"
        )
        return
    for span in value:
        keys = set(span) if isinstance(span, dict) else set()
        forms = [{"season", "solar"}, {"season", "lunar"}, {"season", "anchor", "days"}]
        if keys - {"region"} not in forms:
            yield source.finding(
                "error", "P009", path, f"a span is {{ season, solar | lunar | anchor and days }}, not {span!r}"
            )
            continue
        yield from _word(("autumn", "spring"), "P004", "season", source, path, span["season"])
        if "solar" in span:
            yield from _month_days(source, path, span["solar"])
        elif "anchor" in span:
            anchors = ("term_starts", "term_ends", "holiday_starts")
            yield from _word(anchors, "P004", "anchor", source, path, span["anchor"])
        low, high = (1, 29) if "lunar" in span else (-60, 60)
        pair = span.get("lunar") or span.get("days") or [low, high]
        if "solar" not in span and not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(n) is int and low <= n <= high for n in pair)
            and pair[0] <= pair[1]
        ):
            yield source.finding("error", "P009", path, f"two days from {low} to {high}, in order, not {pair!r}")


def _papers(source: Source, path: Path, value: Any) -> Findings:
    if isinstance(value, dict) and set(value) == {"one_of"} and isinstance(value["one_of"], list):
        for bundle in value["one_of"]:
            yield from _documents(source, path, bundle if isinstance(bundle, list) else [bundle])
    elif isinstance(value, list):
        yield from _documents(source, path, value)
    else:
        yield source.finding("error", "P009", path, "papers are a list (all of them) or { one_of = [...] }")


def _documents(source: Source, path: Path, kinds: list[Any]) -> Findings:
    for kind in kinds:
        yield from _word(DOCUMENT_KINDS, "P007", "document kind", source, path, kind)


def _needs(source: Source, path: Path, value: Any) -> Findings:
    papers = source.document.get("papers", {})
    known = [*(papers if isinstance(papers, dict) else ()), *DOCUMENT_KINDS]
    yield from _words(known, "P007", "document kind or set of papers", source, path, value)


def _does(source: Source, path: Path, value: Any) -> Findings:
    yield from _word(CHECKS, "P005", "check", source, path, value)


def _except(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, dict):
        yield source.finding("error", "P009", path, "`except` wants rows with ids of their own")
        return
    for name, row in value.items():
        yield from _row(source, (*path, name), row, {**CITED, "when": Key(_when, required=True)})


# --- Tables ---

CITED: Final[dict[str, Key]] = {
    "rule": Key(TEXT),  # the catalogue's id, where the row's own id is finer
    "article": Key(TEXT),
    "basis": Key(word(get_args(Basis), "basis")),
    "because": Key(TEXT),
}
INHERITED: Final = {"local": Key(word(("fixed", "tighten", "open"), "permission")), "changes": Key(TEXT)}
PACK: Final = {
    "id": Key(TEXT, True),
    "title": Key(TEXT, True),
    "title_en": Key(TEXT, True),
    "version": Key(NUMBER, True),
    "kind": Key(TEXT, True),
    "extends": Key(TEXT),
    "in_force": Key(_in_force, True),
    "facts": Key(words(DATA_FACTS, "fact")),
    "reviewed": Key(DAY),
    "review_next": Key(DAY),
}
TABLES: Final[dict[str, dict[str, Key]]] = {
    "source": {
        "title": Key(TEXT, True),
        "short": Key(TEXT, True),
        "read": Key(word(("full", "part", "unseen"), "reading"), True),
    },
    "parameter": {
        **CITED,
        "value": Key(_anything, True),
        "of": Key(TEXT),
        "unit": Key(TEXT),
        "other_reading": Key(_anything),
    },
    "step": {
        **CITED,
        **INHERITED,
        "holders": Key(words(UNITS, "unit"), True),
        "role": Key(word(ROLES, "role"), True),
        "events": Key(words(HOLDER_EVENTS, "event of a step"), True),
        "silence": Key(word(("escalate", "expire"), "silence"), True),
        "label": Key(TEXT, True),
        "label_en": Key(TEXT, True),
        "approve_label": Key(TEXT, True),
        "approve_label_en": Key(TEXT, True),
    },
    "limit": {
        **CITED,
        **INHERITED,
        "steps": Key(words(STATES, "state"), True),
        "working_days": Key(NUMBER),
        "calendar_days": Key(NUMBER),
        "shared": Key(YES_NO),
        "when": Key(_when),
    },
    "route": {
        **CITED,
        **INHERITED,
        "when": Key(_when, True),
        "starter": Key(word(UNITS[:2], "school of the request"), True),
        "steps": Key(words(STATES[2:], "step"), True),
    },
    "window": {**CITED, **INHERITED, "spans": Key(_spans, True)},
    "freeze": {**CITED, **INHERITED, "solar": Key(_month_days, True)},
    "wipe": {**CITED, **INHERITED, "day": Key(_month_day, True)},
    "ground": {
        **CITED,
        **INHERITED,
        "needs": Key(_needs, True),
        "when": Key(_when),
        "fallback": Key(YES_NO),
    },
    "also": {
        **CITED,
        **INHERITED,
        "needs": Key(_needs, True),
        "when": Key(_when),
        "at": Key(word(STATES, "state")),
        "by": Key(word(UNITS, "unit")),
        "side": Key(word(("destination", "origin"), "side")),
    },
    "check": {
        **CITED,
        **INHERITED,
        "does": Key(_does, True),
        "with": Key(_anything),
        "when": Key(_when),
        "on": Key(words(EVENTS, "event"), True),
        "at": Key(words(STATES, "state")),
        "side": Key(word(("destination", "origin", "both"), "side")),
        "except": Key(_except),
    },
    "reason": {
        **CITED,
        **INHERITED,
        "label": Key(TEXT, True),
        "label_en": Key(TEXT, True),
        "units": Key(words(UNITS, "unit"), True),
    },
    "document": {
        **CITED,
        **INHERITED,
        "largest_bytes": Key(NUMBER),
        "types": Key(_texts),
        "blocks": Key(words(EVENTS, "event")),
    },
    "not_software": {**CITED},
}
"""Fixed table → keys of a row. `papers` (named sets of documents) and `pack` have forms of their own."""

UNCITED: Final = ("source", "step")
"""Tables whose rows may stand without an article: a source is one, a step is cited by its route."""


def shape(source: Source) -> Findings:
    """Everything wrong with the form of one pack, as errors with lines."""
    for table, rows in source.document.items():
        if table == "pack":
            yield from _row(source, ("pack",), rows, PACK)
        elif table != "papers" and table not in TABLES:
            known = ("pack", "papers", *TABLES)
            yield source.finding("error", "P001", (table,), f"there is no table `{table}`", table, known)
        elif not isinstance(rows, dict):
            yield source.finding("error", "P009", (table,), f"`{table}` is a table of rows")
        else:
            for name, row in rows.items():
                yield from _named(source, (table, name), row)
    if "pack" not in source.document:
        yield source.finding("error", "P002", (), "there is no [pack]")


def _named(source: Source, path: Path, row: Any) -> Findings:
    table, name = path
    if not _ID.fullmatch(name):
        yield source.finding("error", "P009", path, f"`{name}` is no id: letters, digits, - and _ only{_odd(name)}")
    if table == "papers":
        yield from _papers(source, path, row)
        return
    yield from _row(source, path, row, TABLES[table])
    if table == "ground" and name not in GROUNDS:
        yield source.finding("error", "P004", path, f"`{name}` is no ground", name, GROUNDS)
    if table == "step" and name not in STATES[2:]:
        yield source.finding("error", "P004", path, f"`{name}` is no step", name, STATES[2:])
    if table == "check" and isinstance(row, dict):
        yield from _arguments(source, path, row)


def _row(source: Source, path: Path, row: Any, keys: Mapping[str, Key]) -> Findings:
    if not isinstance(row, dict):
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants keys and values, not {row!r}")
        return
    for key, value in row.items():
        if key not in keys:
            yield source.finding("error", "P002", path, f"`{path[0]}` has no key `{key}`", key, keys)
        else:
            yield from keys[key].judge(source, (*path, key), value)
    if "changes" in row:
        return  # What is not said is the parent's; the compiled row is judged by the linter.
    for key, form in keys.items():
        if form.required and key not in row:
            yield source.finding("error", "P002", path, f"`{path[-1]}` lacks `{key}`")


def _odd(name: str) -> str:
    """Names what looks right and is not: full-width, invisible or foreign letters."""
    odd = [f"{char!r} {unicodedata.name(char, 'unnamed')}" for char in name if not char.isascii()]
    return f" ({', '.join(odd)})" if odd else ""


def _arguments(source: Source, path: Path, row: Mapping[str, Any]) -> Findings:
    """`with` against the signature of the Python check (P006)."""
    function = CHECKS.get(row.get("does", ""))
    given = row.get("with", {})
    if function is None or not isinstance(given, dict):
        return
    parameters = {
        name: one
        for name, one in inspect.signature(function).parameters.items()
        if name not in ("facts", "cell", "definition")
    }
    for name, value in given.items():
        if name not in parameters:
            message = f"`{row['does']}` has no parameter `{name}`"
            yield source.finding("error", "P006", path, message, name, parameters)
        elif name == "fact":
            yield from _word(DATA_FACTS, "P003", "fact", source, path, value)
    for name, one in parameters.items():
        if one.default is inspect.Parameter.empty and name not in given:
            yield source.finding("error", "P006", path, f"`{row['does']}` wants the parameter `{name}`")
