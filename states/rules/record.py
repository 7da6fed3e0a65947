"""Checks of the record itself (学籍信息): key data, problem records, entries, archives, data given out, reversals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from states.definition import Definition
from states.facts import Facts
from states.kinds import KINDS
from states.reversals import NO_INVERSE, reversible
from states.rules import check
from states.rules.wording import documents_named, fact_named
from states.verdict import Cure, No
from states.vocabulary import DATA_FACTS

if TYPE_CHECKING:
    from states.plan import Cell

BESIDES = frozenset({"effective_on", "text", "pair", "problem_kind"})
"""Facts that go with a change and are none themselves."""
RELEASED = tuple(name for name in DATA_FACTS if name.startswith("release_") and DATA_FACTS[name].type == "bool")
"""The fields that data given out may have beside region and year; there is none for a name or a number (N25-21)."""
_FAULTS = {
    "identity_number_sex": ("第十七位与性别不一致", "its 17th digit does not agree with the sex"),
    "number_birth_differs": ("号码中的出生日期与所填不一致", "the birth date in it is not the stated one"),
    "number_birth_date": ("号码中的出生日期不存在", "the birth date in it does not exist"),
    "number_birth_future": ("号码中的出生日期晚于今天", "the birth date in it is in the future"),
    "number_check_digit": ("校验码不正确", "its check digit does not fit"),
    "number_characters": ("含有数字和 X 以外的字符", "it has other characters than digits and X"),
    "number_length": ("位数不对", "its length is wrong"),
}


@check()
def some_fact_given(facts: Facts, definition: Definition) -> No | None:
    """未填写变更内容 / a change says what is to change: a fact that its pack takes, or a paper that may be added.

    A paper that may be added to a change and is not needed for it is what changes: a photograph (SY-09).
    """
    papers = {kind for need in definition.requirements if need.optional for bundle in need.any_of for kind in bundle}
    if papers & facts.documents:
        return None
    brought = {name for step in definition.steps.values() for name in step.brings}
    no = one_given(facts, [name for name in definition.facts if name not in BESIDES | brought])
    named = ((kind, *documents_named((kind,))) for kind in sorted(papers))
    added = (
        Cure("supply", "applicant", f"补交{zh}", f"Upload {en}.", {"documents+": (kind,)}) for kind, zh, en in named
    )
    return no and replace(no, cures=(*no.cures, *added))


@check(fields="subset")
def one_given(facts: Facts, fields: Sequence[str]) -> No | None:
    """未填写变更内容 / at least one of these facts is given; the form asks for all of them and needs none (WS-204)."""
    if any(facts.data.get(name) not in (None, "") for name in fields):
        return None
    names = [fact_named(name) for name in fields]
    kind = DATA_FACTS[fields[0]]
    cure = Cure(
        "supply",
        "applicant",
        f"至少填写一项：{'、'.join(zh for zh, _ in names)}",
        f"Give at least one of: {', '.join(en for _, en in names)}.",
        {f"data.{fields[0]}": kind.values[0] if kind.values else "…"},
    )
    return No("未填写变更内容", "Nothing says what is to change.", (cure,), pending=True)


@check(fields="superset")
def recorded_or_given(facts: Facts, fields: Sequence[str]) -> No | None:
    """信息不全 / after a change these are all in the record, from before or from now (SY-05, SY-07)."""
    missing = [name for name in fields if name not in facts.recorded and facts.data.get(name) in (None, "")]
    if not missing:
        return None
    names = [fact_named(name) for name in missing]
    zh, en = "、".join(zh for zh, _ in names), ", ".join(en for _, en in names)
    patch = {f"data.{name}": next(iter(DATA_FACTS[name].values), "…") for name in missing}
    cure = Cure("supply", "applicant", f"填写{zh}", f"Give {en}.", patch)
    return No(f"学籍中还没有{zh}", f"The record still lacks: {en}.", (cure,), pending=True)


@check(fact="same", fields="superset")
def goes_with(facts: Facts, fact: str, fields: Sequence[str]) -> No | None:
    """须一并填写 / who gives one fact gives the others with it (SY-08: a guardian with birth date, education …)."""
    missing = [name for name in fields if facts.data.get(name) in (None, "")]
    if facts.data.get(fact) in (None, "") or not missing:
        return None
    names = [fact_named(name) for name in missing]
    zh, en = "、".join(zh for zh, _ in names), ", ".join(en for _, en in names)
    patch = {f"data.{name}": next(iter(DATA_FACTS[name].values), "…") for name in missing}
    cure = Cure("supply", "applicant", f"填写{zh}", f"Give {en}.", patch)
    own, own_en = fact_named(fact)
    return No(f"填写“{own}”的，须一并填写{zh}", f"With “{own_en}” goes: {en}.", (cure,), pending=True)


@check()
def identity_number_sound(facts: Facts) -> No | None:
    """身份证号有误 / the number asked for is a good one and agrees with birth date and sex (SYS-30, SYS-32)."""
    if not facts.new_number_faults:
        return None
    found = [_FAULTS.get(code, (code, code)) for code in facts.new_number_faults]
    zh, en = "、".join(zh for zh, _ in found), "; ".join(en for _, en in found)
    cure = Cure(
        "correct",
        "applicant",
        "核对户口簿后更正证件号、出生日期或性别",
        "Correct number, birth date or sex by the household register.",
        {"new_number_faults": ()},
    )
    return No(f"变更后证件号有误：{zh}", f"The new identity number is wrong: {en}.", (cure,))


@check()
def identity_number_free(facts: Facts) -> No | None:
    """证件号已有人使用 / nobody else on the register has the number that is asked for (NUM-06, 查重)."""
    if not facts.number_taken:
        return None
    cure = Cure(
        "settle",
        "school",
        "先办理问题学籍（佐证、变更或合并）",
        "Settle the double first (proof, change or merge).",
        {"number_taken": False},
    )
    return No(
        "查重：变更后证件号已在另一份学籍中使用", "Duplicate check: another record already has this number.", (cure,)
    )


@check(of_the_input=True)
def doubles_looked_into(facts: Facts) -> No | None:
    """查重有疑似，须写明核实结果 / whoever runs the duplicate check says what came of what it found (SYS-20)."""
    return duplicates_settled(facts)


@check()
def duplicates_settled(facts: Facts) -> No | None:
    """查重未通过 / a change that is not through the duplicate check is not reviewed (SYS-20)."""
    if not facts.duplicate or facts.data.get("duplicate_excluded") is True:
        return None
    settle = Cure("settle", "school", "先处理疑似重复", "Settle the suspected double first.", {"duplicate": False})
    say = Cure(
        "supply",
        "school",
        "核实后确认不是同一人",
        "Look into it, and say that they are two people.",
        {"data.duplicate_excluded": True},
    )
    return No("查重有疑似重复，尚未处理", "The duplicate check found somebody alike; it is not settled.", (settle, say))


@check(of_the_record=True)
def problem_there(facts: Facts) -> No | None:
    """不是问题学籍 / proof, correction and removal are for a record that is a problem record (SYS-31)."""
    if facts.problem:
        return None
    cure = Cure("choose", "applicant", "先登记问题", "Report the problem first.", {"problem": True})
    return No("该生不是问题学籍", "The record is no problem record.", (cure,))


@check(of_the_record=True)
def no_problem_there(facts: Facts) -> No | None:
    """已是问题学籍 / a problem is reported once."""
    if not facts.problem:
        return None
    cure = Cure("settle", "school", "先处理已登记的问题", "Settle the problem that is known.", {"problem": False})
    return No("该生已是问题学籍", "The record is a problem record already.", (cure,))


@check(of_the_record=True, permitted="lower")
def formal_number_removed(facts: Facts, permitted: bool) -> No | None:
    """正式学籍号不得删除 / a record with a G-number is removed only by the Ministry's decision (NUM-05).

    `permitted`: the other reading, since 2017 the school's own request does.
    """
    if permitted or facts.number_kind != "G" or "ministry_decision" in facts.documents:
        return None
    cure = Cure(
        "supply",
        "school",
        "由省级提交证明，取得教育部处理意见后上传",
        "Upload the Ministry's decision, which the province asks for.",
        {"documents+": ("ministry_decision",)},
    )
    return No(
        "正式学籍号（G）原则上不得删除", "A record with a formal number (G) is not removed as a rule.", (cure,),
        pending=True,
    )  # fmt: skip


@check(of_the_record=True)
def no_other_request(facts: Facts) -> No | None:
    """另有在办业务 / nothing else of this student is under way, of whatever kind."""
    if not facts.other_requests:
        return None
    numbers = "、".join(facts.other_requests)
    cure = Cure(
        "settle", "school", f"先办结或撤回 {numbers}", f"Finish or recall {numbers} first.", {"other_requests": ()}
    )
    return No(f"该生另有在办业务：{numbers}", f"This student has other open requests: {numbers}.", (cure,))


@check(of_the_record=True)
def entry_named_stands(facts: Facts) -> No | None:
    """原事项不存在 / what is to be corrected is an entry of this student's record that still stands."""
    if facts.data.get("entry_number") in (None, ""):
        zh, en = fact_named("entry_number")
        patch = {"data.entry_number": "1", "entry_named": facts.data.get("entry_section") or "result"}
        cure = Cure("supply", "applicant", f"填写“{zh}”", f"Give “{en}”.", patch)
        return No(f"未填写“{zh}”", f"“{en}” is not given.", (cure,), pending=True)
    wanted = facts.data.get("entry_section")
    if facts.entry_named is not None and wanted in (None, facts.entry_named):
        return None
    cure = Cure(
        "correct",
        "applicant",
        "从学籍档案中选择现行的事项",
        "Choose an entry of the record that stands.",
        {"entry_named": wanted or "result"},
    )
    return No("没有这一现行事项，或类别不符", "There is no such entry that stands, or it is of another kind.", (cure,))


@check(of_the_input=True, asked="same", answer="same")
def answered(facts: Facts, asked: str, answer: str, cell: Cell) -> No | None:
    """须答复是否准许 / who decides says whether what was asked for is permitted (ARC1-05)."""
    if facts.data.get(asked) is not True or facts.data.get(answer) is not None:
        return None
    (zh, en), (asked_zh, asked_en) = fact_named(answer), fact_named(asked)
    cure = Cure("supply", min(cell.units), f"填写“{zh}”", f"Give “{en}”.", {f"data.{answer}": False})
    return No(f"申请人{asked_zh}，须答复“{zh}”", f"“{asked_en}” was asked: say “{en}”.", (cure,), pending=True)


@check()
def some_field_released(facts: Facts) -> No | None:
    """未选择数据项 / an application says which data it wants (N25-21)."""
    if any(facts.data.get(name) is True for name in RELEASED):
        return None
    names = "、".join(fact_named(name)[0].removeprefix("含") for name in RELEASED)
    names_en = ", ".join(fact_named(name)[1].removeprefix("With the ") for name in RELEASED)
    cure = Cure("supply", "applicant", f"选择数据项：{names}", f"Choose: {names_en}.", {f"data.{RELEASED[0]}": True})
    return No("未选择要提供的数据项", "No field was chosen.", (cure,), pending=True)


@check(of_the_record=True)
def reversal_possible(facts: Facts) -> No | None:
    """不能撤销 / what is to be reversed is a completed request of this student that has an inverse (TR-09)."""
    given = facts.data.get("reverses")
    if given in (None, ""):
        return _which_request()
    kind = facts.reversed_kind
    if kind is None:
        return No(f"没有找到该生的业务 {given}", f"There is no request {given} of this student.", (_correct_number(),))
    label, label_en = KINDS[kind].label, KINDS[kind].label_en
    if not reversible(kind):
        instead, instead_en = NO_INVERSE.get(kind, ("另行办理", "Ask for it anew."))
        return No(f"“{label}”不能撤销：{instead}", f"“{label_en}” has no reversal. {instead_en}", (_correct_number(),))
    if not facts.reversed_completed:
        return No(
            f"{given} 尚未办结，或已被撤销",
            f"{given} is not completed, or it was reversed already.",
            (_correct_number(),),
        )
    return None


@check(of_the_record=True)
def nothing_depends(facts: Facts) -> No | None:
    """后续业务以其为前提 / what was built on it since is reversed first, the newest first."""
    if not facts.depending:
        return None
    numbers = "、".join(facts.depending)
    cure = Cure(
        "settle",
        "school",
        f"先依次撤销（由近及远）：{numbers}",
        f"Reverse these first, the newest first: {numbers}.",
        {"depending": ()},
    )
    return No(f"其后已办理 {numbers}，须先撤销", f"Done since, and built on it: {numbers}.", (cure,))


def _which_request() -> No:
    zh, en = fact_named("reverses")
    cure = Cure(
        "supply",
        "applicant",
        f"填写“{zh}”",
        f"Give “{en}”.",
        {"data.reverses": "…", "reversed_kind": "suspension", "reversed_completed": True},
    )
    return No(f"未填写“{zh}”", f"“{en}” is not given.", (cure,))


def _correct_number() -> Cure:
    return Cure(
        "correct",
        "applicant",
        "核对受理编号",
        "Correct the number of the request.",
        {"reversed_kind": "suspension", "reversed_completed": True},
    )
