"""What the plan makes of a definition: which checks and papers a cell asks, once each, and what it does not keep."""

from dataclasses import replace
from datetime import datetime

import pytest

from states.decide import Change, Refusal, decide, reasons_against
from states.definition import Check, Definition
from states.machine import build_machine
from states.plan import Plan, compile_plan
from states.rules import CHECKS
from states.rules.intake import frozen_until
from states.windows import Solar, WindowRule
from tests.states.definitions import DEFINITION, ROUTES, STEPS, at, cite, good_facts

FULL, SHORT = ROUTES[0].steps, ROUTES[0].steps[1:]


def plan_with(states: tuple[str, ...] = FULL, origin: Definition | None = None, **changes: object) -> Plan:
    definition = replace(DEFINITION, **changes)  # type: ignore[arg-type]
    return compile_plan(definition, origin or definition, ROUTES[0], states)


def papers(plan: Plan, state: str) -> list[str]:
    """English messages of what is missing at the approval of a state when nothing is there."""
    cell = plan.by_event[state, "approve"]
    found = reasons_against(cell, good_facts(state=state, documents=frozenset()))
    return [reason.no.message_en for reason in found if reason.cite.rule == "C-99"]


def test_a_rule_that_both_counties_inherit_gives_one_reason() -> None:
    row = Check("B-1", cite("B-1"), "no_problem_record", on=("submit",), side="both")
    plan = plan_with(checks=(row,), origin=replace(DEFINITION, checks=(row,)))
    assert len(reasons_against(plan.by_event["draft", "submit"], good_facts(problem=True))) == 1


def test_a_check_of_the_origin_comes_from_the_origins_pack_only() -> None:
    row = Check("B-2", cite("B-2"), "not_graduating", on=("submit",), side="origin")
    elsewhere = replace(DEFINITION, checks=())
    facts = good_facts(current_grade=6)
    asked = plan_with(checks=(), origin=replace(DEFINITION, checks=(row,))).by_event["draft", "submit"]
    not_asked = plan_with(checks=(row,), origin=elsewhere).by_event["draft", "submit"]
    assert len(reasons_against(asked, facts)) == 1
    assert reasons_against(not_asked, facts) == []


def test_a_paper_is_asked_from_its_step_on_and_a_step_left_out_passes_it_to_the_next() -> None:
    assert len(papers(plan_with(), "awaiting_destination_principal")) == 1
    assert len(papers(plan_with(), "awaiting_origin_school")) == 2
    assert len(papers(plan_with(SHORT), "awaiting_origin_school")) == 2


def test_a_paper_of_the_draft_is_asked_at_the_first_approval() -> None:
    early = replace(DEFINITION.requirements[0], at="draft")
    assert len(papers(plan_with(requirements=(early,)), "awaiting_destination_principal")) == 1


def test_a_resubmission_is_not_stopped_by_what_is_only_missing() -> None:
    row = Check("B-3", cite("B-3"), "fact_given", {"fact": "arrived_on"}, on=("resubmit", "confirm_arrival"))
    plan = plan_with(checks=(row,))
    back = good_facts(state="returned", returned_from="awaiting_origin_school")
    assert isinstance(decide(plan, back, "resubmit"), Change)
    assert isinstance(
        decide(plan, good_facts(state="awaiting_arrival", documents=frozenset()), "confirm_arrival"), Refusal
    )


def test_invented_grounds_are_answered_and_not_kept() -> None:
    cell = plan_with().by_event["draft", "submit"]
    for number in range(5):
        assert cell.checks_for(f"invented-{number}")
    assert cell.by_ground == {}
    assert cell.checks_for("moved_house") is cell.checks_for("moved_house")


@pytest.mark.parametrize("event", ["note", "recall", "expire", "submit", "aprove"])
def test_a_holder_cannot_have_an_event_that_is_not_a_holders(event: str) -> None:
    steps = {**STEPS, FULL[0]: replace(STEPS[FULL[0]], events=("approve", event))}
    with pytest.raises(ValueError, match=event):
        build_machine("wrong", FULL, steps, dated=False)


def test_a_window_that_is_open_inside_a_freeze_gives_no_reason_of_its_own() -> None:
    summer = replace(DEFINITION, windows=(WindowRule("W-2", (Solar("autumn", "07-01", "08-31"),), "示例", "decided"),))
    assert CHECKS["within_window"](good_facts(now=at("2026-07-20")), definition=summer) is None
    closed = CHECKS["within_window"](good_facts(now=at("2026-06-30")), definition=summer)
    assert closed is not None
    assert closed.cures[0].until == at("2026-07-01", 0)


def test_where_no_window_is_set_every_day_is_open() -> None:
    assert CHECKS["within_window"](good_facts(now=at("2026-11-24")), definition=replace(DEFINITION, windows=())) is None


@pytest.mark.parametrize(("now", "until"), [
    (at("2026-12-20", 0), at("2027-01-11", 0)),
    (at("2027-01-10", 23), at("2027-01-11", 0)),
    (at("2027-01-11", 0), None),
    (at("2026-12-19", 23), None),
])  # fmt: skip
def test_a_freeze_over_the_new_year_ends_in_the_next(now: datetime, until: datetime | None) -> None:
    assert frozen_until(good_facts(now=now), "12-20", "01-10") == until
