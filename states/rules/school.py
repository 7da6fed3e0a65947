"""Checks of school matters (学校事项): quota, jurisdiction, founding and closing; and of vocational registration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from states.calendar import day_opens, remaining_working_days
from states.facts import Facts
from states.rules import check
from states.rules.ground import day_of, months_later, not_given, still_to_come
from states.rules.wording import fact_named, stage_named
from states.verdict import Cure, No
from states.vocabulary import STAGES


def _correct(fact: str, value: object) -> Cure:
    zh, en = fact_named(fact)
    return Cure("correct", "applicant", f"更正“{zh}”", f"Correct “{en}”.", {f"data.{fact}": value})


# --- 学籍总量 ---


@check()
def quota_within_plans(facts: Facts) -> No | None:
    """总量依据招生计划确定 / a total is set on the basis of the plans of the cohorts in the stage, not above them."""
    quota, plans = facts.data.get("quota"), facts.data.get("plans_total")
    if not isinstance(plans, int):
        return not_given("plans_total", quota if isinstance(quota, int) else 1)
    if not isinstance(quota, int) or quota <= plans:
        return None
    return No(
        f"学籍总量依据招生计划确定：申请 {quota} 人，该学段各届计划合计 {plans} 人",
        f"A total is set on the basis of the intake plans: {quota} asked for, {plans} in the plans of the cohorts.",
        (_correct("quota", plans),),
    )


@check()
def quota_not_below_taken(facts: Facts) -> No | None:
    """总量不得低于在读和已占学位 / nobody who sits in the stage, or holds a place in it, loses it by a new total."""
    quota, taken = facts.data.get("quota"), facts.school_size or 0
    if not isinstance(quota, int):
        return not_given("quota", max(taken, 1))
    if quota >= taken:
        return None
    zh, en = stage_named(facts.stage)
    return No(
        f"学籍总量不得低于现有人数：{zh}在读和已占学位共 {taken} 人，申请 {quota} 人",
        f"A total is not below what is taken: {taken} places in {en}, {quota} asked for.",
        (_correct("quota", taken),),
    )


@check()
def stage_is_the_schools(facts: Facts) -> No | None:
    """该校没有这一学段 / a total belongs to a stage that the school has."""
    stage = facts.data.get("for_stage")
    if stage is None:
        return not_given("for_stage", (facts.school_stages or ("primary",))[0])
    if stage in facts.school_stages:
        return None
    zh, en = stage_named(str(stage))
    cures = tuple(_correct("for_stage", one) for one in facts.school_stages[:1])
    return No(f"该校没有{zh}学段", f"The school has no {en} stage.", cures)


# --- 学校新建、变更、合并、撤销 ---


@check()
def founded_at_bureau(facts: Facts) -> No | None:
    """新建由主管单位提出 / a founding is asked at the bureau itself; whatever else is about a school that there is."""
    if facts.about_bureau == (facts.ground == "founding"):
        return None
    if facts.about_bureau:
        cure = Cure("choose", "applicant", "选择学校", "Choose the school.", {"about_bureau": False})
        return No("须选择所涉及的学校", "Name the school that it is about.", (cure,))
    return No(
        "新建学校由主管单位提出，不在已有学校名下办理",
        "A founding is asked at the bureau itself, not under a school that exists.",
        (Cure("choose", "applicant", "以本单位名义申请", "Ask at the bureau itself.", {"about_bureau": True}),),
    )


def _founded(facts: Facts) -> list[str]:
    return [stage for stage in STAGES if facts.data.get(f"years_{stage}")]


@check(stages="subset")
def stages_in_scope(facts: Facts, stages: Sequence[str]) -> No | None:
    """学段不在本办法范围内 / a school of a stage that the text does not cover is not founded under it."""
    outside = [stage for stage in _founded(facts) if stage not in stages]
    if not outside:
        return None
    names = [stage_named(stage) for stage in outside]
    allowed = [stage_named(stage) for stage in stages]
    cure = Cure("correct", "applicant", "去掉范围外的学段", "Leave out the stages outside its scope.",
                {f"data.years_{stage}": None for stage in outside})  # fmt: skip
    return No(
        f"{'、'.join(zh for zh, _ in names)}不在本办法范围内；适用：{'、'.join(zh for zh, _ in allowed)}",
        f"Outside the scope: {', '.join(en for _, en in names)}; covered are: {', '.join(en for _, en in allowed)}.",
        (cure,),
    )


@check()
def stage_named_for_school(facts: Facts) -> No | None:
    """须写明学段和学制 / a school that is founded has at least one stage, with its years."""
    if _founded(facts):
        return None
    return not_given("years_primary", 6, "（至少一个学段）", " (at least one stage)")


@check(stage="same", at_least="higher", at_most="lower")
def years_of_stage(facts: Facts, stage: str, at_least: int, at_most: int) -> No | None:
    """学制不合规定 / the length of a stage lies between these years; a stage that is not asked for has none."""
    years = facts.data.get(f"years_{stage}")
    if not isinstance(years, int) or not years or at_least <= years <= at_most:  # 0: the stage is not asked for
        return None
    zh, en = stage_named(stage)
    return No(
        f"{zh}基本学制为 {at_least} 至 {at_most} 年，申请 {years} 年",
        f"The {en} stage lasts {at_least} to {at_most} years; {years} were given.",
        (_correct(f"years_{stage}", min(max(years, at_least), at_most)),),
    )


@check()
def nine_years_together(facts: Facts) -> No | None:
    """九年一贯制 / primary and junior in one school are nine years together, 6+3 or 5+4 (CD-02)."""
    primary, junior = facts.data.get("years_primary"), facts.data.get("years_junior")
    if not isinstance(primary, int) or not isinstance(junior, int) or not primary or not junior:
        return None
    if primary + junior == 9:
        return None
    return No(
        f"小学和初中同设的学校为九年一贯制，两段合计应为 9 年，申请 {primary + junior} 年",
        f"A school of both stages has nine years together; {primary + junior} were given.",
        (_correct("years_junior", 9 - primary),),
    )


@check()
def code_is_free(facts: Facts) -> No | None:
    """学校代码已被使用 / no two organizations have one code."""
    if not facts.code_taken:
        return None
    cure = Cure("correct", "applicant", "更正学校代码", "Correct the school's code.", {"code_taken": False})
    return No("学校代码已被其他机构使用", "Another organization has this code.", (cure,))


@check()
def succeeded_or_empty(facts: Facts) -> No | None:
    """在籍学生须有接收学校 / whoever sits in a school that ends, or has a request open about it, goes on somewhere.

    A school that is merged always has a successor; the successor has every stage of the school.
    """
    asked = facts.data.get("successor_code")
    if asked in (None, "") and (facts.ground == "merging" or facts.pupils):
        return No(
            f"须写明接收学校：该校尚有在籍学生和在办业务共 {facts.pupils} 件",
            f"Name the school that takes over: {facts.pupils} pupils and open requests are still there.",
            (Cure("supply", "applicant", "填写接收学校代码", "Give the successor's code.",
                  {"data.successor_code": "…", "successor_known": True, "successor_stages": facts.school_stages}),),
        )  # fmt: skip
    if asked in (None, ""):
        return None
    missing = [stage_named(stage) for stage in facts.school_stages if stage not in facts.successor_stages]
    cure = Cure("correct", "applicant", "更正接收学校代码", "Correct the successor's code.",
                {"successor_known": True, "successor_stages": facts.school_stages})  # fmt: skip
    if not facts.successor_known:
        return No(
            "没有这所接收学校，或它就是本校，或已撤销", "There is no such other school that still works.", (cure,)
        )
    if missing:
        return No(
            f"接收学校没有{'、'.join(zh for zh, _ in missing)}学段",
            f"The successor lacks: {', '.join(en for _, en in missing)}.", (cure,))  # fmt: skip
    return None


@check()
def school_works(facts: Facts) -> No | None:
    """学校已撤销或合并 / nothing new begins at a school that is closed, or was merged into another one."""
    return None if facts.closed_school is None else no_longer(facts.closed_school, facts.closed_into)


def no_longer(name: str, into: str | None) -> No:
    """The refusal that names the school, and where one turns to now; it is also said before there is a draft."""
    if into is not None:
        cure = Cure("choose", "applicant", f"向接收学校{into}提出", f"Ask at {into}, which took it over.",
                    {"closed_school": None})  # fmt: skip
        return No(f"{name}已并入{into}，不再办理新的业务",
                  f"{name} was merged into {into}: nothing new begins there.", (cure,))  # fmt: skip
    cure = Cure("choose", "applicant", "另选学校；原有档案向其保管单位或主管教育局查询",
                "Choose another school; its archives are with their keeper, or ask the bureau.",
                {"closed_school": None})  # fmt: skip
    return No(f"{name}已撤销，不再办理新的业务", f"{name} is closed: nothing new begins there.", (cure,))


# --- 中等职业教育 ---


@check(fact="same", at_most="lower")
def within_working_days(facts: Facts, fact: str, at_most: int) -> No | None:
    """逾期 / no more than so many working days after a day, which is not counted itself (V21-01; 民法典 201)."""
    day = day_of(facts.data.get(fact))
    if day is None:
        return not_given(fact, facts.today.isoformat())
    passed = remaining_working_days(facts.calendar, day, facts.today) if day < facts.today else 0
    if passed <= at_most:
        return None
    zh, en = fact_named(fact)
    return No(
        f"{zh}为 {day}，已过 {passed} 个工作日，应在 {at_most} 个工作日内办理",
        f"{en}: {day}; {passed} working days have passed, due within {at_most}.",
        (_correct(fact, facts.today.isoformat()),),
    )


@check(fact="same", at_least="higher")
def working_days_before(facts: Facts, fact: str, at_least: int) -> No | None:
    """须提前办理 / at least so many working days lie between today and a day to come (V21-03)."""
    day = day_of(facts.data.get(fact))
    if day is None:
        return not_given(fact, (facts.today + timedelta(days=2 * at_least + 10)).isoformat())
    left = remaining_working_days(facts.calendar, facts.today, day) if day > facts.today else 0
    if left >= at_least:
        return None
    zh, en = fact_named(fact)
    return No(
        f"{zh}为 {day}，距今 {left} 个工作日，须提前 {at_least} 个工作日办理",
        f"{en}: {day}; {left} working days are left, {at_least} are wanted.",
        (_correct(fact, (day + timedelta(days=2 * at_least + 10)).isoformat()),),
    )


@check(fact="same", at_least="higher")
def years_since(facts: Facts, fact: str, at_least: int) -> No | None:
    """未满规定年数 / so many years are full (V10-10: two years of leave in a row)."""
    since = day_of(facts.data.get(fact))
    if since is None:
        latest = months_later(facts.today, -12 * at_least)
        return not_given(fact, latest.isoformat(), f"（须不晚于 {latest}）", f" (no later than {latest})")
    if slip := still_to_come(facts, fact, since, months_later(facts.today, -12 * at_least)):
        return slip
    return _full(facts, fact, since, months_later(since, 12 * at_least), f"{at_least} 年", f"{at_least} years")


def _full(facts: Facts, fact: str, since: date, full: date, zh_time: str, en_time: str) -> No | None:
    if facts.today >= full:
        return None
    zh, en = fact_named(fact)
    until = day_opens(full)
    return No(
        f"{zh}为 {since}，须满 {zh_time}，{full} 起满足",
        f"{en}: {since}; {en_time} are full on {full}.",
        (Cure("wait", "nobody", f"等到 {full}", f"Wait until {full}.", {"now": until}, until),),
    )


@check(of_the_record=True)
def stays_vocational(facts: Facts) -> No | None:
    """中职不得转入普通学校 / a vocational student transfers to a vocational school only (V10-06)."""
    if facts.stage == "vocational":
        return None
    cure = Cure("choose", "guardian", "另选中等职业学校", "Choose a vocational school.", {"stage": "vocational"})
    return No(
        "中等职业学校学生不得转入普通学校", "A vocational student does not transfer to an ordinary school.", (cure,)
    )


@check(of_the_record=True)
def of_age_or_willing(facts: Facts) -> No | None:
    """不得强令未成年学生退学 / a minor leaves only at the wish of student and guardian (V10-11)."""
    minor, wish = facts.data.get("minor"), facts.data.get("at_own_wish")
    if minor is None:
        return not_given("minor", False)
    if minor is False or wish is True:
        return None
    return No(
        "学校不得强令未成年学生退学：须本人及监护人自愿",
        "A school does not make a minor leave: it must be the wish of student and guardian.",
        (_correct("at_own_wish", True),),
    )
