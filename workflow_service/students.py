"""Putting students on the register (登记学生): the row, the number's registry, the enrolment, the place, the trail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, bindparam, select, update

from states.student_status import STATUSES
from workflow_service.actors import Actor
from workflow_service.codes import code_pupils
from workflow_service.duplicates.finding import newly_noticed
from workflow_service.duplicates.people import compared_rows
from workflow_service.errors import Invalid
from workflow_service.history import history_row
from workflow_service.ids import bucket_of
from workflow_service.models import (
    Enrolment,
    Guardian,
    History,
    Organization,
    SchoolClass,
    SchoolStage,
    Student,
    StudentNumber,
)
from workflow_service.models.columns import Base
from workflow_service.names import search_text
from workflow_service.roster.headings import relation_code
from workflow_service.sql.copying import Writer

if TYPE_CHECKING:
    from workflow_service.crypto import FieldCipher, KeyedHash
    from workflow_service.ids import IdMaker
    from workflow_service.service import Service

BATCH = 500
"""Students per round of inserts: large enough for the driver, small enough to show progress."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Registering:
    """What making the rows of a student takes, for whoever has no database at hand: ids and keys."""

    ids: IdMaker
    cipher: FieldCipher
    hashes: KeyedHash


@dataclass(frozen=True, slots=True)
class NewGuardian:
    """A guardian (监护人) as a workbook or a form gives one; `relation` is GB/T 4761's label or code."""

    relation: str
    name: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class NewStudent:
    """A student who comes onto the register, checked already: normalised name, numbers and a class that exists.

    `sex` is GB/T 2261.1 (1, 2), `identity_type` the national form's code, `problem` a kind of SYS-30 or None.
    """

    name: str
    sex: str
    birth_date: date
    identity_type: str
    identity_number: str | None
    student_number: str
    status: str
    school_id: int
    class_id: int
    stage: str
    valid_from: date
    problem: str | None = None
    former_name: str | None = None
    special_education: bool = False
    guardians: tuple[NewGuardian, ...] = ()


def register(
    connection: Connection,
    service: Service,
    students: Iterable[NewStudent],
    actor: Actor | None,
    *,
    event: str = "imported",
    details: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] = lambda _done: None,
) -> list[int]:
    """Write the students and their places; returns their ids, in order. The caller's transaction decides.

    `students` are asked for as they are written: whoever makes them meanwhile need not hold them all.

    Each gets one history row, seq 1, from which the student's state can be replayed; `details` are added to it. Whoever
    may be somebody's double is queued, and is a problem record from the start (NUM-08). Pupil codes are given where
    the school's pack has them (SY-04).
    Raises IntegrityError where a student number is registered already, `Invalid` for a school that has closed.
    """
    at, recorded_at = service.clocks.legal(), service.clocks.real()
    ids: list[int] = []
    places = _Places()
    today = service.clocks.now().date()
    with Writer(connection) as writer:
        waiting = iter(students)
        while batch := list(islice(waiting, BATCH)):
            tables: dict[type[Base], list[Row]] = {}
            for student in batch:
                places.add(student)
                ids.append(service.ids.new_subject())
                rows = student_rows(service, ids[-1], student, actor, event, at, recorded_at, details or {})
                for table, row in chain(rows, compared_rows(service, ids[-1], student, today)):
                    tables.setdefault(table, []).append(row)
            writer.write(tables)
            progress(len(ids))
        writer.done()
    _take_places(connection, places)
    newly_noticed(connection, service, ids, actor)
    code_pupils(service, connection, ids)
    return ids


def student_rows(
    service: Service | Registering,
    id_: int,
    student: NewStudent,
    actor: Actor | None,
    event: str,
    at: int,
    recorded_at: int,
    details: Mapping[str, Any],
) -> Iterator[tuple[type[Base], Row]]:
    """The rows of one student, in the order in which foreign keys allow them; `register` writes more beside them.

    `at` is legal time, microseconds: what was known on a legal day is asked by it (`views.student_time`). The trail
    alone says beside it when that was in real time, `recorded_at`.
    """
    bucket = bucket_of(id_)
    trail = history_row(
        object_type="student", object_id=id_, bucket=bucket, seq=1, event=event, from_state=None,
        to_state=student.status, at=at, recorded_at=recorded_at, actor=actor, previous=b"",
        row_id=service.ids.new(bucket),
        details={
            "status": student.status, "school": str(student.school_id), "class": str(student.class_id),
            "stage": student.stage, "from": student.valid_from.isoformat(), "problem": student.problem, **details,
        },
    )  # fmt: skip
    number_hash = service.hashes.of("student_number", student.student_number)
    yield Student, _student_row(service, id_, student, number_hash, trail["hash"])
    yield StudentNumber, {"number_hash": number_hash, "student_id": id_}
    yield Enrolment, {
        "id": service.ids.new(bucket), "bucket": bucket, "student_id": id_, "school_id": student.school_id,
        "class_id": student.class_id, "stage": student.stage, "valid_from": student.valid_from, "valid_to": None,
        "recorded_at": at, "ended_at": None, "start_reason": event, "end_reason": None,
        "start_request_id": None, "end_request_id": None,
    }  # fmt: skip
    for guardian in student.guardians:
        yield Guardian, guardian_row(service, id_, guardian)
    yield History, trail


def _student_row(
    service: Service | Registering, id_: int, student: NewStudent, number_hash: bytes, chain: bytes
) -> Row:
    identity = student.identity_number
    return {
        "id": id_,
        "bucket": bucket_of(id_),
        "name": student.name,
        "pinyin": search_text(student.name),
        "former_name": student.former_name,
        "sex": student.sex,
        "birth_date": student.birth_date,
        "identity_type": student.identity_type,
        "identity_number": service.cipher.encrypt(identity, "student.identity_number") if identity else None,
        "identity_hash": service.hashes.of("identity_number", identity) if identity else None,
        "student_number": service.cipher.encrypt(student.student_number, "student.student_number"),
        "student_number_hash": number_hash,
        "status": student.status,
        "problem": student.problem,
        "special_education": student.special_education,
        "version": 1,
        "chain": chain,
    }


def guardian_row(service: Service | Registering, student_id: int, guardian: NewGuardian) -> Row:
    """A guardian of a student, name and phone encrypted."""
    phone = guardian.phone
    return {
        "id": service.ids.new(bucket_of(student_id)),
        "student_id": student_id,
        "relation": relation_code(guardian.relation),
        "name": service.cipher.encrypt(guardian.name, "guardian.name"),
        "phone": service.cipher.encrypt(phone, "guardian.phone") if phone else None,
        "phone_hash": service.hashes.of("phone", phone) if phone else None,
    }


@dataclass(slots=True)
class _Places:
    """The places that are taken by class and by stage, and the schools of those who take none."""

    classes: Counter[int] = field(default_factory=Counter)
    stages: Counter[tuple[int, str]] = field(default_factory=Counter)
    away: set[int] = field(default_factory=set)

    def add(self, student: NewStudent) -> None:
        """Count who attends; a suspended student takes no place until he returns (NJ-07)."""
        if STATUSES[student.status].in_school:
            self.classes[student.class_id] += 1
            self.stages[student.school_id, student.stage] += 1
        else:
            self.away.add(student.school_id)


def _take_places(connection: Connection, places: _Places) -> None:
    classes, stages, away = places.classes, places.stages, places.away
    if away:
        # Who takes no place is seen by the closing of his school at the same moment by the school's own version.
        connection.execute(
            update(Organization).where(Organization.id.in_(away)).values(version=Organization.version + 1)
        )
    if classes:
        connection.execute(
            update(SchoolClass)
            .where(SchoolClass.id == bindparam("class"))
            .values(attending=SchoolClass.attending + bindparam("more")),
            [{"class": id_, "more": more} for id_, more in sorted(classes.items())],
        )
        connection.execute(
            update(SchoolStage)
            .where(SchoolStage.school_id == bindparam("school"), SchoolStage.stage == bindparam("of_stage"))
            .values(attending=SchoolStage.attending + bindparam("more")),
            [{"school": school, "of_stage": stage, "more": more} for (school, stage), more in sorted(stages.items())],
        )
    _check_open(connection, away.union(school for school, _ in stages))


def _check_open(connection: Connection, schools: set[int]) -> None:
    """Refuse who comes to a school that closed meanwhile: asked after its places were locked, so that none slips by."""
    closed = select(Organization.name).where(Organization.id.in_(schools), ~Organization.active)
    if names := connection.execute(closed.order_by(Organization.code)).scalars().all():
        message = f"学校已撤销或合并：{'、'.join(names)} / closed or merged: {', '.join(names)}"
        raise Invalid([{"field": "school", "rule": "N13-12", "message": message}])
