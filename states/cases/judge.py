"""Judging a row of 情形 (情形裁决): the row as facts, what the pack says, and what the row expects.

材料 is a change against what the ground needs. A paper's own rule stands in parentheses behind the one that it be
there: TR-03(TR-02). 何时 is the first day on which everything can be cleared, 永不 where nobody can; in parentheses
what one rule waits for. 其他: `by=外人` asks for somebody without a part in it; `origin=PACK` or `destination=PACK` is
the other county's pack; anything else is a field of Facts, `entries=suspension:2026-03-01..2026-09-01` among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, Final, get_args, get_origin, get_type_hints

from states.calendar import SHANGHAI, legal_day
from states.cases.model_calendar import MODEL_CALENDAR
from states.cases.table import CASES, UNSIGNED, CaseError, case_rows, meant
from states.decide import reasons_against
from states.definition import Definition
from states.facts import Facts
from states.joint_cure import joint_cure
from states.plan import Plan, compile_plan, fits
from states.verdict import Reason
from states.vocabulary import DATA_FACTS, GROUNDS, MARK, UNITS

ROUTES: Final = {"同局": (True, True), "跨局": (False, True), "跨省": (False, False)}
"""What 路线 means: (one bureau, one province)."""
NONE: Final = "无"
OUTSIDER: Final = "外人"
SIDES: Final = ("destination", "origin")
_WORDS: Final[dict[str, Any]] = {"是": True, "否": False, "true": True, "false": False, "空": None}
_STAGES: Final = (("primary", 1, 6), ("junior", 7, 9), ("senior", 10, 12))
_HINTS: Final = get_type_hints(Facts)
_DERIVED: Final[dict[str, dict[bool, dict[str, Any]]]] = {
    "graduating": {True: {"current_grade": 6, "grade": 6, "last_grade": 6}, False: {"current_grade": 4, "grade": 4}},
    "starting": {True: {"current_grade": 1, "grade": 1}, False: {"current_grade": 4, "grade": 4}},
    "compulsory": {True: {"stage": "primary"}, False: {"stage": "senior"}},
}
"""What makes a fact so that is worked out from others."""


@dataclass(frozen=True, slots=True)
class Case:
    """A row of 情形, its blanks filled in."""

    pack: str
    line: int
    cells: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.pack}:{self.line} {self.cells[CASES]}"

    @property
    def unsigned(self) -> bool:
        """Whether nobody has said yet what comes out."""
        return self.cells["规则"] in (UNSIGNED, "?")


@dataclass(frozen=True, slots=True)
class Judged:
    """A case as facts, and the plan that judges it."""

    plan: Plan
    facts: Facts
    event: str

    @property
    def reasons(self) -> list[Reason]:
        """Every reason against the event."""
        return reasons_against(self.plan.cell(self.facts.state, self.event), self.facts)


def cases_in(pack: str, text: str) -> Iterator[Case]:
    """The rows of 情形 in the text of a case file. Raises `CaseError`."""
    return (Case(pack, number, row) for table, number, row in case_rows(text) if table == CASES)


# --- A row as facts ---


def value(text: str) -> Any:
    """A value as it is written in a cell: 是 and 否, a number, 空 for nothing, else the words themselves."""
    return _WORDS[text] if text in _WORDS else int(text) if text.isdecimal() else text


def pairs(cell: str) -> dict[str, Any]:
    """`name=value; name=value`; 无 is none at all."""
    if cell in ("", NONE):
        return {}
    found = {}
    for part in cell.split(";"):
        name, equals, given = part.partition("=")
        if not equals:
            raise CaseError(f"“{part.strip()}” is not name=value")
        found[name.strip()] = value(given.strip())
    return found


def instant(cell: str) -> datetime:
    """A day, at 10:00 where no time is given; Asia/Shanghai."""
    day, _, time = cell.partition(" ")
    try:
        return datetime.fromisoformat(f"{day}T{time or '10:00:00'}").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise CaseError(f"“{cell}” is no day: 2026-09-03, or 2026-09-03 23:59:59") from None


def facts_of(case: Case, kind: str = "transfer") -> Facts:
    """The facts of a case, before anybody asks. Raises `CaseError` for a fact or a value that nobody knows."""
    cells = case.cells
    moment = instant(cells["时间"])
    return Facts(
        now=moment, calendar=MODEL_CALENDAR, kind=kind, ground=_one_of(cells["理由"], GROUNDS, "ground"),
        data=_data(cells["事实"]), class_name="2班", class_size=30, school_size=100, school_quota=120,
        destination_school="201", origin_school="202",
        season="autumn" if moment.month >= 8 or (moment.month, moment.day) < (1, 23) else "spring",
    ).patched({**_route(cells["路线"]), **_grades(cells["年级"])})  # fmt: skip


def _route(cell: str) -> dict[str, Any]:
    if not cell:
        return {}
    same_bureau, same_province = ROUTES[_one_of(cell, ROUTES, "route") or ""]
    return {"same_bureau": same_bureau, "same_province": same_province, "same_city": same_bureau}


def _grades(cell: str) -> dict[str, Any]:
    """`4 → 5`: the grade now and the one asked for; one number is both. 无 is a student without a grade."""
    if cell in ("", NONE):
        return {}
    now, arrow, asked = (part.strip() for part in cell.partition("→"))
    if not now.isdecimal() or not (asked if arrow else now).isdecimal():
        raise CaseError(f"“{cell}” is no grade: 4 → 5")
    for stage, first, last in _STAGES:
        if int(now) <= last:
            return {"current_grade": int(now), "grade": int(asked or now), "stage": stage, "first_grade": first,
                    "last_grade": last}  # fmt: skip
    raise CaseError(f"“{cell}” is no grade: 1 to 12")


def _data(cell: str) -> dict[str, Any]:
    given = pairs(cell)
    written = {part.partition("=")[0].strip(): part.partition("=")[2].strip() for part in cell.split(";")}
    for name, one in given.items():
        kind = DATA_FACTS.get(name)
        if kind is None:
            raise CaseError(f"{name} is no fact{meant(name, DATA_FACTS)}")
        if type(one) is int and kind.type != "number":
            given[name] = one = written[name]  # A code or a text that consists of digits is no number: 00 is not 0.
        if kind.values and one is not None and one not in kind.values:
            raise CaseError(f"{name} is never {one}{meant(one, kind.values)}")
    return given


def satisfying(when: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """A patch of the facts under which a condition holds, by the first value of each of its parts."""
    patch: dict[str, Any] = {}
    for fact, values in when.items():
        patch |= _DERIVED[fact][values[0]] if fact in _DERIVED else {fact: values[0]}
    return patch


def _one_of(cell: str, known: Iterable[str], called: str) -> str | None:
    if cell in ("", NONE):
        return None
    if cell not in known:
        raise CaseError(f"{cell} is no {called}{meant(cell, known)}")
    return cell


def _changes(cell: str) -> dict[str, Any]:
    """其他 as fields of Facts, `data.NAME` among them; sets are written with spaces, days as days."""
    given = pairs(cell)
    for name, one in given.items():
        if name.startswith("data."):
            continue
        if name not in _HINTS:
            raise CaseError(f"{name} is no fact{meant(name, [*_HINTS, 'by', *SIDES])}")
        given[name] = _as(name, _HINTS[name], one)
    return given


def _as(name: str, hint: Any, given: Any) -> Any:
    wanted = {hint, *get_args(hint)}
    if given is None or bool in wanted or int in wanted:
        if given is not None and type(given) not in wanted:
            raise CaseError(f"{name} is never {given}")
        return given
    if datetime in wanted:
        return instant(str(given))
    if date in wanted:
        return instant(str(given)).date()
    words = str(given).split()
    if get_origin(hint) is frozenset:
        return frozenset(words)
    if get_origin(hint) is tuple:
        entry = get_args(hint)[0]
        return tuple(words if entry is str else (_entry(entry, one) for one in words))
    return str(given)


def _entry(kind: Any, word: str) -> Any:
    """A dated entry of the record: `section:from..to`, without `to` while it lasts."""
    section, _, days = word.partition(":")
    first, _, last = days.partition("..")
    return kind(section, date.fromisoformat(first), date.fromisoformat(last) if last else None)


# --- The row as it is judged ---


def judged(case: Case, definition: Definition, others: Mapping[str, Definition]) -> Judged:
    """A case under a pack, on both sides alike unless the row names the other county's pack among `others`."""
    try:
        return _judged(case, definition, others)
    except CaseError as error:
        raise CaseError(f"line {case.line} {case.cells[CASES]}: {error}") from error


def _judged(case: Case, definition: Definition, others: Mapping[str, Definition]) -> Judged:
    named = pairs(case.cells["其他"])
    destination, origin = (_side(definition, named.get(side), others) for side in SIDES)
    rest = "; ".join(p for p in case.cells["其他"].split(";") if p.partition("=")[0].strip() not in ("by", *SIDES))
    facts = facts_of(case, definition.kind).patched(_changes(rest))
    plan = plan_for(destination, origin, facts)
    event, state = _moment(case.cells["事件"], plan)
    cell = plan.cell(state, event)
    asker = named.get("by")
    if asker not in (None, OUTSIDER, *UNITS):
        raise CaseError(f"{asker} is no unit{meant(asker, [OUTSIDER, *UNITS])}")
    patch = {
        "state": state,
        "returned_from": plan.states[0] if state == "returned" and plan.states else None,
        "units": frozenset() if asker == OUTSIDER else cell.units if asker is None else frozenset({str(asker)}),
        "roles": frozenset({cell.role}),
        "starter": facts.starter or plan.route.starter,
        "documents": papers(plan, facts, case.cells["材料"]),
    }
    return Judged(plan, facts.patched(patch), event)


def _side(definition: Definition, other: Any, others: Mapping[str, Definition]) -> Definition:
    if other is None:
        return definition
    if other not in others:
        raise CaseError(f"there is no pack {other}{meant(other, others)}")
    return others[str(other)]


def _moment(cell: str, plan: Plan) -> tuple[str, str]:
    """The event and the state it is sent in: `approve@awaiting_arrival`; alone, where it is sent first."""
    event, at, state = cell.partition("@")
    state = state or {"submit": "draft", "resubmit": "returned"}.get(event, plan.states[0] if plan.states else "draft")
    if (state, event) in plan.by_event or (event == MARK and state in plan.marks):
        return event, state
    if state not in plan.cells:
        raise CaseError(f"{plan.route.cite.rule} has no state {state}{meant(state, plan.cells)}")
    here = [one.event for one in plan.cells[state]]
    raise CaseError(f"{event} is not sent in {state}{meant(event, here)}" if at else f"{event} is no event of {state}")


def plan_for(destination: Definition, origin: Definition, facts: Facts) -> Plan:
    """The plan of the only route that fits. Raises `CaseError` where none or several do."""
    found = [number for number, route in enumerate(destination.routes) if fits(tuple(route.when.items()), facts)]
    if len(found) != 1:
        raise CaseError(f"{len(found)} routes of {destination.pack} fit, where exactly one must")
    return _plan(_Frozen(destination), _Frozen(origin), found[0])


@dataclass(frozen=True, slots=True)
class _Frozen:
    """A definition as a key: it is what its canonical text says."""

    definition: Definition

    def __hash__(self) -> int:
        return hash(self.definition.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and self.definition.sha256 == other.definition.sha256


@cache
def _plan(destination: _Frozen, origin: _Frozen, number: int) -> Plan:
    route = destination.definition.routes[number]
    return compile_plan(destination.definition, origin.definition, route, route.steps)


def forget() -> None:
    """Let go of the plans of packs that are no more: every mutant is a pack of its own."""
    _plan.cache_clear()


def papers(plan: Plan, facts: Facts, change: str) -> frozenset[str]:
    """The first alternative of everything that is needed, then the change: `-kind` leaves out, `+kind` adds.

    `=kind kind` is all that lies there.
    """
    if change.startswith("="):
        return frozenset(change[1:].split())
    needed = (need for need in plan.requirements if not need.optional and fits(tuple(need.when.items()), facts))
    kinds = {kind for need in needed for kind in need.any_of[0]}
    for sign, kind in re.findall(r"([-+])(\w+)", change):
        if sign == "-" and kind not in kinds:
            raise CaseError(f"{kind} is not asked here{meant(kind, kinds)}")
        kinds = kinds | {kind} if sign == "+" else kinds - {kind}
    return frozenset(kinds)


# --- What is expected, and what comes ---


def expected(case: Case) -> set[str]:
    """The rules that the row says refuse; `TR-03(TR-02)` for a paper's."""
    return set(re.findall(r"[\w-]+(?:\([\w-]+\))?", case.cells["规则"])) - {NONE}


def refusing(reasons: Iterable[Reason]) -> set[str]:
    """The rules that say no; a paper's own rule in parentheses."""
    return {reason.cite.rule + _paper(reason) for reason in reasons}


def _paper(reason: Reason) -> str:
    own = re.findall(r"（([\w-]+)）$", reason.no.message) if reason.no.message.startswith("缺少材料") else []
    return f"({own[0]})" if own else ""


def known_rules(definition: Definition) -> frozenset[str]:
    """Every id that a pack and its bases may refuse with: rows, what they cite, and exceptions."""
    return _rules_in(definition.canonical)


@lru_cache(maxsize=256)
def _rules_in(canonical: str) -> frozenset[str]:
    found: set[str] = set()
    for rows in json.loads(canonical).values():
        for name, row in rows.items() if isinstance(rows, dict) else ():
            if isinstance(row, dict):
                waivers: Mapping[str, Any] = row.get("except", {})
                found |= {name, str(row.get("rule", name)), *waivers}
                found |= {str(waiver.get("rule", own)) for own, waiver in waivers.items()}
    return frozenset(found)


def wrong(case: Case, asked: Judged) -> str | None:
    """What a case finds that its row does not say, None where it is as expected."""
    found = refusing(asked.reasons)
    if found != expected(case):
        return f"{_told(found)} instead of {_told(expected(case))}"
    for reason in asked.reasons:
        for cure in reason.no.cures:
            left = replace(asked, facts=asked.facts.patched(cure.set)).reasons
            after = {reason.cite.rule for reason in left if not reason.no.pending}
            if (reason.cite.rule, reason.no.message) in {(r.cite.rule, r.no.message) for r in left}:
                return f"“{cure.text}” does not clear {reason.cite.rule}"
            if "ground" in cure.set and after - found:
                return f"another ground would be refused by {_told(after - found)}"
    return _wrong_day(case, asked)


def _wrong_day(case: Case, asked: Judged) -> str | None:
    wanted, _, single = case.cells["何时"].partition("（")
    waits = {(r.cite.rule, f"{c.until:%Y-%m-%d}") for r in asked.reasons for c in r.no.cures if c.until}
    if single and tuple(single.strip("）").split("：")) not in waits:
        return f"{_told(' '.join(wait) for wait in waits)} instead of {single}"
    if not wanted:
        return None
    came = until(asked)
    return None if came == wanted else f"{came} instead of {wanted}"


def until(asked: Judged) -> str:
    """The first day on which everything can be cleared, 永不 where nobody can."""
    joint = joint_cure(asked.plan, asked.facts, asked.event)
    return "永不" if joint.dead_end else (legal_day(joint.until) if joint.until else asked.facts.today).isoformat()


def _told(rules: Iterable[str]) -> str:
    return ", ".join(sorted(rules)) or NONE


def unknown_rule(case: Case, definitions: Iterable[Definition]) -> str | None:
    """The first rule of 规则 that no pack in question has, with the one that was probably meant."""
    known: set[str] = set().union(*map(known_rules, definitions))
    for one in sorted({part for rule in expected(case) for part in re.findall(r"[\w-]+", rule)}):
        if one not in known:
            return f"{one} is no rule here{meant(one, known)}"
    return None
