"""Checks of promotion and the end of a stage (升级、毕业、学历): when, in which grade, around a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from states.calendar import day_opens, run_clock, school_year
from states.facts import Entry, Facts
from states.kinds import KINDS, SECTIONS
from states.rules import check
from states.rules.ground import day_of, months_later, not_given
from states.rules.wording import day_named, fact_named, grade_named
from states.verdict import Cure, No
from states.vocabulary import DATA_FACTS

# --- When, and in which grade ---


@check(from_day="higher", to_day="lower", late="same")
def taken_in_between(facts: Facts, from_day: str, to_day: str, late: str = "") -> No | None:
    """每年的办理时间 / taken in from MM-DD to MM-DD of a year, both inclusive (SYS-43, SYS-44).

    `late`: the fact that sends what is entered later the longer way, where there is one.
    """
    today = f"{facts.today:%m-%d}"
    if from_day <= today <= to_day or (late and facts.data.get(late) is True):
        return None
    opens = day_opens(date.fromisoformat(f"{facts.today.year + (today > to_day)}-{from_day}"))
    what, what_en = KINDS[facts.kind].label, KINDS[facts.kind].label_en
    cures = (*_entered_late(late), _wait(opens)) if today > to_day else (_wait(opens), *_entered_late(late))
    return No(
        f"{what}每年 {from_day} 至 {to_day} 办理；下次自 {day_named(opens)} 起",
        f"{what_en}: from {from_day} to {to_day} of each year; next from {day_named(opens)}.",
        cures,
    )


@check(of_the_record=True)
def in_last_grade(facts: Facts) -> No | None:
    """须为毕业年级 / only the last grade by the school's own length of schooling takes part (SYS-43, BJ-08)."""
    if facts.graduating:
        return None
    here, last = grade_named(facts.current_grade), grade_named(facts.last_grade)
    return No(
        f"须为毕业年级：学生现读{here[0]}，其学校该学段至{last[0]}毕业",
        f"Only in a graduating grade: the student is in {here[1]}, the school's stage ends with {last[1]}.",
    )


@check(of_the_record=True, other_kinds="same")
def not_in_compulsory(facts: Facts, other_kinds: Mapping[str, str] = MappingProxyType({})) -> No | None:
    """义务教育阶段不办理 / not in the compulsory stages; nobody can clear it (SYS-49).

    `other_kinds`: what there is instead for whoever stays away, by its rule: the record is kept (N25-16).
    """
    if not facts.compulsory:
        return None
    what, what_en = KINDS[facts.kind].label, KINDS[facts.kind].label_en
    return No(f"义务教育阶段不办理{what}", f"{what_en}: not in the compulsory stages.",
              other_kinds=tuple((kind, other_kinds[kind]) for kind in KINDS if kind in other_kinds))  # fmt: skip


# --- Entries of the record ---


@check(of_the_record=True, section="same")
def not_yet_this_school_year(facts: Facts, section: str) -> No | None:
    """本学年已办理 / once in a school year (SYS-44, HE14-09)."""
    year = school_year(facts.today)
    if not any(entry.section == section and school_year(entry.start) == year for entry in facts.entries):
        return None
    zh, en = SECTIONS[section]
    until = day_opens(date(year + 1, 8, 11))
    cure = Cure("wait", "nobody", f"等到下一学年（{day_named(until)}）",
                f"Wait for the next school year, {day_named(until)}.", {"now": until}, until)  # fmt: skip
    return No(f"本学年已有“{zh}”记录", f"The record has “{en}” of this school year already.", (cure,))


@check(of_the_record=True, section="same")
def made_this_school_year(facts: Facts, section: str) -> No | None:
    """限当学年 / what is undone was made in this school year: later the class is gone and the list is closed."""
    year = school_year(facts.today)
    if any(e.section == section and e.to is None and school_year(e.start) == year for e in facts.entries):
        return None
    zh, en = SECTIONS[section]
    return No(f"本学年没有“{zh}”记录，不能回退", f"The record has no “{en}” of this school year: nothing to undo.")


@check(of_the_record=True, section="same")
def entry_comes_first(facts: Facts, section: str) -> No | None:
    """须先有记录 / an entry of this section is there and lasts (HE14-13: an erratum corrects what was registered)."""
    if facts.entry(section) is not None:
        return None
    zh, en = SECTIONS[section]
    patch = {"entries": (*facts.entries, Entry(section, facts.today, None))}
    cure = Cure("settle", "school", f"先办理“{zh}”", f"First: “{en}”.", patch)
    return No(f"学籍中没有“{zh}”记录", f"The record has no “{en}”.", (cure,))


@check(of_the_record=True)
def not_after_credential(facts: Facts) -> No | None:
    """学历注册后不再变更 / after the registration of the credential the student's data change no more (HE14-11)."""
    if facts.entry("credential_registration") is None:
        return None
    return No(
        "学历证书已电子注册，学生信息不再变更；确属学校差错的办理勘误，由省级教育行政部门确认",
        "The credential is registered: no data change. A real error of the school is an erratum for the province.",
    )


@check(of_the_record=True, to_day="lower")
def graduate_data_open(facts: Facts, to_day: str) -> No | None:
    """毕业生基础信息已封闭 / a graduate's basic data are closed after MM-DD of the year of graduation (SYS-43)."""
    graduated = facts.entry("credential")
    if facts.status not in ("graduated", "finished_without_diploma") or graduated is None:
        return None
    last = date.fromisoformat(f"{school_year(graduated.start) + 1}-{to_day}")
    if facts.today <= last:
        return None
    return No(
        f"毕业生基础信息自 {last} 后不再修改",
        f"A graduate's basic data are closed: they could be changed until {last}.",
    )


# --- Days ---


@check(fact="same", at_most="lower", late="same")
def within_months_after(facts: Facts, fact: str, at_most: int, late: str = "") -> No | None:
    """期限已过 / today is no more than so many months after a day (HE14-07: three after the student reported)."""
    if late and facts.data.get(late) is True:
        return None
    day, (zh, en) = day_of(facts.data.get(fact)), fact_named(fact)
    if day is None:
        return not_given(fact, facts.today.isoformat())
    last = months_later(day, at_most)
    if facts.today <= last:
        return None
    cures = (*_entered_late(late), _correct(fact, months_later(facts.today, -at_most) + timedelta(days=1)))
    return No(f"{zh}为 {day}，须在 {at_most} 个月内办理，{last} 已过",
              f"{en}: {day}; within {at_most} months, which ended on {last}.", cures)  # fmt: skip


@check(fact="same", since="same", at_most="lower")
def within_months_of(facts: Facts, fact: str, since: str, at_most: int) -> No | None:
    """期满日过晚 / one day is no more than so many months after another one (HE41-05: two years after service)."""
    day, start = day_of(facts.data.get(fact)), day_of(facts.data.get(since))
    if start is None:
        return not_given(since, facts.today.isoformat())
    last = months_later(start, at_most)
    if day is None:
        return not_given(fact, last.isoformat(), f"（不晚于 {last}）", f" (no later than {last})")
    if start < day <= last:
        return None
    (zh, en), (of, of_en) = fact_named(fact), fact_named(since)
    return No(f"{zh}为 {day}，须在{of}（{start}）之后、不晚于 {last}",
              f"{en}: {day}; it must lie after “{of_en}”, {start}, and no later than {last}.",
              (_correct(fact, last),))  # fmt: skip


@check(fact="same")
def since_enrolment(facts: Facts, fact: str) -> No | None:
    """须在学籍注册之后 / it happened on the day of the status registration or later (HE14-12)."""
    day, (zh, en) = day_of(facts.data.get(fact)), fact_named(fact)
    if day is None:
        return not_given(fact, facts.today.isoformat())
    if facts.enrolled_on is None or day >= facts.enrolled_on:
        return None
    return No(f"{zh}为 {day}，早于学籍注册日期 {facts.enrolled_on}，不属在校期间的变更",
              f"{en}: {day}, before the status was registered on {facts.enrolled_on}.",
              (_correct(fact, facts.enrolled_on),))  # fmt: skip


@check(fact="same", at_least="higher")
def notice_has_stood(facts: Facts, fact: str, at_least: int) -> No | None:
    """公示期未满 / the public notice has stood for so many whole working days (HE41-03).

    It begins in its step: a notice from before the decision that it announces is none.
    """
    start, (zh, en) = day_of(facts.data.get(fact)), fact_named(fact)
    if start is None:
        latest = _latest_notice(facts, at_least)
        return not_given(fact, latest.isoformat(), f"（须不晚于 {latest}）", f" (no later than {latest})")
    if facts.clock is not None and start < facts.clock.received:
        return No(f"{zh}为 {start}，早于学校作出决定的 {facts.clock.received}",
                  f"{en}: {start}, before the decision of {facts.clock.received}.",
                  (_correct(fact, facts.clock.received),))  # fmt: skip
    ends = _notice_ends(facts, start, at_least)
    if facts.today > ends:
        return None
    opens = day_opens(ends + timedelta(days=1))
    return No(
        f"公示须满 {at_least} 个工作日：自 {start} 起，至 {ends} 期满",
        f"A public notice stands for {at_least} working days: from {start} until {ends}.",
        (_wait(opens),),
    )


# --- Facts given ---


@check(fields="superset")
def all_given(facts: Facts, fields: Sequence[str]) -> No | None:
    """注册信息不完整 / each of these facts is given: what stands on the certificate is registered whole (HE14-14)."""
    missing = [name for name in fields if facts.data.get(name) in (None, "")]
    if not missing:
        return None
    zh, en = "、".join(fact_named(one)[0] for one in missing), ", ".join(fact_named(one)[1] for one in missing)
    patch = {f"data.{name}": _example(name, facts) for name in missing}
    return No(f"未填写：{zh}", f"Not given: {en}.", (Cure("supply", "applicant", f"填写{zh}", f"Give {en}.", patch),),
              pending=True)  # fmt: skip


@check(fact="same", fields="same")
def said_of_both(facts: Facts, fact: str, fields: Sequence[str]) -> No | None:
    """申报与内容不符 / a fact that decides the way says truly whether all of these are given (HE14-12)."""
    given = all(facts.data.get(name) not in (None, "") for name in fields)
    if given is (facts.data.get(fact) is True):
        return None
    zh, en = fact_named(fact)
    names = "、".join(fact_named(name)[0] for name in fields), ", ".join(fact_named(name)[1] for name in fields)
    said = ("是", "yes") if given else ("否", "no")
    cure = Cure(
        "correct", "applicant", f"将“{zh}”改为“{said[0]}”", f"Set “{en}” to {said[1]}.", {f"data.{fact}": given}
    )
    return No(f"“{zh}”与所填的{names[0]}不符", f"“{en}” does not agree with what is given: {names[1]}.", (cure,))


@check()
def different_city(facts: Facts) -> No | None:
    """同一城市不得转学 / no transfer between two universities of one city (HE41-03)."""
    if not facts.same_city:
        return None
    cure = Cure("choose", "applicant", "另选其他城市的学校", "Choose a school in another city.", {"same_city": False})
    return No("两校在同一城市，不得转学", "Both schools lie in one city: no transfer.", (cure,))


def _notice_ends(facts: Facts, start: date, days: int) -> date:
    """The last day of a notice: its first day counts, where it is a working day."""
    return run_clock(facts.calendar, start - timedelta(days=1), days).due


def _latest_notice(facts: Facts, days: int) -> date:
    """The last day on which a notice that is over today may have begun."""
    start = facts.today - timedelta(days=days)
    while _notice_ends(facts, start, days) >= facts.today:
        start -= timedelta(days=1)
    return start


def _example(name: str, facts: Facts) -> Any:
    kind = DATA_FACTS[name]
    if kind.type == "date":
        return facts.today.isoformat()
    return kind.choices[0][0] if kind.choices else kind.type != "bool" and "…"


def _correct(fact: str, day: date) -> Cure:
    zh, en = fact_named(fact)
    return Cure(
        "correct",
        "applicant",
        f"如填写有误，据实更正“{zh}”",
        f"If it was entered wrongly, correct “{en}” truthfully.",
        {f"data.{fact}": day.isoformat()},
    )


def _entered_late(late: str) -> tuple[Cure, ...]:
    if not late:
        return ()
    zh, en = fact_named(late)
    return (Cure("correct", "applicant", f"勾选“{zh}”", f"Tick “{en}”.", {f"data.{late}": True}),)


def _wait(until: datetime) -> Cure:
    return Cure("wait", "nobody", f"等到 {day_named(until)}", f"Wait until {day_named(until)}.", {"now": until}, until)
