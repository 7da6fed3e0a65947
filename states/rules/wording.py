"""What people read in a refusal (措辞): units, roles, grades, stages, papers and facts by their names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from states.vocabulary import DATA_FACTS, DOCUMENT_KINDS, UNITS

UNIT_NAMES = {
    **UNITS,
    "applicant": ("申请单位", "the applicant"),
    "guardian": ("监护人", "the guardian"),
}
ROLE_NAMES = {"registrar": ("学籍管理员", "registrar"), "principal": ("校长", "principal"), "": ("", "")}
STAGE_NAMES = {
    "kindergarten": ("幼儿园", "kindergarten"),
    "primary": ("小学", "primary"),
    "junior": ("初中", "junior secondary"),
    "senior": ("高中", "senior secondary"),
    "vocational": ("中职", "vocational"),
    "higher": ("高校", "higher education"),
}
_GRADES = tuple("一二三四五六七八九")
_KINDERGARTEN = {
    -3: ("小班", "kindergarten, junior class"), -2: ("中班", "kindergarten, middle class"),
    -1: ("大班", "kindergarten, senior class"),
}  # fmt: skip


def named(unit: str, role: str = "") -> tuple[str, str]:
    """A unit and role as people read them, Chinese and English."""
    zh, en = UNIT_NAMES.get(unit, (unit, unit))
    role_zh, role_en = ROLE_NAMES.get(role, (role, role))
    return f"{zh}{role_zh}", f"the {role_en} of {en}" if role_en else en


def named_all(units: Iterable[str], role: str = "") -> tuple[str, str]:
    """Several units in one phrase, in a fixed order so that the same refusal always reads the same."""
    pairs = [named(unit, role) for unit in sorted(units)]
    return "、".join(zh for zh, _ in pairs), " and ".join(en for _, en in pairs)


def grade_named(grade: int | None) -> tuple[str, str]:
    """A grade of `states.vocabulary.GRADES`."""
    if grade is None:
        return "未填年级", "no grade given"
    if grade in _KINDERGARTEN:
        return _KINDERGARTEN[grade]
    zh = (
        f"高{_GRADES[grade - 10]}"
        if 9 < grade < 13
        else f"{_GRADES[grade - 1]}年级"
        if 0 < grade < 10
        else f"{grade}年级"
    )
    return zh, f"grade {grade}"


def stage_named(stage: str) -> tuple[str, str]:
    """A stage of schooling (学段)."""
    return STAGE_NAMES.get(stage, (stage, stage))


def documents_named(kinds: Iterable[str]) -> tuple[str, str]:
    """Papers that are needed together."""
    pairs = [DOCUMENT_KINDS.get(kind, (kind, kind)) for kind in kinds]
    return "、".join(zh for zh, _ in pairs), ", ".join(en for _, en in pairs)


def fact_named(fact: str) -> tuple[str, str]:
    """A fact of `data`."""
    kind = DATA_FACTS.get(fact)
    return (kind.label, kind.label_en) if kind else (fact, fact)


def value_named(fact: str, value: object) -> tuple[str, str]:
    """What a fact was given as: a choice by its label, yes and no as words."""
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    kind = DATA_FACTS.get(fact)
    for choice, zh, en in kind.choices if kind else ():
        if choice == value:
            return zh, en
    return str(value), str(value)


def day_named(day: date | datetime) -> str:
    """A day, or an instant at 00:00 as the day that begins with it, in ISO form."""
    return f"{day:%Y-%m-%d}"


def end_named(end: datetime) -> str:
    """The first instant that is too late, as people say it: 00:00 of a day is 24:00 of the day before."""
    if end.time() == time():
        return f"{day_named(end - timedelta(days=1))} 24:00"
    return f"{end:%Y-%m-%d %H:%M}"
