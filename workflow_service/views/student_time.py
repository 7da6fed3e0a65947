"""Students in time (任一日的学籍): who was enrolled on a day, where, with which status; as known then and as known now.

Two clocks: the effective day on which something counts, and the legal instant at which it was recorded. `known` cuts
the second one: what was recorded after that day, to its end, is not looked at, ends and corrections among it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select
from sqlalchemy.orm import aliased

from states.calendar import day_opens, grade_of, school_year
from states.student_status import STATUSES
from workflow_service.actors import Actor
from workflow_service.boxes import below, student_matches
from workflow_service.crypto import mask_number
from workflow_service.db import reading
from workflow_service.models import Enrolment, History, Organization, SchoolClass, Student
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.service import Service

NEVER = 2**62
"""A recorded instant after all others: everything is known."""


@dataclass(frozen=True, slots=True)
class OnDay:
    """Who is asked for on a day: `school_id`, `stage` and `grade` (1 to 12, on that day) None do not restrict."""

    as_of: date
    known: date | None = None
    q: str | None = None
    school_id: int | None = None
    stage: str | None = None
    grade: int | None = None


def student_history(
    service: Service, student_id: int, as_of: date | None = None, known: date | None = None
) -> list[dict[str, Any]]:
    """Every stretch of time with one status, school and class, oldest first; with `as_of` the one of that day.

    `known`: as it was recorded up to the end of that day; None is as known now.
    """
    before = _before(known)
    with reading(service.engine) as connection:
        enrolments = _enrolments(connection, student_id, before)
        statuses = _timelines(connection, [student_id], before).get(student_id, [])
    if not statuses:
        return []
    began = [statuses[0]["first"], *(place["from"] for place in enrolments), *(s["from"] for s in statuses[1:])]
    statuses[0]["from"] = min(began)
    borders = {row["from"] for row in statuses} | {place["from"] for place in enrolments}
    days = sorted(borders | {place["to"] for place in enrolments if place["to"]})
    spans = zip(days, [*days[1:], None], strict=True)
    stretches = [_stretch(start, end, enrolments, statuses) for start, end in spans]
    if as_of is not None:
        day = as_of.isoformat()
        stretches = [s for s in stretches if s["from"] <= day and (s["to"] is None or day < s["to"])]
    return stretches


def students_on(
    service: Service, actor: Actor, wanted: OnDay, limit: int, after: int = 0
) -> tuple[list[dict[str, Any]], int | None]:
    """The students enrolled on a day in the schools in scope, by id; the id to go on after, None at the end."""
    query = _enrolled(service, actor, wanted).where(Student.id > after).order_by(Student.id).limit(limit + 1)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        statuses = _timelines(connection, [row.id for row in rows[:limit]], _before(wanted.known))
    shown = [_on_day(service, row, wanted.as_of, statuses.get(row.id, [])) for row in rows[:limit]]
    return shown, rows[limit - 1].id if len(rows) > limit else None


def _before(known: date | None) -> int:
    """The first recorded instant that is not known, microseconds."""
    return NEVER if known is None else to_micros(day_opens(known + timedelta(days=1)))


# --- One student ---


def _enrolments(connection: Connection, student_id: int, before: int) -> list[dict[str, Any]]:
    query = (
        select(Enrolment.valid_from, Enrolment.valid_to, Enrolment.ended_at, Enrolment.stage, Enrolment.start_reason,
               Enrolment.end_reason, Enrolment.start_request_id, Organization.id.label("school_id"),
               Organization.code.label("school_code"), Organization.name.label("school_name"),
               SchoolClass.name.label("class_name"))
        .join(Organization, Organization.id == Enrolment.school_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Enrolment.student_id == student_id, Enrolment.recorded_at < before)
        .order_by(Enrolment.valid_from, Enrolment.recorded_at)
    )  # fmt: skip
    found = []
    for row in connection.execute(query):
        ended = row.ended_at is not None and row.ended_at < before
        found.append({"row": row, "from": row.valid_from, "to": row.valid_to if ended else None,
                      "end_reason": row.end_reason if ended else None})  # fmt: skip
    return found


def _timelines(connection: Connection, student_ids: Iterable[int], before: int) -> dict[int, list[dict[str, Any]]]:
    """For each student the days on which the status became another one, from the trail.

    What is recorded later holds from its effective day on, whatever was recorded before it for later days. The first
    status holds from ever: the day on which it was imported (`first`) is not the day on which it began.
    """
    query = (
        select(History.object_id, History.at, History.to_state, History.event, History.payload)
        .where(History.object_id.in_(student_ids), History.object_type == "student", History.at < before)
        .order_by(History.object_id, History.seq)
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        details = json.loads(row.payload).get("d", {})
        told = details.get("from")
        day = date.fromisoformat(told) if told else from_micros(row.at).date()
        change = {"from": day, "first": day, "status": row.to_state, "request": details.get("request"),
                  "event": row.event}  # fmt: skip
        line = found.setdefault(row.object_id, [])
        if not line:
            line.append({**change, "from": date.min})
        elif line[-1]["status"] != row.to_state:
            found[row.object_id] = [*(one for one in line if one["from"] < day), change]
    return found


def _stretch(
    start: date, end: date | None, enrolments: list[dict[str, Any]], statuses: list[dict[str, Any]]
) -> dict[str, Any]:
    status = [row for row in statuses if row["from"] <= start][-1]
    there = [e for e in enrolments if e["from"] <= start and (e["to"] is None or start < e["to"])]
    place = there[-1]["row"] if there else None
    began = place if place and place.valid_from == start else None
    request = began.start_request_id if began else status["request"]
    return {
        "from": start.isoformat(), "to": None if end is None else end.isoformat(), **_status(status["status"]),
        "school": None if place is None else _school(place), "class": place.class_name if place else None,
        "stage": place.stage if place else None, "reason": place.start_reason if place else None,
        "event": began.start_reason if began else status["event"],
        "end_reason": there[-1]["end_reason"] if there else None,
        "request_id": None if request is None else str(request),
    }  # fmt: skip


def _status(status: str) -> dict[str, str]:
    return {"status": status, "status_label": STATUSES[status].label if status in STATUSES else status}


def _school(row: Any) -> dict[str, str]:
    return {"id": str(row.school_id), "code": row.school_code, "name": row.school_name}


# --- A school on a day ---


def _enrolled(service: Service, actor: Actor, wanted: OnDay) -> Select[*tuple[Any, ...]]:
    other = aliased(Enrolment)
    later = select(other.id).where(
        other.student_id == Enrolment.student_id, other.id != Enrolment.id, other.valid_from >= Enrolment.valid_from,
        other.recorded_at > Enrolment.recorded_at, *_there(other, wanted))  # fmt: skip
    query: Select[*tuple[Any, ...]] = (
        select(Student.id, Student.name, Student.student_number, Student.version, Enrolment.stage,
               Organization.id.label("school_id"), Organization.code.label("school_code"),
               Organization.name.label("school_name"), SchoolClass.name.label("class_name"), SchoolClass.first_grade,
               SchoolClass.entered_year)
        .join(Enrolment, Enrolment.student_id == Student.id)
        .join(Organization, Organization.id == Enrolment.school_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(below(Organization.path, actor.path), *_there(Enrolment, wanted), ~later.exists())
    )  # fmt: skip
    if wanted.q:
        query = query.where(student_matches(service, wanted.q))
    if wanted.school_id is not None:
        query = query.where(Enrolment.school_id == wanted.school_id)
    if wanted.stage is not None:
        query = query.where(Enrolment.stage == wanted.stage)
    if wanted.grade is not None:
        offset = wanted.grade - school_year(wanted.as_of)
        query = query.where(SchoolClass.first_grade - SchoolClass.entered_year == offset)
    return query


def _there(enrolment: Any, wanted: OnDay) -> tuple[ColumnElement[bool], ...]:
    """An enrolment covers the day, as far as it was recorded: an end that was not known yet did not end it."""
    before = _before(wanted.known)
    still = or_(enrolment.valid_to.is_(None), enrolment.valid_to > wanted.as_of, enrolment.ended_at >= before)
    return enrolment.recorded_at < before, enrolment.valid_from <= wanted.as_of, still


def _on_day(service: Service, row: Any, day: date, statuses: list[dict[str, Any]]) -> dict[str, Any]:
    status = [change for change in statuses if change["from"] <= day][-1]["status"]
    stored = row.student_number
    number = None if stored is None else mask_number(service.cipher.decrypt(stored, "student.student_number"))
    return {
        "id": str(row.id), "name": row.name, "student_number": number,
        **_status(status),
        "school": _school(row), "class": row.class_name, "stage": row.stage,
        "grade": grade_of(row.first_grade, row.entered_year, day), "version": row.version, "as_of": day.isoformat(),
    }  # fmt: skip
