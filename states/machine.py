"""A request's machine (业务状态机), generated from its definition: one StateChart class per definition and route.

The class is the definition, the row is the instance. Deciding walks the compiled plan (`states.plan`); the class is
what the plan is compiled from, what diagrams are drawn from, and what refuses a definition with unreachable or
trapped states. A test proves that plan and engine agree in every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from statemachine import StateChart
from statemachine.io import create_machine_class_from_definition

from states.definition import FINALS, WAITING, Step
from states.vocabulary import HOLDER_EVENTS

ENGINE_FLAGS: dict[str, bool] = {
    # With the library's defaults an event that does not fit and an error in an action vanish without a trace.
    "allow_event_without_transition": False,
    "catch_errors_as_events": False,
    "atomic_configuration_update": True,
    "enable_self_transition_entries": False,
}
STAYING = ("remind", "note", "escalate", "recompute_clock")
"""Events that leave the state as it is, and are still written to the history."""
GOING_BACK = {"return": "returned", "reject": "rejected"}
"""Events of a holder that do not move on; one unit is enough for them, where a step has several."""


class Refused(Exception):
    """A rule refuses the event; `reasons` are all of them."""

    def __init__(self, reasons: tuple[Any, ...]) -> None:
        super().__init__("; ".join(reason.no.message for reason in reasons))
        self.reasons = reasons


def _rules_allow(machine: Any, event: Any, source: Any) -> None:
    """The validator of every transition: asks the same functions that `decide` asks."""
    reasons = machine.model.reasons(source.id, str(event))
    if reasons:
        raise Refused(reasons)


def _others_pending(machine: Any, source: Any) -> bool:
    """Whether a step that several units decide still waits for another one after this approval."""
    return bool(machine.model.waits_for_others(source.id))


def _day_ahead(machine: Any) -> bool:
    """Whether what the last step decides counts only from a later day."""
    return bool(machine.model.day_ahead)


def build_machine(name: str, route: Iterable[str], steps: Mapping[str, Step], dated: bool) -> type[StateChart[Any]]:
    """The StateChart of one route: draft, its steps in order, returned, and the four ends.

    `dated`: the request says from which day it counts; one whose day is still to come waits for it before its end.
    Raises `statemachine.exceptions.InvalidDefinition` for an unreachable or trapped state, `ValueError` for an event
    that no holder can have: a step that named `note` would move on by a remark.
    """
    order = tuple(route)
    ends = {"recall": [_to("recalled")], "expire": [_to("expired")]}
    states: dict[str, Any] = {"draft": {"initial": True, "on": {"submit": [_to(order[0])], **deepcopy(ends)}}}
    attributes: dict[str, Any] = {"rules_allow": _rules_allow, "others_pending": _others_pending,
                                  "day_ahead": _day_ahead, **ENGINE_FLAGS}  # fmt: skip
    resubmits = []
    for here, after in zip(order, (*order[1:], "completed"), strict=True):
        step = steps[here]
        on: dict[str, Any] = {**_staying(here), **deepcopy(ends)}
        for event in step.events:
            if event not in HOLDER_EVENTS:
                raise ValueError(f"{here}: a step's holder cannot have the event {event!r}")
            on[event] = _holder_event(
                event, here, after, several=len(step.holders) > 1, dated=dated and here == order[-1]
            )
        if "return" in step.events:
            attributes[f"from_{here}"] = _came_from(here)
            resubmits.append(dict(_to(here), cond=f"from_{here}"))
        states[here] = {"on": on}
    if resubmits:
        states["returned"] = {"on": {"resubmit": resubmits, **deepcopy(ends), **_staying("returned")}}
    if dated:
        note = _staying(WAITING)["note"]
        states[WAITING] = {"on": {"take_effect": [_to("completed")], "note": note, **deepcopy(ends)}}
    rejects = any("reject" in steps[state].events for state in order)
    for final in FINALS:
        if final != "rejected" or rejects:
            states[final] = {"final": True}
    return create_machine_class_from_definition(name, states, **attributes)


def _to(target: str) -> dict[str, Any]:
    return {"target": target, "validators": "rules_allow"}


def _staying(state: str) -> dict[str, Any]:
    return {event: [dict(_to(state), internal=True)] for event in STAYING}


def _holder_event(event: str, here: str, after: str, several: bool, dated: bool) -> list[dict[str, Any]]:
    """The transitions of an event that the step's holder has; the first that fits is taken."""
    if event in GOING_BACK:
        return [_to(GOING_BACK[event])]
    ahead = [dict(_to(after), unless="day_ahead"), _to(WAITING)] if dated else [_to(after)]
    return [dict(_to(here), cond="others_pending", internal=True), *ahead] if several else ahead


def _came_from(state: str) -> Any:
    def came_from(machine: Any) -> bool:
        return bool(machine.model.returned_from == state)

    return came_from
