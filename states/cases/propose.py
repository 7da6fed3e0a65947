"""Rows to think about (建议情形): every number at its edge, every paper missing, every alternative alone.

What comes out is left open: a machine that filled it in would only say again what the pack says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

from states.calendar import legal_day
from states.cases.judge import Case, instant, pairs, satisfying
from states.cases.model_calendar import MODEL_CALENDAR
from states.cases.shelf import Shelf
from states.cases.table import CASES, UNSIGNED, CaseError
from states.definition import Check, Definition, Requirement
from states.judged import facts_text
from states.rules.ground import months_later
from states.vocabulary import DATA_FACTS, STATUSES
from states.windows import windows_in

_WORDS: Final = {True: "是", False: "否", None: "空"}
_FIRST_GRADE: Final = {"primary": 4, "junior": 8, "senior": 11}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A row in the making: what differs from 典型."""

    name: str
    day: str = ""
    ground: str | None = None
    grade: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    papers: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    event: str = ""

    def named(
        self, name: str, data: Mapping[str, Any] | None = None, fields: Mapping[str, Any] | None = None, **more: str
    ) -> Sketch:
        """The same with another name, its data and fields joined to what is there."""
        joined: dict[str, Any] = {**more, "data": {**self.data, **(data or {})}}
        return replace(self, name=f"{self.name} {name}", fields={**self.fields, **(fields or {})}, **joined)


def proposals(shelf: Shelf, file: str) -> list[dict[str, str]]:
    """Rows of 情形 that are not there yet, each with 规则 `？`. Raises `CaseError` where there is no row 典型."""
    rows = shelf.rows(file)
    if not rows:
        raise CaseError("there is no row 典型 to start from")
    definition = shelf.definition(file)
    seen = {key for case in rows if (key := _key(shelf, file, case))}
    names = {case.cells[CASES] for case in rows}
    found = []
    for sketch in _sketches(definition, rows[0]):
        row = _row(sketch, rows[0])
        whole = {column: cell or (rows[0].cells[column] if column not in ("规则", "何时") else "") for column, cell in
                 row.items()}  # fmt: skip
        key = _key(shelf, file, Case(definition.pack, 0, whole))
        if key and key not in seen and row[CASES] not in names:
            seen.add(key)
            names.add(row[CASES])
            found.append({**row, "规则": UNSIGNED})
    return found


def _key(shelf: Shelf, file: str, case: Case) -> tuple[str, ...] | None:
    """What a row asks, None where it cannot be asked: rows that ask the same are one."""
    try:
        asked = shelf.judged(case, file)
    except (CaseError, LookupError, ValueError):
        return None
    return facts_text(asked.facts), asked.event, asked.plan.definition.pack, asked.plan.origin.pack


def _row(sketch: Sketch, typical: Case) -> dict[str, str]:
    cells = dict.fromkeys(typical.cells, "")
    given = pairs(typical.cells["事实"])
    other = sketch.ground is not None and sketch.ground != typical.cells["理由"]
    data = {**({} if other else given), **sketch.data}
    fields = {**pairs(typical.cells["其他"]), **sketch.fields}
    cells |= {CASES: sketch.name, "时间": sketch.day, "年级": sketch.grade, "材料": sketch.papers, "事件": sketch.event}
    cells["理由"] = sketch.ground or "" if other else ""
    if data != given:
        cells["事实"] = _paired({name: one for name, one in data.items() if one is not None}) or "无"
    if sketch.fields:
        cells["其他"] = _paired(fields)
    return cells


def _paired(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}={_WORDS.get(one, one) if isinstance(one, bool | None) else one}"
                     for name, one in values.items())  # fmt: skip


def _sketches(definition: Definition, typical: Case) -> Iterator[Sketch]:
    today = instant(typical.cells["时间"]).date()
    for check in definition.checks:
        if check.cite.pack == definition.pack:
            start = _setting(definition, check.id, check.when, today)
            start = replace(start, event=_event(check))
            yield start
            yield from _EDGES.get(check.does, _nothing)(start, check, today)
            for waiver in check.except_:
                yield _met(start.named(waiver.cite.rule), waiver.when)
    for need in definition.requirements:
        if need.cite.pack == definition.pack and not need.optional:
            yield from _papers(_setting(definition, need.cite.rule, need.when, today), need)
    yield from _days(definition)


def _event(check: Check) -> str:
    event = "submit" if "submit" in check.on else check.on[0]
    return f"{event}@{check.at[0]}" if check.at else event


def _setting(definition: Definition, name: str, when: Mapping[str, tuple[Any, ...]], today: date) -> Sketch:
    """A row in which a condition holds, and all else that its ground asks."""
    ground = when.get("ground", (None,))[0]
    return _met(Sketch(name, ground=ground, data=_passing(definition, ground, today) if ground else {}), when)


def _met(sketch: Sketch, when: Mapping[str, tuple[Any, ...]]) -> Sketch:
    patch = satisfying(when)
    data = {fact[5:]: one for fact, one in patch.items() if fact.startswith("data.")}
    rest = {fact: one for fact, one in patch.items() if not fact.startswith("data.") and fact != "ground"}
    return replace(sketch, data={**sketch.data, **data}, fields={**sketch.fields, **rest})


def _passing(definition: Definition, ground: str, today: date) -> dict[str, Any]:
    """Facts with which the checks of a ground are content."""
    data: dict[str, Any] = {}
    for check in definition.checks:
        if check.when.get("ground") == (ground,):
            fact = str(check.with_.get("fact"))
            if check.does == "fact_is":
                data[fact] = check.with_["allowed"][0]
            elif check.does in ("months_since", "date_reached"):
                data[fact] = months_later(today, -12 * 3).isoformat()
    return data


# --- Edges ---


def _nothing(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    return iter(())


def _months(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    fact, months = check.with_["fact"], check.with_["at_least"]
    full = months_later(today, -months)
    yield start.named(f"满 {months} 个月当天", data={fact: full.isoformat()})
    yield start.named(f"差一天满 {months} 个月", data={fact: (full + _DAY).isoformat()})
    yield start.named("日期没填", data={fact: None})


def _reached(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    fact = check.with_["fact"]
    yield start.named("当天", data={fact: today.isoformat()})
    yield start.named("前一天", data={fact: (today + _DAY).isoformat()})
    yield start.named("日期没填", data={fact: None})


def _values(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    fact = check.with_["fact"]
    for one in (*DATA_FACTS[fact].values, None):
        yield start.named(f"{fact}={_WORDS.get(one, one) if isinstance(one, bool | None) else one}", data={fact: one})


def _caps(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    for stage, cap in check.with_["cap"].items():
        grade = f"{_FIRST_GRADE[stage]} → {_FIRST_GRADE[stage]}" if stage in _FIRST_GRADE else ""
        for size in (cap - 1, cap):
            yield start.named(f"{stage} {size} 人", grade=grade, fields={"class_size": size})


def _quota(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    for size in (119, 120):
        yield start.named(f"{size} 人，总量 120", fields={"school_size": size, "school_quota": 120})


def _statuses(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    allowed = check.with_["allowed"]
    for status in (*allowed, *(one for one in STATUSES if one not in allowed)):
        yield start.named(f"状态 {status}", fields={"status": status})


def _grades(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    for asked in (3, 5):
        yield start.named(f"4 → {asked}", grade=f"4 → {asked}")


def _graduating(start: Sketch, check: Check, today: date) -> Iterator[Sketch]:
    for key, ends in (("from_day", (-1, 0)), ("to_day", (0, 1))):
        day = date.fromisoformat(f"{today.year}-{check.with_[key]}")
        for step in ends:
            moment = day + step * _DAY
            yield start.named(f"毕业年级 {moment:%m-%d}", day=moment.isoformat(), grade="6 → 6")


_EDGES: Final[dict[str, Callable[[Sketch, Check, date], Iterator[Sketch]]]] = {
    "months_since": _months, "date_reached": _reached, "fact_is": _values, "fact_given": _values,
    "class_has_place": _caps, "school_has_place": _quota, "student_has_status": _statuses, "same_grade": _grades,
    "grade_not_above": _grades, "graduating_freeze": _graduating,
}  # fmt: skip


def _papers(start: Sketch, need: Requirement) -> Iterator[Sketch]:
    """Without each paper, with each alternative alone, and each alternative without one of its papers."""
    at = "" if need.at == "draft" else f"@{need.at}"
    start = replace(start, event=f"approve{at}")
    first = need.any_of[0]
    gone = [f"-{kind}" for kind in first]
    for kind in first:
        yield start.named(f"没有 {kind}", papers=f"-{kind}")
    for bundle in need.any_of[1:]:
        yield start.named(f"只有 {'＋'.join(bundle)}", papers=" ".join([*gone, *(f"+{kind}" for kind in bundle)]))
        for left_out in bundle if len(bundle) > 1 else ():
            kept = [f"+{kind}" for kind in bundle if kind != left_out]
            yield start.named(f"{'＋'.join(bundle)} 缺 {left_out}", papers=" ".join([*gone, *kept]))


def _days(definition: Definition) -> Iterator[Sketch]:
    """The first and the last day of every window and freeze, and the days beside them."""
    for rule in definition.windows:
        for window in windows_in(rule, MODEL_CALENDAR, 2027):
            last = legal_day(window.closes) - _DAY
            yield from _beside(rule.id, legal_day(window.opens), last)
    for freeze in definition.freezes:
        first, last = (date.fromisoformat(f"2027-{day}") for day in (freeze.first, freeze.last))
        yield from _beside(freeze.id, first, last)


def _beside(rule: str, first: date, last: date) -> Iterator[Sketch]:
    for day in (first - _DAY, first, last, last + _DAY):
        yield Sketch(f"{rule} {day}", day=f"{day}", event="submit")
