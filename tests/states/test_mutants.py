"""No pack without dead mutants: every number, paper, exception, date, fact and condition is noticed by a case."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from states.pack_chain import canonical
from states.pack_linter import lint_chain
from states.pack_reader import read_canonical
from tests.states.definitions import shipped
from tests.states.mutants import Mutant, below, mutants
from tests.states.pack_cases import RENDERED, cases, forget, judged, rows_of, wrong

PENDING = "what is only missing never blocks what comes in"
NO_FILING = "no step of the packs that ship is filed (备案)"
INHERITED = "every pack inherits the row under the same id, so that both sides ask the same"
EQUIVALENT = {
    ("check.TR-G1-kind.on", "also on submit"): PENDING,
    ("check.TR-G1-kind.on", "also on resubmit"): PENDING,
    ("check.SYS-01-text.on", "also on submit"): PENDING,
    ("check.SYS-01-text.on", "also on resubmit"): PENDING,
    ("check.SYS-T6.on", "also on submit"): PENDING,
    ("check.SYS-T6.on", "also on resubmit"): PENDING,
    ("check.SYS-03.on", "without file"): NO_FILING,
    ("check.SYS-08.on", "without file"): NO_FILING,
    ("check.X-05.side", "both → destination"): INHERITED,
    ("check.X-05.side", "both → origin"): INHERITED,
    ("check.SYS-46.side", "both → destination"): INHERITED,
    ("check.SYS-46.side", "both → origin"): INHERITED,
    ("route.SYS-T3.when", "without same_bureau"): "one bureau lies in one province",
    ("ground.other", "row left out"): "where no ground is listed, `other` is taken by itself",
    ("check.NJ-09-register.with.allowed", "also student_only"): "NJ-10 says no to it, and NJ-11 excuses both alike",
    ("check.NJ-10.with.allowed", "also none"): "it is asked only of who moved alone",
}
"""Mutants that change nothing that can happen, each with the reason."""


def noticed(mutant: Mutant) -> str | None:
    """What notices a mutant: a table or a case of its pack or of one that extends it, or the linter; None if nothing.

    A mutant that cannot even be read as a pack, or a case that it makes impossible to state, is noticed too.
    """
    for each in (mutant, *below(mutant)):
        try:
            if (found := _by_cases(each)) is not None:
                return found
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            return f"impossible: {error!r}"
        finally:
            forget()
    return next((str(found) for found in lint_chain(mutant.chain) if found.severity == "error"), None)


def _by_cases(mutant: Mutant) -> str | None:
    definition = read_canonical(canonical(mutant.chain.compiled))
    for table, rows in RENDERED.items():
        if rows(definition) != rows_of(mutant.pack, table):
            return table
    return next((str(case) for case in cases(mutant.pack) if wrong(case, judged(case, definition))), None)


def survivors(found: Iterator[Mutant]) -> list[str]:
    return [str(m) for m in found if (m.where, m.edit) not in EQUIVALENT and noticed(m) is None]


@pytest.mark.parametrize("pack", shipped())
def test_a_sample_of_the_mutants_of_a_pack_is_noticed(pack: str) -> None:
    assert survivors(m for number, m in enumerate(mutants(pack)) if number % 5 == 2) == []


@pytest.mark.long
@pytest.mark.parametrize("pack", shipped())
def test_every_mutant_of_a_pack_is_noticed(pack: str) -> None:
    assert survivors(mutants(pack)) == []


def test_what_is_called_equivalent_is_a_mutant_that_nothing_notices() -> None:
    """A case that came later, or a rule that went, must not leave an excuse behind."""
    known = {(m.where, m.edit): m for pack in shipped() for m in mutants(pack) if (m.where, m.edit) in EQUIVALENT}
    assert set(known) == set(EQUIVALENT)
    assert {key: found for key, mutant in known.items() if (found := noticed(mutant)) is not None} == {}
