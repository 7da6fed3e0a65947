"""Deciding and explaining (裁决与说明): the same plan, the same checks, the same order.

`explain` answers for every event of a state, with all reasons at once; `decide` answers for one event with what
follows from it. Neither writes anything: `workflow_service.transitions.fire` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from states.calendar import Clock, days_left, days_used, due_instant, resume, run_clock
from states.definition import FINALS, WAITING, Citation, SharedLimit
from states.facts import Facts
from states.kinds import KINDS
from states.place import guests_count
from states.plan import APPROVING, STATE_LABELS, Bound, Cell, Plan, endings, fits
from states.rules.ground import day_of
from states.verdict import EventVerdict, No, Reason

COMING_IN = ("submit", "resubmit")
"""What is only missing never blocks these: it is listed, and blocks every approval."""
WAITS = Citation("WS-202", "本系统约定：生效日期在后的，审核通过后等到生效之日办结", "decided", "common")
"""Until its effective day a decided request waits; the student's status and class stay as they are."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an event amounts to. `target` is the state afterwards (the same where the event stays).

    `holders`: (unit, role) of whoever must act next, () at the end. `clock` with `limit` is the clock of the state that
    is entered; None at the end and where it goes on unchanged (`recompute_clock` alone gives a new one where the state
    stays). `expires`: the silence of that state ends the request. `place`: what happens to the held place.
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


def reasons_against(cell: Cell, facts: Facts, explaining: bool = False) -> list[Reason]:
    """Every reason against one event, in the order of the packs; [] when it is allowed.

    `explaining`: nothing was sent yet, so what comes with the event (a coded reason) is not asked for.
    """
    checks = cell.by_ground.get(facts.ground)
    if checks is None:
        checks = cell.checks_for(facts.ground)
    found = [] if facts.ends_at is None and facts.wiped_at is None else _ended(cell.endings, facts)
    for bound in checks:
        if (explaining and bound.of_the_input) or (bound.when and not fits(bound.when, facts)):
            continue
        no = bound.ask(facts)
        if no is None or (no.pending and cell.event in COMING_IN) or (bound.waivers and _waived(bound, facts)):
            continue
        found.append(Reason(bound.cite, no))
    return found


def marks_on(plan: Plan, facts: Facts) -> list[Reason]:
    """What is noted when a request moves on from where it stands (逾期标记): nothing is refused, and what is not given
    is not noted."""
    cell = plan.marks.get(facts.state)
    return [reason for reason in reasons_against(cell, facts) if not reason.no.pending] if cell else []


def _waived(bound: Bound, facts: Facts) -> bool:
    return any(fits(waiver, facts) for waiver in bound.waivers)


def reasons_open(cell: Cell, facts: Facts) -> tuple[str, ...]:
    """The coded reasons that the asker may give with this event (可选理由): each is tried, no rule is written twice."""
    if not cell.reasons:
        return ()
    without, tried, open_ = len(reasons_against(cell, facts, explaining=True)), replace(facts), []
    for code in cell.reasons:
        tried.reason = code  # Our own copy: one for all codes, since making one costs more than asking the rules.
        if len(reasons_against(cell, tried)) == without:
            open_.append(code)
    return tuple(open_)


def pending_at_submit(plan: Plan, facts: Facts) -> list[Reason]:
    """What `submit` would let through although it is missing, and the first approval would not."""
    first = next((cell for cell in plan.cells[plan.states[0]] if cell.event in APPROVING), None)
    found = reasons_against(first, facts, explaining=True) if first else []
    step = plan.step(plan.states[0])
    later = frozenset(step.brings) if step else frozenset()
    return [reason for reason in found if reason.no.pending and not given_by(reason, later)]


def given_by(reason: Reason, brings: Collection[str]) -> bool:
    """Whether one way to clear a reason is to give facts that come with the event, and nothing else."""
    ways = ([key.removeprefix("data.") for key in cure.set] for cure in reason.no.cures if cure.do == "supply")
    return reason.no.pending and any(way and all(name in brings for name in way) for way in ways)


def explain(plan: Plan, facts: Facts) -> list[EventVerdict]:
    """Every event of the current state for the one who asks, allowed or with every reason why not.

    Without `facts.reason` nothing was sent yet: a coded reason is then no reason against the event.
    """
    verdicts = []
    asked = facts.reason is None
    for cell in plan.cells.get(facts.state, ()):
        if not cell.system:
            reasons = reasons_against(cell, facts, explaining=asked)
            verdicts.append(_refused(cell, tuple(reasons)) if reasons else cell.allowed)
    return verdicts


def _refused(cell: Cell, reasons: tuple[Reason, ...]) -> EventVerdict:
    return EventVerdict(cell.event, cell.label, cell.label_en, False, reasons)


def decide(plan: Plan, facts: Facts, event: str) -> Change | Refusal:
    """The change that `event` amounts to, or every reason against it.

    `facts.system` is the system actor's (expire, escalate, recompute_clock); nobody else may send those, and it holds
    no step itself. An official's silence never ends a request: there `expire` needs `facts.reason`, the rule that
    ends it (SYS-46).
    """
    cell = plan.by_event.get((facts.state, event))
    if cell is None or (cell.system and not facts.system):
        return Refusal(None, ())
    if event == "expire" and facts.reason is None and not expires_in_silence(plan, facts.state):
        return Refusal(cell, ())
    reasons = reasons_against(cell, facts)
    if reasons:
        return Refusal(cell, tuple(reasons))
    if cell.target == "returned_from" and (facts.returned_from, "return") not in plan.by_event:
        return Refusal(None, ())  # It was never returned from there: there is nowhere to go back to.
    return _change(plan, facts, cell)


def expires_in_silence(plan: Plan, state: str) -> bool:
    """Whether what waits in this state waits for the family or the applying school, so that its silence ends it."""
    return plan.silence_limit(state) is not None


def time_over(plan: Plan, facts: Facts) -> tuple[Reason, ...]:
    """Why nothing of this request may be changed any more although no sweep has ended it yet; () while it is in time.

    An official's silence ends nothing: what came late there is decided late.
    """
    return tuple(_ended(endings(plan, facts.state), facts))


def _ended(endings: Iterable[Bound], facts: Facts) -> list[Reason]:
    found = []
    for bound in endings:
        no = bound.ask(facts)
        if no is not None:
            found.append(Reason(bound.cite, no))
    return found


def out_of_place(plan: Plan, state: str, what: str, what_en: str) -> Reason:
    """Why `what` cannot be done in this state at all: the route has no place for it; what it has is named."""
    step = plan.step(state)
    here, here_en = (step.label, step.label_en) if step else STATE_LABELS.get(state, (state, state))
    cells = [cell for cell in plan.cells.get(state, ()) if not cell.system]
    if not cells:
        return Reason(plan.route.cite, No(f"本件已结束（{here}），不能{what}", f"It has ended ({here_en}): {what_en}."))
    possible, possible_en = "、".join(cell.label for cell in cells), ", ".join(cell.event for cell in cells)
    return Reason(
        plan.route.cite,
        No(f"“{here}”环节不能{what}；可办理：{possible}", f"In “{here_en}”: {what_en}. Possible are: {possible_en}."),
    )


def _change(plan: Plan, facts: Facts, cell: Cell) -> Change:
    approvals = facts.approvals
    target = facts.returned_from if cell.target == "returned_from" else cell.target
    if cell.several:
        approvals |= facts.units & cell.units
        if others_pending(plan, facts):
            target = None
    if target is None:
        return _staying(plan, facts, cell, approvals)
    if target == "completed" and cell.event != "take_effect" and day_ahead(plan, facts):
        target = WAITING
    clock, limit, left, used = _clock(plan, facts, target)
    after = plan.step(target)
    holders = tuple((unit, after.role) for unit in after.holders) if after else ()
    if target in ("returned", WAITING):
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
        expires=expires_in_silence(plan, target),
        days_left=left,
        shared_used=used,
        returned_from=facts.state if target == "returned" else None,
        approvals=(),
        place=_place(plan, facts, cell, target),
    )


def _staying(plan: Plan, facts: Facts, cell: Cell, approvals: frozenset[str]) -> Change:
    step = plan.step(facts.state)
    pending = [unit for unit in step.holders if unit not in approvals] if step else []
    holders = tuple((unit, step.role) for unit in pending) if step else ((plan.route.starter, "registrar"),)
    clock = None
    if cell.event == "recompute_clock" and facts.clock:
        clock = resume(facts.calendar, facts.clock.received, facts.clock.working_days)
    return Change(
        cell,
        facts.state,
        False,
        False,
        holders,
        clock,
        None,
        due_instant(clock.due) if clock else None,
        expires=expires_in_silence(plan, facts.state),
        days_left=facts.days_left,
        shared_used=facts.shared_used,
        returned_from=facts.returned_from,
        approvals=tuple(sorted(approvals)),
        place="",
    )


def others_pending(plan: Plan, facts: Facts) -> bool:
    """Whether a step of several units still waits for another one after this unit's approval."""
    step = plan.step(facts.state)
    if step is None or len(step.holders) < 2:
        return False
    return not facts.approvals | (facts.units & frozenset(step.holders)) >= frozenset(step.holders)


def day_ahead(plan: Plan, facts: Facts) -> date | None:
    """The day from which the request counts (生效日期), where it may say one and that day is still to come."""
    day = day_of(facts.data.get("effective_on")) if WAITING in plan.cells else None
    return day if day and day > facts.today else None


def _place(plan: Plan, facts: Facts, cell: Cell, target: str) -> str:
    """A place is held from submit, taken at the completion, and released on every other end.

    A guest's place goes on being held: he sits in the class, and his enrolment is elsewhere.
    """
    kind = KINDS[facts.kind]
    if not kind.place or (kind.undone_by is not None and facts.ground == kind.undone_by):
        return ""
    if kind.stays_held and not guests_count(plan.definition):
        return ""
    if cell.event == "submit":
        return "hold"
    if target == "completed":
        return "" if kind.stays_held else "move"
    return "release" if target in FINALS and facts.holds_place else ""


def _clock(plan: Plan, facts: Facts, target: str) -> tuple[Clock | None, Citation | None, int | None, int]:
    """The clock of the state that is entered, its rule, what a return left of it, and the shared total used."""
    definition, today, calendar = plan.definition, facts.today, facts.calendar
    used, left = facts.shared_used, facts.days_left
    if facts.clock and _shared(plan, facts, facts.state):
        used += days_used(calendar, facts.clock, today)
    if target == "returned":
        left = days_left(calendar, facts.clock, today) if facts.clock else left
        return run_clock(calendar, today, definition.returned_days), definition.returned_limit, left, used
    if target == WAITING:
        return _until_effective(plan, facts), WAITS, None, used
    step = plan.step(target)
    if step is None:
        return None, None, None, used
    days, limit = step.working_days, step.limit
    total = _shared(plan, facts, target)
    if total and total.working_days - used < days:
        days, limit = max(1, total.working_days - used), total.cite
    if facts.state == "returned" and left is not None:
        return resume(calendar, today, left), limit, None, used
    return run_clock(calendar, today, days), limit, None, used


def _until_effective(plan: Plan, facts: Facts) -> Clock:
    """Until the effective day opens: days of the calendar, none of which is left out."""
    day = day_ahead(plan, facts)
    assert day is not None
    return Clock(facts.today, facts.today, (day - facts.today).days, (), day - timedelta(days=1), provisional=False)


def _shared(plan: Plan, facts: Facts, state: str) -> SharedLimit | None:
    """The total that this state shares with others, where there is one for this request (TR-08)."""
    for shared in plan.definition.shared_limits:
        if state in shared.steps and fits(tuple(shared.when.items()), facts):
            return shared
    return None
