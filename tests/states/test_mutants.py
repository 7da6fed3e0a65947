"""No pack without dead mutants: every number, paper, exception, date, fact and condition is noticed by a case."""

from __future__ import annotations

import pytest

from states.cases.gate import noticed, survivors
from states.cases.mutants import mutants
from tests.states.shelf import shipped_shelf, with_cases

FILES = with_cases()


@pytest.mark.parametrize("file", FILES)
def test_a_sample_of_the_mutants_of_a_pack_is_noticed(file: str) -> None:
    shelf = shipped_shelf()
    sample = (mutant for number, mutant in enumerate(mutants(shelf.chain(file))) if number % 5 == 2)
    assert [str(mutant) for mutant in survivors(shelf, file, sample)] == []


@pytest.mark.long
@pytest.mark.parametrize("file", FILES)
def test_every_mutant_of_a_pack_is_noticed(file: str) -> None:
    assert [str(mutant) for mutant in survivors(shipped_shelf(), file)] == []


@pytest.mark.parametrize("file", FILES)
def test_what_is_called_equivalent_is_a_mutant_that_nothing_notices(file: str) -> None:
    """A case that came later, or a rule that went, must not leave an excuse behind."""
    shelf = shipped_shelf()
    excused = shelf.excused(file)
    known = {(m.where, m.edit): m for m in mutants(shelf.chain(file)) if (m.where, m.edit) in excused}
    assert set(known) == set(excused)
    assert {key: found for key, mutant in known.items() if (found := noticed(shelf, mutant)) is not None} == {}


def test_a_parameter_that_a_program_reads_is_changed_too_and_one_in_words_is_not() -> None:
    changed = {mutant.where for mutant in mutants(shipped_shelf().chain("national-k12/guest_attendance.toml"))}
    assert "parameter.WS-157.value" in changed
    changed = {mutant.where for mutant in mutants(shipped_shelf().chain("national-k12/suspension.toml"))}
    assert not [where for where in changed if where.startswith("parameter.")]
