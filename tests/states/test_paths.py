"""What holds on every path of every definition that ships: somebody holds it, it ends, and nobody decides alone."""

from dataclasses import replace

import pytest

from states.decide import Change, Refusal, decide, expires_in_silence
from states.definition import FINALS
from states.joint_cure import joint_cure
from states.plan import APPROVING, Plan
from states.vocabulary import UNITS
from tests.states.definitions import all_plans, good_facts, named, pair_plans

PLANS = [pytest.param(plan, id=named(plan)) for plan in all_plans()]
OWN_ACTS = ("awaiting_record", "awaiting_arrival")
"""Steps in which the applying school carries out what others decided; there nothing is approved."""


def open_states(plan: Plan) -> list[str]:
    return [state.id for state in plan.machine.states if not state.final]


@pytest.mark.parametrize("plan", PLANS)
def test_every_open_state_has_a_holder_a_limit_and_a_way_out(plan: Plan) -> None:
    for state in open_states(plan):
        step = plan.step(state)
        if step is not None:
            assert step.holders
            assert set(step.holders) <= set(UNITS)
            assert step.working_days >= 1
            assert step.limit.article
        leaving = [cell for cell in plan.cells[state] if cell.target]
        assert any(not cell.system for cell in leaving)
        assert all(cell.units and cell.label and cell.label_en for cell in plan.cells[state])
    assert plan.definition.returned_days >= 1
    assert plan.definition.draft_days >= 1


@pytest.mark.parametrize("plan", PLANS)
def test_a_final_state_can_be_reached_from_every_state_and_completion_from_draft(plan: Plan) -> None:
    leads = {state: {cell.target for cell in plan.cells[state] if cell.target} for state in open_states(plan)}
    if "returned" in leads:
        leads["returned"] = leads["returned"] - {"returned_from"} | {s for s in leads if "returned" in leads[s]}

    def reachable(start: str) -> set[str]:
        found, todo = {start}, [start]
        while todo:
            for after in leads.get(todo.pop(), set()) - found:
                found.add(after)
                todo.append(after)
        return found

    assert "completed" in reachable("draft")
    for state in open_states(plan):
        assert reachable(state) & set(FINALS)


@pytest.mark.parametrize("plan", PLANS)
def test_nobody_approves_what_they_submitted_even_with_every_role_everywhere(plan: Plan) -> None:
    facts = good_facts(
        units=frozenset(UNITS), roles=frozenset({"registrar", "principal"}), own=True, reason="data_wrong"
    )
    for state in plan.states:
        for cell in plan.cells[state]:
            if (
                state not in OWN_ACTS
                and cell.event in (*APPROVING, "return", "reject")
                and cell.event != "confirm_arrival"
            ):
                answer = decide(plan, facts.patched({"state": state}), cell.event)
                assert isinstance(answer, Refusal), (state, cell.event)
                assert any("本人" in reason.no.message for reason in answer.reasons), (state, cell.event)


@pytest.mark.parametrize("plan", PLANS)
def test_nobody_acts_in_a_step_that_is_not_theirs(plan: Plan) -> None:
    for state in open_states(plan):
        for cell in plan.cells[state]:
            facts = good_facts(state=state, reason="data_wrong", returned_from=plan.states[0])
            answer = decide(plan, facts, cell.event)
            assert isinstance(answer, Refusal), (state, cell.event)
            assert answer.reasons or cell.system


@pytest.mark.parametrize("plan", PLANS)
def test_only_what_waits_for_the_family_or_the_applying_school_expires(plan: Plan) -> None:
    for state in open_states(plan):
        step = plan.step(state)
        waits_for_applicant = step is None or set(step.holders) == {"destination_school"}
        assert not expires_in_silence(plan, state) or waits_for_applicant, state
        answer = decide(plan, good_facts(state=state, system=True), "expire")
        assert isinstance(answer, Refusal) is not expires_in_silence(plan, state)


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_only_missing_never_blocks_the_intake(plan: Plan) -> None:
    nothing = replace(good_facts(starter=plan.route.starter), data={}, documents=frozenset())
    for ground in (*(ground.name for ground in plan.definition.grounds), "other"):
        answer = decide(plan, nothing.patched({"ground": ground, "units": frozenset({plan.route.starter})}), "submit")
        assert not isinstance(answer, Refusal) or not any(reason.no.pending for reason in answer.reasons)


@pytest.mark.parametrize(
    "plan", [*PLANS, *(pytest.param(p, id=f"{named(p)}-from-{p.origin.pack}") for p in pair_plans())]
)
def test_every_route_is_walked_from_draft_to_completed_by_its_own_holders(plan: Plan) -> None:
    facts, seen = good_facts(state="draft", starter=plan.route.starter, stage="primary", town=True), []
    for _ in range(12):
        state = facts.state
        cell = next(cell for cell in plan.cells[state] if cell.event in ("submit", *APPROVING))
        for unit in sorted(cell.units):
            asking = facts.patched({"units": frozenset({unit}), "roles": frozenset({cell.role})})
            joint = joint_cure(plan, asking, cell.event)  # Papers and facts that this pack wants are brought.
            assert not joint.dead_end, (state, joint.against)
            assert "units" not in joint.patch, f"{unit} holds {state}"
            facts = asking.patched(joint.patch)
            change = decide(plan, facts, cell.event)
            assert isinstance(change, Change)
            facts = facts.patched({"state": change.target, "approvals": frozenset(change.approvals), "comment": None})
        seen.append(facts.state)
        if change.final:
            break
    assert seen == [*plan.states, "completed"]
