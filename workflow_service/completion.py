"""What a completed request does (办结的效力): status, enrolment, places, dated entries, and its kind's own effect.

`states.kinds` says what; this works out the rows for one request; `workflow_service.sql.transition` writes them in the
statement that moves the request, so that a request is never complete without its effect, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from states.kinds import KINDS, status_after
from states.student_status import STATUSES
from workflow_service.history import Trail
from workflow_service.models.columns import dumps
from workflow_service.photographs import PHOTO, with_photograph
from workflow_service.sql import Write

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from states.facts import Facts
    from workflow_service.actors import Actor
    from workflow_service.facts import Row
    from workflow_service.service import Service


class Shape(NamedTuple):
    """Which writes a completion consists of; one composed statement is kept for each shape."""

    student: tuple[str, ...] | None = None  # columns of the student that change; None: the student is left alone
    fills: bool = False  # counts in the request's class and stage change
    leaves_class: bool = False
    leaves_stage: bool = False
    frees: bool = False  # a held place is used up
    ends: bool = False
    starts: bool = False
    opens: bool = False
    closes: int = 0
    extra: tuple[Write, ...] = ()
    guards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """What a kind does beyond status, enrolment and entries.

    `columns`: columns of the student's row; `writes` with `values`: further rows; `details`: for the student's trail,
    no personal data; `entry`: for the dated entry that it opens. `status`, `enrolment` and `place` take the place of
    what the table of kinds says: `place` names class_id, class_stage and destination_school_id; `ended_on` the day on
    which the present enrolment ends, where that is not the effective day; `effective` the day from which it counts,
    where a rule and not the school says so.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)
    status: str | None = None
    enrolment: str | None = None
    place: Mapping[str, Any] = field(default_factory=dict)
    guards: tuple[tuple[str, str], ...] = ()  # ("table alias", condition): further rows that it stands on, locked
    ended_on: date | None = None
    effective: date | None = None


COUNTS_FROM = {
    "enrolment": "entered_on", "omitted_pupil_entry": "entered_on", "missing_record_creation": "attends_since",
    "stage_promotion": "entered_on", "transfer_from_outside": "arrived_on",
    "transfer_to_outside": "other_side_received_on",
}  # fmt: skip
"""The fact whose day a kind counts from where no other is given: the day of reception, not of the entry (NJ-14)."""


@dataclass(frozen=True, slots=True)
class Completing:
    """A request about to be completed, as effects see it. `at`: legal time, microseconds."""

    service: Service
    row: Row
    facts: Facts
    actor: Actor | None
    at: int
    given: Mapping[str, Any]  # facts that came with the last event

    @property
    def data(self) -> dict[str, Any]:
        """The request's facts with those that came with the event, as stored."""
        return {**self.row["data"], **self.given}

    @property
    def effective(self) -> date:
        """The day from which it counts (生效日期): the one given, else the legal day."""
        given = self.data.get("effective_on") or self.data.get(COUNTS_FROM.get(self.row["kind"], ""))
        return date.fromisoformat(given) if given else self.facts.today


EffectOf = Callable[[Completing], Effect]
EFFECTS: dict[str, EffectOf] = {}
"""Kinds with an effect of their own; all others are described by `states.kinds` entirely."""


AFTERWARDS: dict[str, Callable[[Service, Row, Actor | None], object]] = {}
"""What follows a completion in transactions of its own, and is found again by what is left undone: closing requests."""

FOLLOW_UPS: dict[str, Callable[[Connection, Service, Row, Actor | None], object]] = {}
"""What follows a completion in one transaction of its own: doubles looked for anew, marks set and taken away.

What is left undone could not be told from the rows later, so the completion itself writes that it is due; whoever does
it takes that row away in the same transaction (`workflow_service.following`): it is done once, and never forgotten.
"""

DUE = Write("due_follow_up", "INSERT INTO follow_up (request_id, due_at) SELECT :id, :recorded_at{drawn}")


def effect(*kinds: str) -> Callable[[EffectOf], EffectOf]:
    """Register what the completion of these kinds does beyond the table of kinds."""

    def register(function: EffectOf) -> EffectOf:
        for kind in kinds:
            if kind in EFFECTS or kind not in KINDS:
                raise ValueError(f"{kind} has an effect already, or is no kind")
            EFFECTS[kind] = function
        return function

    return register


def complete(completing: Completing) -> tuple[Shape, dict[str, Any]]:
    """The writes of a completion and their parameters, beside those of every transition."""
    row, kind = completing.row, KINDS[completing.row["kind"]]
    own = EFFECTS[row["kind"]](completing) if row["kind"] in EFFECTS else Effect()
    extra = (*own.writes, DUE) if row["kind"] in FOLLOW_UPS else own.writes
    if kind.subject != "student":
        return Shape(extra=extra, guards=own.guards), {"effective": _bound(completing), **own.values}
    if PHOTO in completing.facts.documents:
        own = with_photograph(completing, own)
    after = own.status or status_after(row["kind"], row["ground"], row["status"])
    assert after is not None  # The packs' `status_allows` refused it otherwise.
    if own.effective:
        completing = replace(completing, given={**completing.given, "effective_on": own.effective.isoformat()})
    if own.place:
        completing = replace(completing, row={**row, **own.place})
    enrolment = own.enrolment or kind.enrolment
    places, values = _places(completing, after, enrolment)
    values["ended_on"] = _bound(completing, own.ended_on)
    columns = {**own.columns, **({"status": after} if after != row["status"] else {})}
    opens = kind.opens if kind.undone_by is None or row["ground"] != kind.undone_by else None
    touched = bool(columns or own.details or enrolment != "keep" or kind.events is not None)
    shape = places._replace(
        student=tuple(sorted(columns)) if touched else None, opens=opens is not None, closes=len(kind.closes),
        extra=extra, guards=own.guards,
    )  # fmt: skip
    values |= _entry(completing, opens, kind.closes, own.entry) | dict(own.values)
    if touched:
        values |= _student(completing, after, columns, places, own.details)
    return shape, values


def _places(completing: Completing, after: str, enrolment: str) -> tuple[Shape, dict[str, Any]]:
    """Enrolment and places: who sat in a class before, who does afterwards, and where."""
    row = completing.row
    enrolled = row["enrolment_id"] is not None
    sat = enrolled and STATUSES[row["status"]].in_school
    moves = enrolment == "enter" and row["class_id"] != row["enrolled_class_id"]
    ends = enrolled and (enrolment == "end" or moves)
    sits = STATUSES[after].in_school and (enrolment == "enter" or (enrolled and enrolment == "keep"))
    if enrolment == "keep":
        row = {**row, "class_id": row["enrolled_class_id"], "class_stage": row["stage"],
               "destination_school_id": row["enrolled_school_id"]}  # fmt: skip
    same_class = row["class_id"] == row["enrolled_class_id"]
    same_stage = (row["destination_school_id"], row["class_stage"]) == (row["enrolled_school_id"], row["stage"])
    held = -1 if row["holds_place"] and not KINDS[row["kind"]].stays_held else 0
    values: dict[str, Any] = {
        "class_id": row["class_id"], "class_stage": row["class_stage"], "class_held": held,
        "destination_school_id": row["destination_school_id"], "place_outcome": "moved",
        "class_attending": int(sits) - (int(sat) if same_class else 0), "stage_held": held,
        "stage_attending": int(sits) - (int(sat) if same_stage else 0), "enrolled_class_id": row["enrolled_class_id"],
        "enrolled_school_id": row["enrolled_school_id"], "stage": row["stage"], "effective": _bound(completing),
        "enrolment_id": row["enrolment_id"], "new_enrolment_id": completing.service.ids.new(row["bucket"]),
        "event_reason": row["kind"],
    }  # fmt: skip
    shape = Shape(
        fills=bool(held or sits or (sat and (same_class or same_stage))),
        leaves_class=sat and not same_class,
        leaves_stage=sat and not same_stage,
        frees=bool(held),
        ends=ends,
        starts=enrolment == "enter" and (moves or not enrolled),
    )
    return shape, values


def _bound(completing: Completing, day: date | None = None) -> date | str:
    """A day as the driver takes it: the effective one, unless another is given."""
    day = day or completing.effective
    return day.isoformat() if completing.service.engine.dialect.name == "sqlite" else day


def _entry(
    completing: Completing, opens: str | None, closes: tuple[str, ...], found: Mapping[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any] = {f"close_{index}": section for index, section in enumerate(closes)}
    if opens is not None:
        row = completing.row
        values |= {
            "entry_id": completing.service.ids.new(row["bucket"]), "entry_section": opens,
            "entry_school_id": row["destination_school_id"], "entry_data": dumps({**completing.data, **found}),
        }  # fmt: skip
    return values


def _student(
    completing: Completing, after: str, columns: Mapping[str, Any], places: Shape, details: Mapping[str, Any]
) -> dict[str, Any]:
    """The student's own row and trail."""
    row = completing.row
    told: dict[str, Any] = {"status": after, **details}
    if places.starts:
        told |= {"school": str(row["destination_school_id"]), "class": str(row["class_id"]),
                 "stage": row["class_stage"]}  # fmt: skip
    told |= {"from": completing.effective.isoformat(), "request": str(row["id"])}
    trail = Trail(row["student_id"], row["student_version"], row["student_chain"])
    event = "transferred" if row["kind"] == "transfer" else row["kind"]
    payload, chain = trail.link(event, row["status"], after, completing.at, completing.actor, told)
    return {
        **{f"student_{column}": value for column, value in columns.items()}, "status": row["status"],
        "status_after": after, "student_event": event, "new_student_version": row["student_version"] + 1,
        "student_history_id": completing.service.ids.new(row["bucket"]), "student_payload": payload,
        "new_student_chain": chain,
    }  # fmt: skip
