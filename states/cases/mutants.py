"""Mutants of a pack (变异体): what one edit can do to its numbers, papers, exceptions, dates, facts and conditions."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from states.pack_chain import Chain, flatten
from states.vocabulary import DATA_FACTS, GROUNDS, STARTERS, WHEN_FACTS

Path = tuple[Any, ...]
Edit = tuple[str, Any]
GONE: Final = object()

DOCUMENTARY: Final = ("source", "kept", "not_software")
"""Tables that are read by people and asked by no rule."""
WORDING: Final = (
    "rule", "article", "basis", "because", "local", "changes", "label", "label_en", "approve_label", "approve_label_en",
    "title", "title_en", "version", "kind", "extends", "id", "reviewed", "review_next", "does", "name", "fallback",
    "other_kinds",
)  # fmt: skip
"""Keys that decide nothing by themselves: words, sources, permissions, other ways. `does` goes with its row."""
SIDES: Final = ("destination", "origin", "both")
CONTENT_EVENTS: Final = ("submit", "resubmit", "approve")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A pack after one edit of `file`, at `where` (table.row.key), in words; `rule` is the row's in the catalogue."""

    file: str
    where: str
    edit: str
    rule: str
    chain: Chain

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.edit}"


def mutants(chain: Chain) -> Iterator[Mutant]:
    """Every mutant of a pack's own rows; what it inherits is its base's."""
    source = chain.sources[-1]
    above = chain.levels[-2] if len(chain.levels) > 1 else None
    for path, words, value in edits(source.document):
        document = deepcopy(source.document)
        put(document, path, value)
        changed = replace(source, document=document)
        mutated = Chain((*chain.sources[:-1], changed), (*chain.levels[:-1], flatten(above, changed)))
        row = source.document.get(path[0], {}).get(path[1], {})
        rule = row.get("rule", path[1]) if isinstance(row, dict) else path[1]
        yield Mutant(source.file, ".".join(map(str, path)), words, str(rule), mutated)


def put(document: Any, path: Path, value: Any) -> None:
    *above, last = path
    for key in above:
        document = document[key]
    if value is GONE:
        del document[last]
    else:
        document[last] = value


def edits(document: dict[str, Any]) -> Iterator[tuple[Path, str, Any]]:
    """(path, words, new value) of every edit."""
    if document["pack"]["kind"] != "frame":  # of a frame, each kind says itself from when it is in force
        yield from within(("pack", "facts"), document["pack"].get("facts", []))
        for key, day in document["pack"]["in_force"].items():
            yield ("pack", "in_force", key), "a day later", day + timedelta(days=1)
    for table, rows in document.items():
        if table in ("pack", *DOCUMENTARY):
            continue
        for name, row in rows.items():
            if table == "parameter":
                yield from of_parameter((table, name, "value"), row)
                continue
            if table in ("check", "also", "ground", "reason", "window", "freeze", "wipe"):
                yield (table, name), "row left out", GONE
            if table == "papers":
                yield from within((table, name), row)
            else:
                yield from of_row((table, name), row, row)


def of_parameter(path: Path, row: dict[str, Any]) -> Iterator[tuple[Path, str, Any]]:
    """What a parameter may become that a program reads by its id; what others tell of stands where they say (`of`)."""
    if "shown" in row:
        value = row["value"]
        yield from ((path, words, new) for words, new in of_value("value", value, row, False))
        yield from within(path, value)
        if isinstance(value, str):
            yield path, f"{value} → nothing", ""


def of_row(path: Path, row: Any, whole: dict[str, Any]) -> Iterator[tuple[Path, str, Any]]:
    for key, value in row.items():
        here = (*path, key)
        if key in WORDING:
            continue
        if key in ("when", "with"):
            yield from of_row(here, value, {**whole, **value})
            if key == "when":
                yield from ((here, f"without {fact}", {k: v for k, v in value.items() if k != fact}) for fact in value)
        elif key == "except":
            for name, waiver in value.items():
                yield (*here, name), "exception left out", GONE
                yield from of_row((*here, name), waiver, waiver)
        else:
            yield from ((here, words, new) for words, new in of_value(key, value, whole, path[-1] == "when"))
            if isinstance(value, list | dict):
                yield from within(here, value)
            if key == "on" and "at" not in row:
                added = [event for event in CONTENT_EVENTS if event not in value]
                yield from ((here, f"also on {event}", [*value, event]) for event in added)


def of_value(key: str, value: Any, row: dict[str, Any], condition: bool) -> Iterator[Edit]:
    """What one value may become."""
    if isinstance(value, bool):
        yield "the other way round", not value
    elif isinstance(value, int):
        yield "one more", value + 1
        yield "one less", value - 1
    elif isinstance(value, str):
        yield from ((f"{value} → {other}", other) for other in others(key, value, condition))
    elif key == "allowed" and len(value) == 1 and value[0] in (True, False):
        yield "the other way round", [not value[0]]
    elif key == "allowed" and "fact" in row:
        rest = [one for one in DATA_FACTS[row["fact"]].values if one not in value]
        yield from ((f"also {one}", [*value, one]) for one in rest)


def others(key: str, value: str, condition: bool) -> list[str]:
    """Words that could stand there instead."""
    if len(value) == 5 and value[2] == "-" and value[:2].isdigit():
        day = date.fromisoformat(f"2026-{value}")
        return [f"{day + timedelta(days=step):%m-%d}" for step in (-1, 1)]
    if condition:
        domain = WHEN_FACTS.get(key) or DATA_FACTS[key].values
        return [str(one) for one in domain if one != value][:2]
    choices: dict[str, tuple[str, ...]] = {
        "side": SIDES, "season": ("autumn", "spring"), "silence": ("escalate", "expire"), "starter": STARTERS[:2],
        "role": ("registrar", "principal"), "region": ("national", "beijing"), "instead": tuple(GROUNDS)[:2],
        "anchor": ("term_starts", "term_ends", "holiday_starts"), "by": STARTERS[:2],
        "at": ("draft", "awaiting_origin_school", "awaiting_arrival"),
        "fact": tuple(name for name, kind in DATA_FACTS.items()
                      if value in DATA_FACTS and kind.type == DATA_FACTS[value].type),
    }  # fmt: skip
    return [one for one in choices.get(key, ()) if one != value][:2]


def within(path: Path, value: Any) -> Iterator[tuple[Path, str, Any]]:
    """Every part of a list or a table left out, and what its parts may become."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if len(value) > 1 and key not in ("season", "solar", "lunar", "anchor", "days"):
                yield (*path, key), "left out", GONE
            yield from (((*path, key), words, new) for words, new in of_value(key, inner, value, False))
            yield from within((*path, key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield path, f"without {inner}", [*value[:number], *value[number + 1 :]]
            if not isinstance(inner, str) or inner[2:3] == "-":
                yield from (((*path, number), words, new) for words, new in of_value("", inner, {}, False))
            yield from within((*path, number), inner)
