"""Whom an admission list means (名单比对): newcomers admitted before, leavers, and who has a record already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.orm import aliased

from workflow_service.boxes import below
from workflow_service.duplicates.people import chunks
from workflow_service.models import Enrolment, NumberHistory, Organization, RegisterEntry, Student

if TYPE_CHECKING:
    from workflow_service.roster.admission_rows import Admitted
    from workflow_service.service import Service

Likeness = tuple[str, str, date]


@dataclass(slots=True)
class KnownStudent:
    """A student whom a row may mean. `admitted_by`: the schools whose admission still lasts, by id, with names."""

    id: int
    name: str
    status: str
    admitted_by: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaver:
    """A leaver whom no list names: who, and which school he left."""

    student_id: int
    name: str
    school: str


def leavers_without_admission(connection: Connection, path: str) -> list[Leaver]:
    """Graduates of primary schools below `path` whom no school has admitted (小升初底表的另一半, NJ-04)."""
    admitted = (
        select(RegisterEntry.id)
        .where(RegisterEntry.student_id == Student.id, RegisterEntry.section == "admission",
               RegisterEntry.ended_at.is_(None))
        .exists()
    )  # fmt: skip
    later = aliased(Enrolment)  # Without it who has left the next stage as well would be missed on every list.
    gone_on = select(later.id).where(later.student_id == Student.id, later.recorded_at > Enrolment.recorded_at).exists()
    query = (
        select(Student.id, Student.name, Organization.name)
        .join(Enrolment, Enrolment.student_id == Student.id)
        .join(Organization, Organization.id == Enrolment.school_id)
        .where(Student.status == "graduated", Enrolment.stage == "primary", Enrolment.end_reason == "graduation",
               below(Organization.path, path), ~admitted, ~gone_on)
        .order_by(Organization.path, Student.name)
    )  # fmt: skip
    return [Leaver(*row) for row in connection.execute(query)]


@dataclass(slots=True)
class Known:
    """Students by number, by identity number, and newcomers without one by name, sex and birth date."""

    service: Service
    by_number: dict[bytes, KnownStudent] = field(default_factory=dict)
    by_identity: dict[bytes, KnownStudent] = field(default_factory=dict)
    by_likeness: dict[Likeness, KnownStudent] = field(default_factory=dict)

    def student(self, row: Admitted) -> KnownStudent | None:
        """Whom a row means, None for a newcomer."""
        hashes = self.service.hashes
        if row.student_number is not None:
            return _first(self.by_number, hashes.candidates("student_number", row.student_number))
        if row.person.identity_number is not None:
            return _first(self.by_identity, hashes.candidates("identity_number", row.person.identity_number))
        return self.by_likeness.get(likeness_of(row))

    def key(self, row: Admitted) -> tuple[Any, ...]:
        """What makes two rows of one list the same pupil. Twins share a birth date and nothing else."""
        if row.student_number is not None:
            return ("student_number", row.student_number)
        if row.person.identity_number is not None:
            return ("identity_number", row.person.identity_number)
        return ("likeness", *likeness_of(row))


def likeness_of(row: Admitted) -> Likeness:
    """What is left to know somebody without numbers by (SYS-30c)."""
    return row.person.name, row.person.sex, row.person.birth_date


def known_of(service: Service, connection: Connection, rows: Sequence[Admitted]) -> Known:
    """Everybody whom one of these rows may mean, in a few questions for the whole list."""
    known, hashes = Known(service), service.hashes
    numbers = [h for r in rows if r.student_number for h in hashes.candidates("student_number", r.student_number)]
    identities = [
        h for r in rows if r.person.identity_number
        for h in hashes.candidates("identity_number", r.person.identity_number)
    ]  # fmt: skip
    names = sorted({r.person.name for r in rows if not r.student_number and not r.person.identity_number})
    found: dict[int, KnownStudent] = {}
    for row in _students(connection, Student.student_number_hash, numbers):
        known.by_number[row.student_number_hash] = _kept(found, row)
    for row in _students(connection, NumberHistory.number_hash, numbers):
        known.by_number.setdefault(row.old_number_hash, _kept(found, row))
    for row in _students(connection, Student.identity_hash, identities):
        known.by_identity[row.identity_hash] = _kept(found, row)
    for row in _students(connection, Student.name, names):
        if row.identity_hash is None:
            known.by_likeness[row.name, row.sex, row.birth_date] = _kept(found, row)
    _admissions(connection, found)
    return known


def _students(connection: Connection, column: Any, values: Sequence[Any]) -> Iterable[Any]:
    columns = (
        Student.id, Student.name, Student.sex, Student.birth_date, Student.status, Student.identity_hash,
        Student.student_number_hash,
    )  # fmt: skip
    query: Select[*tuple[Any, ...]] = select(*columns)
    if column is NumberHistory.number_hash:  # a list may name a pupil by the number that he had (NUM-04)
        query = select(*columns, column.label("old_number_hash"))
        query = query.join(NumberHistory, NumberHistory.student_id == Student.id)
    for chunk in chunks(list(values)):
        asked: ColumnElement[bool] = column.in_(chunk)
        yield from connection.execute(query.where(asked))


def _kept(found: dict[int, KnownStudent], row: Any) -> KnownStudent:
    return found.setdefault(row.id, KnownStudent(row.id, row.name, row.status))


def _admissions(connection: Connection, found: dict[int, KnownStudent]) -> None:
    """Fill in whose admission of each of these still lasts."""
    for chunk in chunks(sorted(found)):
        query = (
            select(RegisterEntry.student_id, Organization.id, Organization.name)
            .join(Organization, Organization.id == RegisterEntry.school_id)
            .where(RegisterEntry.student_id.in_(chunk), RegisterEntry.section == "admission",
                   RegisterEntry.ended_at.is_(None))
        )  # fmt: skip
        for student_id, school_id, name in connection.execute(query):
            found[student_id].admitted_by[school_id] = name


def _first(by: dict[bytes, KnownStudent], hashes: Iterable[bytes]) -> KnownStudent | None:
    return next((by[hash_] for hash_ in hashes if hash_ in by), None)
