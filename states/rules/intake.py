"""Checks of the time of intake (受理时间): windows, freezes, graduating grades. Judged once, at `submit`."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta

from states.calendar import due_instant
from states.definition import Definition
from states.facts import Facts
from states.rules import check
from states.rules.wording import day_named, grade_named
from states.verdict import Cure, No
from states.windows import judge


def _wait(until: datetime) -> Cure:
    return Cure("wait", "nobody", f"等到 {day_named(until)}", f"Wait until {day_named(until)}.", {"now": until}, until)


@check()
def within_window(facts: Facts, definition: Definition) -> No | None:
    """不在受理时间内 / requests are taken in only while a window is open (TR-07, BJ-14); outages move its close.

    Inside a freeze this rule is silent when the window itself is open: the freeze gives its own reason.
    """
    if not definition.windows or judge(definition.windows, facts.calendar, facts.now, (), facts.scope).open:
        return None
    judged = judge(definition.windows, facts.calendar, facts.now, definition.freezes, facts.scope)
    if judged.next is None:
        gaps = "；".join(judged.gaps) or "—"
        return No(
            f"不在受理时间内，下次受理时间尚未公布（{gaps}）",
            f"No window is open, and the next one has no dates yet ({gaps}).",
        )
    opens, last = judged.next.opens, judged.next.closes - timedelta(microseconds=1)
    span = f"{day_named(opens)}", day_named(last)
    return No(
        f"不在受理时间内，下次受理时间为 {span[0]} 至 {span[1]}",
        f"No window is open; the next one is {span[0]} to {span[1]}.",
        (_wait(opens),),
    )


@check(freeze="same")
def not_in_freeze(facts: Facts, definition: Definition, freeze: str) -> No | None:
    """冻结期内不受理新业务 / nothing new is started in a freeze; what runs goes on (SYS-45)."""
    until = frozen_until(facts, *next((f.first, f.last) for f in definition.freezes if f.id == freeze))
    if until is None:
        return None
    return No(
        f"{day_named(until)} 前为冻结期，不受理新的申请",
        f"Nothing new is started before {day_named(until)} (freeze).",
        (_wait(until),),
    )


@check(from_day="lower", to_day="higher")
def graduating_freeze(facts: Facts, from_day: str, to_day: str) -> No | None:
    """毕业年级冻结期 / no new business for graduating grades, MM-DD to MM-DD, both inclusive (SYS-46)."""
    if not facts.graduating:
        return None
    until = frozen_until(facts, from_day, to_day)
    if until is None:
        return None
    here, last = grade_named(facts.current_grade), grade_named(facts.last_grade)
    return No(
        f"毕业年级自 {from_day} 起至 {to_day} 不受理新的申请：学生现读{here[0]}，其学校该学段至{last[0]}毕业",
        f"Nothing new is started for graduating grades from {from_day} to {to_day}: the student is in {here[1]}, "
        f"the school's stage ends with {last[1]}.",
        (_wait(until),),
    )


def frozen_until(facts: Facts, first: str, last: str) -> datetime | None:
    """The first instant after the yearly days `first` to `last` (MM-DD) when `facts.now` lies in them, else None."""
    day = facts.today
    today = f"{day:%m-%d}"
    inside = first <= today <= last if first <= last else today >= first or today <= last
    if not inside:
        return None
    year = day.year + (first > last and today >= first)
    month, number = int(last[:2]), int(last[3:])
    return due_instant(date(year, month, min(number, monthrange(year, month)[1])))
