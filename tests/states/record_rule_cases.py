"""Both sides of the checks of the record, for `test_rules`: facts, and what the message must name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from states.definition import Requirement
from tests.states.definitions import DEFINITION, plan_of

CELL = plan_of().by_event["awaiting_origin_school", "approve"]
WHOLE = {"fields": ["pupil_type", "ethnicity"]}
EITHER = {"fields": ("school_name", "town_school")}
WITH = {"fact": "guardian_name", "fields": ["guardian_relation"]}
COPIES = {"asked": "copies_wanted", "answer": "copies_permitted", "cell": CELL}
REMOVED = {"kind": "reversal", "data": {"reverses": "20260903-X"}}
STANDS = {"reversed_kind": "suspension", "reversed_completed": True}
MAY_HAVE_PHOTO = replace(
    DEFINITION,
    requirements=(
        *DEFINITION.requirements,
        Requirement("photo", DEFINITION.missing_papers, (("photo",),), "draft", "destination_school", optional=True),
    ),
)
NAMED = {"entry_number": "1", "entry_section": "result"}

Row = tuple[str, Mapping[str, Any], str, Mapping[str, Any], bool, int]


def no(
    does: str, facts: Mapping[str, Any], says: str, given: Any = None, *, pending: bool = False, cures: int = 1
) -> Row:
    """A refusal, and what it must name."""
    return does, _flat(facts), says, given or {}, pending, cures


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A patch: the facts of `data` one by one."""
    given = {f"data.{name}": value for name, value in facts.get("data", {}).items()}
    return {name: value for name, value in facts.items() if name != "data"} | given


def yes(does: str, facts: Mapping[str, Any], given: Any = None) -> Row:
    """Nothing to say."""
    return does, _flat(facts), "", given or {}, False, 0


ROWS = [
    no(
        "some_fact_given",
        {"data": {"handed_over_on": None}},
        "未填写变更内容",
        {"definition": DEFINITION},
        pending=True,
    ),
    yes("some_fact_given", {"data": {DEFINITION.facts[0]: "x"}}, {"definition": DEFINITION}),
    no(
        "some_fact_given",
        {"data": {"handed_over_on": None}, "documents": frozenset({"transfer_certificate"})},
        "未填写变更内容",
        {"definition": MAY_HAVE_PHOTO},
        pending=True,
        cures=2,
    ),
    yes(
        "some_fact_given",
        {"data": {"handed_over_on": None}, "documents": frozenset({"photo"})},
        {"definition": MAY_HAVE_PHOTO},
    ),
    no("one_given", {"data": {"school_name": "", "quota": 1}}, "未填写变更内容", EITHER, pending=True),
    yes("one_given", {"data": {"town_school": False}}, EITHER),
    no("recorded_or_given", {"data": {}, "recorded": ("ethnicity",)}, "学生类别属性", WHOLE, pending=True),
    yes("recorded_or_given", {"data": {"pupil_type": "00"}, "recorded": ("ethnicity",)}, WHOLE),
    no("goes_with", {"data": {"guardian_name": "x"}}, "与监护人关系", WITH, pending=True),
    yes("goes_with", {"data": {}}, WITH),
    no("identity_number_sound", {"new_number_faults": ("number_check_digit",)}, "校验码"),
    yes("identity_number_sound", {}),
    no("identity_number_free", {"number_taken": True}, "另一份学籍"),
    yes("identity_number_free", {}),
    no("doubles_looked_into", {"duplicate": True, "data": {}}, "疑似重复", cures=2),
    yes("doubles_looked_into", {"duplicate": True, "data": {"duplicate_excluded": True}}),
    no("duplicates_settled", {"duplicate": True, "data": {}}, "疑似重复", cures=2),
    yes("duplicates_settled", {"duplicate": False}),
    no("problem_there", {"problem": False}, "不是问题学籍"),
    yes("problem_there", {"problem": True}),
    no("no_problem_there", {"problem": True}, "已是问题学籍"),
    yes("no_problem_there", {"problem": False}),
    no("formal_number_removed", {"number_kind": "G"}, "正式学籍号", {"permitted": False}, pending=True),
    yes("formal_number_removed", {"number_kind": "G"}, {"permitted": True}),
    yes("formal_number_removed", {"number_kind": "L"}, {"permitted": False}),
    no("no_other_request", {"other_requests": ("20260903-X",)}, "20260903-X"),
    yes("no_other_request", {}),
    no("entry_named_stands", {"data": {}}, "原事项编号", pending=True),
    no("entry_named_stands", {"data": NAMED}, "没有这一现行事项"),
    yes("entry_named_stands", {"data": NAMED, "entry_named": "result"}),
    no("answered", {"data": {"copies_wanted": True}}, "准予复制", COPIES, pending=True),
    yes("answered", {"data": {"copies_wanted": True, "copies_permitted": False}}, COPIES),
    no("some_field_released", {"data": {}}, "数据项", pending=True),
    yes("some_field_released", {"data": {"release_sex": True}}),
    no("reversal_possible", {"kind": "reversal", "data": {}}, "未填写"),
    no("reversal_possible", REMOVED, "20260903-X"),
    no("reversal_possible", {**REMOVED, "reversed_kind": "objection"}, "申诉"),
    no("reversal_possible", {**REMOVED, "reversed_kind": "suspension"}, "尚未办结"),
    yes("reversal_possible", {**REMOVED, **STANDS}),
    no("nothing_depends", {"depending": ("20260910-Y",)}, "20260910-Y"),
    yes("nothing_depends", {}),
]
