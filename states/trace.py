"""Every rule of one event with its answer (逐条说明): what it looked at, and why those that were not asked were not.

`explain` gives the reasons; this gives the rest as well, for whoever doubts an answer. The same rows and functions are
asked; what a rule saw is recorded by the facts themselves, so that the record cannot say anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, Literal

from states.calendar import due_instant
from states.decide import COMING_IN
from states.definition import Citation
from states.facts import Facts
from states.plan import Bound, Cell, Plan, fits
from states.verdict import Cure, No, Reason
from states.windows import judge

Answer = Literal["yes", "no", "pending", "waived", "not_applicable", "not_yet"]
ANSWERS: Final[dict[Answer, tuple[str, str]]] = {
    "yes": ("符合", "holds"),
    "no": ("不符合", "does not hold"),
    "pending": ("待补齐，不影响本步", "still missing; does not stop this"),
    "waived": ("例外，不适用", "excused by an exception"),
    "not_applicable": ("不适用", "does not apply"),
    "not_yet": ("办理时再看", "looked at when the event is sent"),
}
_FIELDS: Final = frozenset(f.name for f in fields(Facts)) - {"calendar", "data"}


@dataclass(frozen=True, slots=True)
class Traced:
    """One rule's answer. `saw`: the facts it looked at, `data.NAME` for those that the school gave."""

    cite: Citation
    answer: Answer
    saw: Mapping[str, Any]
    no: No | None = None
    row: str = ""  # where it stands: nenjiang-k12/check.NJ-07


class _Watched(Facts):
    """Facts that write down what is read of them, into `seen`."""

    seen: dict[str, Any]

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if name in _FIELDS:
            object.__getattribute__(self, "seen")[name] = value
        return value


class _WatchedData(dict[str, Any]):
    """The facts of `data`, which write down what is asked of them, given or not."""

    def __init__(self, given: Mapping[str, Any], seen: dict[str, Any]) -> None:
        super().__init__(given)
        self._seen = seen

    def get(self, key: str, default: Any = None) -> Any:
        self._seen[f"data.{key}"] = value = super().get(key, default)
        return value


def trace(cell: Cell, facts: Facts, sent: bool = False) -> list[Traced]:
    """Every rule of the cell, asked or not, in the order of the packs.

    `sent`: the event is on its way, with a reason or without one; otherwise `facts.reason` None means that it is not.
    """
    return [_traced(cell, bound, facts, sent or facts.reason is not None) for bound in cell.checks]


def _traced(cell: Cell, bound: Bound, facts: Facts, sent: bool) -> Traced:
    seen: dict[str, Any] = {}
    values = {f.name: getattr(facts, f.name) for f in fields(Facts)}
    watched = _Watched(**{**values, "data": _WatchedData(facts.data, seen)})
    watched.seen = seen
    no = None
    if bound.when and not fits(bound.when, watched):
        answer: Answer = "not_applicable"
    elif bound.of_the_input and not sent:
        answer = "not_yet"
    elif (no := bound.ask(watched)) is None:
        answer = "yes"
    elif any(fits(waiver, watched) for waiver in bound.waivers):
        answer, no = "waived", None
    else:
        answer = "pending" if no.pending and cell.event in COMING_IN else "no"
    return Traced(bound.cite, answer, seen, no, bound.row)


def dated(plan: Plan, facts: Facts, reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The reasons with a last instant for everything that is to be done; what only waits has its own first one."""
    reasons = tuple(reasons)
    if not reasons:
        return ()
    until = helps_until(plan, facts)
    if until is None:
        return reasons
    return tuple(
        Reason(cite, replace(no, cures=tuple(_dated(cure, until) for cure in no.cures))) for cite, no in reasons
    )


def _dated(cure: Cure, until: datetime) -> Cure:
    return cure if cure.until or cure.do == "wait" else replace(cure, until=until)


def helps_until(plan: Plan, facts: Facts) -> datetime | None:
    """The last instant at which what is supplied or corrected still helps, None where nothing presses (补办截止).

    For a draft the close of the window that is open, else of the next one; for everything else the end of its clock.
    """
    if facts.state != "draft":
        return facts.ends_at or (due_instant(facts.clock.due) if facts.clock else None)
    if not plan.definition.windows:
        return facts.ends_at
    found = judge(plan.definition.windows, facts.calendar, facts.now, plan.definition.freezes, facts.scope)
    window = found.open or found.next
    return min((end for end in (window.closes if window else None, facts.ends_at) if end), default=None)
