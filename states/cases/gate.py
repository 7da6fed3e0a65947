"""The gate of a pack (发布门槛): its cases as they come out, and the mutants that no case would notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from states.cases.judge import Case, expected, forget, refusing, unknown_rule, until, wrong
from states.cases.mutants import Mutant, mutants
from states.cases.rendered import RENDERED, differing
from states.cases.shelf import Shelf, rebuilt
from states.cases.table import CaseError
from states.definition import Definition
from states.pack_chain import Chain, canonical
from states.pack_linter import lint_chain
from states.pack_reader import read_canonical
from states.pack_source import PackError
from states.trace import Traced, trace

State = Literal["passed", "failed", "unsigned"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row and what came of it. `expected` and `got` are rules, `until` is the day of the joint cure.

    `wrong`: why it failed. `traced`: every rule that was asked, of a row that failed or that nobody has signed yet.
    """

    case: Case
    state: State
    wrong: str = ""
    expected: tuple[str, ...] = ()
    got: tuple[str, ...] = ()
    until: str = ""
    traced: tuple[Traced, ...] = ()


def outcomes(shelf: Shelf, file: str) -> Iterator[Outcome]:
    """Every row of 情形 beside a pack's file. Raises `CaseError` where the table cannot be read at all."""
    definitions = shelf.siblings(file).values()
    for case in shelf.rows(file):
        try:
            yield _outcome(shelf, file, case, definitions)
        except CaseError as error:
            yield Outcome(case, "failed", str(error), tuple(sorted(expected(case))))


def _outcome(shelf: Shelf, file: str, case: Case, definitions: Iterable[Definition]) -> Outcome:
    asked = shelf.judged(case, file)
    found = "" if case.unsigned else (unknown_rule(case, definitions) or wrong(case, asked) or "")
    if not found and not case.unsigned:
        return Outcome(case, "passed")
    cell = asked.plan.cell(asked.facts.state, asked.event)
    return Outcome(
        case, "unsigned" if case.unsigned else "failed", found, tuple(sorted(expected(case))),
        tuple(sorted(refusing(asked.reasons))), until(asked), tuple(trace(cell, asked.facts, sent=True)),
    )  # fmt: skip


def tables_wrong(shelf: Shelf, file: str) -> list[str]:
    """What the tables of steps, refusals, papers and numbers say otherwise than the pack, a line for each row."""
    found = differing(shelf.definition(file), shelf.case_text(file))
    return [f"{table} {how} {' | '.join(row)}".rstrip() for table, row, how in found]


def sound(shelf: Shelf, file: str) -> bool:
    """Whether a pack has cases beside it and all of them come out; asked once."""
    if file not in shelf.known_sound:
        try:
            shelf.known_sound[file] = bool(
                not file.endswith("/frame.toml") and shelf.rows(file) and not tables_wrong(shelf, file)
                and all(outcome.state != "failed" for outcome in outcomes(shelf, file))
            )  # fmt: skip
        except (CaseError, PackError):
            shelf.known_sound[file] = False
    return shelf.known_sound[file]


def survivors(shelf: Shelf, file: str, found: Iterable[Mutant] | None = None) -> Iterator[Mutant]:
    """The mutants of a file's own rows that nothing notices and 等同 does not excuse."""
    excused = shelf.excused(file)
    for mutant in mutants(shelf.chain(file)) if found is None else found:
        if (mutant.where, mutant.edit) not in excused and noticed(shelf, mutant) is None:
            yield mutant


def noticed(shelf: Shelf, mutant: Mutant) -> str | None:
    """What notices a mutant: a table or a case of its pack or of one that extends it, or the linter; None if nothing.

    A mutant that cannot even be read as a pack, or a case that it makes impossible to state, is noticed too. Only
    cases that come out without the mutant can notice it.
    """
    for file in (mutant.file, *shelf.below(mutant.file)):
        try:
            chain = mutant.chain if file == mutant.file else rebuilt(shelf.chain(file), mutant.chain)
            if sound(shelf, file) and (found := _by_cases(shelf, file, mutant, chain)):
                return found
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            return f"impossible: {error!r}"
        finally:
            forget()
    return next((str(found) for found in lint_chain(mutant.chain) if found.severity == "error"), None)


def _by_cases(shelf: Shelf, file: str, mutant: Mutant, chain: Chain) -> str | None:
    definition = read_canonical(canonical(chain.compiled))
    for table, rows in RENDERED.items():
        if rows(definition) != shelf.table(file, table):
            return table
    # Whoever cites the changed rule notices it soonest, and most mutants end there.
    for case in sorted(shelf.rows(file), key=lambda case: mutant.rule not in case.cells["规则"]):
        if not case.unsigned and wrong(case, shelf.judged(case, file, definition)):
            return str(case)
    return None
