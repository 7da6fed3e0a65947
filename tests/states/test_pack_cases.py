"""The cases beside each pack (`transfer.cases.md`): what a registrar expects, judged by the pack itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from states.decide import reasons_against
from tests.states.definitions import shipped
from tests.states.pack_cases import RENDERED, Case, cases, instant, judged, rows_of, wrong

CASES = [pytest.param(case, id=str(case)) for pack in shipped() for case in cases(pack)]


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_judged_as_the_registrar_expects(case: Case) -> None:
    assert wrong(case, judged(case, shipped()[case.pack])) is None


@pytest.mark.parametrize("case", CASES)
def test_every_cure_of_every_case_clears_its_reason(case: Case) -> None:
    asked = judged(case, shipped()[case.pack])
    cell = asked.plan.by_event[asked.facts.state, asked.event]
    for reason in asked.reasons:
        assert reason.cite.article
        assert reason.no.message
        assert reason.no.message_en
        for cure in reason.no.cures:
            after = reasons_against(cell, asked.facts.patched(cure.set))
            assert (reason.cite, reason.no.message) not in {(left.cite, left.no.message) for left in after}, cure.text
            assert cure.text
            assert cure.text_en
            assert cure.who


@pytest.mark.parametrize("pack", shipped())
@pytest.mark.parametrize("table", RENDERED)
def test_steps_refusals_and_numbers_are_those_of_the_table(pack: str, table: str) -> None:
    assert RENDERED[table](shipped()[pack]) == rows_of(pack, table)


def test_every_check_of_every_pack_says_no_in_some_case_and_nothing_in_another() -> None:
    """The bar is low; but a rule that no case ever meets is a rule that nobody has looked at."""
    for pack, definition in shipped().items():
        refused = {reason.cite.rule for case in cases(pack) for reason in judged(case, definition).reasons}
        own = {check.cite.rule for check in definition.checks if check.cite.pack == pack}
        assert own - refused == set(), pack
        assert any(not case.cells["规则"] for case in cases(pack))


def test_the_day_before_and_the_day_after_every_window_are_refused() -> None:
    asked = judged(next(cases("catchment-k12")), shipped()["catchment-k12"])
    cell = asked.plan.by_event["draft", "submit"]
    for first, last in (("2026-08-20", "2026-09-20"), ("2027-02-13", "2027-02-25")):
        opens, closes = instant(f"{first} 00:00:00"), instant(f"{last} 23:59:59")
        second = timedelta(seconds=1)
        for moment, refused in ((opens - second, True), (opens, False), (closes, False), (closes + second, True)):
            found = {reason.cite.rule for reason in reasons_against(cell, asked.facts.patched({"now": moment}))}
            assert ("TR-07" in found) is refused, moment
