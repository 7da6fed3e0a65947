"""Numbers after the duplicate check of a month's end (查重后编号): L becomes G, or J without an identity number.

NUM-02, NUM-04, NUM-08. Everybody who was on the register when the check began, and against whom nothing is open, has
passed it. The number that he had stays in the history, and finds him.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, and_, exists, or_, select, update
from sqlalchemy.exc import IntegrityError

from workflow_service.db import begin, reading, run_tx, write_once
from workflow_service.errors import Blocked, Contended
from workflow_service.models import DuplicatePair, DuplicateSweep, Enrolment, History, NumberSweep, Student
from workflow_service.models.columns import from_micros
from workflow_service.numbering import NUMBER, give_number, usable, wanted_kind
from workflow_service.sweeps.duplicates import last_month_end

if TYPE_CHECKING:
    from workflow_service.service import Service

STUDENTS = 500
"""Students of one question. Each is numbered in a transaction of his own: whoever is killed loses nobody's number."""
TRIES = 3
"""How often a student is looked at anew who was written by somebody else meanwhile."""
PACK, KIND, MONTHS = "national-k12", "enrolment", "NUM-02-months"
"""Where it is said after which months' ends numbers are given."""

log = logging.getLogger(__name__)


def number_month_end(service: Service, now: int, limit: int = STUDENTS) -> int:
    """Give the numbers that the latest month's check allows, at the legal instant `now`; how many.

    Nothing before that check is finished. Any number of processes may do this at once: the cursor moves only behind
    students who are done, and each number is given by whoever writes the student first.
    """
    month_end = last_month_end(from_micros(now).date())
    if month_end.month not in _months(service, month_end):
        return 0
    given = 0
    while (batch := _batch(service, month_end, now, limit)) is not None:
        given += batch
    return given


def _months(service: Service, month_end: date) -> tuple[int, ...]:
    """The months after whose check numbers are given: each one, unless the national pack of the day says otherwise."""
    every = tuple(range(1, 13))
    try:
        definition = service.packs.definition(service.packs.in_force(PACK, KIND, month_end))
    except LookupError:
        return every
    return tuple(definition.parameters.get(MONTHS, {}).get("value", every))


def _batch(service: Service, month_end: date, now: int, limit: int) -> int | None:
    """Number the next students; None where the check is not done, or everybody is numbered."""
    with reading(service.engine) as connection:
        found = connection.execute(
            select(DuplicateSweep.started_at, DuplicateSweep.finished_at, NumberSweep.finished_at, NumberSweep.after_id)
            .outerjoin(NumberSweep, NumberSweep.month_end == DuplicateSweep.month_end)
            .where(DuplicateSweep.month_end == month_end)
        ).one_or_none()
        if found is None or found[1] is None or found[2] is not None:
            return None
        began, after = found[0], found[3] or 0
        rows = connection.execute(_passed(began).where(Student.id > after).limit(limit)).all()
    given = sum(_number(service, row, began) for row in rows if _is_due(service, row))
    with begin(service.engine) as connection:
        write_once(connection, NumberSweep, {"month_end": month_end, "after_id": 0, "given": 0, "started_at": now})
        sweep = update(NumberSweep).where(NumberSweep.month_end == month_end)
        connection.execute(sweep.values(given=NumberSweep.given + given))
        moved = {"after_id": rows[-1].id} if rows else {"finished_at": now}
        connection.execute(sweep.where(NumberSweep.after_id == after, NumberSweep.finished_at.is_(None))
                           .values(moved))  # fmt: skip
    return given if rows else None


def _passed(began: int) -> Select[*tuple[Any, ...]]:
    """Enrolled students who were there when the check began, without an open pair or any other problem record."""
    registered = and_(History.object_type == "student", History.object_id == Student.id, History.seq == 1)
    pair = exists().where(
        or_(DuplicatePair.first_id == Student.id, DuplicatePair.second_id == Student.id), DuplicatePair.state == "open"
    )
    return (
        select(Student.id, Student.version, Student.student_number, Student.identity_number, Student.identity_type,
               Student.birth_date, Student.sex, Enrolment.school_id)
        .join(Enrolment, and_(Enrolment.student_id == Student.id, Enrolment.ended_at.is_(None)))
        .join(History, registered)
        .where(Student.student_number.is_not(None), Student.problem.is_(None), History.at < began, ~pair)
        .order_by(Student.id)
    )  # fmt: skip


def _is_due(service: Service, row: Any) -> bool:
    number = service.cipher.decrypt(row.student_number, NUMBER)
    if number.startswith("G"):
        return False  # Nearly everybody: his identity number need not be read.
    stored = row.identity_number
    identity = None if stored is None else service.cipher.decrypt(stored, "student.identity_number")
    good = usable(service, identity, row.identity_type, row.birth_date, row.sex)
    return wanted_kind(number, checked=True, good=good) is not None


def _number(service: Service, row: Any, began: int) -> int:
    """Number one student, 0 where it cannot be done now: the next month's end looks at him again."""

    def work(connection: Connection) -> int:
        # Read with his version: a pair that is found after this moves the version, and nothing is given.
        now = connection.execute(_passed(began).where(Student.id == row.id)).one_or_none()
        if now is None:
            return 0
        number = give_number(
            connection, service, row.id, now.school_id, actor=None, checked=True, version=now.version
        )  # fmt: skip
        return int(number is not None)

    for _ in range(TRIES):
        try:
            return run_tx(service.engine, work)
        except (Contended, IntegrityError):
            continue  # Somebody else wrote him, or was given the number that was drawn.
        except Blocked as blocked:
            log.warning("student %s gets no number after the check: %s", row.id, blocked)
            return 0
    log.warning("student %s gets no number after the check: he is written all the time", row.id)
    return 0
