"""Deciding and explaining (裁决与说明): the same plan, the same checks, the same order.

`explain` answers for every event of a state, with all reasons at once; `decide` answers for one event with what
follows from it. Neither writes anything: `workflow_service.transitions.fire` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from states.calendar import Clock, days_used, due_instant, resume, run_clock
from states.definition import FINALS, Citation
from states.facts import Facts
from states.plan import Bound, Cell, Plan, fits
from states.verdict import EventVerdict, Reason

_COMING_IN = ("draft", "returned")


@dataclass(frozen=True, slots=True)
class Change:
    """What an event amounts to. `target` is the state afterwards (the same where the event stays).

    `holders`: (unit, role) of whoever must act next, () at the end. `clock` with `limit` is the step's clock, None at
    the end and where it goes on unchanged. `place`: what happens to the held place.
    """

    cell: Cell
    target: str
    final: bool
    moved: bool
    holders: tuple[tuple[str, str], ...]
    clock: Clock | None
    limit: Citation | None
    due_at: datetime | None
    expires: bool
    days_left: int | None
    shared_used: int
    returned_from: str | None
    approvals: tuple[str, ...]
    place: str  # "hold", "release", "move" or ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The event is refused; `reasons` holds every reason at once. No cell: the event does not fit the state."""

    cell: Cell | None
    reasons: tuple[Reason, ...]


def reasons_against(cell: Cell, facts: Facts) -> list[Reason]:
    """Every reason against one event, in the order of the packs; [] when it is allowed."""
    found = []
    submitting = cell.event == "submit"
    for bound in cell.checks_for(facts.ground):
        reason = _ask(bound, facts)
        # What is only missing never blocks the intake: it is listed and blocks every approval.
        if reason is not None and not (submitting and reason.no.pending):
            found.append(reason)
    return found


def pending_at_submit(plan: Plan, facts: Facts) -> list[Reason]:
    """What `submit` would let through although it is missing, and the first approval would not."""
    cell = plan.by_event[plan.states[0], "approve"] if (plan.states[0], "approve") in plan.by_event else None
    found = [] if cell is None else [_ask(bound, facts) for bound in cell.checks_for(facts.ground)]
    return [reason for reason in found if reason is not None and reason.no.pending]


def _ask(bound: Bound, facts: Facts) -> Reason | None:
    if bound.when and not fits(bound.when, facts):
        return None
    no = bound.ask(facts)
    if no is None or any(fits(waiver, facts) for waiver in bound.waivers):
        return None
    return Reason(bound.cite, no)


def explain(plan: Plan, facts: Facts) -> list[EventVerdict]:
    """Every event of the current state for the one who asks, allowed or with every reason why not."""
    verdicts = []
    for cell in plan.cells[facts.state]:
        if not cell.system:
            reasons = reasons_against(cell, facts)
            verdicts.append(EventVerdict(cell.event, cell.label, cell.label_en, not reasons, tuple(reasons)))
    return verdicts


def decide(plan: Plan, facts: Facts, event: str) -> Change | Refusal:
    """The change that `event` amounts to, or every reason against it.

    `facts.system` is the system actor's (expire, escalate, recompute_clock); nobody else may send those.
    """
    cell = plan.by_event.get((facts.state, event))
    if cell is None or (cell.system and not facts.system):
        return Refusal(None, ())
    if not facts.system:
        reasons = reasons_against(cell, facts)
        if reasons:
            return Refusal(cell, tuple(reasons))
    return _change(plan, facts, cell)


def _change(plan: Plan, facts: Facts, cell: Cell) -> Change:
    step = plan.step(facts.state)
    approvals = tuple(sorted(facts.approvals))
    target = cell.target
    if target == "returned_from":
        target = facts.returned_from
    elif step and len(step.holders) > 1 and cell.event in ("approve", "file"):
        approvals = tuple(sorted(facts.approvals | (facts.units & frozenset(step.holders))))
        if others_pending(plan, facts):
            target = None
    moved = target is not None and target != facts.state
    if not moved:
        return _staying(plan, facts, cell, approvals)
    assert target is not None
    clock, limit, days_left, used = _clock(plan, facts, target)
    after = plan.step(target)
    holders = tuple((unit, after.role) for unit in after.holders) if after else ()
    if target == "returned":
        holders = ((plan.route.starter, "registrar"),)
    return Change(
        cell,
        target,
        target in FINALS,
        True,
        holders,
        clock,
        limit,
        due_instant(clock.due) if clock else None,
        expires=target == "returned" or (after is not None and after.silence == "expire"),
        days_left=days_left,
        shared_used=used,
        returned_from=facts.state if target == "returned" else None,
        approvals=(),
        place=_place(facts, cell, target),
    )


def _staying(plan: Plan, facts: Facts, cell: Cell, approvals: tuple[str, ...]) -> Change:
    step = plan.step(facts.state)
    pending = [unit for unit in step.holders if unit not in approvals] if step else []
    holders = tuple((unit, step.role) for unit in pending) if step else ((plan.route.starter, "registrar"),)
    return Change(
        cell,
        facts.state,
        False,
        False,
        holders,
        None,
        None,
        None,
        expires=False,
        days_left=facts.days_left,
        shared_used=facts.shared_used,
        returned_from=facts.returned_from,
        approvals=approvals,
        place="",
    )


def others_pending(plan: Plan, facts: Facts) -> bool:
    """Whether a step of several units still waits for another one after this unit's approval."""
    step = plan.step(facts.state)
    if step is None or len(step.holders) < 2:
        return False
    return not facts.approvals | (facts.units & frozenset(step.holders)) >= frozenset(step.holders)


def _place(facts: Facts, cell: Cell, target: str) -> str:
    """A place is held from submit, moved when the student arrives, and released on every other end."""
    if cell.event == "submit":
        return "hold"
    if target == "completed":
        return "move"
    return "release" if target in FINALS and facts.holds_place else ""


def _clock(plan: Plan, facts: Facts, target: str) -> tuple[Clock | None, Citation | None, int | None, int]:
    """The clock of the state that is entered, its rule, what is left of an interrupted one, and the shared total used."""
    definition, today, calendar = plan.definition, facts.today, facts.calendar
    used, left = facts.shared_used, facts.days_left
    shared = next((s for s in definition.shared_limits if facts.state in s.steps), None)
    if shared and facts.clock:
        used += days_used(calendar, facts.clock, today)
    if target == "returned":
        if facts.clock:
            left = max(1, facts.clock.working_days - days_used(calendar, facts.clock, today))
        return run_clock(calendar, today, definition.returned_days), definition.returned_limit, left, used
    step = plan.step(target)
    if step is None:
        return None, None, None, used
    days, limit = step.working_days, step.limit
    total = next((s for s in definition.shared_limits if target in s.steps), None)
    if total and total.working_days - used < days:
        days, limit = max(1, total.working_days - used), total.cite
    if facts.state == "returned" and left is not None:
        return resume(calendar, today, left), limit, None, used
    return run_clock(calendar, today, days), limit, None, used
