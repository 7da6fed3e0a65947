"""The cases beside each pack (`<kind>.cases.md`): what a registrar expects, judged by the pack itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from states.cases.exercise import exercised
from states.cases.gate import tables_wrong
from states.decide import reasons_against
from tests.states.definitions import shipped
from tests.states.pack_cases import Case, cases, instant, judged, wrong
from tests.states.shelf import own_rules, shipped_shelf, with_cases

FILES = with_cases()
CASES = [pytest.param(file, case, id=f"{file.removesuffix('.toml')}:{case.line} {case.cells['情形']}")
         for file in FILES for case in shipped_shelf().rows(file)]  # fmt: skip


@pytest.mark.parametrize(("file", "case"), CASES)
def test_a_case_is_judged_as_the_registrar_expects(file: str, case: Case) -> None:
    assert not case.unsigned
    assert wrong(case, shipped_shelf().judged(case, file)) is None


@pytest.mark.parametrize(("file", "case"), CASES)
def test_every_cure_of_every_case_clears_its_reason(file: str, case: Case) -> None:
    asked = shipped_shelf().judged(case, file)
    cell = asked.plan.cell(asked.facts.state, asked.event)
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


@pytest.mark.parametrize("file", FILES)
def test_steps_refusals_and_numbers_are_those_of_the_table(file: str) -> None:
    assert tables_wrong(shipped_shelf(), file) == []


@pytest.mark.parametrize("file", FILES)
def test_every_row_that_can_refuse_is_asked_and_says_yes_in_some_case_and_no_in_another(file: str) -> None:
    """A rule that no case ever meets is a rule that nobody has looked at; where it does not apply it says nothing."""
    found = exercised(shipped_shelf(), file)
    compiled = json.loads(shipped_shelf().definition(file).canonical)
    for rule in own_rules(file):
        wanted = ways(rule.kind, compiled.get(rule.kind, {}).get(rule.id, {}))
        seen = {way for way, cases in (("yes", found[rule.row].yes), ("no", found[rule.row].no)) if cases}
        assert wanted <= seen, f"{rule.row}: no case where it says {wanted - seen}"


def ways(table: str, row: Mapping[str, Any]) -> set[str]:
    """What a row can say: a route is taken, a ground that needs no paper refuses none, a paper that may lie there too
    is asked of nobody; what does not answer in a case (a limit, a label) stands in the other tables."""
    if table == "route" or (table == "ground" and not row["needs"]):
        return {"yes"}
    asked = table in ("check", "also", "ground", "window", "freeze", "except") and not row.get("optional")
    return {"yes", "no"} if asked else set()


def test_the_day_before_and_the_day_after_every_window_are_refused() -> None:
    asked = judged(next(cases("catchment-k12")), shipped()["catchment-k12"])
    cell = asked.plan.by_event["draft", "submit"]
    for first, last in (("2026-08-20", "2026-09-20"), ("2027-02-13", "2027-02-25")):
        opens, closes = instant(f"{first} 00:00:00"), instant(f"{last} 23:59:59")
        second = timedelta(seconds=1)
        for moment, refused in ((opens - second, True), (opens, False), (closes, False), (closes + second, True)):
            found = {reason.cite.rule for reason in reasons_against(cell, asked.facts.patched({"now": moment}))}
            assert ("TR-07" in found) is refused, moment
