"""What a rule does in the cases (规则与情形): who states it, who replaces it, which cases it refuses or lets by."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from states.cases.judge import Judged
from states.cases.shelf import Shelf
from states.cases.table import CASES, CaseError
from states.definition import Citation, Definition
from states.facts import Facts
from states.pack_chain import Compiled, condition
from states.pack_reader import cite
from states.plan import fits
from states.trace import trace
from states.windows import judge


@dataclass(frozen=True, slots=True)
class Stated:
    """A row that carries out a rule: where it stands, its citation, and the rows of other packs that replace it."""

    file: str
    table: str
    id: str
    cite: Citation
    row: dict[str, Any]
    papers: dict[str, Any]
    replaced: tuple[tuple[str, str], ...] = ()  # (file, the row's id there)

    @property
    def place(self) -> str:
        """Where it stands, as `exercised` names it: nenjiang-k12/check.NJ-07."""
        return f"{self.cite.pack}/{self.table}.{self.id}"


@dataclass(slots=True)
class Exercised:
    """The names of the cases of a file that a rule refuses, and of those that it is asked in and lets by."""

    no: list[str] = field(default_factory=list)
    yes: list[str] = field(default_factory=list)


def stated(shelf: Shelf, rule: str) -> list[Stated]:
    """Every row of every pack and kind with this id, or that cites this rule of the catalogue."""
    found = []
    for file in shelf.texts:
        source = shelf.chain(file).sources[-1]
        compiled = shelf.chain(file).compiled
        for table, name, row in own_rows(compiled, source.document["pack"]["id"], source.document):
            if rule in (name, row.get("rule", name)):
                replaced = tuple(_replacing(shelf, file, table, name))
                found.append(Stated(file, table, name, cite(compiled, name, row), row, compiled["papers"], replaced))
    return found


def own_rows(compiled: Compiled, pack: str, document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The rules that a file states itself, as compiled: table, id, row; exceptions as rows of the table `except`."""
    for table, rows in document.items():
        if table in ("pack", "papers", "source"):
            continue
        for name in rows:
            row = compiled[table].get(name)
            if row is None or "article" not in row:
                continue  # A step that only carries labels is cited by its route.
            yield table, name, row
            for inner, waiver in row.get("except", {}).items():
                yield "except", inner, {"pack": pack, **waiver}


def _replacing(shelf: Shelf, file: str, table: str, name: str) -> Iterator[tuple[str, str]]:
    for other in shelf.below(file):
        for own, row in shelf.chain(other).sources[-1].document.get(table, {}).items():
            if row.get("changes") == name:
                yield other, own


def exercised(shelf: Shelf, file: str) -> defaultdict[str, Exercised]:
    """What the signed cases of a file do to every row of its pack, by where the row stands (pack/table.id).

    A paper refuses where it is missing, an exception lets by where its check would have refused. A ground lets by
    every case of it that nothing refuses, a route every case that goes through it; a window lets by what comes in it,
    and refuses what comes in none. Cases that cannot be judged, or that nobody signed, count for nothing.
    """
    found: defaultdict[str, Exercised] = defaultdict(Exercised)
    definition = shelf.definition(file)
    compiled: Compiled = json.loads(definition.canonical)
    for case in shelf.rows(file):
        try:
            asked = shelf.judged(case, file)
        except (CaseError, LookupError):
            continue  # `policy cases` says what is wrong with it.
        if not case.unsigned:
            for row, said in dict.fromkeys(_answers(compiled, definition, asked)):
                (found[row].yes if said else found[row].no).append(case.cells[CASES])
    return found


def _answers(compiled: Compiled, definition: Definition, asked: Judged) -> Iterator[tuple[str, bool]]:
    """(row, whether it lets by) of everything that answers in one case."""
    facts, plan = asked.facts, asked.plan
    traced = trace(plan.cell(facts.state, asked.event), facts, sent=True)
    refused = any(one.answer == "no" for one in traced)
    yield from (
        (_row(compiled, "route", name), True)
        for name, route in zip(compiled["route"], definition.routes, strict=True) if route == plan.route
    )  # fmt: skip
    if facts.ground in compiled["ground"] and not refused:
        yield _row(compiled, "ground", facts.ground), True
    checks = {_row(compiled, "check", name): row for name, row in compiled["check"].items()}
    for one in traced:
        check = checks.get(one.row, {})  # the other county's checks have no exceptions and windows of ours
        if one.answer in ("yes", "no"):
            yield one.row, one.answer == "yes"
        elif one.answer == "not_applicable" and _refuses_wherever_it_applies(check):
            yield one.row, True
        if one.answer in ("yes", "no", "waived"):
            yield from _beside(compiled, definition, check, one.answer, facts)


def _refuses_wherever_it_applies(check: Mapping[str, Any]) -> bool:
    """Whether its condition is all that a check says, so that it lets by only what it does not apply to."""
    named = check.get("with", {}).get("fact")
    return check.get("does") == "accepted_before" or (named is not None and named in check.get("when", {}))


def _beside(
    compiled: Compiled, definition: Definition, check: Mapping[str, Any], answer: str, facts: Facts
) -> Iterator[tuple[str, bool]]:
    """The same of what a check asks: its exceptions, the windows, its freeze."""
    for name, waiver in check.get("except", {}).items():
        if answer == "no" or (answer == "waived" and fits(tuple(condition(waiver["when"]).items()), facts)):
            yield f"{check['pack']}/except.{name}", answer == "waived"
    if check.get("does") == "not_in_freeze":
        yield _row(compiled, "freeze", check["with"]["freeze"]), answer == "yes"
    if check.get("does") == "within_window":
        found = judge(definition.windows, facts.calendar, facts.now, (), facts.scope).open
        for rule in definition.windows:
            if found is None or found.id == rule.id:
                yield _row(compiled, "window", rule.id), found is not None


def _row(compiled: Compiled, table: str, name: str) -> str:
    """Where a row stands, as `Bound.row` says it."""
    return f"{compiled[table][name]['pack']}/{table}.{name}"
