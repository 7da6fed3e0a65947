"""What a rule does in the cases (规则与情形): who states it, who replaces it, which cases it refuses or lets by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from states.cases.shelf import Shelf
from states.cases.table import CASES, CaseError
from states.definition import Citation
from states.pack_chain import Compiled
from states.pack_reader import cite
from states.trace import trace


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
    """What the signed cases of a file do to every rule, by the rule of the catalogue.

    A paper's own rule counts as refusing where the paper is missing. Cases that cannot be judged count for nothing.
    """
    found: defaultdict[str, Exercised] = defaultdict(Exercised)
    for case in shelf.rows(file):
        try:
            asked = shelf.judged(case, file)
        except (CaseError, LookupError):
            continue  # `policy cases` says what is wrong with it.
        if case.unsigned:
            continue
        name = case.cells[CASES]
        refused = {part for rule in case.cells["规则"].replace("(", " ").replace(")", " ").replace(",", " ").split()
                   for part in rule.split("、")}  # fmt: skip
        for rule in refused:
            found[rule].no.append(name)
        for traced in trace(asked.plan.cell(asked.facts.state, asked.event), asked.facts):
            if traced.answer == "yes" and traced.cite.rule not in refused and name not in found[traced.cite.rule].yes:
                found[traced.cite.rule].yes.append(name)
    return found
