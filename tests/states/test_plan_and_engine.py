"""The compiled plan and the library's engine give the same answer in every cell."""

from collections.abc import Iterator
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statemachine.exceptions import TransitionNotAllowed

from states.decide import Change, decide
from states.definition import FINALS
from states.facts import Facts
from states.machine import Refused
from states.plan import Plan, compile_plan, is_dated
from tests.states.definitions import all_plans, good_facts, named
from tests.states.engine import EVENTS, Engine, Holder, by_plan, with_one_rule
from tests.states.shelf import shipped_shelf

DATED = compile_plan(
    definition := shipped_shelf().definition("national-k12/suspension.toml"), definition, definition.routes[0],
    definition.routes[0].steps)  # fmt: skip
PLANS = [pytest.param(plan, id=named(plan)) for plan in (*all_plans(), DATED)]


def situations(plan: Plan, state: str) -> Iterator[dict[str, object]]:
    """Where a request in this state may have come from, and who of several has approved already."""
    if state == "returned":
        yield from ({"returned_from": origin} for origin in (None, *plan.states))
        return
    step = plan.step(state)
    holders = step.holders if step else ()
    for size in range(len(holders) + 1):
        for approved in combinations(holders, size):
            for units in ({holder} for holder in holders):
                yield {"approvals": frozenset(approved), "units": frozenset(units)}
    if not holders or is_dated(plan.definition):
        yield from ({"data.effective_on": day} for day in (None, date(2026, 8, 1), date(2027, 3, 1)))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("allow", [True, False], ids=["allowed", "refused"])
def test_every_cell_is_decided_as_the_engine_decides_it(plan: Plan, allow: bool) -> None:
    plan = with_one_rule(plan)
    engine = Engine(plan)
    compared = 0
    for state in (state.id for state in plan.machine.states):
        for situation in situations(plan, state):
            for event in EVENTS:
                # `expire` names the rule that ends an official's step, as the wipe of SYS-46 does.
                facts = good_facts(state=state, system=True, reason="SYS-46", **{"data.allow": allow}, **situation)
                assert by_plan(plan, facts, event) == engine.answer(facts, event), (state, event, situation)
                compared += 1
    assert compared >= len(plan.states) * len(EVENTS)


@pytest.mark.parametrize("plan", PLANS)
def test_the_plan_has_exactly_the_cells_of_the_class(plan: Plan) -> None:
    of_the_class = {
        (state.id, event) for state in plan.machine.states for t in state.transitions for event in t.event.split()
    }
    assert set(plan.by_event) == of_the_class
    assert all(cell in plan.cells[state] for (state, _), cell in plan.by_event.items())


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_random_walks_end_in_agreement(data: st.DataObject) -> None:
    plan = with_one_rule(data.draw(st.sampled_from(all_plans()), label="plan"))
    facts: Facts = good_facts(state="draft", system=True, reason="SYS-46", **{"data.allow": True})
    holder = Holder(plan, facts, "draft")
    machine = plan.machine(holder)
    for _ in range(25):
        event = data.draw(st.sampled_from(EVENTS), label="event")
        step = plan.step(facts.state)
        units = frozenset({data.draw(st.sampled_from(step.holders))} if step else ())
        facts = facts.patched({"units": units, "data.allow": data.draw(st.booleans(), label="allow")})
        holder.facts = facts
        answer = decide(plan, facts, event)
        if not isinstance(answer, Change):
            before = holder.state
            with pytest.raises((TransitionNotAllowed, Refused)):
                machine.send(event)
            assert holder.state == before
            continue
        machine.send(event)
        assert holder.state == answer.target
        if answer.final:
            assert answer.target in FINALS
            return
        facts = facts.patched(
            {
                "state": answer.target,
                "returned_from": answer.returned_from,
                "approvals": frozenset(answer.approvals),
                "clock": answer.clock or facts.clock,
                "days_left": answer.days_left,
                "shared_used": answer.shared_used,
            }
        )
