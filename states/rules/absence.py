"""Checks of absences (暂离): how long, how often, and from when."""

from __future__ import annotations

from datetime import date

from states.facts import Facts
from states.rules import check
from states.rules.ground import day_of, months_later, not_given
from states.rules.wording import fact_named
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
