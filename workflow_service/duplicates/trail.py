"""What happens to a student in the duplicate check (查重留痕): every change is a row of his trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from workflow_service.actors import Actor
from workflow_service.errors import Contended
from workflow_service.history import history_row
from workflow_service.models import DuplicatePair, History, Student

if TYPE_CHECKING:
    from workflow_service.service import Service

PROBLEMS: Final = {
    "same_number": "duplicate_with_identity_number",
    "near_number": "nearly_equal_identity_number",
    "same_name": "duplicate_without_identity_number",
}
"""The problem record (问题学籍, SYS-30) that an open pair of each kind is."""

MERGED = "merged"
"""The problem of a record that was merged: nothing is done with it any more, whatever its status allows."""

_TRIES = 3


def note(
    connection: Connection,
    service: Service,
    student_id: int,
    event: str,
    details: Mapping[str, Any],
    actor: Actor | None,
    **values: Any,
) -> Any:
    """Write an event into a student's trail, with new `values` of his row; the row as it was before.

    Raises Contended where somebody else keeps changing him.
    """
    columns = (Student.id, Student.bucket, Student.version, Student.chain, Student.status, Student.problem)
    for _ in range(_TRIES):
        row = connection.execute(select(*columns).where(Student.id == student_id)).one()
        trail = history_row(
            object_type="student", object_id=row.id, bucket=row.bucket, seq=row.version + 1, event=event,
            from_state=row.status, to_state=values.get("status", row.status), at=service.clocks.legal(),
            recorded_at=service.clocks.real(), actor=actor, details=details, previous=row.chain,
            row_id=service.ids.new(row.bucket),
        )  # fmt: skip
        written = connection.execute(
            update(Student)
            .where(Student.id == row.id, Student.version == row.version)
            .values(version=row.version + 1, chain=trail["hash"], **values)
        )
        if written.rowcount == 1:
            connection.execute(insert(History), trail)
            return row
    raise Contended


def suspect(
    connection: Connection, service: Service, student_id: int, pairs: Mapping[int, str], actor: Actor | None
) -> None:
    """Make a student's record a problem record, for new pairs `{id: kind}`. One that is there already stays: a wrong
    number does not become right because there is a double, too.
    """
    problem = _problem(connection, student_id) or PROBLEMS[next(iter(pairs.values()))]
    details = {"problem": problem, "pairs": [str(id_) for id_ in pairs]}
    note(connection, service, student_id, "duplicate_suspected", details, actor, problem=problem)


def cleared(
    connection: Connection, service: Service, student_id: int, event: str, details: Mapping[str, Any],
    actor: Actor | None,
) -> None:  # fmt: skip
    """Write that a pair of this student was settled; the problem record ends with the last open one."""
    problem = _problem(connection, student_id)
    if problem in PROBLEMS.values() and not open_pairs(connection, student_id):
        problem = None
    note(connection, service, student_id, event, {**details, "problem": problem}, actor, problem=problem)


def open_pairs(connection: Connection, student_id: int) -> list[Any]:
    """The open pairs of a student, the strongest first."""
    return list(
        connection.execute(
            select(DuplicatePair.__table__)
            .where(
                or_(DuplicatePair.first_id == student_id, DuplicatePair.second_id == student_id),
                DuplicatePair.state == "open",
            )
            .order_by(DuplicatePair.strength.desc(), DuplicatePair.id)
        )
    )


def _problem(connection: Connection, student_id: int) -> str | None:
    return connection.execute(select(Student.problem).where(Student.id == student_id)).scalar_one()
