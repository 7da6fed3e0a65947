"""The other school of one school's request (对方学校): of a double record, or of what is to be reversed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, or_, select

from workflow_service.models import DuplicatePair, Enrolment, Request

Row = dict[str, Any]


def other_school(connection: Connection, row: Row) -> int | None:
    """The school beside the applicant's own that has a part in a request; None where there is none."""
    if row["student_id"] is None:
        return None
    if row["kind"] == "problem_record":
        return _of_the_double(connection, row)
    if row["kind"] == "reversal":
        return _of_the_reversed(connection, row)
    return None


def pair_of(connection: Connection, row: Row) -> Any:
    """The suspected double that a problem record is about: the one named, else the strongest; None without one."""
    mine = or_(DuplicatePair.first_id == row["student_id"], DuplicatePair.second_id == row["student_id"])
    query = select(DuplicatePair.__table__).where(mine, DuplicatePair.state == "open")
    named = row["data"].get("pair")
    if named:
        query = query.where(DuplicatePair.id == (int(named) if named.isascii() and named.isdecimal() else 0))
    return connection.execute(query.order_by(DuplicatePair.strength.desc(), DuplicatePair.id).limit(1)).one_or_none()


def other_of(pair: Any, student_id: int) -> int:
    """The other student of a pair."""
    return int(pair.second_id if pair.first_id == student_id else pair.first_id)


def reversed_request(connection: Connection, row: Row) -> Any:
    """The request of this student that is to be reversed, by its number; None where there is no such one."""
    number = str(row["data"].get("reverses") or "").strip()
    return connection.execute(
        select(Request.__table__).where(Request.number == number, Request.student_id == row["student_id"])
    ).one_or_none()


def _of_the_double(connection: Connection, row: Row) -> int | None:
    pair = pair_of(connection, row)
    if pair is None:
        return None
    there = connection.execute(
        select(Enrolment.school_id)
        .where(Enrolment.student_id == other_of(pair, row["student_id"]), Enrolment.ended_at.is_(None))
    ).scalar()  # fmt: skip
    found = there or (pair.second_school_id if pair.first_id == row["student_id"] else pair.first_school_id)
    return None if found == row["destination_school_id"] else int(found)


def _of_the_reversed(connection: Connection, row: Row) -> int | None:
    found = reversed_request(connection, row)
    if found is None:
        return None
    schools = {found.origin_school_id, found.destination_school_id} - {row["destination_school_id"]}
    return int(min(schools)) if schools else None
