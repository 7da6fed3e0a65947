"""Checks of absences (暂离): how long, how often, and from when."""

from __future__ import annotations

from datetime import date, timedelta

from states.calendar import day_opens, run_clock
from states.facts import Entry, Facts
from states.kinds import SECTIONS
from states.rules import check
from states.rules.ground import day_of, months_later, not_given, still_to_come
from states.rules.wording import fact_named, grade_named
from states.verdict import Cure, No


@check(fact="same", at_most="lower")
def until_within_months(facts: Facts, fact: str, at_most: int) -> No | None:
    """期限过长 / the end lies after the beginning, and no more than so many months after it (X-01, X-02)."""
    end, zh = day_of(facts.data.get(fact)), fact_named(fact)
    start = day_of(facts.data.get("effective_on")) or facts.today
    latest = months_later(start, at_most)
    if end is None:
        return not_given(fact, latest.isoformat(), f"（不晚于 {latest}）", f" (no later than {latest})")
    if start < end <= latest:
        return None
    cure = _correct(fact, latest)
    return No(
        f"{zh[0]}为 {end}，须在 {start} 之后、不晚于 {latest}（最长 {at_most} 个月）",
        f"{zh[1]}: {end}; it must lie after {start} and no later than {latest} ({at_most} months at most).",
        (cure,),
    )


def _correct(fact: str, day: date) -> Cure:
    zh, en = fact_named(fact)
    return Cure("correct", "applicant", f"更正“{zh}”", f"Correct “{en}”.", {f"data.{fact}": day.isoformat()})


@check(of_the_record=True, section="same", fact="same", at_most="lower")
def absence_within_months(facts: Facts, section: str, fact: str, at_most: int) -> No | None:
    """连续期限过长 / an absence and its renewals together end within so many months of their beginning (X-01: 1 + 1).

    A renewal that begins where the one before ended goes on with it; a gap begins a new count.
    """
    start = _run_began(facts.entries, section)
    end, zh = day_of(facts.data.get(fact)), fact_named(fact)
    if start is None:
        return None
    latest = months_later(start, at_most)
    if end is None:
        return not_given(fact, latest.isoformat(), f"（不晚于 {latest}）", f" (no later than {latest})")
    if end <= latest:
        return None
    return No(
        f"{zh[0]}为 {end}；自 {start} 起连续最长 {at_most} 个月，不晚于 {latest}",
        f"{zh[1]}: {end}; {at_most} months in all since {start}, so no later than {latest}.",
        (_correct(fact, latest),),
    )


def _run_began(entries: tuple[Entry, ...], section: str) -> date | None:
    """The beginning of the unbroken run of entries that still lasts, None where none lasts."""
    began: date | None = None
    for entry in (one for one in reversed(entries) if one.section == section):
        follows = entry.to is None if began is None else entry.to is not None and entry.to >= began
        if not follows:
            break
        began = entry.start
    return began


@check(fact="same", at_least="higher")
def number_at_least(facts: Facts, fact: str, at_least: int) -> No | None:
    """数值不足 / a number is no smaller than this (ZJ-09: the hospital advises three months of rest)."""
    number, (zh, en) = facts.data.get(fact), fact_named(fact)
    if number is None or number == "":
        return not_given(fact, at_least, f"（不少于 {at_least}）", f" (at least {at_least})")
    if type(number) is int and number >= at_least:
        return None
    cure = Cure("correct", "applicant", f"如填写有误，据实更正“{zh}”", f"If it was entered wrongly, correct “{en}”.",
                {f"data.{fact}": at_least})  # fmt: skip
    return No(f"{zh}为 {number}，须不少于 {at_least}", f"{en}: {number}; it must be at least {at_least}.", (cure,))


@check(fact="same", at_least="higher")
def days_since(facts: Facts, fact: str, at_least: int) -> No | None:
    """未满规定天数 / at least so many days have passed since a day (X-01: absent four weeks in a row)."""
    since, (zh, en) = day_of(facts.data.get(fact)), fact_named(fact)
    if since is None:
        latest = facts.today - timedelta(days=at_least)
        return not_given(fact, latest.isoformat(), f"（须不晚于 {latest}）", f" (no later than {latest})")
    if slip := still_to_come(facts, fact, since, facts.today - timedelta(days=at_least)):
        return slip
    full = since + timedelta(days=at_least)
    if facts.today >= full:
        return None
    until = day_opens(full)
    cure = Cure("wait", "nobody", f"等到 {full}", f"Wait until {full}.", {"now": until}, until)
    return No(f"{zh}为 {since}，须满 {at_least} 天，{full} 起满足",
              f"{en}: {since}; {at_least} days are full on {full}.", (cure,))  # fmt: skip


@check(fact="same", at_most="lower")
def told_within_working_days(facts: Facts, fact: str, at_most: int) -> No | None:
    """逾期报告 / no more than so many working days after a day (N13-25: ten after a death); the day is not counted."""
    day, (zh, en) = day_of(facts.data.get(fact)), fact_named(fact)
    if day is None:
        return not_given(fact, facts.today.isoformat())
    due = run_clock(facts.calendar, day, at_most).due
    if facts.today <= due:
        return None
    return No(f"{zh}为 {day}，{at_most} 个工作日内应于 {due} 前报告，已经逾期",
              f"{en}: {day}; it was to be told within {at_most} working days, by {due}.",
              (_correct(fact, facts.today),))  # fmt: skip


@check(of_the_record=True)
def effective_since_enrolment(facts: Facts) -> No | None:
    """生效日期早于入校 / nothing counts from before the student came: an enrolment ends after it began."""
    day, since = day_of(facts.data.get("effective_on")), facts.enrolled_on
    if day is None or since is None or day >= since:
        return None
    zh, en = fact_named("effective_on")
    return No(f"{zh}为 {day}，学生 {since} 才到本校（本班）",
              f"{en}: {day}; the student has been in this school and class since {since}.",
              (_correct("effective_on", since),))  # fmt: skip


# --- Coming back ---


@check(of_the_record=True, at_most="lower")
def return_not_early(facts: Facts, at_most: int) -> No | None:
    """不得提前复学 / nobody comes back more than so many days before the planned end (X-07)."""
    if facts.away_until is None:
        return None
    first, day = facts.away_until - timedelta(days=at_most), _effective(facts)
    if day >= first:
        return None
    until = day_opens(first)
    wait = Cure("wait", "nobody", f"等到 {first}", f"Wait until {first}.",
                {"now": until, "data.effective_on": first.isoformat()}, until)  # fmt: skip
    return No(
        f"离校期满日为 {facts.away_until}，最多提前 {at_most} 天，{first} 起可以办理",
        f"The absence ends on {facts.away_until}; {at_most} days before it at the earliest: from {first}.",
        (wait,),
    )


@check(of_the_record=True, at_most="lower")
def return_not_late(facts: Facts, at_most: int) -> No | None:
    """逾期未复学 / nobody comes back more than so many days after the planned end (X-02, X-07)."""
    if facts.away_until is None:
        return None
    last = facts.away_until + timedelta(days=at_most)
    if facts.today <= last:
        return None
    cure = Cure("settle", "school", "先补办续休，或按逾期未归办理", "First renew the absence, or settle it as overdue.",
                {"away_until": facts.today})  # fmt: skip
    return No(
        f"离校期满日为 {facts.away_until}，最迟 {last} 复学，已经逾期",
        f"The absence ended on {facts.away_until}; the last day to come back was {last}.",
        (cure,),
    )


@check(of_the_record=True)
def resumed_before_renewal(facts: Facts) -> No | None:
    """先复学再续办 / whoever is still ill first resumes and then suspends anew: there is no renewal (ZJ-09)."""
    if facts.status != "suspended":
        return None
    return No("期满仍不能复学的，须先复学再办理休学，不办续休", "No renewal: first resume, then suspend anew.")


@check(of_the_record=True)
def grade_not_above_present(facts: Facts) -> No | None:
    """复学年级不得高于原年级 / who comes back goes into his own grade or a lower one, never into a higher."""
    if facts.grade is None or facts.current_grade is None or facts.grade <= facts.current_grade:
        return None
    here, asked = grade_named(facts.current_grade), grade_named(facts.grade)
    return No(
        f"申请{asked[0]}，不得高于原年级{here[0]}",
        f"The request says {asked[1]}; it may not be above {here[1]}.",
        (_grade(facts.current_grade, here),),
    )


# --- Classes and grades ---


@check()
def class_is_there(facts: Facts) -> No | None:
    """没有该班级 / the school has a class of this grade, and of this name where one is named."""
    if facts.offers_grade:
        return None
    (zh, en), name = grade_named(facts.grade), facts.data.get("class_name")
    if name:
        cure = Cure("correct", "applicant", f"填写{zh}现有的班级", f"Name a class that {en} has.",
                    {"data.class_name": None, "offers_grade": True})  # fmt: skip
        return No(f"本校{zh}没有“{name}”", f"The school has no class “{name}” in {en}.", (cure,))
    cure = Cure("settle", "school", f"先设立{zh}班级", f"First set up a class of {en}.", {"offers_grade": True})
    return No(f"本校没有{zh}班级", f"The school has no class of {en}.", (cure,))


@check(of_the_record=True)
def another_class(facts: Facts) -> No | None:
    """须调入另一个班 / a change of class leads into another class than the present one."""
    if not facts.same_class:
        return None
    if not facts.data.get("class_name"):  # Without a name the present class is taken, and nobody has chosen that.
        name = Cure("supply", "applicant", "选择要调入的班级", "Choose the class to change into.",
                    {"data.class_name": "…", "same_class": False})  # fmt: skip
        return No("尚未选定要调入的班级", "The class to change into is not named yet.", (name,))
    cure = Cure("correct", "applicant", "另选要调入的班级", "Choose another class.", {"same_class": False})
    return No("学生已在该班", "The pupil sits in this class already.", (cure,))


@check(of_the_record=True)
def grade_kept(facts: Facts) -> No | None:
    """年级不变 / a change of class leads into no other grade."""
    if facts.grade is None or facts.grade == facts.current_grade:
        return None
    (here, here_en), (asked, asked_en) = grade_named(facts.current_grade), grade_named(facts.grade)
    cures = () if facts.current_grade is None else (_grade(facts.current_grade, (here, here_en)),)
    return No(f"学生现读{here}，申请{asked}：须为原年级", f"From {here_en} to {asked_en}: the grade stays.", cures)


@check(of_the_record=True)
def one_grade_up(facts: Facts) -> No | None:
    """只跳一级 / skipping leads into the next grade of the same stage, and into no other (X-02)."""
    return _one_grade(facts, 1)


@check(of_the_record=True)
def one_grade_down(facts: Facts) -> No | None:
    """只留一级 / repeating leads into the class one grade below, and into no other (JY/T 1001: 02)."""
    return _one_grade(facts, -1)


def _one_grade(facts: Facts, step: int) -> No | None:
    here = facts.current_grade
    if here is None:
        return No("学生现读年级未登记", "The student's present grade is not recorded.")
    wanted = here + step
    zh, en = grade_named(here)
    if not facts.first_grade <= wanted <= facts.last_grade:
        return No(f"学生现读{zh}，该学段内没有可去的年级", f"The student is in {en}; the stage has no such grade.")
    if facts.grade == wanted:
        return None
    there = grade_named(wanted)
    return No(
        f"学生现读{zh}，只能申请{there[0]}", f"From {en} only {there[1]} can be asked for.", (_grade(wanted, there),)
    )


@check(of_the_record=True, section="same")
def once_in_stage(facts: Facts, section: str) -> No | None:
    """每学段一次 / once in a stage of schooling (X-02); what lies before the stage does not count."""
    since = facts.stage_since
    found = [e for e in facts.entries if e.section == section and (since is None or e.start >= since)]
    if not found:
        return None
    zh, en = SECTIONS[section]
    return No(f"本学段已于 {found[-1].start} 办理过{zh}，每学段限一次",
              f"{en}: done in this stage on {found[-1].start}; once in a stage.")  # fmt: skip


@check(of_the_record=True, grade="same", at_most="lower")
def share_of_grade(facts: Facts, grade: int, at_most: int) -> No | None:
    """超过年级比例 / with this pupil no more than so many in a hundred of this grade repeat in the year (X-03)."""
    size, repeats = facts.grade_size, facts.grade_repeats + 1
    if facts.current_grade != grade or size is None or repeats * 100 <= size * at_most:
        return None
    places = size * at_most // 100
    return No(
        f"本校该年级 {size} 人，留级不超过 {at_most}%（{places} 人），已有 {facts.grade_repeats} 人",
        f"The grade has {size} pupils; at most {at_most} % ({places}) may repeat, and {facts.grade_repeats} do.",
    )


@check(of_the_record=True, section="same")
def no_entry_lasts(facts: Facts, section: str) -> No | None:
    """已有未结束的记录 / a matter of this section lasts already (a guest is a guest in one school at a time)."""
    entry = facts.entry(section)
    if entry is None:
        return None
    zh, en = SECTIONS[section]
    cure = Cure("settle", "applicant", f"先结束现有的{zh}", f"First end the present one: {en}.",
                {"entries": tuple(e for e in facts.entries if e is not entry)})  # fmt: skip
    return No(f"自 {entry.start} 起已有{zh}，尚未结束", f"{en}: there is one since {entry.start}.", (cure,))


def _effective(facts: Facts) -> date:
    return day_of(facts.data.get("effective_on")) or facts.today


def _grade(grade: int, named: tuple[str, str]) -> Cure:
    return Cure("correct", "applicant", f"将申请年级改为{named[0]}", f"Ask for {named[1]}.", {"grade": grade})
