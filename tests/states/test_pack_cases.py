"""The cases beside each pack (`transfer.cases.md`): what a registrar expects, judged by the pack itself.

A blank cell is as in the row 典型 of the same table. 材料 is a change against what the ground needs. 规则 is the exact
set of rules that say no; 何时 is the first day on which everything can be cleared, 永不 where nobody can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from states.calendar import SHANGHAI, legal_day
from states.decide import reasons_against
from states.facts import Facts
from states.joint_cure import joint_cure
from states.plan import Plan, compile_plan, fits
from states.vocabulary import DATA_FACTS
from tests.states.definitions import CALENDAR, POLICIES, shipped

COLUMNS = ("情形", "时间", "路线", "理由", "年级", "事实", "材料", "其他", "事件", "规则", "何时")
ROUTES = {"同局": (True, True), "跨局": (False, True), "跨省": (False, False)}
NONE = "无"


@dataclass(frozen=True)
class Case:
    pack: str
    line: int
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"{self.pack}:{self.line} {self.cells['情形']}"


def cases() -> Iterator[Case]:
    for path in sorted(POLICIES.glob("*/transfer.cases.md")):
        typical: dict[str, str] = {}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|") or cells[0] in ("情形",) or set(cells[0]) <= set("-: "):
                continue
            assert len(cells) == len(COLUMNS), f"{path.name}:{number} has {len(cells)} columns, not {len(COLUMNS)}"
            row = dict(zip(COLUMNS, cells, strict=True))
            if row["情形"].startswith("典型"):
                typical = row
            outcome = {"规则": row["规则"], "何时": row["何时"]}
            yield Case(path.parent.name, number, {**{k: v or typical[k] for k, v in row.items()}, **outcome})


def value(text: str) -> Any:
    words = {"是": True, "否": False, "true": True, "false": False, "空": None}
    return words[text] if text in words else int(text) if text.isdecimal() else text


def pairs(cell: str) -> dict[str, Any]:
    if cell in ("", NONE):
        return {}
    return {key.strip(): value(val.strip()) for key, _, val in (part.partition("=") for part in cell.split(";"))}


def instant(cell: str) -> datetime:
    day, _, time = cell.partition(" ")
    return datetime.fromisoformat(f"{day}T{time or '10:00:00'}").replace(tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Judged:
    plan: Plan
    facts: Facts
    event: str


def judged(case: Case) -> Judged:
    cells = case.cells
    same_bureau, same_province = ROUTES[cells["路线"]]
    now, asked = (int(grade) for grade in cells["年级"].split("→"))
    first, last = next(pair for pair in ((1, 6), (7, 9), (10, 12)) if now <= pair[1])
    given = pairs(cells["事实"])
    assert set(given) <= set(DATA_FACTS), f"{case}: unknown fact"
    moment = instant(cells["时间"])
    facts = Facts(
        now=moment, calendar=CALENDAR, ground=cells["理由"], grade=asked, current_grade=now, first_grade=first,
        last_grade=last, stage={1: "primary", 7: "junior", 10: "senior"}[first], data=given, same_bureau=same_bureau,
        same_province=same_province, same_city=same_bureau, class_name="2班", class_size=30, school_size=100,
        school_quota=120, destination_school="201", origin_school="202",
        season="autumn" if moment.month >= 8 or (moment.month, moment.day) < (1, 23) else "spring",
    )  # fmt: skip
    facts = facts.patched(pairs(cells["其他"]))
    definition = shipped()[case.pack]
    [route] = [route for route in definition.routes if fits(tuple(route.when.items()), facts)]
    plan = compile_plan(definition, definition, route, route.steps)
    event, _, state = cells["事件"].partition("@")
    state = state or ("draft" if event == "submit" else route.steps[0])
    cell = plan.by_event[state, event]
    changes: dict[str, Any] = {
        "state": state,
        "units": cell.units,
        "roles": frozenset({cell.role}),
        "documents": papers(plan, facts, cells["材料"]),
    }
    if facts.starter is None:
        changes["starter"] = route.starter
    return Judged(plan, facts.patched(changes), event)


def papers(plan: Plan, facts: Facts, change: str) -> frozenset[str]:
    """The first alternative of everything that is asked, then the change: `-kind` leaves out, `+kind` adds."""
    kinds = {kind for need in plan.requirements if fits(tuple(need.when.items()), facts) for kind in need.any_of[0]}
    for sign, kind in re.findall(r"([-+])(\w+)", change):
        assert sign == "+" or kind in kinds, f"{kind} is not asked here"
        kinds = kinds | {kind} if sign == "+" else kinds - {kind}
    return frozenset(kinds)


CASES = [pytest.param(case, id=str(case)) for case in cases()]


def test_there_are_cases_for_every_pack() -> None:
    assert {case.pack for case in cases()} == set(shipped())


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_judged_as_the_registrar_expects(case: Case) -> None:
    asked = judged(case)
    reasons = reasons_against(asked.plan.by_event[asked.facts.state, asked.event], asked.facts)
    expected = set(re.findall(r"[\w-]+", case.cells["规则"])) - {NONE}
    assert {reason.cite.rule for reason in reasons} == expected, [reason.no.message for reason in reasons]


@pytest.mark.parametrize("case", CASES)
def test_every_cure_of_every_case_clears_its_reason(case: Case) -> None:
    asked = judged(case)
    cell = asked.plan.by_event[asked.facts.state, asked.event]
    for reason in reasons_against(cell, asked.facts):
        for cure in reason.no.cures:
            after = reasons_against(cell, asked.facts.patched(cure.set))
            assert (reason.cite, reason.no.message) not in {(left.cite, left.no.message) for left in after}, cure.text
            assert cure.text
            assert cure.text_en


@pytest.mark.parametrize("case", [param for param in CASES if param.values[0].cells["何时"]])  # type: ignore[attr-defined]
def test_the_day_on_which_everything_can_be_cleared_is_the_expected_one(case: Case) -> None:
    asked = judged(case)
    cure = joint_cure(asked.plan, asked.facts, asked.event)
    if case.cells["何时"] == "永不":
        assert cure.dead_end
        return
    assert not cure.dead_end, [reason.no.message for reason in cure.against]
    first = legal_day(cure.until) if cure.until else asked.facts.today
    assert first.isoformat() == case.cells["何时"]


def test_every_check_of_every_pack_says_no_in_some_case_and_nothing_in_another() -> None:
    """The bar is low; but a rule that no case ever meets is a rule that nobody has looked at."""
    no: set[tuple[str, str]] = set()
    for case in cases():
        asked = judged(case)
        reasons = reasons_against(asked.plan.by_event[asked.facts.state, asked.event], asked.facts)
        no |= {(case.pack, reason.cite.rule) for reason in reasons}
    met = {rule for _, rule in no}
    procedure = {"SYS-02", "SYS-03", "SYS-08", "SYS-T6"}  # Who may act is proved for every cell in test_paths.
    for pack, definition in shipped().items():
        own = {check.cite.rule for check in definition.checks if check.cite.pack == pack}
        assert own - met - procedure == set(), pack


def test_the_day_before_and_the_day_after_every_window_are_refused() -> None:
    typical = next(case for case in cases() if case.pack == "catchment-k12")
    asked = judged(typical)
    cell = asked.plan.by_event["draft", "submit"]
    for first, last in (("2026-08-20", "2026-09-20"), ("2027-02-13", "2027-02-25")):
        opens, closes = instant(f"{first} 00:00:00"), instant(f"{last} 23:59:59")
        second = timedelta(seconds=1)
        for moment, refused in ((opens - second, True), (opens, False), (closes, False), (closes + second, True)):
            found = {reason.cite.rule for reason in reasons_against(cell, asked.facts.patched({"now": moment}))}
            assert ("TR-07" in found) is refused, moment
