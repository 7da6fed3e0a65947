"""Checks of admission (入学注册): age, terms of registration, one admission each, the duplicate check."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from states.calendar import day_opens, run_clock
from states.facts import Facts
from states.rules import check
from states.rules.ground import day_of, months_later, not_given
from states.rules.wording import fact_named, grade_named
from states.verdict import Cure, No

INTAKE_MONTH = 5
"""From this month on an admission is meant for the coming autumn; before it, for the school year that runs."""
SUMMER_MONTH = 7
"""From this month on a day belongs to the school year to come, as far as registering its newcomers goes."""


@check(at_least="higher", by_day="same")
def age_reached(facts: Facts, at_least: int, by_day: str) -> No | None:
    """未满入学年龄 / so many years old by a day (MM-DD, inclusive) of the year of entry into grade 1 (TR-12).

    Asked of grade 1 alone: the text forbids admitting under-age children and never stops one who has a number. A birth
    date is never missing: the record cannot be without it.
    """
    if facts.grade != 1 or facts.birth_date is None:
        return None
    entry = day_of(facts.data.get("entered_on")) or facts.today
    year = entry.year if entry.month >= INTAKE_MONTH else entry.year - 1
    old_enough = months_later(facts.birth_date, 12 * at_least)
    last = date(year, int(by_day[:2]), int(by_day[3:]))
    if old_enough <= last:
        return None
    while last < old_enough:
        last = date(last.year + 1, last.month, last.day)
    opens = date(last.year, INTAKE_MONTH, 1)
    cure = Cure(
        "wait", "nobody", f"等到 {last.year} 年秋季入学", f"Wait for the autumn of {last.year}.",
        {"now": day_opens(opens), "data.entered_on": f"{last.year}-09-01"}, day_opens(opens),
    )  # fmt: skip
    return No(
        f"{year} 年 {by_day} 未满 {at_least} 周岁（{old_enough} 满），不得招收入学",
        f"Not {at_least} years old by {year}-{by_day} (on {old_enough}): a child under age is not admitted.",
        (cure,),
    )


@check(fact="same", at_most="lower")
def within_days_of(facts: Facts, fact: str, at_most: int) -> No | None:
    """逾期 / no more than so many days after a day that is not counted itself (NJ-03, NJ-08; 民法典 201).

    A day that is not given blocks the intake: a limit that is judged once cannot be judged later.
    """
    day, zh = day_of(facts.data.get(fact)), fact_named(fact)
    if day is None:
        return replace(not_given(fact, facts.today.isoformat()), pending=False)
    last = day + timedelta(days=at_most)
    if facts.today <= last:
        return None
    cure = Cure(
        "correct", "applicant", f"如填写有误，据实更正“{zh[0]}”",
        f"If it was entered wrongly, correct “{zh[1]}” truthfully.", {f"data.{fact}": facts.today.isoformat()},
    )  # fmt: skip
    return No(
        f"{zh[0]}为 {day}，应在其后 {at_most} 日内（至 {last}）办理，今天是 {facts.today}",
        f"{zh[1]}: {day}; due within {at_most} days after it, by {last}; today is {facts.today}.",
        (cure,),
    )


@check(fact="same")
def on_the_day(facts: Facts, fact: str) -> No | None:
    """非当天办理 / done on the day of a fact itself (NJ-14: the school enters the pupil on the day of reception)."""
    day, zh = day_of(facts.data.get(fact)), fact_named(fact)
    if day is None:
        return not_given(fact, facts.today.isoformat())
    if facts.today == day:
        return None
    cure = Cure(
        "correct", "applicant", f"如填写有误，据实更正“{zh[0]}”",
        f"If it was entered wrongly, correct “{zh[1]}” truthfully.", {f"data.{fact}": facts.today.isoformat()},
    )  # fmt: skip
    return No(
        f"{zh[0]}为 {day}，应当天办理，今天是 {facts.today}",
        f"{zh[1]}: {day}; this is done on that day, and today is {facts.today}.", (cure,),
    )  # fmt: skip


@check(at_most="lower", region="same", season="same")
def within_working_days_of_term(facts: Facts, at_most: int, region: str = "national", season: str = "") -> No | None:
    """开学后逾期 / within so many working days after the term begins, that day not counted (BJ-09, BJ-10, BJ-12).

    `season`: the term of the school year that is meant; "" is the one that runs. Before it begins nothing is late.
    """
    year, running = _school_year_and_season(facts, region)
    start = _term_starts(facts, region, year, season or running)
    due = run_clock(facts.calendar, start, at_most).due
    if facts.today <= due:
        return None
    again, other = _next_intake(facts, region, year, running, season)
    cure = Cure("wait", "nobody", f"等到下一次受理（{again} 起）", f"Wait for the next intake, from {again}.",
                {"now": day_opens(again), "season": other}, day_opens(again))  # fmt: skip
    return No(
        f"应在开学（{start}）后 {at_most} 个工作日内办理，至 {due}；今天是 {facts.today}",
        f"Due within {at_most} working days after the term began on {start}, by {due}; today is {facts.today}.",
        (cure,),
    )


def _school_year_and_season(facts: Facts, region: str) -> tuple[int, str]:
    """The school year and term that a day belongs to for admissions: the summer belongs to the coming year already."""
    day = facts.today
    year = day.year if day.month >= SUMMER_MONTH else day.year - 1
    autumn = facts.calendar.terms.get((region, year, "autumn"))
    ends = autumn.ends if autumn else date(year + 1, 1, 31)
    return year, "autumn" if day <= ends else "spring"


def _next_intake(facts: Facts, region: str, year: int, running: str, season: str) -> tuple[date, str]:
    """The first day of the time before a later term, when nothing is late yet, and the term that it belongs to."""
    if season == "" and running == "autumn":
        autumn = facts.calendar.terms.get((region, year, "autumn"))
        return (autumn.ends if autumn else date(year + 1, 1, 31)) + timedelta(days=1), "spring"
    return date(year + 1, SUMMER_MONTH, 1), "autumn"


def _term_starts(facts: Facts, region: str, year: int, season: str) -> date:
    """The first day of a term, Sep 1 or Mar 1 where its dates are not loaded."""
    term = facts.calendar.terms.get((region, year, "autumn" if season == "autumn" else "spring"))
    return term.starts if term else date(year, 9, 1) if season == "autumn" else date(year + 1, 3, 1)


@check(by_day="lower")
def day_not_past(facts: Facts, by_day: str) -> No | None:
    """当年期限已过 / by a day (MM-DD, inclusive) of the autumn in which the school year began (SYS-42)."""
    day = facts.today
    last = date(day.year if day.month >= SUMMER_MONTH else day.year - 1, int(by_day[:2]), int(by_day[3:]))
    if day <= last:
        return None
    again = date(last.year + 1, SUMMER_MONTH, 1)
    cure = Cure("wait", "nobody", f"下一学年（{again} 起）", f"The next school year, from {again}.",
                {"now": day_opens(again)}, day_opens(again))  # fmt: skip
    return No(f"应于 {last} 前（含当日）完成，今天是 {day}", f"Due by {last}; today is {day}.", (cure,))


@check(of_the_record=True)
def one_admission(facts: Facts) -> No | None:
    """重复招生 / a pupil whom two schools admitted is registered by neither until that is settled (SYS-36)."""
    if sum(entry.section == "admission" and entry.to is None for entry in facts.entries) < 2:
        return None
    cure = Cure("settle", "school", "先办理重复招生处理", "Settle the duplicate admission first.", {"entries": ()})
    return No("该生被两所学校录取，须先处理重复招生", "Two schools admitted this pupil; settle that first.", (cure,))


@check(of_the_record=True)
def admitted_twice(facts: Facts) -> No | None:
    """并无重复招生 / there is a second admission to settle (SYS-36)."""
    if sum(entry.section == "admission" and entry.to is None for entry in facts.entries) >= 2:
        return None
    return No("该生没有被两所学校录取，无须处理", "Only one school admitted this pupil: there is nothing to settle.")


@check(of_the_record=True)
def no_record_elsewhere(facts: Facts) -> No | None:
    """重复建立学籍 / the duplicate check is passed before a new record is made (NUM-08, N13-05)."""
    if not facts.duplicate:
        return None
    cure = Cure(
        "settle", "school", "先处理重复学籍；他处已有学籍的，办理转学", "Settle the duplicate; a record elsewhere is "
        "transferred.", {"duplicate": False},
    )  # fmt: skip
    return No(
        "查重未通过：同一证件号或疑似同一人已有学籍，不得重复建立",
        "The duplicate check is not passed: this person may have a record already, and gets no second one.",
        (cure,),
    )


@check(of_the_record=True)
def has_number_before(facts: Facts) -> No | None:
    """尚无学籍号 / an existing record is carried on under its number; who has none is registered (N13-17)."""
    if facts.has_number:
        return None
    cure = Cure(
        "settle", "school", "没有学籍的，办理入学注册或补建", "Without a record: register the pupil.",
        {"has_number": True},
    )  # fmt: skip
    return No("该生没有学籍号，不能办理学籍接续", "This pupil has no number: there is no record to carry on.", (cure,))


@check(of_the_record=True)
def on_admission_list(facts: Facts) -> No | None:
    """不在录取名单上 / a leaver goes on by an admission list of this school, once by each (SYS-40, NJ-04)."""
    if facts.admitted_here:
        return None
    cure = Cure(
        "settle", "bureau", "由主管教育局将该生列入本校录取名单并导入", "The bureau imports an admission list of this "
        "school that names the pupil.", {"admitted_here": True},
    )  # fmt: skip
    return No(
        "本校的录取名单上没有该生，不能按录取办理升学",
        "No admission list of this school names this pupil: he does not go on to it.",
        (cure,),
    )


@check(of_the_record=True)
def grade_follows_stage(facts: Facts) -> No | None:
    """升学年级不符 / the new stage begins with the grade after the last of the old one (SYS-51: 五年制只升六年级)."""
    left = facts.left_last_grade
    following = None if left is None else left + 1 or 1  # Primary 1 follows the kindergarten's last class.
    if left is None or facts.grade == following:
        return None
    asked, wanted = grade_named(facts.grade), grade_named(following)
    cure = Cure("correct", "applicant", f"将申请年级改为{wanted[0]}", f"Ask for {wanted[1]}.", {"grade": following})
    return No(
        f"原学段至{grade_named(left)[0]}毕业，升学须为{wanted[0]}，申请的是{asked[0]}",
        f"The old stage ended with {grade_named(left)[1]}; the next is {wanted[1]}, the request says {asked[1]}.",
        (cure,),
    )


@check()
def other_province(facts: Facts) -> No | None:
    """非跨省 / this ground is for leavers of another province (SYS-51)."""
    if not facts.same_province:
        return None
    cure = Cure(
        "choose", "applicant", "省内升学请选择招生录取的理由", "Within the province choose an admission instead.",
        {"same_province": False, "same_bureau": False, "same_city": False},
    )  # fmt: skip
    return No("该生的毕业学校在本省", "The school that this pupil has left lies in this province.", (cure,))
