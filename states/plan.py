"""The plan (执行计划): a machine's class compiled once into a table, so that deciding costs a look-up.

`{(state, event): Cell}`; a cell knows its target, who may send the event, and the checks that may refuse it, already
bound to their parameters. 1.5 µs a row instead of 700 µs for a machine made per request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from statemachine import StateChart

from states.definition import FINALS, WAITING, Check, Citation, Definition, Requirement, Route, Step
from states.facts import Facts
from states.kinds import KINDS
from states.machine import GOING_BACK, build_machine
from states.rules import CHECKS, OF_THE_INPUT, OF_THE_RECORD
from states.rules.procedure import document_present, in_time
from states.verdict import EventVerdict, No
from states.vocabulary import GROUNDS, MARK

APPROVING = ("approve", "file", "confirm_arrival")
WITH_EVENT = {"confirm_arrival": frozenset({"arrived_on"}), "note": frozenset({"attends_since"})}
"""Facts that come with an event whatever the pack says; all others are the pack's (`brings`)."""
SYSTEM_EVENTS = ("expire", "escalate", "recompute_clock", "take_effect")
LABELS = {
    "submit": ("提交", "Submit"),
    "resubmit": ("重新提交", "Resubmit"),
    "recall": ("撤回", "Recall"),
    "return": ("退回补正", "Return for correction"),
    "reject": ("不予通过", "Refuse"),
    "file": ("备案", "File"),
    "remind": ("催办", "Remind"),
    "note": ("备注", "Note"),
    "confirm_arrival": ("确认接收", "Confirm arrival"),
    "approve": ("同意", "Approve"),
    "expire": ("过期", "Expire"),
    "escalate": ("升级督办", "Escalate"),
    "recompute_clock": ("重算期限", "Recompute clock"),
    "take_effect": ("生效", "Take effect"),
    MARK: ("逾期标记", "Marked"),
}
STATE_LABELS = {
    "draft": ("草稿", "Draft"),
    "returned": ("退回补正", "Returned for correction"),
    WAITING: ("待生效", "Decided, waits for its day"),
    "completed": ("办结", "Completed"),
    "rejected": ("不予通过", "Refused"),
    "recalled": ("已撤回", "Recalled"),
    "expired": ("已过期", "Expired"),
}

PARTIES = {
    "two": {"destination_school", "origin_school", "destination_bureau", "origin_bureau"},
    "one": {"school", "bureau"},
}

Condition = tuple[tuple[str, Collection[Any]], ...]
_STRANGER: Condition = (("matches", (False,)),)


@dataclass(slots=True)
class Bound:
    """A check bound to its parameters; `ask` is called only where `when` fits and no exception does.

    `of_the_input`: it looks at what comes with the event, so that explaining leaves it out before something came.
    """

    cite: Citation
    ask: Callable[[Facts], No | None]
    when: Condition = ()
    waivers: tuple[Condition, ...] = ()
    of_the_input: bool = False
    row: str = ""  # where it stands: nenjiang-k12/check.NJ-07; several rows may cite one rule


@dataclass(slots=True, eq=False)
class Cell:
    """One (state, event) of the plan. `target` None: the state stays; `"returned_from"`: back where it came from.

    `several`: all of `units` must send the event before it moves on. `system`: only the system sends it.
    """

    state: str
    event: str
    target: str | None
    units: frozenset[str]
    role: str
    label: str
    label_en: str
    several: bool = False
    system: bool = False
    reasons: tuple[str, ...] = ()
    checks: tuple[Bound, ...] = ()
    endings: tuple[Bound, ...] = ()  # what ends the request by itself; apart, for most rows are far from it
    by_ground: dict[str | None, tuple[Bound, ...]] = field(default_factory=dict)
    allowed: EventVerdict = field(init=False)  # the answer when nothing is against the event, made once

    def __post_init__(self) -> None:
        self.allowed = EventVerdict(self.event, self.label, self.label_en, True, ())

    def checks_for(self, ground: str | None) -> tuple[Bound, ...]:
        """The checks of this cell that can apply to a request with this ground, decided once and kept.

        Only for grounds that have a name: a stranger's invented ones would fill the memory.
        """
        found = self.by_ground.get(ground)
        if found is None:
            found = tuple(b for b in map(partial(_for_ground, ground), self.checks) if b)
            if ground is None or ground in GROUNDS:
                self.by_ground[ground] = found
        return found


@dataclass(slots=True, eq=False)
class Plan:
    """Everything about one kind of request under one pair of packs and one route."""

    definition: Definition  # the destination's: grounds, papers, window, places, steps
    origin: Definition  # the origin's: leaving papers and checks on leaving
    route: Route
    states: tuple[str, ...]  # the route as stored, steps of single-handed schools left out
    machine: type[StateChart[Any]]
    cells: Mapping[str, tuple[Cell, ...]]  # by state
    by_event: Mapping[tuple[str, str], Cell]
    requirements: tuple[Requirement, ...]
    marks: Mapping[str, Cell] = field(default_factory=dict)  # by state: what is noted when a request moves on from it

    def cell(self, state: str, event: str) -> Cell:
        """The cell of an event, or of the marks of a state. Raises KeyError."""
        return self.marks[state] if event == MARK else self.by_event[state, event]

    def step(self, state: str) -> Step | None:
        """The step of a state, None for draft, returned and the ends."""
        return self.definition.steps.get(state)

    def brings(self, state: str, event: str) -> frozenset[str]:
        """The facts that may come with an event: what the step says its holder gives, and what a note may say."""
        step = self.step(state)
        if event in APPROVING and step is not None:
            return frozenset(step.brings) | WITH_EVENT.get(event, frozenset())
        return WITH_EVENT.get(event, frozenset())

    def silence_limit(self, state: str) -> Citation | None:
        """The limit after which a state's silence ends the request: only what waits for the family or the applicant."""
        step = self.step(state)
        if step is not None:
            return step.limit if step.silence == "expire" else None
        return {"draft": self.definition.draft_limit, "returned": self.definition.returned_limit}.get(state)


def compile_plan(definition: Definition, origin: Definition, route: Route, states: tuple[str, ...]) -> Plan:
    """Build the machine of `states` and compile it; `origin` is the pack of the school that is left."""
    name = f"{definition.kind}_{route.cite.rule}".replace("-", "_")
    machine = build_machine(name, states, definition.steps, is_dated(definition))
    requirements = tuple(r for side, pack in _sides(definition, origin) for r in pack.requirements if r.side == side)
    plan = Plan(definition, origin, route, states, machine, {}, {}, requirements)
    cells: dict[str, tuple[Cell, ...]] = {}
    for state in machine.states:
        found: dict[str, Cell] = {}
        for transition in state.transitions:
            for event in transition.event.split():
                cell = _cell(plan, state.id, event, transition)
                # A step of several units has two transitions for one event: the one that moves on names the target.
                if event not in found or (cell.target and found[event].target is None):
                    found[event] = cell
        cells[state.id] = tuple(found.values())
    for row in cells.values():
        for cell in row:
            cell.checks = tuple(_bind(plan, cell))
            cell.endings = tuple(endings(plan, cell.state)) if cell.target and not cell.system else ()
    plan.cells = cells
    plan.marks = {state: _marks(plan, state) for state in cells}
    plan.by_event = {(cell.state, cell.event): cell for row in cells.values() for cell in row}
    return plan


def is_dated(definition: Definition) -> bool:
    """Whether a request of this definition may say from which day it counts (生效日期)."""
    return KINDS[definition.kind].subject == "student" and "effective_on" in definition.facts


def _sides(definition: Definition, origin: Definition) -> tuple[tuple[str, Definition], tuple[str, Definition]]:
    return ("destination", definition), ("origin", origin)


def _cell(plan: Plan, state: str, event: str, transition: Any) -> Cell:
    target: str | None = transition.target.id
    if transition.internal or target == state:
        target = None
    if event == "resubmit":
        target = "returned_from"
    step = plan.definition.steps.get(state)
    units, role = frozenset({plan.route.starter}), "registrar"
    label, label_en = LABELS[event]
    several = False
    if step and event in step.events:
        units, role = frozenset(step.holders), step.role
        several = len(units) > 1 and event not in GOING_BACK
        if event in APPROVING:
            label, label_en = step.approve_label, step.approve_label_en
    elif event in ("remind", "note"):
        units, role = _parties(plan), ""
    reasons: tuple[str, ...] = ()
    if event == "reject":
        reasons = tuple(r.code for r in plan.definition.reasons if not r.units or units & frozenset(r.units))
    return Cell(state, event, target, units, role, label, label_en, several, event in SYSTEM_EVENTS, reasons)


def _marks(plan: Plan, state: str) -> Cell:
    """What a pack has noted in a state, as a cell that nobody can send."""
    step = plan.definition.steps.get(state)
    units = frozenset(step.holders) if step else frozenset({plan.route.starter})
    cell = Cell(state, MARK, None, units, step.role if step else "registrar", *LABELS[MARK])
    cell.checks = tuple(_bind(plan, cell))
    return cell


def _parties(plan: Plan) -> frozenset[str]:
    """Every unit that has a part in this route, the schools and their bureaus always."""
    held = {unit for state in plan.states for unit in plan.definition.steps[state].holders}
    return frozenset(held | PARTIES[KINDS[plan.definition.kind].sides] | {plan.route.starter})


def _bind(plan: Plan, cell: Cell) -> list[Bound]:
    if cell.system and cell.event != "take_effect":
        return []
    bound: list[Bound] = []
    seen: set[str] = set()
    for side, definition in _sides(plan.definition, plan.origin):
        for row in definition.checks:
            if not _asked(row, cell) or row.side not in (side, "both"):
                continue
            if row.id not in seen:  # Both counties inherit it from the same base: one reason, not two.
                seen.add(row.id)
                bound.append(_bound(row, cell, definition))
    if cell.event in plan.definition.papers_block and cell.state in plan.states:
        bound += _papers(plan, plan.states.index(cell.state))
    return bound


def _asked(row: Check, cell: Cell) -> bool:
    """Whether a pack's row is asked in a cell. On the day itself only the status is: the rest was decided before."""
    if cell.event == "take_effect":
        return row.does == "status_allows"
    return cell.event in row.on and (not row.at or cell.state in row.at)


def endings(plan: Plan, state: str) -> list[Bound]:
    """What ends a request in this state by itself. Nothing moves it after that; a remark may still be written."""
    limit, wipe = plan.silence_limit(state), plan.definition.graduating_wipe
    found = [Bound(limit, partial(in_time, end="ends_at"))] if limit else []
    if wipe and state != "draft":
        found.append(Bound(wipe[0], partial(in_time, end="wiped_at")))
    return found


def _bound(row: Check, cell: Cell, definition: Definition) -> Bound:
    function = CHECKS[row.does]
    arguments = dict(row.with_)
    wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
    arguments |= {name: value for name, value in (("cell", cell), ("definition", definition)) if name in wanted}
    ask = partial(function, **arguments) if arguments else function
    waivers = tuple(_condition(waiver.when) for waiver in row.except_)
    if row.does in OF_THE_RECORD:
        waivers = (*waivers, _STRANGER)
    return Bound(row.cite, ask, _condition(row.when), waivers, row.does in OF_THE_INPUT, row.row)


def _papers(plan: Plan, here: int) -> list[Bound]:
    """The papers that the approval of step `here` asks for: its own, and those of every step before it."""
    return [
        Bound(
            definition.missing_papers,
            partial(document_present, requirement=requirement),
            _condition(requirement.when),
            row=requirement.row,
        )
        for side, definition in _sides(plan.definition, plan.origin)
        for requirement in definition.requirements
        if requirement.side == side and not requirement.optional and _first_state(plan, requirement) <= here
    ]


def _first_state(plan: Plan, requirement: Requirement) -> int:
    """Index of the first step whose approval the requirement blocks; a step left out passes it to the next."""
    if requirement.at in plan.states:
        return plan.states.index(requirement.at)
    if requirement.at == "draft":
        return 0
    full = plan.route.steps
    if requirement.at not in full:
        return len(plan.states)
    later = [state for state in full[full.index(requirement.at) :] if state in plan.states]
    return plan.states.index(later[0]) if later else len(plan.states)


def _condition(when: Mapping[str, tuple[Any, ...]]) -> Condition:
    return tuple((key, tuple(values)) for key, values in when.items())


def _for_ground(ground: str | None, bound: Bound) -> Bound | None:
    """`bound` without its condition on the ground, None where that condition does not fit."""
    rest = tuple(part for part in bound.when if part[0] != "ground")
    if len(rest) == len(bound.when):
        return bound
    fits = all(ground in values for key, values in bound.when if key == "ground")
    return replace(bound, when=rest) if fits else None


def fits(condition: Condition, facts: Facts) -> bool:
    """Whether every part of a condition holds; `data.NAME` looks into the given facts."""
    for key, values in condition:
        value = facts.data.get(key[5:]) if key.startswith("data.") else getattr(facts, key)
        if value not in values:
            return False
    return True


__all__ = ["FINALS", "LABELS", "STATE_LABELS", "Bound", "Cell", "Plan", "compile_plan", "fits"]
