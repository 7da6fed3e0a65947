"""Every check says no and says yes, names the numbers, and every cure that it offers clears it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from states.calendar import run_clock
from states.definition import Requirement
from states.facts import Entry, Facts
from states.rules import CHECKS, STRICT_DIRECTION
from states.rules.ground import months_later
from states.rules.procedure import document_present
from states.verdict import No
from tests.states.definitions import DEFINITION, at, cite, good_facts, plan_of
from tests.states.record_rule_cases import ROWS as RECORD_CASES
from tests.states.school_rule_cases import ROWS as SCHOOL_CASES

PLAN = plan_of()
SUBMIT = PLAN.by_event["draft", "submit"]
APPROVE = PLAN.by_event["awaiting_origin_school", "approve"]
REJECT = PLAN.by_event["awaiting_origin_school", "reject"]
PROVINCES = plan_of(number=1).by_event["awaiting_province_bureaus", "approve"]
ORIGIN, PRINCIPAL = frozenset({"origin_school"}), frozenset({"principal"})
HOME = Requirement(
    "home",
    cite("G-1"),
    (("property_certificate",), ("purchase_invoice", "tenancy_contract")),
    "draft",
    "destination_school",
)


@dataclass(frozen=True)
class Case:
    """One side of a check: facts, and what the message must name ("" where the check is content)."""

    does: str
    facts: Mapping[str, Any]
    says: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    pending: bool = False
    cures: int = 1

    @property
    def ask(self) -> Callable[[Facts], No | None]:
        function = CHECKS.get(self.does, document_present)
        return lambda facts: function(facts, **self.given)


DEFN = {"definition": DEFINITION}
REFUSE = {"cell": REJECT, **DEFN}
CAP = {"cap": {"primary": 55, "junior": 60}}
YEAR = {"fact": "business_since", "at_least": 12}
HANDED = {"fact": "handed_over_on"}
OTHERS = {"cell": APPROVE, "kinds": ["other_kinship_proof", "other_residence_proof"]}
FAMILY = {"fact": "register_moved", "allowed": ["family"]}
GRADUATING = {"from_day": "07-01", "to_day": "07-14"}
WINTER = {"from_day": "12-20", "to_day": "01-10"}

FIRST, SIX = {"grade": 1}, {"at_least": 6, "by_day": "08-31"}
FORTNIGHT = {"fact": "entered_on", "at_most": 14}
AUTUMN = {"at_most": 10, "season": "autumn"}
ADMITTED = (Entry("admission", date(2026, 8, 1), None), Entry("admission", date(2026, 8, 2), None))
TWO_YEARS = {"section": "suspension", "fact": "until", "at_most": 24}
AWAY = (Entry("suspension", date(2025, 9, 1), date(2026, 3, 1)), Entry("suspension", date(2026, 3, 1), None))
GAP = (Entry("suspension", date(2025, 9, 1), date(2026, 2, 28)), Entry("suspension", date(2026, 3, 1), None))
REST = {"fact": "advised_months", "at_least": 3}
WEEKS = {"fact": "absent_since", "at_least": 28}
DEATH = {"fact": "died_on", "at_most": 10}
SKIPPED = (Entry("skip", date(2025, 3, 1), None),)
GUEST = (Entry("guest", date(2026, 3, 1), None),)
GONE = (Entry("guest", date(2026, 3, 1), date(2026, 7, 1)),)
SINCE = {"enrolled_on": date(2026, 9, 1)}
SKIP = {"section": "skip"}
SHARE = {"grade": 11, "at_most": 2}
ELEVEN = {"current_grade": 11}

SUMMER = {"from_day": "07-01", "to_day": "08-10"}
UP, CREDENTIAL = {"section": "promotion"}, {"section": "credential"}
CERTIFIED = (Entry("credential", date(2026, 6, 20), None),)
REGISTERED = (*CERTIFIED, Entry("credential_registration", date(2026, 6, 25), None))
REPORTED = {"fact": "reported_on", "at_most": 3}
SERVED = {"fact": "until", "since": "service_ends_on", "at_most": 24}
CHANGED, POSTED = {"fact": "changed_on"}, {"fact": "notice_from", "at_least": 5}
PRINTED = {"fields": ["major", "certificate_on"]}
BOTH = {"fact": "name_and_number", "fields": ["new_name", "new_identity_number"]}

CASES = [
    Case("actor_holds", {"units": ORIGIN}, "转出学校校长", {"cell": APPROVE}),
    Case(
        "actor_holds",
        {"units": frozenset({"destination_school"}), "roles": PRINCIPAL},
        "转出学校校长",
        {"cell": APPROVE},
    ),
    Case("actor_holds", {"system": True}, "转出学校校长", {"cell": APPROVE}),
    Case("actor_holds", {"roles": PRINCIPAL}, "您单位不是本件的办理单位；此操作由转出学校校长办理", {"cell": APPROVE}),
    Case("actor_holds", {"units": ORIGIN, "roles": PRINCIPAL}, "", {"cell": APPROVE}),
    Case("actor_holds", {"system": True}, "", {"cell": PLAN.by_event["returned", "remind"]}),
    Case(
        "actor_holds",
        {
            "units": frozenset({"origin_province"}),
            "roles": frozenset({"registrar"}),
            "approvals": frozenset({"origin_province"}),
        },
        "转入省教育厅",
        {"cell": PROVINCES},
    ),
    Case(
        "actor_holds",
        {
            "units": frozenset({"destination_province"}),
            "roles": frozenset({"registrar"}),
            "approvals": frozenset({"origin_province"}),
        },
        "",
        {"cell": PROVINCES},
    ),
    Case("four_eyes", {"own": True}, "本人", {"cell": APPROVE}),
    Case("four_eyes", {"own": False}, "", {"cell": APPROVE}),
    Case("starter_may", {"starter": "origin_school"}, "转入学校", {"cell": SUBMIT}),
    Case("starter_may", {"starter": "destination_school"}, "", {"cell": SUBMIT}),
    Case("starter_may", {"starter": None}, "", {"cell": SUBMIT}),
    Case("coded_reason", {}, "列出的理由：信息不符；", REFUSE, pending=True),
    Case("coded_reason", {"reason": "fees"}, "列出的理由：信息不符；", REFUSE),
    Case("coded_reason", {"reason": "no_place"}, "列出的理由", REFUSE),
    Case("coded_reason", {"reason": "data_wrong"}, "", REFUSE),
    Case(
        "catchment_pupil_not_refused",
        {"reason": "data_wrong"},
        "不得以“信息不符”为由拒收",
        {**REFUSE, "codes": ["data_wrong"]},
        cures=0,
    ),
    Case(
        "catchment_pupil_not_refused", {"reason": "no_place"}, "可用的理由：信息不符", {**REFUSE, "codes": ["no_place"]}
    ),
    Case("catchment_pupil_not_refused", {"reason": "data_wrong"}, "", {**REFUSE, "codes": ["no_place"]}),
    Case("catchment_pupil_not_refused", {}, "", {**REFUSE, "codes": ["no_place"]}),
    Case("placed_pupil_not_refused", {"data.placed_by_bureau": True}, "安排", {"cell": REJECT}),
    Case("placed_pupil_not_refused", {}, "", {"cell": REJECT}),
    Case("other_proof_explained", {"documents": frozenset({"other_residence_proof"})}, "其他居住证明", OTHERS),
    Case("other_proof_explained", {"documents": frozenset({"other_residence_proof"}), "comment": " "}, "理由", OTHERS),
    Case(
        "other_proof_explained",
        {"documents": frozenset({"other_residence_proof"}), "comment": "居委会证明"},
        "",
        OTHERS,
    ),
    Case("other_proof_explained", {}, "", OTHERS),
    Case("accepted_before", {}, "已同意接收", {"cell": REJECT}, cures=0),
    Case(
        "document_present",
        {"documents": frozenset()},
        "房产证 或 购房原始发票、住房租赁合同（G-1）",
        {"requirement": HOME},
        pending=True,
        cures=2,
    ),
    Case(
        "document_present",
        {"documents": frozenset({"purchase_invoice"})},
        "房产证 或 住房租赁合同",
        {"requirement": HOME},
        pending=True,
        cures=2,
    ),
    Case("document_present", {"documents": frozenset({"property_certificate"})}, "", {"requirement": HOME}),
    Case(
        "document_present",
        {"documents": frozenset({"purchase_invoice", "tenancy_contract"})},
        "",
        {"requirement": HOME},
    ),
    Case("within_window", {"now": at("2026-08-19")}, "2026-08-20 至 2026-09-20", DEFN),
    Case("within_window", {"now": at("2026-09-21", 0)}, "2027-02-13 至 2027-02-25", DEFN),
    Case("within_window", {"now": at("2026-09-20", 23)}, "", DEFN),
    Case("within_window", {"now": at("2026-08-20", 0)}, "", DEFN),
    Case("not_in_freeze", {"now": at("2026-07-15", 0)}, "2026-08-15", {**DEFN, "freeze": "F-1"}),
    Case("not_in_freeze", {"now": at("2026-08-14", 23)}, "2026-08-15", {**DEFN, "freeze": "F-1"}),
    Case("not_in_freeze", {"now": at("2026-08-15", 0)}, "", {**DEFN, "freeze": "F-1"}),
    Case("graduating_freeze", {"now": at("2026-07-01", 0), "current_grade": 6}, "07-01", GRADUATING),
    Case("graduating_freeze", {"now": at("2026-07-14", 23), "current_grade": 6}, "07-14", GRADUATING),
    Case("graduating_freeze", {"now": at("2026-12-31"), "current_grade": 6}, "01-10", WINTER),
    Case("graduating_freeze", {"now": at("2027-01-10", 23), "current_grade": 6}, "01-10", WINTER),
    Case("graduating_freeze", {"now": at("2026-07-02"), "current_grade": 5}, "", GRADUATING),
    Case("graduating_freeze", {"now": at("2026-06-30", 23), "current_grade": 6}, "", GRADUATING),
    Case("data_matches", {"matches": False}, "2001"),
    Case("data_matches", {}, ""),
    Case("no_open_request", {"open_request": "2026-000123"}, "2002 该生有在办业务：2026-000123"),
    Case("no_open_request", {}, ""),
    Case("no_problem_record", {"problem": True}, "2003"),
    Case("no_problem_record", {}, ""),
    Case("student_has_status", {"status": "suspended"}, "休学，须为在读", {"allowed": ["attending"]}),
    Case("student_has_status", {"status": "deceased"}, "死亡", {"allowed": ["attending"]}, cures=0),
    Case("student_has_status", {"status": "attending"}, "", {"allowed": ["attending"]}),
    Case("student_has_status", {"status": "suspended"}, "", {"allowed": ["attending", "suspended"]}),
    Case(
        "siblings_seated", {"sibling": "waiting", "sibling_class_size": 55}, "同胞", {"cap": {"primary": 55}}, cures=2
    ),
    Case("siblings_seated", {"sibling": "unknown"}, "没有受理编号", {"cap": {"primary": 55}}),
    Case("siblings_seated", {"sibling": "waiting", "sibling_class_size": 54}, "", {"cap": {"primary": 55}}),
    Case(
        "siblings_seated",
        {"sibling": "waiting", "sibling_class_size": 55, "holds_place": True},
        "",
        {"cap": {"primary": 55}},
    ),
    Case(
        "siblings_in_school",
        {"sibling": "waiting", "sibling_school_size": 900, "sibling_school_quota": 900},
        "同胞（）没有学位：学籍总量 900 人",
        cures=2,
    ),
    Case("siblings_in_school", {"sibling": "unknown"}, "没有受理编号"),
    Case("siblings_in_school", {"sibling": "waiting", "sibling_school_size": 899, "sibling_school_quota": 900}, ""),
    Case("siblings_in_school", {"sibling": "waiting", "sibling_school_size": 900}, ""),
    Case("siblings_in_school", {"sibling": "seated", "sibling_school_size": 900, "sibling_school_quota": 900}, ""),
    Case("status_allows", {"kind": "resumption"}, "须为休学、停学", cures=0),
    Case("status_allows", {"kind": "resumption", "status": "halted"}, ""),
    Case("status_allows", {"kind": "resumption", "status": "record_retained"}, "须为休学、停学", cures=0),
    Case("status_allows", {"kind": "resumption", "ground": "retained_record", "status": "record_retained"}, ""),
    Case("status_allows", {"kind": "key_data_change", "status": "deceased"}, ""),
    Case("same_grade", {"grade": 4}, "现读三年级，申请四年级"),
    Case("same_grade", {"grade": None}, "申请未填年级"),
    Case("same_grade", {"current_grade": None}, "未登记"),
    Case("same_grade", {"grade": 10, "current_grade": 10}, ""),
    Case("grade_not_above", {"grade": 4}, "学生现读三年级，申请四年级"),
    Case("grade_not_above", {"grade": None}, "申请未填年级"),
    Case("grade_not_above", {"current_grade": None}, "未填年级"),
    Case("grade_not_above", {"grade": 2}, ""),
    Case("grade_not_above", {"grade": 3}, ""),
    Case("not_graduating", {"current_grade": 5, "last_grade": 5}, "五年级", cures=0),
    Case("not_graduating", {"current_grade": 5, "last_grade": 6}, ""),
    Case("not_first_term", {"current_grade": 1}, "一年级"),
    Case("not_first_term", {"current_grade": 7, "first_grade": 7}, "七年级", {"region": "nowhere"}),
    Case("not_first_term", {"current_grade": 1, "season": "spring"}, ""),
    Case("not_first_term", {"current_grade": 2}, ""),
    Case("grade_offered", {"offers_grade": False, "grade": 11}, "高二"),
    Case("grade_offered", {}, ""),
    Case("different_school", {"same_school": True}, "相同"),
    Case("different_school", {}, ""),
    Case("destination_in_town", {"town": False}, "城区"),
    Case("destination_in_town", {"town": True}, ""),
    Case(
        "class_has_place",
        {"class_size": 55, "class_held": 2},
        "三年级2班在读 53 人，已占学位 2 个，班额上限 55 人",
        CAP,
    ),
    Case("class_has_place", {"class_size": 60, "stage": "junior"}, "上限 60", CAP),
    Case("class_has_place", {"class_size": None}, "没有班级", CAP),
    Case("class_has_place", {"class_size": 54}, "", CAP),
    Case("class_has_place", {"class_size": 55, "holds_place": True}, "", CAP),
    Case("class_has_place", {"class_size": 90, "stage": "senior"}, "", CAP),
    Case(
        "school_has_place",
        {"school_size": 900, "school_held": 7, "school_quota": 900},
        "小学在读 893 人，已占学位 7 个，总量 900 人",
    ),
    Case("school_has_place", {"school_size": 899, "school_quota": 900}, ""),
    Case("school_has_place", {"school_size": 900, "school_quota": None}, ""),
    Case("school_has_place", {"school_size": 900, "school_quota": 900, "holds_place": True}, ""),
    Case("ground_known", {"ground": "bussiness"}, "住址变迁、经商", DEFN),
    Case("ground_known", {"ground": None}, "未选择", DEFN),
    Case("ground_known", {"ground": "business"}, "", DEFN),
    Case("ground_text_given", {"data.ground_text": "  "}, "写明", pending=True),
    Case("ground_text_given", {"data.text": "随父母返乡"}, ""),
    Case("months_since", {"now": at("2026-08-31"), "data.business_since": "2025-09-01"}, "2026-09-01 起满足", YEAR),
    Case("months_since", {"now": at("2026-09-01", 0), "data.business_since": "2025-09-01"}, "", YEAR),
    Case("months_since", {"now": at("2025-02-27"), "data.business_since": "2024-02-29"}, "2025-02-28", YEAR),
    Case("months_since", {"now": at("2025-02-28"), "data.business_since": "2024-02-29"}, "", YEAR),
    Case("months_since", {}, "未填写“学区内经营起始日期”（须不晚于 2025-09-01）", YEAR, pending=True),
    Case("months_since", {"data.business_since": "去年"}, "未填写", YEAR, pending=True),
    Case("date_reached", {"data.handed_over_on": "2026-09-02"}, "2026-09-02", HANDED),
    Case("date_reached", {"data.handed_over_on": None}, "交房日期", HANDED, pending=True),
    Case("date_reached", {"data.handed_over_on": "2026-09-01"}, "", HANDED),
    Case("date_reached", {"data.died_on": "2026-09-02"}, "晚于今天", {"fact": "died_on"}),
    Case("date_reached", {"data.died_on": "2026-09-01"}, "", {"fact": "died_on"}),
    Case("months_since", {"data.business_since": "2026-09-02"}, "晚于今天", YEAR),
    Case("fact_given", {}, "到校日期", {"fact": "arrived_on"}, pending=True),
    Case("fact_given", {}, "学生户口性质", {"fact": "student_register"}, pending=True),
    Case("fact_given", {}, "农村家庭", {"fact": "rural_family"}, pending=True),
    Case("fact_given", {"data.rural_family": False}, "", {"fact": "rural_family"}),
    Case("fact_is", {"data.register_moved": "student_only"}, "学生单人户口迁移", FAMILY),
    Case("fact_is", {}, "须为“全家户口迁移”", FAMILY, pending=True),
    Case("fact_is", {"data.register_moved": "family"}, "", FAMILY),
    Case(
        "fact_is",
        {"data.guardian_register_in_catchment": True},
        "须为“否”",
        {"fact": "guardian_register_in_catchment", "allowed": [False], "instead": "return_to_registered_home"},
        cures=2,
    ),
    Case("fact_is", {"data.home_moved": False}, "须为“是”", {"fact": "home_moved", "allowed": [True]}),
    # Admission and the border of the installation.
    Case("age_reached", {**FIRST, "birth_date": date(2020, 8, 31)}, "", SIX),
    Case("age_reached", {**FIRST, "birth_date": date(2020, 9, 1)}, "2026-09-01 满", SIX),
    Case("age_reached", {"birth_date": date(2020, 9, 1)}, "", SIX),
    Case("within_days_of", {"data.entered_on": "2026-08-18"}, "", FORTNIGHT),
    Case("within_days_of", {"data.entered_on": "2026-08-17"}, "至 2026-08-31", FORTNIGHT),
    Case("within_days_of", {}, "未填写", FORTNIGHT),
    Case("on_the_day", {"data.arrived_on": "2026-09-01"}, "", {"fact": "arrived_on"}),
    Case("on_the_day", {"data.arrived_on": "2026-08-31"}, "应当天办理", {"fact": "arrived_on"}),
    Case("on_the_day", {}, "未填写", {"fact": "arrived_on"}, pending=True),
    Case("within_working_days_of_term", {"now": at("2026-09-08")}, "", {"at_most": 5}),
    Case("within_working_days_of_term", {"now": at("2026-09-09")}, "至 2026-09-08", {"at_most": 5}),
    Case("within_working_days_of_term", {"now": at("2027-02-20")}, "", {"at_most": 5}),
    Case("within_working_days_of_term", {"now": at("2027-02-20")}, "至 2026-09-15", AUTUMN),
    Case("day_not_past", {"now": at("2026-09-30")}, "", {"by_day": "09-30"}),
    Case("day_not_past", {"now": at("2026-10-01")}, "2026-09-30 前", {"by_day": "09-30"}),
    Case("day_not_past", {"now": at("2027-06-30")}, "2026-09-30 前", {"by_day": "09-30"}),
    Case("one_admission", {"entries": ADMITTED[:1]}, ""),
    Case("one_admission", {"entries": ADMITTED}, "被两所学校录取"),
    Case("admitted_twice", {"entries": ADMITTED}, ""),
    Case("admitted_twice", {"entries": ADMITTED[:1]}, "没有被两所学校录取", cures=0),
    Case("no_record_elsewhere", {"duplicate": True}, "查重未通过"),
    Case("no_record_elsewhere", {}, ""),
    Case("has_number_before", {"has_number": False}, "没有学籍号"),
    Case("has_number_before", {}, ""),
    Case("on_admission_list", {"admitted_here": False}, "没有该生"),
    Case("on_admission_list", {}, ""),
    Case("grade_follows_stage", {"left_last_grade": 5, "grade": 6}, ""),
    Case("grade_follows_stage", {"left_last_grade": 6, "grade": 6}, "须为七年级"),
    Case("grade_follows_stage", {"grade": 6}, ""),
    Case("other_province", {}, "在本省"),
    Case("other_province", {"same_province": False}, ""),
    # Absences, returns, classes and grades.
    Case("until_within_months", {"data.until": "2027-09-01"}, "", {"fact": "until", "at_most": 12}),
    Case("until_within_months", {"data.until": "2027-09-02"}, "不晚于 2027-09-01", {"fact": "until", "at_most": 12}),
    Case("until_within_months", {"data.until": "2026-09-01"}, "2026-09-01 之后", {"fact": "until", "at_most": 12}),
    Case("until_within_months", {}, "未填写", {"fact": "until", "at_most": 12}, pending=True),
    Case("absence_within_months", {"entries": AWAY, "data.until": "2027-09-01"}, "", TWO_YEARS),
    Case("absence_within_months", {"entries": AWAY, "data.until": "2027-09-02"}, "2025-09-01 起连续最长 24", TWO_YEARS),
    Case("absence_within_months", {"entries": AWAY}, "未填写", TWO_YEARS, pending=True),
    Case("absence_within_months", {"entries": GAP, "data.until": "2028-03-01"}, "", TWO_YEARS),
    Case("absence_within_months", {"data.until": "2099-01-01"}, "", TWO_YEARS),
    Case("number_at_least", {"data.advised_months": 3}, "", REST),
    Case("number_at_least", {"data.advised_months": 2}, "须不少于 3", REST),
    Case("number_at_least", {}, "未填写", REST, pending=True),
    Case("days_since", {"data.absent_since": "2026-08-04"}, "", WEEKS),
    Case("days_since", {"data.absent_since": "2026-08-05"}, "2026-09-02 起满足", WEEKS),
    Case("days_since", {"data.absent_since": "2026-09-02"}, "晚于今天", WEEKS),
    Case("days_since", {}, "未填写", WEEKS, pending=True),
    Case("told_within_working_days", {"data.died_on": "2026-08-18"}, "", DEATH),
    Case("told_within_working_days", {"data.died_on": "2026-08-17"}, "2026-08-31", DEATH),
    Case("told_within_working_days", {}, "未填写", DEATH, pending=True),
    Case("effective_since_enrolment", {"data.effective_on": "2026-08-31", **SINCE}, "2026-09-01 才到本校"),
    Case("effective_since_enrolment", {"data.effective_on": "2026-09-01", **SINCE}, ""),
    Case("effective_since_enrolment", SINCE, ""),
    Case("return_not_early", {"away_until": date(2026, 10, 1)}, "", {"at_most": 30}),
    Case("return_not_early", {"away_until": date(2026, 10, 2)}, "2026-09-02 起可以", {"at_most": 30}),
    Case("return_not_early", {"away_until": date(2026, 10, 2), "data.effective_on": "2026-09-02"}, "", {"at_most": 30}),
    Case("return_not_early", {}, "", {"at_most": 30}),
    Case("return_not_late", {"away_until": date(2026, 8, 2)}, "", {"at_most": 30}),
    Case("return_not_late", {"away_until": date(2026, 8, 1)}, "最迟 2026-08-31", {"at_most": 30}),
    Case("return_not_late", {}, "", {"at_most": 30}),
    Case("resumed_before_renewal", {"status": "suspended"}, "先复学", cures=0),
    Case("resumed_before_renewal", {}, ""),
    Case("grade_not_above_present", {"grade": 4}, "不得高于原年级三年级"),
    Case("grade_not_above_present", {"grade": 2}, ""),
    Case("class_is_there", {"offers_grade": False}, "没有三年级班级"),
    Case("class_is_there", {"offers_grade": False, "data.class_name": "9班"}, "没有“9班”"),
    Case("class_is_there", {}, ""),
    Case("another_class", {"same_class": True, "data.class_name": "1班"}, "已在该班"),
    Case("another_class", {"same_class": True}, "尚未选定"),
    Case("another_class", {}, ""),
    Case("grade_kept", {"grade": 4}, "须为原年级"),
    Case("grade_kept", {"grade": 4, "current_grade": None}, "须为原年级", cures=0),
    Case("grade_kept", {}, ""),
    Case("one_grade_up", {"grade": 4}, ""),
    Case("one_grade_up", {"grade": 5}, "只能申请四年级"),
    Case("one_grade_up", {"current_grade": 6, "grade": 7}, "没有可去的年级", cures=0),
    Case("one_grade_up", {"current_grade": None}, "未登记", cures=0),
    Case("one_grade_down", {"grade": 2}, ""),
    Case("one_grade_down", {"grade": 3}, "只能申请二年级"),
    Case("once_in_stage", {"entries": SKIPPED, "stage_since": date(2025, 3, 1)}, "2025-03-01", SKIP, cures=0),
    Case("once_in_stage", {"entries": SKIPPED, "stage_since": date(2025, 3, 2)}, "", SKIP),
    Case("once_in_stage", {"entries": SKIPPED}, "每学段限一次", SKIP, cures=0),
    Case("share_of_grade", {**ELEVEN, "grade_size": 100, "grade_repeats": 1}, "", SHARE),
    Case("share_of_grade", {**ELEVEN, "grade_size": 100, "grade_repeats": 2}, "2%（2 人）", SHARE, cures=0),
    Case("share_of_grade", {"grade_size": 10, "current_grade": 10}, "", SHARE),
    Case("no_entry_lasts", {"entries": GUEST}, "2026-03-01", {"section": "guest"}),
    Case("no_entry_lasts", {"entries": GONE}, "", {"section": "guest"}),
    Case("taken_in_between", {}, "2027-07-01 起", SUMMER),
    Case("taken_in_between", {"now": at("2026-06-30")}, "2026-07-01 起", SUMMER),
    Case("taken_in_between", {}, "07-01 至 08-10", {**SUMMER, "late": "late_entry"}, cures=2),
    Case("taken_in_between", {"now": at("2026-07-01")}, "", SUMMER),
    Case("taken_in_between", {"now": at("2026-08-10")}, "", SUMMER),
    Case("taken_in_between", {"data.late_entry": True}, "", {**SUMMER, "late": "late_entry"}),
    Case("in_last_grade", {}, "现读三年级", cures=0),
    Case("in_last_grade", {"current_grade": None}, "未填年级", cures=0),
    Case("in_last_grade", {"current_grade": 6}),
    Case("not_in_compulsory", {"kind": "leaving_with_record"}, "义务教育阶段不办理肄业", cures=0),
    Case("not_in_compulsory", {"kind": "leaving"}, "不办理退学", {"other_kinds": {"suspension": "N13-23"}}, cures=0),
    Case("not_in_compulsory", {"stage": "senior"}),
    Case("not_yet_this_school_year", {"entries": (Entry("promotion", date(2026, 8, 11), None),)}, "升级", UP),
    Case("not_yet_this_school_year", {"entries": (Entry("promotion", date(2026, 8, 10), None),)}, "", UP),
    Case(
        "made_this_school_year",
        {"entries": (Entry("credential", date(2026, 8, 10), None),)},
        "本学年没有",
        CREDENTIAL,
        cures=0,
    ),
    Case("made_this_school_year", {"entries": (Entry("credential", date(2026, 8, 11), None),)}, "", CREDENTIAL),
    Case("entry_comes_first", {}, "没有“学历证书”", CREDENTIAL),
    Case("entry_comes_first", {"entries": CERTIFIED}, "", CREDENTIAL),
    Case("not_after_credential", {"entries": REGISTERED}, "不再变更", cures=0),
    Case("not_after_credential", {"entries": CERTIFIED}),
    Case(
        "graduate_data_open", {"status": "graduated", "entries": CERTIFIED}, "2026-07-30", {"to_day": "07-30"}, cures=0
    ),
    Case(
        "graduate_data_open",
        {"status": "graduated", "entries": CERTIFIED, "now": at("2026-07-30")},
        "",
        {"to_day": "07-30"},
    ),
    Case("graduate_data_open", {"entries": CERTIFIED}, "", {"to_day": "07-30"}),
    Case("within_months_after", {"data.reported_on": "2026-05-31"}, "2026-08-31 已过", REPORTED),
    Case(
        "within_months_after", {"data.reported_on": "2026-05-31"}, "3 个月", {**REPORTED, "late": "late_entry"}, cures=2
    ),
    Case("within_months_after", {}, "未填写“报到日期”", REPORTED, pending=True),
    Case("within_months_after", {"data.reported_on": "2026-06-01"}, "", REPORTED),
    Case("within_months_after", {"data.late_entry": True}, "", {**REPORTED, "late": "late_entry"}),
    Case("within_months_of", {"data.service_ends_on": "2028-09-01", "data.until": "2030-09-02"}, "2030-09-01", SERVED),
    Case("within_months_of", {"data.service_ends_on": "2028-09-01", "data.until": "2028-09-01"}, "之后", SERVED),
    Case("within_months_of", {"data.service_ends_on": "2028-09-01"}, "期满日期", SERVED, pending=True),
    Case("within_months_of", {"data.until": "2028-09-01"}, "服役结束日期", SERVED, pending=True),
    Case("within_months_of", {"data.service_ends_on": "2028-09-01", "data.until": "2030-09-01"}, "", SERVED),
    Case("since_enrolment", {"enrolled_on": date(2025, 9, 1), "data.changed_on": "2025-08-31"}, "2025-09-01", CHANGED),
    Case("since_enrolment", {}, "公安机关变更日期", CHANGED, pending=True),
    Case("since_enrolment", {"enrolled_on": date(2025, 9, 1), "data.changed_on": "2025-09-01"}, "", CHANGED),
    Case("notice_has_stood", {"data.notice_from": "2026-08-26"}, "至 2026-09-01 期满", POSTED),
    Case(
        "notice_has_stood",
        {"data.notice_from": "2026-08-24", "clock": run_clock(good_facts().calendar, date(2026, 8, 25), 20)},
        "早于",
        POSTED,
    ),
    Case("notice_has_stood", {}, "公示开始日期", POSTED, pending=True),
    Case("notice_has_stood", {"data.notice_from": "2026-08-25"}, "", POSTED),
    Case("all_given", {"data.major": "数学"}, "证书日期", PRINTED, pending=True),
    Case("all_given", {"data.major": "数学", "data.certificate_on": "2026-06-30"}, "", PRINTED),
    Case("said_of_both", {"data.new_name": "甲", "data.new_identity_number": "1"}, "姓名与身份证号", BOTH),
    Case("said_of_both", {"data.new_name": "甲", "data.name_and_number": True}, "不符", BOTH),
    Case("said_of_both", {"data.new_name": "甲"}, "", BOTH),
    Case("different_city", {}, "同一城市"),
    Case("different_city", {"same_city": False}),
    *(Case(*row) for row in (*RECORD_CASES, *SCHOOL_CASES)),
]
REFUSING = [case for case in CASES if case.says]


class Frozen(Facts):
    """Facts that nobody can write to."""

    def __setattr__(self, name: str, value: object) -> None:
        if getattr(self, "_sealed", False):
            raise AssertionError(f"a rule wrote {name}")
        super().__setattr__(name, value)


def sealed(facts: Facts) -> Facts:
    values = {f.name: getattr(facts, f.name) for f in fields(Facts)}
    frozen = Frozen(**{**values, "data": MappingProxyType(dict(facts.data))})
    object.__setattr__(frozen, "_sealed", True)
    return frozen


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.does}-{'no' if case.says else 'yes'}")
def test_a_check_says_no_with_its_numbers_or_nothing_and_writes_to_nothing(case: Case) -> None:
    no = case.ask(sealed(good_facts(**case.facts)))
    if not case.says:
        assert no is None
        return
    assert no is not None
    assert case.says in no.message
    assert no.message_en
    assert no.pending is case.pending
    assert len(no.cures) >= case.cures
    assert bool(no.cures) is bool(case.cures)


@pytest.mark.parametrize("case", REFUSING, ids=lambda case: case.does)
def test_every_cure_of_a_check_clears_it(case: Case) -> None:
    facts = good_facts(**case.facts)
    no = case.ask(facts)
    assert no is not None
    for cure in no.cures:
        assert case.ask(facts.patched(cure.set)) is None, cure
        assert cure.text
        assert cure.text_en
        assert cure.who


@pytest.mark.parametrize("case", REFUSING, ids=lambda case: case.does)
def test_waiting_one_instant_less_does_not_help(case: Case) -> None:
    facts = good_facts(**case.facts)
    no = case.ask(facts)
    assert no is not None
    for cure in no.cures:
        if cure.do == "wait" and case.does != "not_first_term":  # There the term is a fact of its own.
            assert cure.until is not None
            assert case.ask(facts.patched({"now": cure.until - timedelta(microseconds=1)}))


def test_every_check_is_seen_saying_no_and_saying_yes() -> None:
    refusing = {case.does for case in CASES if case.says}
    content = {case.does for case in CASES if not case.says}
    assert refusing >= set(CHECKS)
    assert content >= set(CHECKS) - {"accepted_before"}  # It is asked only where the answer is no.


def test_every_parameter_has_a_direction_a_type_and_there_are_at_most_four() -> None:
    for name, function in CHECKS.items():
        code = function.__code__
        parameters = set(code.co_varnames[1 : code.co_argcount]) - {"cell", "definition"}
        assert parameters == set(STRICT_DIRECTION[name]), name
        assert set(STRICT_DIRECTION[name].values()) <= {"lower", "higher", "subset", "superset", "same"}
        assert len(parameters) <= 4
        assert set(code.co_varnames[: code.co_argcount]) <= set(function.__annotations__), name
        assert function.__doc__
        assert any("一" <= sign <= "鿿" for sign in function.__doc__), f"{name} has no Chinese title"


def test_a_month_without_the_day_ends_on_its_last() -> None:
    day = at("2024-02-29").date()
    assert months_later(day, 12).isoformat() == "2025-02-28"
    assert months_later(day, 48).isoformat() == "2028-02-29"
    assert months_later(at("2026-12-31").date(), 2).isoformat() == "2027-02-28"
    assert months_later(at("2026-01-31").date(), -11).isoformat() == "2025-02-28"


@pytest.mark.parametrize("does", ["date_reached", "months_since", "days_since", "years_since"])
def test_a_day_to_come_is_corrected_where_it_must_have_happened_and_waited_for_where_it_need_not(does: str) -> None:
    """Nobody waits for a death (N13-25); a home may be handed over later (TR-G3), a leave may end later (V10-10)."""
    span = {} if does == "date_reached" else {"at_least": 1}
    for fact, do in (("died_on", "correct"), ("handed_over_on", "wait"), ("return_was_due_on", "wait")):
        no = CHECKS[does](good_facts(**{f"data.{fact}": "2026-09-02"}), fact=fact, **span)
        assert no is not None
        assert [cure.do for cure in no.cures] == [do], fact
        assert not no.pending
