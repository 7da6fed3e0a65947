"""Every way through a definition: its routes with and without the steps that have nobody, each from many drafts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, combinations
from typing import Any

from states.cases.judge import satisfying
from states.decide import Change, decide
from states.definition import WAITING, Definition, Route
from states.facts import Facts
from states.joint_cure import joint_cure
from states.kinds import KINDS
from states.pack_values import fact_domain
from states.plan import APPROVING, Plan, compile_plan, fits
from states.shortened import steps_taken
from states.vocabulary import DATA_FACTS, UNITS
from tests.states.shelf import shipped_shelf

SCHOOLS = ("school", "destination_school", "origin_school", "other_school")
BY_ITSELF = {"now", "season", "comment", "documents+"}
"""What may come at any step: time goes by, the holder writes a remark, and uploads the papers that are his."""


@dataclass(frozen=True)
class Unit:
    id: int
    single_handed: bool


def steps_of(definition: Definition, route: Route) -> set[tuple[str, ...]]:
    """The route whole, and with every set of its schools single-handed, under a county, a city and a province."""
    held = {unit for state in route.steps for unit in definition.steps[state].holders}
    schools = [unit for unit in SCHOOLS if unit in held]
    found = set()
    for alone in chain.from_iterable(combinations(schools, number) for number in range(len(schools) + 1)):
        for bureau in ({"bureau"}, {"bureau", "city_bureau"}, {"bureau", "city_bureau", "province_bureau"}):
            ids = {unit: 0 if unit in bureau else number for number, unit in enumerate(sorted(UNITS), 1)}
            there = UNITS if KINDS[definition.kind].sides == "one" else UNITS.keys() - {"school", "bureau"}
            units = {unit: Unit(ids[unit], unit in alone) for unit in there}
            found.add(steps_taken(definition, route, units)[0])
    return found


def ways(file: str) -> Iterator[Plan]:
    """A plan for every route of a file and every set of steps that is left of it."""
    definition = shipped_shelf().definition(file)
    for route in definition.routes:
        for steps in sorted(steps_of(definition, route)):
            yield compile_plan(definition, definition, route, steps)


@cache
def typical(file: str) -> Facts:
    """The facts of the first row of the cases beside a file, as a draft without papers."""
    facts = shipped_shelf().judged(shipped_shelf().rows(file)[0], file).facts
    return replace(facts, state="draft", returned_from=None, documents=frozenset(), comment=None, reason=None)


def brought(definition: Definition) -> set[str]:
    """The facts that are some later holder's word, and not the applicant's."""
    return {fact for step in definition.steps.values() for fact in step.brings}


def drafts(file: str, plan: Plan) -> Iterator[Facts]:
    """Every ground, and with it every value of every fact on which something depends, one at a time."""
    definition, condition, late = plan.definition, tuple(plan.route.when.items()), brought(plan.definition)
    first = typical(file).patched({f"data.{fact}": None for fact in late})
    first = first if fits(condition, first) else first.patched(satisfying(plan.route.when))
    conditions = (row.when for rows in (definition.checks, definition.requirements) for row in rows)
    asked = {key for when in conditions for key in when if key != "ground"}
    asked = (asked | {f"data.{fact}" for fact in definition.facts}) - {f"data.{fact}" for fact in late}
    grounds = tuple(ground.name for ground in definition.grounds)
    for ground in grounds or (first.ground,):
        draft = first.patched({"ground": ground, "starter": plan.route.starter, "route": plan.states})
        others = (draft.patched(satisfying({key: (value,)})) for key in sorted(asked) for value in values_of(key)
                  if not fits(((key, (value,)),), draft))  # fmt: skip
        yield from (one for one in (draft, *others) if fits(condition, one))


def values_of(key: str) -> tuple[Any, ...]:
    """Every value of a field of Facts or of `data.NAME`; () of a day, a number or a text."""
    kind = DATA_FACTS.get(key.removeprefix("data."))
    return (True, False) if kind and kind.type == "bool" else fact_domain(key.removeprefix("data."))


def stuck(plan: Plan, draft: Facts) -> str | None:
    """Where a request comes to a stand although it could be submitted; "" where it goes through to its end.

    Each holder gives what his own event asks for, and no more. What is the applicant's own was all given before the
    first approval; None where it cannot even be submitted.
    """
    facts, target, late = replace(draft), "", {f"data.{fact}" for fact in brought(plan.definition)}
    for state in ("draft", *plan.states):
        cell = next(cell for cell in plan.cells[state] if cell.event in ("submit", *APPROVING))
        may = BY_ITSELF | {f"data.{fact}" for fact in plan.brings(state, cell.event)}
        facts.state, facts.approvals, facts.roles = state, frozenset(), frozenset({cell.role})
        for unit in sorted(cell.units):
            facts.units, facts.comment = frozenset({unit}), None
            joint = joint_cure(plan, facts, cell.event)
            if joint.dead_end:
                return None if state == "draft" else f"{state}: {[reason.no.message for reason in joint.against]}"
            foreign = joint.patch.keys() - may
            if foreign & late or (foreign and state in plan.states[1:]):
                return f"{state} asks for {sorted(foreign)}, which nobody gives there"
            facts = facts.patched(joint.patch) if joint.patch else facts
            change = decide(plan, facts, cell.event)
            assert isinstance(change, Change), (state, change)
            facts.approvals, target = frozenset(change.approvals), change.target
    return "" if target in ("completed", WAITING) else f"it ends as {target}"
