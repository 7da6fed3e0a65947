"""Checks of the ground (转学理由) and of the facts that it asks.

A fact that is not given is `pending`: it never blocks the intake, and blocks every approval by its name.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from states.calendar import day_opens
from states.definition import Definition
from states.facts import Facts
from states.rules import check
from states.rules.wording import fact_named, value_named
from states.verdict import Cure, No
from states.vocabulary import DATA_FACTS, GROUND_TEXTS, GROUNDS


@check()
def ground_known(facts: Facts, definition: Definition) -> No | None:
    """转学理由不在列 / the ground is one of the destination's; a pack without a list takes `other` with a text."""
    grounds = definition.grounds
    if any(ground.name == facts.ground for ground in grounds) or (not grounds and facts.ground == "other"):
        return None
    names = [ground.name for ground in grounds] or ["other"]
    zh = "、".join(ground.label for ground in grounds) or "其他理由"
    en = "; ".join(ground.label_en for ground in grounds) or "another reason"
    cure = Cure("choose", "applicant", f"从下列理由中选择：{zh}", f"Choose one of: {en}.", {"ground": names[0]})
    word = "转学理由" if facts.kind == "transfer" else "事由"
    given = f"未选择{word}" if facts.ground is None else f"所选{word}不被接受"
    given_en = "No ground was chosen" if facts.ground is None else "This ground is not accepted"
    return No(f"{given}；可选：{zh}", f"{given_en}; possible are: {en}.", (cure,))


@check()
def ground_text_given(facts: Facts) -> No | None:
    """须写明理由 / the ground `other` comes with its reason in words."""
    for name in GROUND_TEXTS:
        text = facts.data.get(name)
        if isinstance(text, str) and text.strip():
            return None
    return _text_missing("转学理由" if facts.kind == "transfer" else "事由")


@lru_cache(maxsize=8)
def _text_missing(word: str) -> No:
    cure = Cure("supply", "applicant", f"写明{word}", "Say the reason in words.", {f"data.{GROUND_TEXTS[0]}": "…"})
    return No(f"须写明{word}", "The reason must be given in words.", (cure,), pending=True)


@check(fact="same", at_least="higher")
def months_since(facts: Facts, fact: str, at_least: int) -> No | None:
    """未满规定月数 / at least so many months have passed since a day (TR-G1, TR-G4).

    以上 includes the day itself (民法典 1259): since 2025-09-01, twelve months are full on 2026-09-01. A month without
    that day ends on its last (民法典 202): since 2024-02-29, twelve months are full on 2025-02-28.
    """
    since = day_of(facts.data.get(fact))
    zh, en = fact_named(fact)
    if since is None:
        latest = _latest_start(facts.today, at_least)
        return not_given(fact, latest.isoformat(), f"（须不晚于 {latest}）", f" (no later than {latest})")
    if slip := still_to_come(facts, fact, since, _latest_start(facts.today, at_least)):
        return slip
    full = months_later(since, at_least)
    if facts.today >= full:
        return None
    until = day_opens(full)
    cure = Cure("wait", "nobody", f"等到 {full}", f"Wait until {full}.", {"now": until}, until)
    return No(
        f"{zh}为 {since}，须满 {at_least} 个月，{full} 起满足",
        f"{en}: {since}; {at_least} months are full on {full}.",
        (cure,),
    )


@check(fact="same")
def date_reached(facts: Facts, fact: str) -> No | None:
    """日期未到 / the day of a fact has come (TR-G3: counted from the handover, not from signing).

    A home may be handed over later: then the day is waited for. Who is said to have died tomorrow has not (N13-25).
    """
    day = day_of(facts.data.get(fact))
    if day is None:
        return not_given(
            fact, facts.today.isoformat(), f"（须不晚于 {facts.today}）", f" (no later than {facts.today})"
        )
    if day <= facts.today:
        return None
    if slip := still_to_come(facts, fact, day, facts.today):
        return slip
    zh, en = fact_named(fact)
    until = day_opens(day)
    cure = Cure("wait", "nobody", f"等到 {day}", f"Wait until {day}.", {"now": until}, until)
    return No(f"{zh}为 {day}，这一天还没有到", f"{en}: {day}; that day has not come.", (cure,))


@check(fact="same")
def fact_given(facts: Facts, fact: str) -> No | None:
    """事实未填写 / a fact that somebody will need is given, whatever it is."""
    if facts.data.get(fact) not in (None, ""):
        return None
    kind = DATA_FACTS.get(fact)
    example: object = facts.today.isoformat() if kind and kind.type == "date" else "…"
    if kind and kind.type == "bool":
        example = True
    elif kind and kind.choices:
        example = kind.choices[0][0]
    return not_given(fact, example)


@check(fact="same", allowed="subset", instead="same")
def fact_is(facts: Facts, fact: str, allowed: Sequence[object], instead: str = "") -> No | None:
    """事实不符合条件 / the ground holds only where this fact is so (NJ-10: the pupil's register alone is no ground).

    `instead`: the ground that is meant for families of whom the fact is otherwise (TR-G1 for TR-G2 to TR-G5).
    """
    given = facts.data.get(fact)
    if (given in allowed and given is not None) or (instead and facts.ground == instead):
        return None
    if given is None or given == "":
        return _one_of_missing(fact, *allowed)
    wanted_zh, wanted_en = _either(fact, allowed)
    zh, en = fact_named(fact)
    given_zh, given_en = value_named(fact, given)
    cure = Cure(
        "correct",
        "applicant",
        f"如填写有误，据实更正“{zh}”",
        f"If it was entered wrongly, correct “{en}” truthfully.",
        {f"data.{fact}": allowed[0]},
    )
    cures = (_other_ground(instead), cure) if instead else (cure,)
    return No(
        f"“{zh}”填的是“{given_zh}”，此理由须为“{wanted_zh}”",
        f"“{en}” is given as “{given_en}”; for this ground it must be “{wanted_en}”.",
        cures,
    )


# Typed, for True is no 1. What is missing in one row of a list is missing in many.
@lru_cache(maxsize=4096, typed=True)
def _one_of_missing(fact: str, *allowed: object) -> No:
    zh, en = _either(fact, allowed)
    return not_given(fact, allowed[0], f"（须为“{zh}”）", f" (it must be: {en})")


def _either(fact: str, values: Sequence[object]) -> tuple[str, str]:
    """Any of these values of a fact, as people read it."""
    named = [value_named(fact, value) for value in values]
    return "或".join(zh for zh, _ in named), " or ".join(en for _, en in named)


def _other_ground(ground: str) -> Cure:
    zh, en = GROUNDS[ground]
    return Cure("choose", "applicant", f"改选理由“{zh}”", f"Choose the ground “{en}” instead.", {"ground": ground})


@lru_cache(maxsize=4096, typed=True)
def not_given(fact: str, value: object, note: str = "", note_en: str = "") -> No:
    """The refusal for a fact that is not given, with a value that would do; pending, for nothing is wrong yet."""
    zh, en = fact_named(fact)
    cure = Cure("supply", "applicant", f"填写“{zh}”{note}", f"Give “{en}”{note_en}.", {f"data.{fact}": value})
    return No(f"未填写“{zh}”{note}", f"“{en}” is not given{note_en}.", (cure,), pending=True)


def still_to_come(facts: Facts, fact: str, day: date, good: date) -> No | None:
    """日期在将来 / what has happened is given a day to come: a slip, to be corrected; `good` would do."""
    if not DATA_FACTS[fact].past or day <= facts.today:
        return None
    zh, en = fact_named(fact)
    cure = Cure("correct", "applicant", f"更正“{zh}”：须为实际发生的日期，不能晚于今天（{facts.today}）",
                f"Correct “{en}”: the day on which it happened, no later than today, {facts.today}.",
                {f"data.{fact}": good.isoformat()})  # fmt: skip
    return No(f"{zh}为 {day}，晚于今天（{facts.today}）", f"{en}: {day}, which is after today, {facts.today}.", (cure,))


def day_of(value: object) -> date | None:
    """A day as given: a date, or its ISO form; None for anything else, which counts as not given."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) else None


def months_later(day: date, months: int) -> date:
    """The same day `months` later (or earlier), or the last day of a month that has no such day (民法典 202)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _latest_start(today: date, months: int) -> date:
    """The last day since which so many months are full on `today`; a short month's end stands for several."""
    latest = months_later(today, -months)
    while months_later(latest + timedelta(days=1), months) <= today:
        latest += timedelta(days=1)
    return latest
