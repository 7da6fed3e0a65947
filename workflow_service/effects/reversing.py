"""What a reversal does (撤销更正的效力): the inverse of one completed request, where nothing was built on it since.

Effective time is corrected: a stretch that should never have been ends on the day it began, and what it had ended goes
on from that day. Recorded time keeps what was known: no row is deleted, the old ones say when they stopped being so.
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from states.kinds import KINDS
from states.rules.school import no_longer
from states.verdict import Reason
from workflow_service.actors import Actor
from workflow_service.before_image import GUARDIAN, KEEP, keeping, kept, student_columns
from workflow_service.completion import FOLLOW_UPS, Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.duplicates import recheck
from workflow_service.duplicates.trail import PROBLEMS, suspect
from workflow_service.effects.attendance import guest_place_given_back, guest_place_taken_again
from workflow_service.effects.guardians import Written, guardian_as_before
from workflow_service.effects.record import FORGET, bound_day
from workflow_service.errors import Blocked
from workflow_service.models import (
    DuplicatePair,
    Enrolment,
    History,
    Organization,
    PlaceHold,
    RegisterEntry,
    RequestDocument,
    Student,
)
from workflow_service.models.columns import dumps
from workflow_service.other_side import other_of, reversed_request
from workflow_service.photographs import PHOTO
from workflow_service.sql import Write

if TYPE_CHECKING:
    from workflow_service.facts import Row
    from workflow_service.service import Service

NEVER_OPENED = Write(
    "never_opened",
    """
UPDATE register_entry SET valid_to = valid_from, ended_at = :at, end_request_id = :id
WHERE student_id = :student_id AND request_id = :reversed_id AND ended_at IS NULL{moved}""",
)
REOPEN_PAIRS = Write(
    "reopened_pairs",
    """
UPDATE duplicate_pair SET state = 'open', outcome = NULL, subject_id = NULL, decided_at = NULL, request_id = :id,
    round = round + 1, version = version + 1 WHERE request_id = :reversed_id AND state = 'decided'{moved}""",
)


def _goes_on(index: int) -> Write:
    """An entry that the reversed request had ended, from the day on which it had ended it."""
    return Write(
        f"goes_on_{index}",
        f"""
INSERT INTO register_entry (id, bucket, student_id, section, school_id, valid_from, recorded_at, request_id, data)
SELECT :entry_{index}_id, :bucket, :student_id, :entry_{index}_section, :entry_{index}_school, :entry_{index}_from, :at,
    :entry_{index}_request, :entry_{index}_data{{drawn}}""",
    )


@effect("reversal")
def reversed_(completing: Completing) -> Effect:
    """The status, class, entries and data as they were before the request that is named (TR-09)."""
    with reading(completing.service.engine) as connection:
        found = reversed_request(connection, {**completing.row, "data": completing.data})
        return _inverse(completing, connection, found)


REJOINED = Write("rejoined", "UPDATE organization SET version = version + 1 WHERE id = :rejoined_id{moved}")
# Whoever is back without taking a place, because he is suspended, is seen by a closing at the same moment all the same.
STILL_WORKS = ("organization w", "w.id = :rejoined_id AND (w.active OR w.successor_id IS NOT NULL)")


def _inverse(completing: Completing, connection: Connection, found: Any) -> Effect:
    trail = _trail(connection, completing.row["student_id"], found.id)
    place = _place(completing, connection, found.id)
    columns, writes, values = _data(completing, connection, found.id)
    entries, entry_values = _entries(completing, connection, found.id)
    seat = _seat(completing, connection, found)
    guards: tuple[tuple[str, str], ...] = ()
    if "place" in place:
        school_id = place["place"]["destination_school_id"]
        _check_works(completing, connection, school_id)
        guards, writes, values = (STILL_WORKS,), (*writes, REJOINED), {**values, "rejoined_id": school_id}
    details: dict[str, Any] = {"reverses": found.number, "what": found.kind}
    if "problem_before" in trail["details"]:
        columns["problem"] = trail["details"]["problem_before"]
        details |= {"problem": columns["problem"]}
    return Effect(
        columns=columns,
        writes=(*writes, NEVER_OPENED, REOPEN_PAIRS, *entries, *seat.writes),
        values={**values, **entry_values, **seat.values, "reversed_id": found.id},
        details=details,
        guards=guards,
        status=trail["before"] or completing.row["status"],
        enrolment=place.get("enrolment", "keep"),
        place=place.get("place", {}),
        ended_on=place.get("ended_on"),
        effective=place.get("effective") or trail["effective"],
    )


def _seat(completing: Completing, connection: Connection, found: Any) -> Effect:
    """The place of a guest in the host's class: free again, or held again where it is the return that is undone."""
    if found.kind != "guest_attendance":
        return Effect()
    if found.ground != KINDS[found.kind].undone_by:
        return guest_place_given_back(connection, PlaceHold.request_id == found.id)
    _check_works(completing, connection, found.destination_school_id)
    opened = select(RegisterEntry.request_id).where(RegisterEntry.end_request_id == found.id)
    return guest_place_taken_again(connection, PlaceHold.request_id.in_(opened))


def _check_works(completing: Completing, connection: Connection, school_id: int) -> None:
    """Raises Blocked where the school that the pupil would go back to has closed; from a merged one he goes on."""
    school = connection.execute(
        select(Organization.name, Organization.active, Organization.successor_id).where(Organization.id == school_id)
    ).one()
    if school.active or school.successor_id is not None:
        return
    checks = completing.service.packs.definition(completing.row["pack_id"]).checks
    cite = next((check.cite for check in checks if check.does == "school_works"), None)
    no = no_longer(school.name, None)
    raise Blocked(f"{no.message} / {no.message_en}", (Reason(cite, no),) if cite else ())


def _trail(connection: Connection, student_id: int, request_id: int) -> dict[str, Any]:
    """What the reversed request wrote into the trail: its effective day, its details, and the status before it.

    None where it left the status alone: another request may have changed it since.
    """
    mine = History.object_id == student_id, History.object_type == "student"
    by_it = History.payload.contains(f'"request":"{request_id}"', autoescape=True)
    rows = select(History.from_state, History.to_state, History.payload).where(*mine, by_it).order_by(History.seq)
    for row in connection.execute(rows):
        details = json.loads(row.payload)["d"]
        effective = date.fromisoformat(details["from"]) if "from" in details else None
        before = None if row.from_state == row.to_state else row.from_state
        return {"before": before, "effective": effective, "details": details}
    return {"before": None, "effective": None, "details": {}}


def _place(completing: Completing, connection: Connection, request_id: int) -> dict[str, Any]:
    """Which enrolment ends and which goes on, and from which day; {} where the request touched none."""
    mine = select(Enrolment.__table__).where(Enrolment.student_id == completing.row["student_id"])
    started = connection.execute(mine.where(Enrolment.start_request_id == request_id)).first()
    # What was done since and reversed has split the stretch: the last part of it is the one that is in force.
    current = connection.execute(mine.where(Enrolment.ended_at.is_(None))).one_or_none()
    ended = connection.execute(
        mine.where(Enrolment.end_request_id == request_id).order_by(Enrolment.recorded_at.desc()).limit(1)
    ).one_or_none()
    found: dict[str, Any] = {}
    if started is not None and current is not None:
        found |= {"enrolment": "end", "ended_on": _day(current.valid_from), "effective": _day(started.valid_from)}
    if ended is not None:
        found |= {
            "enrolment": "enter", "effective": _day(ended.valid_to),
            "place": {"class_id": ended.class_id, "class_stage": ended.stage, "destination_school_id": ended.school_id},
        }  # fmt: skip
    return found


def _data(
    completing: Completing, connection: Connection, request_id: int
) -> tuple[dict[str, Any], tuple[Write, ...], dict[str, Any]]:
    """The data as they were before the request, with what they are now kept in turn.

    A number stays (NUM-02), and so does a photograph that another request brought.
    """
    before = kept(completing, connection, request_id)
    if not before:
        return {}, (), {}
    row = before.pop(GUARDIAN, None)
    guardian = Written() if row is None else guardian_as_before(connection, row)
    now = student_columns(connection, completing.row["student_id"], tuple(before))
    if "profile" in before:
        before["profile"] = _profile(connection, json.loads(before["profile"]), now["profile"], request_id)
    if "birth_date" in before:
        before["birth_date"] = bound_day(completing, before["birth_date"])
    # Who is compared by other data is compared anew; whoever is not would be nobody's double until the next change.
    forgotten = (FORGET,) if "name" in before else ()
    values = {**keeping(completing, now, guardian.before), **guardian.values}
    return before, (KEEP, *forgotten, *guardian.writes), values


def _profile(connection: Connection, before: dict[str, Any], now: dict[str, Any], request_id: int) -> str:
    its_own = select(RequestDocument.id).where(
        RequestDocument.request_id == request_id, RequestDocument.kind == PHOTO,
        RequestDocument.sha256 == now.get(PHOTO)).limit(1)  # fmt: skip
    if PHOTO in now and connection.execute(its_own).first() is None:
        before[PHOTO] = now[PHOTO]
    return dumps(before)


def _entries(
    completing: Completing, connection: Connection, request_id: int
) -> tuple[tuple[Write, ...], dict[str, Any]]:
    """Entries that the request had ended go on; those that it corrected are as they were."""
    rows = connection.execute(
        select(RegisterEntry.__table__).where(
            RegisterEntry.student_id == completing.row["student_id"], RegisterEntry.end_request_id == request_id)
        .order_by(RegisterEntry.id)).all()  # fmt: skip
    writes: list[Write] = []
    values: dict[str, Any] = {}
    for index, row in enumerate(rows):
        writes.append(_goes_on(index))
        values |= {
            f"entry_{index}_id": completing.service.ids.new(completing.row["bucket"]),
            f"entry_{index}_section": row.section, f"entry_{index}_school": row.school_id,
            f"entry_{index}_from": bound_day(completing, row.valid_to), f"entry_{index}_request": row.request_id,
            f"entry_{index}_data": dumps(row.data),
        }  # fmt: skip
    return tuple(writes), values


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _again(connection: Connection, service: Service, row: Row, actor: Actor | None) -> None:
    """Doubles anew: the data are other ones, or a record stands again; pairs that were settled by it are open."""
    reopened = select(DuplicatePair.__table__).where(
        DuplicatePair.request_id == row["id"], DuplicatePair.state == "open"
    )
    for pair in connection.execute(reopened).all():
        other = other_of(pair, row["student_id"])
        now = connection.execute(select(Student.problem).where(Student.id == other)).scalar()
        if now not in PROBLEMS.values():
            suspect(connection, service, other, {pair.id: pair.kind}, actor)
    found = reversed_request(connection, row)
    if found is not None and found.kind in ("key_data_change", "problem_record"):
        recheck(connection, service, row["student_id"], actor, row["id"])


FOLLOW_UPS["reversal"] = _again
