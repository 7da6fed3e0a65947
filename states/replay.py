"""One decision under two packs (重新裁决): what was judged then, judged again under another pack, the facts the same.

Nothing is guessed: where the new pack looks at a fact that was not written down then, or that nobody was asked for,
the answer is that it cannot be judged again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from states.calendar import run_clock
from states.decide import Refusal, decide, reasons_against
from states.definition import Definition
from states.facts import Facts
from states.joint_cure import joint_cure
from states.plan import APPROVING, Plan, compile_plan, fits
from states.trace import trace
from states.verdict import Reason

Outcome = Literal["same", "yes_no", "no_yes", "reasons", "unjudged"]
OUTCOMES: Final[dict[Outcome, tuple[str, str]]] = {
    "same": ("相同", "same"), "yes_no": ("通过→不通过", "yes → no"), "no_yes": ("不通过→通过", "no → yes"),
    "reasons": ("仍不通过，理由不同", "still no, other reasons"), "unjudged": ("不能再判", "could not be judged"),
}  # fmt: skip
Fate = Literal["lapse", "stuck", "holder", "due"]
FATES: Final[dict[Fate, tuple[str, str]]] = {
    "lapse": ("将过期终止", "would lapse"), "stuck": ("将无法办理", "would get stuck"),
    "holder": ("办理单位改变", "changes its holder"), "due": ("期限改变", "its due date moves"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Again:
    """A decision judged again. `gained` and `lost`: the rules that refuse now and did not, and the other way round.

    `why`: in words, the first new refusal, or why it cannot be judged.
    """

    outcome: Outcome
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    why: str = ""


def plan_under(old: Plan, destination: Definition, origin: Definition, facts: Facts, event: str) -> Plan | None:
    """The plan that a request would have under other packs, None where no single route fits.

    A submission is routed anew; what is under way keeps its route where the new pack still has it. Steps that were
    left out for a school with one person are left out again.
    """
    route = next((r for r in destination.routes if r.cite.rule == old.route.cite.rule), None)
    if event == "submit" or route is None:
        fitting = [r for r in destination.routes if fits(tuple(r.when.items()), facts)]
        if len(fitting) != 1:
            return None
        route = fitting[0]
    left_out = set(old.route.steps) - set(old.states)
    return compile_plan(destination, origin, route, tuple(state for state in route.steps if state not in left_out))


def judge_again(old: Plan, new: Plan | None, facts: Facts, event: str, missing: Collection[str] = ()) -> Again:
    """What became of one decision. `missing`: facts of today that were not written down then."""
    if new is None:
        return Again("unjudged", why="没有唯一适用的流程 / no single route fits")
    cell = new.by_event.get((facts.state, event))
    if cell is None:
        return Again("unjudged", why=f"新流程没有 {facts.state} 的 {event} / the new route has no {event} there")
    try:
        before, after = decide(old, facts, event), decide(new, facts, event)
        unseen = _not_asked(old, new, facts, event, missing)
    except (LookupError, ValueError) as error:  # a window without its year's dates, a parameter the code has no more
        return Again("unjudged", why=str(error))
    if unseen:
        return Again("unjudged", why=f"当时没有这些事实 / not known then: {', '.join(unseen)}")
    return _compared(_reasons(before), _reasons(after), isinstance(before, Refusal), isinstance(after, Refusal))


def _reasons(outcome: object) -> tuple[Reason, ...]:
    return outcome.reasons if isinstance(outcome, Refusal) else ()


def _compared(before: tuple[Reason, ...], after: tuple[Reason, ...], was_no: bool, is_no: bool) -> Again:
    old, new = ({reason.cite.rule for reason in reasons} for reasons in (before, after))
    gained, lost = tuple(sorted(new - old)), tuple(sorted(old - new))
    first = next((r.no.message for r in after if r.cite.rule in gained), after[0].no.message if after else "")
    if was_no == is_no:
        return Again("reasons" if old != new else "same", gained, lost, first if old != new else "")
    return (
        Again("yes_no", gained, lost, first)
        if is_no
        else Again("no_yes", gained, lost, before[0].no.message if before else "")
    )


def _not_asked(old: Plan, new: Plan, facts: Facts, event: str, missing: Collection[str]) -> list[str]:
    """The facts that the new pack wants and that nobody had to give then."""
    cell = new.by_event[facts.state, event]
    wanted: set[str] = set()
    if missing:
        wanted |= {name for traced in trace(cell, facts) for name in traced.saw if name in missing}
    for reason in reasons_against(cell, facts):
        if reason.no.pending:
            asked = {key[5:] for cure in reason.no.cures for key in cure.set if key.startswith("data.")}
            wanted |= asked - set(old.definition.facts) - set(facts.data)
    return sorted(wanted)


# --- What is open ---


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of an open request. `days`: how far its due date moves; `why` in words."""

    fate: Fate
    why: str
    days: int = 0


def fates(old: Plan, new: Plan | None, facts: Facts) -> list[Change]:
    """What another pack would do to an open request: lapse, get stuck, change its holder, move its due date."""
    if new is None or facts.state not in new.cells:
        return [Change("stuck", f"新流程没有环节 {facts.state} / the new route has no such step")]
    found: list[Change] = []
    before, after = old.step(facts.state), new.step(facts.state)
    if before and after and (before.holders, before.role) != (after.holders, after.role):
        found.append(
            Change("holder", f"{' '.join(before.holders)} {before.role} → {' '.join(after.holders)} {after.role}")
        )
    found += _clocks(new, facts)
    dead = _dead_end(new, facts)
    if dead and not _dead_end(old, facts):
        found.append(Change("stuck", dead))
    return found


def _clocks(new: Plan, facts: Facts) -> list[Change]:
    step = new.step(facts.state)
    days = step.working_days if step else new.definition.returned_days
    if facts.clock is None or (facts.state != "returned" and step is None):
        return []
    due = run_clock(facts.calendar, facts.clock.received, days).due
    moved = (due - facts.clock.due) // timedelta(days=1)
    if not moved:
        return []
    if due < facts.today <= facts.clock.due and new.silence_limit(facts.state):
        return [Change("lapse", f"{facts.clock.due} → {due}", moved)]
    return [Change("due", f"{facts.clock.due} → {due}", moved)]


def _dead_end(plan: Plan, facts: Facts) -> str:
    """Why whoever holds the request could never bring it on, "" where they can."""
    moving = [cell for cell in plan.cells.get(facts.state, ()) if cell.event in (*APPROVING, "resubmit")]
    for cell in moving:
        asked = facts.patched({"units": cell.units, "roles": frozenset({cell.role}), "own": False, "system": False})
        joint = joint_cure(plan, asked, cell.event)
        if not joint.dead_end:
            return ""
        why = joint.against[0].no.message if joint.against else cell.event
    return why if moving else ""
