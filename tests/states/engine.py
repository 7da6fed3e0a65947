"""The library's own engine, bound to a small holder: the second opinion on every cell of a plan."""

from dataclasses import dataclass

from statemachine.exceptions import TransitionNotAllowed

from states.decide import Change, Refusal, day_ahead, decide, others_pending, reasons_against
from states.facts import Facts
from states.machine import Refused
from states.plan import Bound, Plan, compile_plan
from states.verdict import No, Reason
from tests.states.definitions import cite, good_facts

EVENTS = (
    "submit",
    "approve",
    "file",
    "return",
    "resubmit",
    "reject",
    "recall",
    "remind",
    "confirm_arrival",
    "note",
    "expire",
    "escalate",
    "recompute_clock",
    "take_effect",
    "no_such_event",
)


@dataclass
class Holder:
    """What the engine is bound to instead of a row: the state, and the answers of the rules."""

    plan: Plan
    facts: Facts
    state: str

    def reasons(self, state: str, event: str) -> tuple[Reason, ...]:
        return tuple(reasons_against(self.plan.by_event[state, event], self.facts))

    def waits_for_others(self, state: str) -> bool:
        return others_pending(self.plan, self.facts)

    @property
    def day_ahead(self) -> bool:
        return day_ahead(self.plan, self.facts) is not None

    @property
    def returned_from(self) -> str | None:
        return self.facts.returned_from


def with_one_rule(plan: Plan) -> Plan:
    """The plan with all its checks replaced by one that does as `data.allow` says, so that outcomes can be chosen."""
    fresh = compile_plan(plan.definition, plan.origin, plan.route, plan.states)
    for cell in fresh.by_event.values():
        if not cell.system:
            cell.checks = (Bound(cite("T-1"), lambda facts: None if facts.data["allow"] else No("不可", "No.")),)
    return fresh


class Engine:
    """The library's engine of a plan, put into one state after the other; one that came to its end is begun anew."""

    def __init__(self, plan: Plan) -> None:
        self._holder = Holder(plan, good_facts(state="draft"), "draft")
        self._machine = plan.machine(self._holder)

    def answer(self, facts: Facts, event: str) -> tuple[str, str]:
        """("moved", state afterwards), ("refused", "") by a rule, or ("unfit", "")."""
        holder = self._holder
        holder.facts, holder.state = facts, facts.state
        if self._machine.is_terminated:
            self._machine = holder.plan.machine(holder)
        try:
            self._machine.send(event)
        except TransitionNotAllowed:
            return "unfit", ""
        except Refused:
            return "refused", ""
        return "moved", holder.state


def by_plan(plan: Plan, facts: Facts, event: str) -> tuple[str, str]:
    """The same by `decide`."""
    answer = decide(plan, facts, event)
    if isinstance(answer, Refusal):
        return ("refused" if answer.reasons else "unfit"), ""
    assert isinstance(answer, Change)
    return "moved", answer.target
