"""Persons before the register (注册之前): admitted, omitted, come from outside; a status, and no number yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select, update

from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.history import history_row
from workflow_service.ids import bucket_of
from workflow_service.models import Guardian, History, RegisterEntry, Request, Student, StudentNumber
from workflow_service.names import normal_name, search_text
from workflow_service.students import NewGuardian, guardian_row

if TYPE_CHECKING:
    from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to come onto the register. `sex` is GB/T 2261.1, `identity_type` the national form's code (4.7)."""

    name: str
    sex: str
    birth_date: date
    identity_type: str = "1"
    identity_number: str | None = None
    special_education: bool = False
    guardians: tuple[NewGuardian, ...] = ()
    student_number: str | None = None  # of a record that lies outside this installation: it stays for life (NUM-12)


def newcomer_rows(
    service: Service, id_: int, person: Person, school_id: int, actor: Actor | None, *, event: str = "admitted",
    data: dict[str, Any] | None = None,
) -> Iterator[tuple[type, dict[str, Any]]]:  # fmt: skip
    """The rows of one person, in the order in which foreign keys allow them: student, admission, guardians, trail.

    The admission says which school may see the person before there is an enrolment.
    """
    at, recorded_at, bucket = service.clocks.legal(), service.clocks.real(), bucket_of(id_)
    trail = history_row(
        object_type="student", object_id=id_, bucket=bucket, seq=1, event=event, from_state=None,
        to_state="pending_registration", at=at, recorded_at=recorded_at, actor=actor, previous=b"",
        row_id=service.ids.new(bucket),
        details={"status": "pending_registration", "admitted_by": str(school_id)})  # fmt: skip
    identity, number = person.identity_number, person.student_number
    number_hash = service.hashes.of("student_number", number) if number else None
    yield Student, {
        "id": id_, "bucket": bucket, "name": normal_name(person.name), "pinyin": search_text(person.name),
        "former_name": None, "sex": person.sex, "birth_date": person.birth_date,
        "identity_type": person.identity_type,
        "identity_number": service.cipher.encrypt(identity, "student.identity_number") if identity else None,
        "identity_hash": service.hashes.of("identity_number", identity) if identity else None,
        "student_number": service.cipher.encrypt(number, "student.student_number") if number else None,
        "student_number_hash": number_hash, "status": "pending_registration", "problem": None,
        "special_education": person.special_education, "version": 1, "chain": trail["hash"],
    }  # fmt: skip
    if number_hash is not None:
        yield StudentNumber, {"number_hash": number_hash, "student_id": id_}
    yield RegisterEntry, {
        "id": service.ids.new(bucket), "bucket": bucket, "student_id": id_, "section": "admission",
        "school_id": school_id, "valid_from": service.clocks.now().date(), "valid_to": None,
        "recorded_at": at, "ended_at": None, "request_id": None, "end_request_id": None, "data": data or {},
    }  # fmt: skip
    for guardian in person.guardians:
        yield Guardian, guardian_row(service, id_, guardian)
    yield History, trail


def is_drafted(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Whether the person of a draft is known from this school's drafts alone, so that it may still correct who it is.

    Whoever has a number or came with an admission list is somebody's already, and what was submitted is being decided.
    """
    if row["status"] != "pending_registration" or row["number_hash"] is not None:
        return False
    entries = connection.execute(
        select(RegisterEntry.school_id, RegisterEntry.data).where(RegisterEntry.student_id == row["student_id"])
    ).all()
    open_ = select(Request.id).where(Request.student_id == row["student_id"], Request.open)
    ours = all(one.school_id == row["applicant_id"] and "list" not in (one.data or {}) for one in entries)
    return bool(entries) and ours and connection.execute(open_).first() is None


def drafted_person(service: Service, row: Mapping[str, Any]) -> Person | None:
    """Who the person of a draft is, without number and guardians; None where that is not corrected with the draft."""
    with reading(service.engine) as connection:
        if row["state"] != "draft" or row["student_id"] is None or not is_drafted(connection, row):
            return None
        found = connection.execute(
            select(Student.name, Student.sex, Student.birth_date, Student.identity_type, Student.special_education)
            .where(Student.id == row["student_id"])
        ).one()  # fmt: skip
    return Person(found.name, found.sex, found.birth_date, found.identity_type,
                  special_education=found.special_education)  # fmt: skip


def correct_person(service: Service, connection: Connection, row: Mapping[str, Any], person: Person,
                   actor: Actor) -> bool:  # fmt: skip
    """Correct who the person of a draft is; a number or guardians that are not given stay. False if it moved meanwhile.

    The trail says that it was corrected, by whom and which; what it was before is nobody's record yet.
    """
    id_, bucket = row["student_id"], row["bucket"]
    values: dict[str, Any] = {
        "name": normal_name(person.name), "pinyin": search_text(person.name), "sex": person.sex,
        "birth_date": person.birth_date, "identity_type": person.identity_type,
        "special_education": person.special_education,
    }  # fmt: skip
    if number := person.identity_number:
        values |= {"identity_number": service.cipher.encrypt(number, "student.identity_number"),
                   "identity_hash": service.hashes.of("identity_number", number)}  # fmt: skip
    details = {"status": row["status"], "changed": sorted([*values, *(["guardians"] if person.guardians else [])])}
    trail = history_row(
        object_type="student", object_id=id_, bucket=bucket, seq=row["student_version"] + 1, event="amend",
        from_state=row["status"], to_state=row["status"], at=service.clocks.legal(),
        recorded_at=service.clocks.real(), actor=actor, details=details, previous=row["student_chain"],
        row_id=service.ids.new(bucket))  # fmt: skip
    moved = connection.execute(
        update(Student).where(Student.id == id_, Student.version == row["student_version"])
        .values(version=trail["seq"], chain=trail["hash"], **values))  # fmt: skip
    if moved.rowcount != 1:
        return False
    if person.guardians:
        connection.execute(delete(Guardian).where(Guardian.student_id == id_))
        connection.execute(insert(Guardian), [guardian_row(service, id_, one) for one in person.guardians])
    connection.execute(insert(History), trail)
    return True
