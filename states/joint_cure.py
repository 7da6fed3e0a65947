"""The joint cure (一并补救): what clears every reason of an event at once, and from when.

Single cures may not fit together: waiting out one reason may close the window, or make a fifth-grader a graduate. So
all are applied, the clock is moved and what moves with it, and the event is judged again, until nothing is against it
or somebody is at a dead end (无法补救).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from states.calendar import legal_day, school_year, season_of
from states.decide import reasons_against
from states.facts import Facts
from states.plan import Plan
from states.verdict import Cure, Reason

ROUNDS = 12
"""More than any pack needs: each round either clears a reason for good or moves the clock to a later opening."""


@dataclass(frozen=True, slots=True)
class JointCure:
    """What clears all reasons together. `until`: the first instant at which it does, None where nobody has to wait.

    `patch` is for `Facts.patched`. `dead_end`: nobody can clear it; `against` are the reasons that stay.
    """

    patch: Mapping[str, Any]
    until: datetime | None
    dead_end: bool
    against: tuple[Reason, ...] = ()


def joint_cure(plan: Plan, facts: Facts, event: str) -> JointCure:
    """What it takes to make `event` possible, by the first cure of every reason; `KeyError` where it does not fit.

    While name and number do not match the record only their correction is answered: an earliest day worked out from
    a stranger's record would tell about it.
    """
    cell = plan.cell(facts.state, event)
    judged, patch = facts, dict[str, Any]()
    for _ in range(ROUNDS):
        reasons = reasons_against(cell, judged)
        if not reasons:
            return JointCure(patch, _waited(facts, judged), False)
        if any(not reason.no.cures for reason in reasons):
            return JointCure(patch, _waited(facts, judged), True, tuple(reasons))
        step = _together(reason.no.cures[0] for reason in reasons)
        if not facts.matches:
            return JointCure({**step, "matches": True}, None, False)
        moved = _moved_on(judged, judged.patched(step), step)
        patch = _joined(patch, {**step, **moved})
        judged = facts.patched(patch)
    return JointCure(patch, _waited(facts, judged), True, tuple(reasons_against(cell, judged)))


def _together(cures: Iterable[Cure]) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for cure in cures:
        patch = _joined(patch, cure.set)
    return patch


def _joined(first: Mapping[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """Both patches: papers add up, the later instant counts, and of anything else the later word."""
    joined = {**first, **then}
    if "documents+" in first and "documents+" in then:
        joined["documents+"] = tuple(dict.fromkeys((*first["documents+"], *then["documents+"])))
    if "now" in first and "now" in then:
        joined["now"] = max(first["now"], then["now"])
    return joined


def _moved_on(before: Facts, after: Facts, step: Mapping[str, Any]) -> dict[str, Any]:
    """What has moved by itself when the clock has: the term, and on Aug 10 the grade (SYS-44), up to graduation."""
    if after.now <= before.now:
        return {"now": before.now} if "now" in step else {}
    day = legal_day(after.now)
    moved: dict[str, Any] = {"season": step.get("season") or season_of(after.calendar, day)}
    if after.state == "draft":
        moved["ends_at"] = None  # Whoever keeps a draft until then keeps it by changing it.
    years = school_year(day) - school_year(before.today)
    if years and after.current_grade is not None:
        moved["current_grade"] = min(after.current_grade + years, after.last_grade)
        if after.grade is not None:
            moved["grade"] = after.grade + years
        if after.current_grade + years > after.last_grade and after.status == "attending":
            moved["status"] = "graduated"
    return moved


def _waited(facts: Facts, judged: Facts) -> datetime | None:
    return judged.now if judged.now > facts.now else None
