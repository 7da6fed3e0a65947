"""Checks of the place (学位): which school, which grade, and whether a place is free."""

from __future__ import annotations

from collections.abc import Mapping

from states.facts import Facts
from states.rules import check
from states.rules.wording import grade_named, stage_named
from states.verdict import Cure, No


@check()
def grade_offered(facts: Facts) -> No | None:
    """该校未开设所申请的年级 / the destination has no such grade."""
    if facts.offers_grade:
        return None
    zh, en = grade_named(facts.grade)
    cure = Cure("choose", "guardian", f"另选开设{zh}的学校", f"Choose a school that has {en}.", {"offers_grade": True})
    return No(f"转入学校未开设{zh}", f"The destination school has no {en}.", (cure,))


@check()
def different_school(facts: Facts) -> No | None:
    """转入学校与转出学校相同 / a transfer is between two schools; inside one it is a change of class (调班)."""
    if not facts.same_school:
        return None
    cure = Cure(
        "choose",
        "guardian",
        "另选转入学校；校内请办理调班",
        "Choose another school; inside one it is a change of class.",
        {"same_school": False},
    )
    return No("转入学校与转出学校相同", "Destination and origin are the same school.", (cure,))


@check()
def destination_in_town(facts: Facts) -> No | None:
    """仅限转入城区学校 / this ground leads to a school of the town (NJ-09)."""
    if facts.town:
        return None
    cure = Cure("choose", "guardian", "另选城区学校", "Choose a school of the town.", {"town": True})
    return No("此理由仅限转入城区学校", "This ground leads only to a school of the town.", (cure,))


@check(cap="lower")
def class_has_place(facts: Facts, cap: Mapping[str, int]) -> No | None:
    """班额已满 / attending and held together stay within the class size of the stage (NJ-07).

    A request that holds its place keeps it, whatever came after it. A stage that `cap` does not name has no limit.
    """
    if facts.holds_place:
        return None
    limit = cap.get(facts.stage)
    size = facts.class_size
    if limit is None or (size is not None and size < limit):
        return None
    if size is None:
        cure = Cure(
            "choose", "guardian", "另选有班级的学校", "Choose a school with a class.", {"class_size": limit - 1}
        )
        return No("转入学校该年级没有班级", "The destination has no class in this grade.", (cure,))
    name, held = facts.class_name or "", facts.class_held
    cure = Cure(
        "choose",
        "guardian",
        "另选未满的班级或学校",
        "Choose a class or school with a free place.",
        {"class_size": limit - 1},
    )
    return No(
        f"班额已满：{name}在读 {size - held} 人，已占学位 {held} 个，班额上限 {limit} 人",
        f"No place in {name or 'the class'}: {size - held} attending, {held} held, at most {limit}.",
        (cure,),
    )


@check(cap="lower")
def siblings_seated(facts: Facts, cap: Mapping[str, int]) -> No | None:
    """同胞学位 / linked siblings both get a place, or the school takes one of them knowingly (at the counter).

    `cap` is the class size of each stage, as in `class_has_place`; a sibling who holds a place has one.
    """
    if not _sibling_asks(facts):
        return None
    if facts.sibling == "unknown":
        return _no_such_sibling(facts)
    limit, size = cap.get(facts.sibling_stage), facts.sibling_class_size
    if limit is None or (size is not None and size < limit):
        return None
    number = facts.data.get("sibling_request", "")
    choose = Cure("choose", "guardian", "另选两人都有学位的班级或学校",
                  "Choose a class or school with places for both.", {"sibling_class_size": limit - 1})  # fmt: skip
    return No(
        f"同胞（{number}）没有学位：班额上限 {limit} 人，两人不能都就读",
        f"No place for the sibling ({number}): at most {limit} in the class, and both would be one too many.",
        (choose, _APART),
    )


@check()
def siblings_in_school(facts: Facts) -> No | None:
    """同胞学位 / as `siblings_seated`, where it is the school's total that limits the places (BJ-03)."""
    if not _sibling_asks(facts):
        return None
    if facts.sibling == "unknown":
        return _no_such_sibling(facts)
    quota, size = facts.sibling_school_quota, facts.sibling_school_size or 0
    if quota is None or size < quota:
        return None
    number = facts.data.get("sibling_request", "")
    ask = Cure("ask", "destination_school", "申请调整学籍总量，或另选学校",
               "Ask for a larger total, or choose another school.", {"sibling_school_quota": size + 1})  # fmt: skip
    return No(
        f"同胞（{number}）没有学位：学籍总量 {quota} 人，两人不能都就读",
        f"No place for the sibling ({number}): at most {quota} in the school, and both would be one too many.",
        (ask, _APART),
    )


_APART = Cure("supply", "applicant", "写明“学校知情，同胞先只安排一人”", "Say that only one of them has a place.",
              {"data.siblings_apart": True})  # fmt: skip


def _sibling_asks(facts: Facts) -> bool:
    """Whether a sibling is named who has no place yet, and nobody said that one of them goes without."""
    named = facts.sibling not in (None, "seated")
    return named and not facts.holds_place and facts.data.get("siblings_apart") is not True


def _no_such_sibling(facts: Facts) -> No:
    number = facts.data.get("sibling_request", "")
    cure = Cure("correct", "applicant", "核对同胞的受理编号", "Check the number.", {"sibling": "seated"})
    return No(f"本校没有受理编号为 {number} 的同胞申请", f"Your school has no request {number}.", (cure,))


@check()
def school_has_place(facts: Facts) -> No | None:
    """学籍总量已满 / attending and held together stay within the school's total for the stage (BJ-03).

    Where nobody set a total there is none to exceed.
    """
    quota = facts.school_quota
    if facts.holds_place or quota is None or (facts.school_size or 0) < quota:
        return None
    taken, held = facts.school_size or 0, facts.school_held
    zh, en = stage_named(facts.stage)
    cure = Cure(
        "ask",
        "destination_school",
        "申请调整学籍总量，或另选学校",
        "Ask for a larger total, or choose another school.",
        {"school_quota": taken + 1},
    )
    return No(
        f"学籍总量已满：{zh}在读 {taken - held} 人，已占学位 {held} 个，总量 {quota} 人",
        f"No place in the school: {taken - held} attending and {held} held in {en}, at most {quota}.",
        (cure,),
    )
