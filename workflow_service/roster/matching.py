"""Comparing a roster with the register (查重): who is new, who is known, and what contradicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, ColumnElement, Connection, LargeBinary, any_, bindparam, select

from workflow_service.models import Enrolment, NumberHistory, SchoolClass, Student
from workflow_service.roster.checks import DOUBLE, CellError, Entry
from workflow_service.roster.placing import Key, programmes_of

if TYPE_CHECKING:
    from workflow_service.service import Service

Likeness = tuple[str, str, date]

CHUNK = 5_000
"""Hashes in one question: far below what either database lets one statement carry."""


@dataclass(slots=True)
class Matched:
    """The outcome: students to create, how many are there already, faults, remarks for people, classes' programmes."""

    new: list[Entry] = field(default_factory=list)
    unchanged: int = 0
    errors: list[CellError] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    programmes: dict[Key, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    """A student on the register, as far as a roster can contradict it."""

    id: int
    name: str
    sex: str
    birth_date: date
    identity_hash: bytes | None
    status: str
    school_id: int | None
    entered_year: int | None
    sequence: int | None


def match(connection: Connection, service: Service, entries: Sequence[Entry]) -> Matched:
    """Compare every entry with the others and with the register. Writes nothing."""
    found = Matched()
    found.errors += _twice_in_file(entries)
    found.programmes, others = programmes_of(connection, entries)
    found.errors += [entry.error("programme", "programme_differs", message) for entry, message in others]
    by_number, by_identity = _register(connection, service, entries)
    lookalikes = _without_number(connection, entries)
    for entry in entries:
        identity = _identity_hash(service, entry)
        known = by_number.get(service.hashes.of("student_number", entry.student_number))
        if known is None and identity in by_identity:
            found.errors.append(
                entry.error(
                    "identity_number",
                    "identity_registered",
                    "该证件号已有学籍，不得重复建籍；请通过转学办理。/ This identity number has a record already.",
                )
            )
        elif known is None:
            found.new.append(_looked_at(entry, lookalikes))
        else:
            _compare(entry, identity, known, found)
    return found


def _looked_at(entry: Entry, lookalikes: set[Likeness]) -> Entry:
    """The entry, as a problem record where another child without number looks the same (SYS-30c)."""
    if entry.identity_number is not None:
        return entry
    likeness = (entry.name, entry.sex, entry.birth_date)
    if likeness in lookalikes:
        return replace(entry, problem=DOUBLE)
    lookalikes.add(likeness)
    return entry


def _compare(entry: Entry, identity: bytes | None, known: _Known, found: Matched) -> None:
    same = (known.name, known.sex, known.birth_date, known.identity_hash)
    if same != (entry.name, entry.sex, entry.birth_date, identity):
        found.errors.append(
            entry.error(
                "student_number",
                "key_data_differs",
                "该学籍号已登记，姓名、性别、出生日期或证件号与表中不同；请申请关键数据变更。"
                "/ Registered with other key data; file a key-data change.",
            )
        )
    elif known.school_id != entry.school.id:
        found.errors.append(
            entry.error(
                "school_code",
                "elsewhere",
                "该学籍号已在册，但不在这所学校；请通过转学办理。/ Registered at another school; file a transfer.",
            )
        )
    else:
        found.unchanged += 1
        if (known.entered_year, known.sequence, known.status) != (entry.entered_year, entry.sequence, entry.status):
            address = entry.sheet.address(entry.row, 0)
            found.remarks.append(
                f"{address}：年级、班级或状态与库中不同，未改动。/ Class or status differs; left as it is."
            )


def _twice_in_file(entries: Iterable[Entry]) -> Iterator[CellError]:
    """The second and later rows with a number that an earlier row has. Twins share a birth date and nothing else."""
    by_number: dict[str, Entry] = {}
    by_identity: dict[str, Entry] = {}
    for entry in entries:
        for key, number, seen in (
            ("student_number", entry.student_number, by_number), ("identity_number", entry.identity_number, by_identity)
        ):  # fmt: skip
            if number is None:
                continue
            first = seen.setdefault(number, entry)
            if first is not entry:
                where = f"{first.sheet.title} 第 {first.row.number} 行"
                message = f"与{where}重复。/ The same number stands in row {first.row.number}."
                yield entry.error(key, "twice_in_file", message)


def _register(
    connection: Connection, service: Service, entries: Iterable[Entry]
) -> tuple[dict[bytes, _Known], set[bytes | None]]:
    """Those on the register with one of the student numbers, and the identity numbers that are taken."""
    listed = list(entries)
    by_number: dict[bytes, _Known] = {}
    columns = (
        Student.student_number_hash, Student.id, Student.name, Student.sex, Student.birth_date, Student.identity_hash,
        Student.status, Enrolment.school_id, SchoolClass.entered_year, SchoolClass.sequence,
    )  # fmt: skip
    query = (
        select(*columns)
        .outerjoin(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id)
    )
    for hashes in _chunks(service.hashes.candidates("student_number", e.student_number) for e in listed):
        for number_hash, *rest in connection.execute(
            query.where(_one_of(connection, Student.student_number_hash, hashes))
        ):
            assert number_hash is not None  # it was asked for by its value
            by_number[number_hash] = _Known(*rest)
        # A list from before the formal number names its pupils by L or J: they are the same ones (NUM-04).
        former = query.with_only_columns(NumberHistory.number_hash, *columns[1:])
        former = former.join(NumberHistory, NumberHistory.student_id == Student.id)
        for old_hash, *rest in connection.execute(former.where(_one_of(connection, NumberHistory.number_hash, hashes))):
            by_number.setdefault(old_hash, _Known(*rest))
    taken: set[bytes | None] = set()
    numbers = (e.identity_number for e in listed if e.identity_number)
    for hashes in _chunks(service.hashes.candidates("identity_number", number) for number in numbers):
        asked = select(Student.identity_hash).where(_one_of(connection, Student.identity_hash, hashes))
        taken.update(connection.execute(asked).scalars())
    return by_number, taken


def _without_number(connection: Connection, entries: Iterable[Entry]) -> set[Likeness]:
    """Name, sex and birth date of those on the register without identity number who share a name with an entry."""
    names = sorted({entry.name for entry in entries if entry.identity_number is None})
    found: set[Likeness] = set()
    for start in range(0, len(names), CHUNK):
        query = select(Student.name, Student.sex, Student.birth_date).where(
            Student.identity_hash.is_(None), Student.name.in_(names[start : start + CHUNK])
        )
        found.update((row[0], row[1], row[2]) for row in connection.execute(query))
    return found


def _identity_hash(service: Service, entry: Entry) -> bytes | None:
    return service.hashes.of("identity_number", entry.identity_number) if entry.identity_number else None


def _one_of(connection: Connection, column: Any, hashes: tuple[bytes, ...]) -> ColumnElement[bool]:
    """Whether a column is one of these: a single array where there are some, not thousands of parameters to parse."""
    if connection.dialect.name != "postgresql":
        return column.in_(hashes)  # type: ignore[no-any-return]
    return column == any_(bindparam("hashes", list(hashes), ARRAY(LargeBinary)))  # type: ignore[no-any-return]


def _chunks(hashes: Iterable[tuple[bytes, ...]]) -> Iterator[tuple[bytes, ...]]:
    flat = [hash_ for several in hashes for hash_ in several]
    return (tuple(flat[start : start + CHUNK]) for start in range(0, len(flat), CHUNK))
