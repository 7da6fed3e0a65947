"""What attendance requests do beyond the table of kinds (在校与离校的效力): guests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from states.kinds import KINDS
from workflow_service.closing import ENDING, close_after
from workflow_service.completion import AFTERWARDS, Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.models import PlaceHold, RegisterEntry, SchoolClass
from workflow_service.sql import Write

GUEST_ROW = Write(
    "guest_row",
    """
UPDATE place_hold SET released_at = :at, outcome = 'released' WHERE request_id = :guest_request
    AND released_at IS NULL{moved}""",
)
GUEST_CLASS = Write("guest_class", "UPDATE school_class SET held = held - 1 WHERE id = :guest_class{moved}")
GUEST_STAGE = Write(
    "guest_stage",
    """
UPDATE school_stage SET held = held - 1 WHERE school_id = :guest_school AND stage = :guest_stage{moved}""",
)


@effect("guest_attendance")
def guest(completing: Completing) -> Effect:
    """A guest sits in the host's class and keeps one enrolment; ending it gives the place back.

    The student's version is named by the statement, so that a guest whose time runs out meanwhile is not ended twice.
    """
    if completing.row["ground"] != KINDS["guest_attendance"].undone_by:
        return Effect(details={"host": str(completing.row["destination_school_id"])})
    held = held_by_guest(completing)
    told = {"guest": "ended"}
    if held is None:
        return Effect(details=told)
    return Effect(details=told, writes=(GUEST_ROW, GUEST_CLASS, GUEST_STAGE), values=held)


def held_by_guest(completing: Completing) -> dict[str, Any] | None:
    """The place that a guest's lasting entry holds, as parameters; None where guests do not count."""
    with reading(completing.service.engine) as connection:
        found = connection.execute(
            select(PlaceHold.request_id, SchoolClass.id, SchoolClass.school_id, SchoolClass.stage)
            .join(RegisterEntry, RegisterEntry.request_id == PlaceHold.request_id)
            .join(SchoolClass, SchoolClass.id == PlaceHold.class_id)
            .where(RegisterEntry.student_id == completing.row["student_id"], RegisterEntry.section == "guest",
                   RegisterEntry.ended_at.is_(None), PlaceHold.released_at.is_(None))).first()  # fmt: skip
    if found is None:
        return None
    return {"guest_request": found[0], "guest_class": found[1], "guest_school": found[2], "guest_stage": found[3]}


AFTERWARDS.update(dict.fromkeys(ENDING, close_after))
