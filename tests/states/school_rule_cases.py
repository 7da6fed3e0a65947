"""Both sides of the checks of schools and vocational education, for `test_rules`."""

from datetime import date
from typing import Any

from tests.states.record_rule_cases import Row, no, yes

TOTALS = {"quota": 200, "plans_total": 240, "for_stage": "primary"}
SCOPE = {"stages": ["primary", "junior"]}
LENGTH = {"stage": "vocational", "at_least": 1, "at_most": 3}
ENTRY, LEAVING, LEAVE = (
    {"fact": "entered_on", "at_most": 20},
    {"fact": "leaves_school_on", "at_least": 20},
    {"fact": "suspended_since", "at_least": 2},
)
MERGER = {"ground": "merging", "school_stages": ("primary",), "pupils": 3}
KNOWN = {**MERGER, "data": {"successor_code": "302"}, "successor_known": True}
CLOSING = {"ground": "closing", "school_stages": ("primary",)}


def given(**data: Any) -> dict[str, Any]:
    """Facts that the school gives."""
    return {"data": data}


ROWS: list[Row] = [
    no("quota_within_plans", given(**{**TOTALS, "quota": 241}), "240"),
    no("quota_within_plans", given(quota=200), "招生计划合计", pending=True),
    yes("quota_within_plans", given(**{**TOTALS, "quota": 240})),
    no("quota_not_below_taken", {**given(quota=99), "school_size": 100}, "100"),
    no("quota_not_below_taken", {}, "学籍总量", pending=True),
    yes("quota_not_below_taken", {**given(quota=100), "school_size": 100}),
    no("stage_is_the_schools", {**given(for_stage="senior"), "school_stages": ("primary",)}, "高中"),
    no("stage_is_the_schools", {"school_stages": ("primary",)}, "学段", pending=True),
    yes("stage_is_the_schools", {**given(for_stage="primary"), "school_stages": ("primary",)}),
    no("founded_at_bureau", {"ground": "founding"}, "主管单位"),
    no("founded_at_bureau", {"ground": "closing", "about_bureau": True}, "选择所涉及的学校"),
    yes("founded_at_bureau", {"ground": "founding", "about_bureau": True}),
    no("stages_in_scope", given(years_senior=3), "高中", SCOPE),
    yes("stages_in_scope", given(years_primary=6, years_junior=3), SCOPE),
    no("stage_named_for_school", {}, "小学学制", pending=True),
    yes("stage_named_for_school", given(years_senior=3)),
    no("years_of_stage", given(years_vocational=4), "1 至 3 年", LENGTH),
    yes("years_of_stage", given(years_vocational=3), LENGTH),
    no("nine_years_together", given(years_primary=6, years_junior=4), "10 年"),
    yes("nine_years_together", given(years_primary=5, years_junior=4)),
    no("code_is_free", {"code_taken": True}, "代码"),
    yes("code_is_free", {}),
    no("succeeded_or_empty", MERGER, "3 件"),
    no("succeeded_or_empty", {**CLOSING, "pupils": 1}, "1 件"),
    no("succeeded_or_empty", {**KNOWN, "successor_known": False}, "没有这所接收学校"),
    no("succeeded_or_empty", {**KNOWN, "successor_stages": ("junior",)}, "小学"),
    yes("succeeded_or_empty", {**KNOWN, "successor_stages": ("primary", "junior")}),
    no("school_works", {"closed_school": "示例小学"}, "示例小学已撤销"),
    no("school_works", {"closed_school": "示例小学", "closed_into": "中心小学"}, "已并入中心小学"),
    yes("school_works", {}),
    yes("succeeded_or_empty", CLOSING),
    no("within_working_days", given(entered_on=date(2026, 8, 3)), "20 个工作日", ENTRY),
    no("within_working_days", given(entered_on=None), "入学日期", ENTRY, pending=True),
    yes("within_working_days", given(entered_on=date(2026, 9, 1)), ENTRY),
    no("working_days_before", given(leaves_school_on=date(2026, 9, 11)), "20 个工作日", LEAVING),
    no("working_days_before", {}, "离校日期", LEAVING, pending=True),
    yes("working_days_before", given(leaves_school_on=date(2026, 12, 1)), LEAVING),
    no("years_since", given(suspended_since=date(2025, 9, 1)), "2 年", LEAVE),
    no("years_since", given(suspended_since=date(2026, 9, 2)), "晚于今天", LEAVE),
    no("years_since", {}, "连续休学", LEAVE, pending=True),
    yes("years_since", given(suspended_since=date(2024, 9, 1)), LEAVE),
    no("stays_vocational", {"stage": "senior"}, "普通学校"),
    yes("stays_vocational", {"stage": "vocational"}),
    no("of_age_or_willing", given(minor=True), "自愿"),
    no("of_age_or_willing", {}, "未成年", pending=True),
    yes("of_age_or_willing", given(minor=False)),
    yes("of_age_or_willing", given(minor=True, at_own_wish=True)),
]
