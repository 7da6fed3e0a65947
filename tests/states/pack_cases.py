"""The tables beside each pack (`transfer.cases.md`): what a registrar expects of it, and what the pack makes of them.

情形: a request, an event, and the exact set of rules that say no. A blank cell is as in the row 典型. 材料 is a change
against what the ground needs. A paper's own rule stands in parentheses behind the one that it be there: TR-03(TR-02).
何时 is the first day on which everything can be cleared, 永不 where nobody can; in parentheses what one rule waits for.
其他: `by=外人` asks for somebody without a part in it; `origin=PACK` or `destination=PACK` is the other county's pack.
流程: every step of every route. 拒绝: the coded reasons that each step's holder may give. 数字: all other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from states.calendar import SHANGHAI, legal_day
from states.decide import reasons_against
from states.definition import Definition
from states.facts import Facts
from states.joint_cure import joint_cure
from states.pack_rules import case_rows
from states.plan import Plan, compile_plan, fits
from states.verdict import Reason
from states.vocabulary import DATA_FACTS
from states.windows import windows_in
from tests.states.definitions import CALENDAR, POLICIES, shipped

ROUTES = {"同局": (True, True), "跨局": (False, True), "跨省": (False, False)}
NONE = "无"
OUTSIDER = "外人"
SIDES = ("destination", "origin")


@dataclass(frozen=True)
class Case:
    """A row of 情形."""

    pack: str
    line: int
    cells: dict[str, str]

    def __str__(self) -> str:
        return f"{self.pack}:{self.line} {self.cells['情形']}"


@dataclass(frozen=True)
class Judged:
    """A case as facts, and the plan that judges it."""

    plan: Plan
    facts: Facts
    event: str

    @property
    def reasons(self) -> list[Reason]:
        return reasons_against(self.plan.by_event[self.facts.state, self.event], self.facts)


def tables(pack: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Every row of every table: the table's name, its line, its cells."""
    return case_rows((POLICIES / pack / "transfer.cases.md").read_text("utf-8"))


def cases(pack: str) -> Iterator[Case]:
    """The rows of 情形, blanks filled in."""
    return (Case(pack, number, row) for table, number, row in tables(pack) if table == "情形")


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


def facts_of(case: Case) -> Facts:
    """The facts of a case, before anybody asks."""
    cells = case.cells
    same_bureau, same_province = ROUTES[cells["路线"]]
    now, asked = (int(grade) for grade in cells["年级"].split("→"))
    first, last = next(pair for pair in ((1, 6), (7, 9), (10, 12)) if now <= pair[1])
    given = pairs(cells["事实"])
    assert set(given) <= set(DATA_FACTS), f"{case}: unknown fact"
    moment = instant(cells["时间"])
    return Facts(
        now=moment, calendar=CALENDAR, ground=cells["理由"], grade=asked, current_grade=now, first_grade=first,
        last_grade=last, stage={1: "primary", 7: "junior", 10: "senior"}[first], data=given, same_bureau=same_bureau,
        same_province=same_province, same_city=same_bureau, class_name="2班", class_size=30, school_size=100,
        school_quota=120, destination_school="201", origin_school="202",
        season="autumn" if moment.month >= 8 or (moment.month, moment.day) < (1, 23) else "spring",
    )  # fmt: skip


def judged(case: Case, definition: Definition) -> Judged:
    """A case under a pack, at the destination and the origin alike unless the row names the other county's pack."""
    changes = pairs(case.cells["其他"])
    asker = changes.pop("by", None)
    sides = [shipped()[other] if (other := changes.pop(side, None)) else definition for side in SIDES]
    facts = facts_of(case).patched(changes)
    plan = plan_for(*sides, facts)
    event, _, state = case.cells["事件"].partition("@")
    state = state or {"submit": "draft", "resubmit": "returned"}.get(event, plan.states[0])
    cell = plan.by_event[state, event]
    return Judged(
        plan,
        facts.patched(
            {
                "state": state,
                "returned_from": plan.states[0] if state == "returned" else None,
                "units": frozenset() if asker == OUTSIDER else cell.units if asker is None else frozenset({asker}),
                "roles": frozenset({cell.role}),
                "starter": facts.starter or plan.route.starter,
                "documents": papers(plan, facts, case.cells["材料"]),
            }
        ),
        event,
    )


def plan_for(destination: Definition, origin: Definition, facts: Facts) -> Plan:
    """The plan of the only route that fits."""
    [route] = [route for route in destination.routes if fits(tuple(route.when.items()), facts)]
    return _plan(Frozen(destination), Frozen(origin), destination.routes.index(route))


@dataclass(frozen=True)
class Frozen:
    """A definition as a key: it is what its canonical text says."""

    definition: Definition

    def __hash__(self) -> int:
        return hash(self.definition.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Frozen) and self.definition.sha256 == other.definition.sha256


@cache
def _plan(destination: Frozen, origin: Frozen, number: int) -> Plan:
    route = destination.definition.routes[number]
    return compile_plan(destination.definition, origin.definition, route, route.steps)


def forget() -> None:
    """Let go of the plans of packs that are no more."""
    _plan.cache_clear()


def papers(plan: Plan, facts: Facts, change: str) -> frozenset[str]:
    """The first alternative of everything that is asked, then the change: `-kind` leaves out, `+kind` adds.

    `=kind kind` is all that lies there.
    """
    if change.startswith("="):
        return frozenset(change[1:].split())
    kinds = {kind for need in plan.requirements if fits(tuple(need.when.items()), facts) for kind in need.any_of[0]}
    for sign, kind in re.findall(r"([-+])(\w+)", change):
        assert sign == "+" or kind in kinds, f"{kind} is not asked here"
        kinds = kinds | {kind} if sign == "+" else kinds - {kind}
    return frozenset(kinds)


# --- What is expected, and what comes ---


def expected(case: Case) -> set[str]:
    return set(re.findall(r"[\w-]+(?:\([\w-]+\))?", case.cells["规则"])) - {NONE}


def refusing(reasons: list[Reason]) -> set[str]:
    """The rules that say no; a paper's own rule in parentheses."""
    return {reason.cite.rule + "".join(re.findall(r"（([\w-]+)）$", reason.no.message)).join("()") if
            reason.no.message.startswith("缺少材料") else reason.cite.rule for reason in reasons}  # fmt: skip


def wrong(case: Case, asked: Judged) -> str | None:
    """What a case finds that its row does not say, None where it is as expected."""
    found = refusing(asked.reasons)
    if found != expected(case):
        return f"{sorted(found)} instead of {sorted(expected(case))}"
    for reason in asked.reasons:
        for cure in reason.no.cures:
            left = replace(asked, facts=asked.facts.patched(cure.set)).reasons
            after = {reason.cite.rule for reason in left if not reason.no.pending}
            if (reason.cite.rule, reason.no.message) in {(r.cite.rule, r.no.message) for r in left}:
                return f"“{cure.text}” does not clear {reason.cite.rule}"
            if "ground" in cure.set and after - found:
                return f"another ground would be refused by {after - found}"
    wanted, _, single = case.cells["何时"].partition("（")
    waits = {(r.cite.rule, f"{c.until:%Y-%m-%d}") for r in asked.reasons for c in r.no.cures if c.until}
    if single and tuple(single.strip("）").split("：")) not in waits:
        return f"{waits} instead of {single}"
    if not wanted:
        return None
    joint = joint_cure(asked.plan, asked.facts, asked.event)
    came = "永不" if joint.dead_end else (legal_day(joint.until) if joint.until else asked.facts.today).isoformat()
    return None if came == wanted else f"{came} instead of {wanted}: {[r.no.message for r in joint.against]}"


def flow_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 路线, as the pack has them."""
    rows = []
    for name, (same_bureau, same_province) in ROUTES.items():
        facts = Facts(now=instant("2026-09-03"), calendar=CALENDAR, same_bureau=same_bureau,
                      same_province=same_province)  # fmt: skip
        [route] = [route for route in definition.routes if fits(tuple(route.when.items()), facts)]
        for state in route.steps:
            step = definition.steps[state]
            days, rule = f"{step.working_days}", step.limit.rule
            for shared in definition.shared_limits:
                if state in shared.steps and fits(tuple(shared.when.items()), facts):
                    days, rule = f"{days}，合计 {shared.working_days}", f"{rule} {shared.cite.rule}"
            rows.append((name, route.cite.rule, route.starter, state, " ".join(step.holders), step.role,
                         " ".join(step.events), days, step.silence, rule))  # fmt: skip
    return rows


def refusal_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 拒绝."""
    rows = []
    for state, step in definition.steps.items():
        if "reject" in step.events:
            codes = [r.code for r in definition.reasons if not r.units or set(r.units) & set(step.holders)]
            rows.append((state, " ".join(codes)))
    return rows


def number_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 数字."""
    rows = [
        ("有效期自", definition.valid_from),
        ("退回补正（工作日）", f"{definition.returned_days} {definition.returned_limit.rule}"),
        ("草稿保留（日）", f"{definition.draft_days} {definition.draft_limit.rule}"),
        ("单个文件上限（字节，SYS-09）", f"{definition.document_limit}"),
        ("文件类型（SYS-09）", " ".join(definition.document_types)),
        ("材料不全不得", f"{' '.join(definition.papers_block)} {definition.missing_papers.rule}"),
        ("毕业年级未办结业务清理", " ".join((definition.graduating_wipe[1], definition.graduating_wipe[0].rule))
         if definition.graduating_wipe else NONE),
        ("填写的事实", " ".join(definition.facts)),
    ]  # fmt: skip
    rows += [(f"冻结期 {freeze.id}", f"{freeze.first} 至 {freeze.last}") for freeze in definition.freezes]
    for rule in definition.windows:
        for year in (2026, 2027):
            for window in windows_in(rule, CALENDAR, year):
                last = legal_day(window.closes) - (instant("2026-01-02") - instant("2026-01-01"))
                rows.append((f"受理窗口 {rule.id} {year} {window.season}", f"{legal_day(window.opens)} 至 {last}"))
    return rows


def upload_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 上传: the papers that the applying school does not bring with its draft."""
    return [
        (f"{' 或 '.join('＋'.join(bundle) for bundle in r.any_of)}", r.cite.rule, r.at, r.by, r.side)
        for r in definition.requirements
        if (r.at, r.by, r.side) != ("draft", "destination_school", "destination")
    ]


RENDERED = {"上传": upload_rows, "路线": flow_rows, "拒绝": refusal_rows, "数字": number_rows}


def rows_of(pack: str, table: str) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for name, _, row in tables(pack) if name == table]
