"""Two packs, one transfer (两地规则包对照): what would stop a student who moves between two counties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from states.pack_chain import Chain
from states.pack_source import Diagnostic

Row = Mapping[str, Any]


def pairs(destination: Chain, origin: Chain) -> Iterator[Diagnostic]:
    """Findings on a transfer from `origin` to `destination`: routes across bureaus, starters, papers, freezes."""
    yield from _routes(destination, origin)
    yield from _papers(destination, origin)
    yield from _freezes(destination, origin)


def _routes(destination: Chain, origin: Chain) -> Iterator[Diagnostic]:
    """Across bureaus both must follow the same route: it is their common base's, and neither may write it anew."""
    ours, theirs = _across(destination), _across(origin)
    there = origin.compiled["pack"]["id"]
    for name, row in ours.items():
        other = theirs.get(name)
        if other is None:
            message = f"{there} does not have the route {name}: no common route between the two"
            yield destination.finding("error", "P060", "route", name, message, name, theirs)
        elif other["starter"] != row["starter"]:
            message = f"{name} is started by {row['starter']} here and by {other['starter']} in {there}"
            yield destination.finding("error", "P061", "route", name, message, "starter")
        elif other["steps"] != row["steps"] or other.get("when") != row.get("when"):
            message = f"{name} has other steps here than in {there}: no common route"
            yield destination.finding("error", "P060", "route", name, message, "steps")


def _across(chain: Chain) -> dict[str, Row]:
    routes = chain.compiled["route"]
    return {name: row for name, row in routes.items() if row.get("when", {}).get("same_bureau") is not True}


def _papers(destination: Chain, origin: Chain) -> Iterator[Diagnostic]:
    """No paper is asked of the destination before the origin's pack lets the origin make it."""
    made = {
        kind: (name, row)
        for name, row in origin.compiled["also"].items()
        if row.get("side") == "origin"
        for kind in _kinds(origin, row)
    }
    for table in ("also", "ground"):
        for name, row in destination.compiled[table].items():
            if row.get("side", "destination") != "destination" or row.get("when", {}).get("same_bureau") is True:
                continue
            for kind in _kinds(destination, row) & made.keys():
                there, other = made[kind]
                message = (
                    f"`{kind}` is asked here of {row.get('by', 'destination_school')} in `{row.get('at', 'draft')}`; "
                    f"{there} of {other['pack']} lets {other['by']} upload it in `{other['at']}`"
                )
                yield destination.finding("error", "P063", table, name, message, kind)


def _kinds(chain: Chain, row: Row) -> set[str]:
    """The kinds without which the row is not met; a kind with an alternative cannot contradict."""
    kinds: set[str] = set()
    for need in row["needs"]:
        papers = chain.compiled["papers"].get(need, [need])
        kinds.update(papers if isinstance(papers, list) else ())
    return kinds


def _freezes(destination: Chain, origin: Chain) -> Iterator[Diagnostic]:
    """A freeze of the origin's alone is not asked when the destination takes the request in."""
    for name, row in origin.compiled["freeze"].items():
        if name not in destination.compiled["freeze"]:
            message = (
                f"{name} freezes {row['solar'][0]}…{row['solar'][1]} there and not in "
                f"{destination.compiled['pack']['id']}; a request may run into it"
            )
            yield origin.finding("warning", "P062", "freeze", name, message)
