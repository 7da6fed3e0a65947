"""The diagrams say what the classes say."""

import pytest

from states.diagram import STATUS_EVENT_LABELS, route_diagram, status_diagram
from states.plan import Plan
from states.student_status import STATUSES, status_plan
from tests.states.definitions import all_plans, named, plan_of


@pytest.mark.parametrize("plan", [pytest.param(plan, id=named(plan)) for plan in all_plans()])
def test_a_route_is_drawn_with_every_state_in_chinese(plan: Plan) -> None:
    text = route_diagram(plan)
    assert text.startswith("stateDiagram-v2\n")
    for state in plan.machine.states:
        assert f" as {state.id}\n" in text
    assert f"draft --> {plan.states[0]}: 提交" in text
    assert "催办" not in text


def test_a_step_of_two_units_shows_both_arrows_and_silence_only_where_it_ends_something() -> None:
    text = route_diagram(plan_of(number=1))
    assert "awaiting_province_bureaus --> awaiting_province_bureaus: 同意（一方）" in text
    assert "awaiting_province_bureaus --> awaiting_arrival: 同意（全部）" in text
    assert "awaiting_arrival --> expired: 过期" in text
    assert "awaiting_origin_school --> expired" not in text


def test_every_status_and_every_event_is_drawn() -> None:
    text = status_diagram()
    assert all(f" as {name}\n" in text for name in STATUSES)
    assert {event for _, event in status_plan()} == set(STATUS_EVENT_LABELS)
    assert "attending --> attending: 转学 / " in text
