"""Facts of the record that are asked once, before submit (学籍事实): the planned end of an absence, the stage, shares.

They stand in no column of a stored request: what is judged at submit alone is read with the draft, so that the one
read of every transition stays as cheap as it is.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from states.calendar import day_opens, school_year
from states.kinds import KINDS
from workflow_service.models import Enrolment, PlaceHold, RegisterEntry, Request, SchoolClass
from workflow_service.models.columns import to_micros
from workflow_service.routing import choose_class

Row = dict[str, Any]
RETURNING = ("resumption", "suspension_extension", "return_from_abroad")
AWAY = ("suspension", "halt", "retention", "abroad", "away")


def until_submit(connection: Connection, row: Row, on: date) -> Row:
    """What the checks of this kind ask at submit besides the gathered row; {} for most kinds.

    `away_until` (X-07), `stage_since` (X-02), `grade_size` and `grade_repeats` (X-03); `sibling` with its class.
    """
    if KINDS[row["kind"]].place and row["data"].get("sibling_request"):
        return _sibling(connection, row, on)
    if row["student_id"] is None:
        return {}
    if row["kind"] in RETURNING:
        return {"away_until": _away_until(connection, row["student_id"])}
    if row["kind"] == "skip_grade":
        return {"stage_since": _stage_since(connection, row["student_id"], row["stage"])}
    if row["kind"] == "repeat_grade":
        return _share(connection, row, on)
    return {}


def _sibling(connection: Connection, row: Row, on: date) -> Row:
    """The linked request of a brother or sister at the same school, and how full class and stage are that it waits for.

    A request of another school is as unknown as one that there is not.
    """
    found = connection.execute(
        select(Request.id, Request.grade, Request.state, Request.final, Request.data, PlaceHold.class_id)
        .outerjoin(PlaceHold, (PlaceHold.request_id == Request.id) & PlaceHold.released_at.is_(None))
        .where(Request.number == row["data"]["sibling_request"].strip().upper(), Request.id != row["id"],
               Request.destination_school_id == row["destination_school_id"],
               Request.applicant_id == row["applicant_id"])).one_or_none()  # fmt: skip
    if found is None or (found.final and found.state != "completed"):
        return {"sibling": "unknown"}
    if found.final or found.class_id is not None:
        return {"sibling": "seated"}
    named = found.data.get("class_name")
    chosen = choose_class(connection, row["destination_school_id"], found.grade, on, named=named)
    if chosen is None:
        return {"sibling": "waiting"}
    size = chosen.attending + chosen.held + (chosen.id == row["class_id"])
    in_stage = chosen.stage_attending + chosen.stage_held + (chosen.stage == row["class_stage"])
    return {"sibling": "waiting", "sibling_stage": chosen.stage, "sibling_class_size": size,
            "sibling_school_size": in_stage, "sibling_school_quota": chosen.quota}  # fmt: skip


def _away_until(connection: Connection, student_id: int) -> date | None:
    """The end that was planned for the newest absence that still lasts."""
    found = connection.execute(
        select(RegisterEntry.data).where(RegisterEntry.student_id == student_id, RegisterEntry.ended_at.is_(None),
                                         RegisterEntry.section.in_(AWAY))
        .order_by(RegisterEntry.valid_from.desc()).limit(1)).scalar()  # fmt: skip
    until = (found or {}).get("until")
    return date.fromisoformat(until) if until else None


def _stage_since(connection: Connection, student_id: int, stage: str | None) -> date | None:
    return connection.execute(
        select(func.min(Enrolment.valid_from)).where(Enrolment.student_id == student_id, Enrolment.stage == stage)
    ).scalar()


def _share(connection: Connection, row: Row, on: date) -> Row:
    """How many pupils the student's grade has in this school, and how many of that grade repeat in this school year.

    A request in progress counts as well, or two would each be the last one that fits.
    """
    school, year = row["enrolled_school_id"], school_year(on)
    present = SchoolClass.first_grade - SchoolClass.entered_year
    here = (row["first_grade"] or 0) - (row["entered_year"] or 0)
    size = connection.execute(
        select(func.coalesce(func.sum(SchoolClass.attending), 0)).where(SchoolClass.school_id == school,
                                                                        present == here)).scalar_one()  # fmt: skip
    grade = here + year
    repeats = connection.execute(
        select(func.count()).select_from(Request).where(
            Request.kind == "repeat_grade", Request.destination_school_id == school, Request.grade == grade - 1,
            Request.state.not_in(("draft", "rejected", "recalled", "expired")), Request.student_id != row["student_id"],
            Request.created_at >= to_micros(day_opens(date(year, 8, 11))))).scalar_one()  # fmt: skip
    return {"grade_size": int(size), "grade_repeats": int(repeats)}
