"""What attendance requests do beyond the table of kinds (在校与离校的效力): guests."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, select

from states.kinds import KINDS
from workflow_service.closing import ENDING, close_after
from workflow_service.completion import AFTERWARDS, Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.models import PlaceHold, RegisterEntry, SchoolClass
from workflow_service.sql import Write

_GUEST_CLASS = Write("guest_class", "UPDATE school_class SET held = held + :guest_more WHERE id = :guest_class{moved}")
_GUEST_STAGE = Write(
    "guest_stage",
    """
UPDATE school_stage SET held = held + :guest_more WHERE school_id = :guest_school AND stage = :guest_stage{moved}""",
)
_GIVEN_BACK = Write(
    "guest_row",
    """
UPDATE place_hold SET released_at = :at, outcome = 'released' WHERE request_id = :guest_request
    AND released_at IS NULL{moved}""",
)
_TAKEN_AGAIN = Write(
    "guest_row",
    """
UPDATE place_hold SET released_at = NULL, outcome = NULL WHERE request_id = :guest_request
    AND released_at IS NOT NULL{moved}""",
)


@effect("guest_attendance")
def guest(completing: Completing) -> Effect:
    """A guest sits in the host's class and keeps one enrolment; ending it gives the place back.

    The student's version is named by the statement, so that a guest whose time runs out meanwhile is not ended twice.
    """
    if completing.row["ground"] != KINDS["guest_attendance"].undone_by:
        return Effect(details={"host": str(completing.row["destination_school_id"])})
    with reading(completing.service.engine) as connection:
        ended = guest_place_given_back(connection, _lasting(completing))
    return replace(ended, details={"guest": "ended"})


def guest_place_given_back(connection: Connection, whose: ColumnElement[bool]) -> Effect:
    """The place that a guest holds is free again; nothing where there is none, for guests need not count."""
    return _moved(connection, -1, _GIVEN_BACK, whose, PlaceHold.released_at.is_(None))


def guest_place_taken_again(connection: Connection, whose: ColumnElement[bool]) -> Effect:
    """The place that a guest gave back is held as before, however full the class is by now: he never left it."""
    return _moved(connection, 1, _TAKEN_AGAIN, whose, PlaceHold.released_at.is_not(None))


def _lasting(completing: Completing) -> ColumnElement[bool]:
    """Places of whatever request opened the guest's lasting entry."""
    opened = select(RegisterEntry.request_id).where(
        RegisterEntry.student_id == completing.row["student_id"], RegisterEntry.section == "guest",
        RegisterEntry.ended_at.is_(None))  # fmt: skip
    return PlaceHold.request_id.in_(opened)


def _moved(connection: Connection, more: int, row: Write, *where: ColumnElement[bool]) -> Effect:
    found = connection.execute(
        select(PlaceHold.request_id, SchoolClass.id, SchoolClass.school_id, SchoolClass.stage)
        .join(SchoolClass, SchoolClass.id == PlaceHold.class_id).where(*where)
    ).first()  # fmt: skip
    if found is None:
        return Effect()
    values = {"guest_request": found[0], "guest_class": found[1], "guest_school": found[2], "guest_stage": found[3]}
    return Effect(writes=(row, _GUEST_CLASS, _GUEST_STAGE), values={**values, "guest_more": more})


AFTERWARDS.update(dict.fromkeys(ENDING, close_after))
