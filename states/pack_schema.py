"""The pack's form (规则包格式): which tables, which keys, which values; everything else is refused (P001–P009).

Four levels that strictly alternate: fixed table, free id, fixed keys, values. There are no expressions: a condition
(`when`) is an AND of "this fact is one of these values", papers are an AND of OR, and whatever computes is Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final, get_args

from states.definition import Basis
from states.kinds import KINDS
from states.pack_source import Path, Source
from states.pack_values import (
    DAY,
    NUMBER,
    TEXT,
    YES_NO,
    Findings,
    Key,
    anything,
    arguments,
    does,
    in_force,
    month_day,
    month_days,
    needs,
    papers,
    spans,
    when,
    word,
    words,
)
from states.vocabulary import DATA_FACTS, EVENTS, GROUNDS, HOLDER_EVENTS, MARK, ROLES, STARTERS, STEPS, UNITS

STATES: Final = ("draft", "returned", *STEPS)
FRAME: Final = "frame"
"""The kind of a file that is no pack of its own: rows that several kinds of a pack share, taken in by `extends`."""

FILE_TYPES: Final = ("image/jpeg", "image/png", "application/pdf")
_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*")


def _except(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, dict):
        yield source.finding("error", "P009", path, "`except` wants rows with ids of their own")
        return
    for name, row in value.items():
        yield from _row(source, (*path, name), row, {**CITED, "when": Key(when, required=True)})


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
    "kind": Key(word((*KINDS, FRAME), "kind of request"), True),
    "extends": Key(TEXT),
    "in_force": Key(in_force, True),
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
        "value": Key(anything, True),
        "of": Key(TEXT),  # where the number that runs stands: check.NJ-07.with.cap.senior
        "shown": Key(TEXT),  # the test of one that a program reads by its id
        "unit": Key(TEXT),
        "other_reading": Key(anything),
    },
    "step": {
        **CITED,
        **INHERITED,
        "holders": Key(words(UNITS, "unit", empty=True), True),
        "role": Key(word(ROLES, "role"), True),
        "events": Key(words(HOLDER_EVENTS, "event of a step", empty=True), True),
        "silence": Key(word(("escalate", "expire"), "silence"), True),
        "label": Key(TEXT, True),
        "label_en": Key(TEXT, True),
        "approve_label": Key(TEXT, True),
        "approve_label_en": Key(TEXT, True),
        "brings": Key(words(DATA_FACTS, "fact")),
    },
    "limit": {
        **CITED,
        **INHERITED,
        "steps": Key(words(STATES, "state"), True),
        "working_days": Key(NUMBER),
        "calendar_days": Key(NUMBER),
        "shared": Key(YES_NO),
        "when": Key(when),
    },
    "route": {
        **CITED,
        **INHERITED,
        "when": Key(when),
        "starter": Key(word(STARTERS, "unit that may start a request"), True),
        "steps": Key(words(STEPS, "step", empty=True), True),
    },
    "window": {**CITED, **INHERITED, "spans": Key(spans, True)},
    "freeze": {**CITED, **INHERITED, "solar": Key(month_days, True)},
    "wipe": {**CITED, **INHERITED, "day": Key(month_day, True)},
    "ground": {
        **CITED,
        **INHERITED,
        "needs": Key(needs, True),
        "when": Key(when),
        "fallback": Key(YES_NO),
    },
    "also": {
        **CITED,
        **INHERITED,
        "needs": Key(needs, True),
        "when": Key(when),
        "at": Key(word(STATES, "state")),
        "by": Key(word(UNITS, "unit")),
        "side": Key(word(("destination", "origin"), "side")),
        "optional": Key(YES_NO),
    },
    "check": {
        **CITED,
        **INHERITED,
        "does": Key(does, True),
        "with": Key(anything),
        "when": Key(when),
        "on": Key(words((*EVENTS, MARK), "event"), True),
        "at": Key(words(STATES, "state")),
        "side": Key(word(("destination", "origin", "both"), "side")),
        "except": Key(_except),
    },
    "reason": {
        **CITED,
        **INHERITED,
        "label": Key(TEXT, True),
        "label_en": Key(TEXT, True),
        "units": Key(words(UNITS, "unit", empty=True), True),
    },
    "document": {
        **CITED,
        **INHERITED,
        "largest_bytes": Key(NUMBER),
        "types": Key(words(FILE_TYPES, "kind of file that the store can judge")),
        "blocks": Key(words(EVENTS, "event")),
    },
    "kept": {**CITED, "shown": Key(TEXT, True)},
    "not_software": {**CITED, "see": Key(TEXT)},  # the kind of request, the command or the test that it points to
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
        yield from papers(source, path, row)
        return
    yield from _row(source, path, row, TABLES[table])
    if table == "ground" and name not in GROUNDS:
        yield source.finding("error", "P004", path, f"`{name}` is no ground", name, GROUNDS)
    if table == "step" and name not in STEPS:
        yield source.finding("error", "P004", path, f"`{name}` is no step", name, STEPS)
    if table == "check" and isinstance(row, dict):
        yield from arguments(source, path, row)


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
