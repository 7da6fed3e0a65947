"""Every rule says why: the reasons that the issue names, each with its numbers, article, who clears it, until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from states.calendar import run_clock
from states.decide import reasons_against
from states.facts import Facts
from states.trace import dated
from states.verdict import Reason
from tests.states.definitions import CALENDAR, at, good_facts, shipped
from tests.states.pack_cases import plan_for

CATCHMENT, NATIONAL, NENJIANG, BEIJING = "catchment-k12", "national-k12", "nenjiang-k12", "beijing-k12"
PRINCIPAL, BUREAU = "awaiting_destination_principal", "awaiting_shared_bureau"
HOME_PAPERS = "房产证 或 购房合同地址页、购房合同交房时间页、购房合同业主按印页 或 购房原始发票 或 房管局证明"
CLOSES, DUE = at("2026-09-21", 0), at("2026-09-16", 0)
OTHER = {"ground": "other", "data.ground_text": "随父母迁居"}
BUSINESS = {"ground": "business", "data.business_since": "2026-01-01"}
REGISTER = {
    "ground": "return_to_registered_home", "data.guardian_register_in_catchment": True,
    "data.student_register": "independent", "data.student_register_since": "2025-11-05",
}  # fmt: skip
NO_PARTY: Mapping[str, Any] = {"units": frozenset()}
OTHER_SCHOOL = {"units": frozenset({"origin_school"}), "roles": frozenset({"registrar"})}
HELD = {"class_size": 55, "class_held": 3, **OTHER}
TOTAL = {"school_size": 120, "school_held": 4, "school_quota": 120, **OTHER}
WINTER = {"now": at("2027-01-18"), "season": "autumn", **OTHER}
PLACED = {"reason": "no_place", "data.placed_by_bureau": True}


@dataclass(frozen=True)
class Named:
    """One reason of the list. `says` is part of the message, `who` and `until` are the first cure's; None: no cure."""

    name: str
    pack: str
    facts: Mapping[str, Any]
    rule: str
    says: str
    who: str | None
    until: Any = None
    state: str = "draft"
    event: str = "submit"
    article: str = ""
    pending: bool = False


LIST = [
    Named("window closed, next opening", CATCHMENT, {"now": at("2026-09-21", 0)}, "TR-07",
          "下次受理时间为 2027-02-13 至 2027-02-25", "nobody", at("2027-02-13", 0), article="问4"),
    Named("paper missing, which, with alternatives", CATCHMENT, {"documents": frozenset()}, "TR-03",
          f"{HOME_PAPERS}（TR-G3）", "destination_school", DUE, PRINCIPAL, "approve", "问1(6)", pending=True),
    Named("fact missing", CATCHMENT, {"data.handed_over_on": None, "town": True}, "TR-G3",
          "未填写“交房日期”（须不晚于 2026-09-01）", "applicant", DUE, PRINCIPAL, "approve", "问1(3)", pending=True),
    Named("wrong grade", NENJIANG, {"grade": 5}, "NJ-12", "学生现读三年级，申请五年级", "applicant", article="三(三)"),
    Named("no place in the class, how many held", NENJIANG, HELD, "NJ-07",
          "三年级2班在读 52 人，已占学位 3 个，班额上限 55 人", "guardian", article="二"),
    Named("no place in the school, how many held", BEIJING, TOTAL, "BJ-03",
          "小学在读 116 人，已占学位 4 个，总量 120 人", "destination_school", at("2027-01-23", 0), article="第四条"),
    Named("open business, 2002", NATIONAL, {"open_request": "20260901-ABC", **OTHER}, "SYS-05",
          "2002 该生有在办业务：20260901-ABC", "origin_school", article="2002"),
    Named("data does not match, 2001", NATIONAL, {"matches": False, **OTHER}, "SYS-04", "2001", "applicant",
          article="2001"),
    Named("problem record, 2003", NATIONAL, {"problem": True, **OTHER}, "SYS-06", "2003", "origin_school",
          article="2003"),
    Named("suspended", NATIONAL, {"status": "suspended", **OTHER}, "X-05", "学籍状态为休学，须为在读", "origin_school",
          article="休学期间"),
    Named("graduating grade by the school's own length of schooling", BEIJING, {
        **WINTER, "grade": 5, "current_grade": 5, "last_grade": 5}, "BJ-13",
        "学生现读五年级，其学校该学段至五年级毕业", None, article="毕业年级"),
    Named("first term", BEIJING, {**WINTER, "grade": 1, "current_grade": 1}, "BJ-13", "学生现读一年级", "nobody",
          at("2027-01-23", 0), article="起始年级第一学期"),
    Named("first term of a junior stage that begins with grade 6", BEIJING, {
        **WINTER, "grade": 6, "current_grade": 6, "first_grade": 6, "last_grade": 9, "stage": "junior"}, "BJ-13",
        "学生现读六年级", "nobody", at("2027-01-23", 0), article="起始年级第一学期"),
    Named("freeze", NATIONAL, {"now": at("2026-07-20"), **OTHER}, "SYS-45", "2026-08-15 前为冻结期", "nobody",
          at("2026-08-15", 0), article="8 月 14 日"),
    Named("freeze of the graduating grades", NATIONAL, {
        "now": at("2026-07-02"), "grade": 6, "current_grade": 6, **OTHER}, "SYS-46",
        "自 07-01 起至 08-14 不受理新的申请：学生现读六年级", "nobody", at("2026-08-15", 0), article="7 月 1 日"),
    Named("not your step", CATCHMENT, OTHER_SCHOOL, "SYS-03", "由转入学校校长办理，不属于您的环节",
          "destination_school", DUE, PRINCIPAL, "approve", "到达本单位"),
    Named("not your scope", CATCHMENT, NO_PARTY, "SYS-03", "您单位不是本件的办理单位；此操作由转入学校校长办理",
          "destination_school", DUE, PRINCIPAL, "approve", "到达本单位"),
    Named("own submission", CATCHMENT, {"own": True}, "SYS-08", "不得再由本人审核", "shared_bureau", DUE, BUREAU,
          "approve", "分设"),
    Named("register under one year", CATCHMENT, {**REGISTER, "town": True}, "TR-G1",
          "为 2025-11-05，须满 12 个月，2026-11-05 起满足", "nobody", at("2026-11-05", 0), article="问1(1)"),
    Named("business under one year", CATCHMENT, {**BUSINESS, "town": True}, "TR-G4",
          "为 2026-01-01，须满 12 个月，2027-01-01 起满足", "nobody", at("2027-01-01", 0), article="问1(4)"),
    Named("the origin refuses without a coded reason", NATIONAL, {"reason": "we_keep_him", **OTHER}, "SYS-T6",
          "申请信息与学籍信息不符、学生另有在办业务、学生为问题学籍、法院或公安机关要求；缺材料请用“退回补正”",
          "origin_school", DUE, "awaiting_origin_school", "reject", "无正当理由"),
    Named("the origin's bureau refuses for a reason of the destination's", NATIONAL, {
        "reason": "no_place", "same_bureau": False, **OTHER}, "SYS-T6", "不予通过须选择列出的理由", "origin_bureau",
        DUE, "awaiting_origin_bureau", "reject", "无正当理由"),
    Named("a placed pupil is not refused", NENJIANG, PLACED, "NJ-11", "由教育局安排就学", "destination_bureau", DUE,
          "awaiting_arrival", "reject", "三(二)"),
    Named("a pupil of the catchment is not refused", CATCHMENT, {
        "reason": "no_place", "data.guardian_register_in_catchment": True}, "TR-13", "不得以“没有学位”为由拒收",
        "destination_school", DUE, PRINCIPAL, "reject", "问8(2)"),
    Named("the register of the pupil alone", NENJIANG, {
        "ground": "register_and_home_moved", "data.register_moved": "student_only"}, "NJ-10", "学生单人户口迁移",
        "applicant", article="三(一)"),
    Named("the wrong ground", CATCHMENT, {"data.guardian_register_in_catchment": True}, "TR-G3",
          "填的是“是”，此理由须为“否”", "applicant", CLOSES, article="问1(3)"),
    Named("a special-education pupil goes up", NATIONAL, {"special_education": True, "grade": 4, **OTHER}, "N25-11",
          "学生现读三年级，申请四年级", "applicant", article="第十四条"),
]  # fmt: skip


def asked(row: Named) -> tuple[Reason, Facts]:
    """The reason that the row names, dated, and the facts that it is against."""
    definition = shipped()[row.pack]
    start = good_facts(season="autumn", stage="primary").patched(row.facts)
    plan = plan_for(definition, definition, start)
    cell = plan.by_event[row.state, row.event]
    holder = {"units": cell.units, "roles": frozenset({cell.role}), "starter": plan.route.starter}
    clock = None if row.state == "draft" else run_clock(CALENDAR, start.today, 10)
    facts = start.patched({**holder, "state": row.state, "clock": clock, **row.facts})
    found = [r for r in dated(plan, facts, reasons_against(cell, facts)) if r.cite.rule == row.rule]
    return next(r for r in found if row.says in r.no.message), facts


@pytest.mark.parametrize("row", LIST, ids=lambda row: row.name)
def test_a_reason_says_its_numbers_its_article_and_what_clears_it_by_whom_until_when(row: Named) -> None:
    reason, _ = asked(row)
    assert row.says in reason.no.message
    assert reason.no.message_en
    assert reason.cite.article
    assert row.article in reason.cite.article
    assert reason.cite.basis in ("read", "inferred", "decided", "unseen")
    assert reason.no.pending is row.pending
    first = reason.no.cures[0] if reason.no.cures else None
    assert (first.who if first else None) == row.who
    assert all(cure.text and cure.text_en for cure in reason.no.cures)
    if first and row.until:
        assert first.until == row.until


@pytest.mark.parametrize("row", LIST, ids=lambda row: row.name)
def test_what_clears_a_reason_clears_it(row: Named) -> None:
    reason, facts = asked(row)
    definition = shipped()[row.pack]
    plan = plan_for(definition, definition, facts)
    for cure in reason.no.cures:
        left = reasons_against(plan.by_event[row.state, row.event], facts.patched(cure.set))
        assert (reason.cite, reason.no.message) not in [(r.cite, r.no.message) for r in left]


def test_papers_that_are_missing_are_no_reason_for_refusing() -> None:
    for definition in shipped().values():
        assert not any("缺" in reason.label or "paper missing" in reason.label_en for reason in definition.reasons)
