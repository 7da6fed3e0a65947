"""The end of a record or a school ends what is still open (学籍终结、学校撤并): each says why, and by which request.

Closing is an `expire` of the system with a reason, sent through `fire`: places are released and holders leave as on
every other end. It follows the completion that ended the record at once, each request in a transaction of its own;
`sweeps.closing` finds what was left, be it that the process died in between or that something failed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select, or_, select

from states.kinds import KINDS, status_after
from states.student_status import STATUSES
from workflow_service.db import reading
from workflow_service.errors import Blocked, Contended, NotFound
from workflow_service.models import Organization, Request, Student
from workflow_service.transitions import fire

if TYPE_CHECKING:
    from workflow_service.actors import Actor
    from workflow_service.facts import Row
    from workflow_service.service import Service

RULE: Final = "WS-19"
"""Our rule: what is open of a student whose record has ended ends with it."""
SCHOOL_RULE: Final = "N13-12"
"""What is open about a school that closed, or about a merged school itself, ends with it (BJ-06)."""
ENDED: Final = (*(name for name, status in STATUSES.items() if status.final), "graduated", "transferred_out")
"""Statuses that some open request does not survive."""
ENDING: Final = tuple(name for name, kind in KINDS.items() if kind.enrolment == "end")
"""Kinds whose completion ends a record."""

log = logging.getLogger(__name__)


def survives(kind: str, ground: str | None, status: str) -> bool:
    """Whether an open request still makes sense for a student of this status.

    A graduate's data may be corrected (SYS-43) and he may go on to the next stage; for the dead and the expelled only
    what concerns students of the past goes on.
    """
    form = KINDS[kind]
    if form.past:
        return True
    if form.events is None:
        return status == "graduated" and not form.stays_held
    return status_after(kind, ground, status) is not None


def close_requests(service: Service, student_id: int | None = None, limit: int = 500) -> int:
    """Close at most `limit` requests that did not survive the end of their student's record; how many.

    With `student_id` that student's alone, drafts included; else whatever is open, for the sweep.
    """
    with reading(service.engine) as connection:
        rows = connection.execute(_candidates(student_id))
        found = [row for row in rows if not survives(row.kind, row.ground, row.status)][:limit]
        ended_by = {row.student_id: _ended_by(connection, row.student_id) for row in found}
    return sum(_close(service, row.id, ended_by[row.student_id]) for row in found)


def _candidates(student_id: int | None) -> Select[Any, Any, Any, Any, Any]:
    query = (
        select(Request.id, Request.kind, Request.ground, Request.student_id, Student.status)
        .join(Student, Student.id == Request.student_id)
        .where(Student.status.in_(ENDED), Request.kind.in_([name for name, kind in KINDS.items() if not kind.past]))
        .order_by(Request.id)
    )
    if student_id is None:
        return query.where(Request.open)
    return query.where(Request.student_id == student_id, Request.final.is_(False))


def _ended_by(connection: Any, student_id: int) -> Any:
    """The request that ended the record last, None where it came with the import."""
    return connection.execute(
        select(Request.number, Request.kind)
        .where(Request.student_id == student_id, Request.kind.in_(ENDING), Request.state == "completed")
        .order_by(Request.completed_at.desc()).limit(1)).one_or_none()  # fmt: skip


def _close(service: Service, request_id: int, by: Any) -> bool:
    zh, en = (KINDS[by.kind].label, KINDS[by.kind].label_en) if by else ("学籍终结", "the end of the record")
    number = f"（{by.number}）" if by else ""
    comment = (
        f"学生已办结{zh}{number}，本件随之终止 / Closed with the student's record: {en}{f' {by.number}' if by else ''}."
    )
    return _expire(service, request_id, RULE, comment)


def close_requests_of_schools(service: Service, limit: int = 500) -> int:
    """Close at most `limit` requests and drafts about schools that work no more and have nobody to go on to; how many.

    Those of students go on at a merged school's successor (`sweeps.mergers`); one about the merged school itself has
    no meaning there: the successor's total was made by the merger (WS-190). At a school that closed for good only
    drafts are left, and what was submitted at the very moment without asking for a place.
    """
    named = or_(*(column == Organization.id for column in (Request.destination_school_id, Request.origin_school_id)))
    query = (
        select(Request.id, Organization.particulars, Organization.name)
        .join(Organization, named)
        .where(~Request.final, ~Organization.active, Organization.kind == "school",
               or_(Organization.successor_id.is_(None), Request.student_id.is_(None)))
        .order_by(Request.id).limit(limit)
    )  # fmt: skip
    with reading(service.engine) as connection:
        found = {row.id: (row.name, row.particulars.get("closed_by")) for row in connection.execute(query)}
        asked = select(Request.id, Request.number).where(Request.id.in_({int(by) for _, by in found.values() if by}))
        numbers = {str(row.id): row.number for row in connection.execute(asked)}
    return sum(
        _expire(service, id_, SCHOOL_RULE,
                f"{name}已撤销或合并（{numbers.get(by, '')}），本件随之终止"
                f" / Closed with the school: {name}, {numbers.get(by, '')}.")
        for id_, (name, by) in found.items()
    )  # fmt: skip


def _expire(service: Service, request_id: int, rule: str, comment: str) -> bool:
    try:
        fire(service, request_id, "expire", None, version=None, reason=rule, comment=comment)
    except (Blocked, NotFound):
        return False  # It has ended by itself meanwhile.
    except Contended:
        log.warning("request %s kept changing and was not closed (%s); the sweep will", request_id, rule)
        return False
    return True


def close_after(service: Service, row: Row, _actor: Actor | None) -> None:
    """What follows the completion that ended a record."""
    if row["student_id"] is not None:
        close_requests(service, row["student_id"])


def close_after_school(service: Service, row: Row, _actor: Actor | None) -> None:
    """What follows the completion that closed a school or merged it into another one."""
    if row["ground"] in ("closing", "merging"):
        close_requests_of_schools(service)
