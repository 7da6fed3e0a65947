"""Checks of the student's record (学籍): identity, open business, problem record, status, grade and term."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from states.calendar import day_opens, school_year
from states.facts import Facts
from states.kinds import KINDS, statuses_before
from states.rules import check
from states.rules.wording import day_named, grade_named
from states.student_status import STATUSES
from states.verdict import Cure, No

WAYS_BACK = {
    "suspended": ("复学", "resumption"),
    "halted": ("复学", "resumption"),
    "record_retained": ("恢复学籍", "restoration of the record"),
    "dropped_out": ("返校登记", "registration of the return"),
    "abroad": ("回国复学", "return from abroad"),
    "abroad_state_sent": ("回国复学", "return from abroad"),
    "missing": ("返校登记", "registration of the return"),
    "other": ("启用学籍", "reactivation of the record"),
    "pending_registration": ("学籍注册", "registration"),
    "registration_deferred": ("学籍注册", "registration"),
    "entry_postponed": ("学籍注册", "registration"),
    "admission_reserved": ("恢复入学资格", "restoration of the admission"),
}
"""What leads back to attending from each status; a status that is not here is one that nobody can clear."""


@check()
def data_matches(facts: Facts) -> No | None:
    """2001 学生信息不符 / name and number must be those of the record (SYS-01, SYS-04).

    One text for an unknown number and a differing name, and nothing of the record in it.
    """
    if facts.matches:
        return None
    zh, en = "核对姓名和全国学籍号后更正", "Check the name and the student number, and correct them."
    if facts.state != "draft":
        zh, en = "撤回本件，核对姓名和全国学籍号后重新申请", "Recall this request, check them, and apply again."
    cure = Cure("correct", "applicant", zh, en, {"matches": True})
    return No("2001 姓名与学籍号不符或查无此人", "2001: no student with this name and number.", (cure,))


@check(of_the_record=True)
def no_open_request(facts: Facts) -> No | None:
    """2002 有在办业务 / one open request per student (SYS-05, SYS-07)."""
    if facts.open_request is None:
        return None
    number = facts.open_request
    cure = Cure(
        "settle",
        _record_school(facts),
        f"先办结或撤回 {number}",
        f"Finish or recall {number} first.",
        {"open_request": None},
    )
    return No(f"2002 该生有在办业务：{number}", f"2002: this student has an open request, {number}.", (cure,))


@check(of_the_record=True)
def no_problem_record(facts: Facts) -> No | None:
    """2003 问题学籍 / a problem record is resolved first (SYS-06)."""
    if not facts.problem:
        return None
    cure = Cure(
        "settle",
        _record_school(facts),
        "先处理问题学籍（佐证、变更或删除）",
        "Resolve the problem record first (proof, correction or removal).",
        {"problem": False},
    )
    return No(
        "2003 该生为问题学籍，须先处理",
        "2003: the student's record is a problem record; it is resolved first.",
        (cure,),
    )


@check(of_the_record=True, allowed="subset")
def student_has_status(facts: Facts, allowed: Sequence[str]) -> No | None:
    """学籍状态不符 / the request needs one of these statuses; a suspended student resumes first (SYS-48)."""
    if facts.status in allowed:
        return None
    wanted_zh = "、".join(STATUSES[status].label for status in allowed)
    wanted_en = " or ".join(STATUSES[status].label_en for status in allowed)
    now = STATUSES.get(facts.status)
    now_zh, now_en = (now.label, now.label_en) if now else (facts.status, facts.status)
    back = WAYS_BACK.get(facts.status) if "attending" in allowed else None
    cures = (
        (Cure("settle", _record_school(facts), f"先办理{back[0]}", f"First the {back[1]}.", {"status": "attending"}),)
        if back
        else ()
    )
    return No(
        f"学籍状态为{now_zh}，须为{wanted_zh}", f"The student's status is {now_en}; it must be {wanted_en}.", cures
    )


@check(of_the_record=True)
def status_allows(facts: Facts) -> No | None:
    """学籍状态不允许 / the status machine knows this change from these statuses only (JY/T 1001, regulations §9).

    Resumption needs suspension or halt, restoring a retained record; a kind that changes no status asks nothing.
    """
    allowed = statuses_before(facts.kind, facts.ground)
    return student_has_status(facts, allowed) if allowed else None


@check(of_the_record=True)
def same_grade(facts: Facts) -> No | None:
    """平级转学 / a transfer keeps the grade (NJ-12, SYS-10)."""
    if facts.grade is not None and facts.grade == facts.current_grade:
        return None
    asked, here = grade_named(facts.grade), grade_named(facts.current_grade)
    if facts.current_grade is None:
        cure = Cure(
            "supply",
            _record_school(facts),
            "补登学生现读年级",
            "Record the student's present grade.",
            {"current_grade": facts.grade or facts.first_grade, "grade": facts.grade or facts.first_grade},
        )
        return No("学生现读年级未登记", "The student's present grade is not recorded.", (cure,))
    cure = Cure(
        "correct", "applicant", f"将申请年级改为{here[0]}", f"Ask for {here[1]}.", {"grade": facts.current_grade}
    )
    return No(
        f"须平级转学：学生现读{here[0]}，申请{asked[0]}",
        f"A transfer keeps the grade: the student is in {here[1]}, the request says {asked[1]}.",
        (cure,),
    )


@check(of_the_record=True)
def grade_not_above(facts: Facts) -> No | None:
    """特殊教育学生可平级或降级，不得越级 / a special-education pupil may go down a grade, not up (N25-11)."""
    if facts.grade is not None and facts.current_grade is not None and facts.grade <= facts.current_grade:
        return None
    asked, here = grade_named(facts.grade), grade_named(facts.current_grade)
    wanted = facts.current_grade or facts.grade or facts.first_grade
    cure = Cure(
        "correct",
        "applicant",
        f"申请年级不得高于{here[0]}",
        f"Ask for {here[1]} or a lower grade.",
        {"grade": wanted, "current_grade": wanted},
    )
    return No(
        f"特殊教育学生可以平级或降级就读，不得越级：学生现读{here[0]}，申请{asked[0]}",
        f"A special-education pupil keeps the grade or goes down: the student is in {here[1]}, the request says "
        f"{asked[1]}.",
        (cure,),
    )


@check(of_the_record=True)
def not_graduating(facts: Facts) -> No | None:
    """毕业年级不得转学 / no transfer in the last grade by the origin school's own 学制 (BJ-08, BJ-13)."""
    if not facts.graduating:
        return None
    here, last = grade_named(facts.current_grade), grade_named(facts.last_grade)
    return No(
        f"毕业年级不得办理：学生现读{here[0]}，其学校该学段至{last[0]}毕业",
        f"Not in a graduating grade: the student is in {here[1]}, the school's stage ends with {last[1]}.",
    )


@check(of_the_record=True, region="same")
def not_first_term(facts: Facts, region: str = "national") -> No | None:
    """起始年级第一学期不得转学 / no transfer in the first term of a stage's first grade (BJ-13)."""
    if facts.season != "autumn" or facts.current_grade is None or facts.current_grade != facts.first_grade:
        return None
    opens = day_opens(_spring_starts(facts, region))
    here = grade_named(facts.current_grade)
    cure = Cure(
        "wait",
        "nobody",
        f"等到第二学期（{day_named(opens)}）",
        f"Wait for the second term ({day_named(opens)}).",
        {"now": opens, "season": "spring"},
        opens,
    )
    return No(
        f"起始年级第一学期不得办理：学生现读{here[0]}",
        f"Not in the first term of a stage: the student is in {here[1]}.",
        (cure,),
    )


def _record_school(facts: Facts) -> str:
    """The unit that keeps the student's record: between two schools the origin, else the school itself."""
    return "origin_school" if KINDS[facts.kind].sides == "two" else "school"


def _spring_starts(facts: Facts, region: str) -> date:
    """The first day after the autumn term, Feb 1 where its dates are not loaded; as `states.calendar.season_of`."""
    year = school_year(facts.today)
    term = facts.calendar.terms.get((region, year, "autumn"))
    return term.ends + timedelta(days=1) if term else date(year + 1, 2, 1)
