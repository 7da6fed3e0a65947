"""What a request of the record names (业务所涉事实): the number it asks for, an entry, what it would reverse.

Read for those kinds only, at every look at the request: who decides must see what holds now, and not at submit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from states.identity import Fault, Sex, identity_faults
from states.likeness import Person
from states.numbers import number_kind
from states.reversals import builds_on
from workflow_service.db import reading
from workflow_service.duplicates import duplicates_of, like
from workflow_service.duplicates.people import people, sound_of
from workflow_service.ids import parse_id
from workflow_service.models import RegisterEntry, Request, Student
from workflow_service.other_side import reversed_request
from workflow_service.sealed import unseal

if TYPE_CHECKING:
    from workflow_service.service import Service

Row = dict[str, Any]
RESIDENT_CARD = "1"
_SEXES: dict[str, Sex] = {"1": "male", "2": "female"}


def named_facts(service: Service, row: Row) -> Row:
    """The fields of `states.facts.Facts` that a request of these kinds asks; {} for all others."""
    if row["student_id"] is None or row["kind"] not in _READ:
        return {}
    with reading(service.engine) as connection:
        return {name: value for read in _READ[row["kind"]] for name, value in read(service, connection, row)}


def person_after(service: Service, connection: Connection, row: Row) -> tuple[Person, str]:
    """(the student as the request would make him, the kind of his identity document)."""
    now = people(connection, service, [row["student_id"]])[row["student_id"]]
    data = row["data"]
    name = unseal(service, "new_name", data.get("new_name")) or now.name
    born = data.get("new_birth_date")
    kind = connection.execute(select(Student.identity_type).where(Student.id == row["student_id"])).scalar_one()
    person = Person(
        name,
        sound_of(name),
        data.get("new_sex") or now.sex,
        date.fromisoformat(born) if born else now.birth_date,
        unseal(service, "new_identity_number", data.get("new_identity_number")) or now.identity_number,
        now.former_name,
        now.former_sound,
        now.guardians,
    )
    return person, data.get("new_identity_type") or kind


def _number(service: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    stored = connection.execute(select(Student.student_number).where(Student.id == row["student_id"])).scalar_one()
    yield "number_kind", number_kind(service.cipher.decrypt(stored, "student.student_number")) if stored else None


def _key_data(service: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    """Faults of the number that is asked for, and who else may be this person."""
    person, kind = person_after(service, connection, row)
    number = person.identity_number
    changed = any(row["data"].get(name) for name in ("new_identity_number", "new_birth_date", "new_sex"))
    faults: tuple[Fault, ...] = ()
    if number and kind == RESIDENT_CARD and changed:
        today = service.clocks.now().date()
        faults = identity_faults(number, today, birth=person.birth_date, sex=_SEXES.get(person.sex))
    yield "new_number_faults", tuple(fault.code for fault in faults)
    taken = False
    if number and row["data"].get("new_identity_number"):
        hashes = service.hashes.candidates("identity_number", number)
        taken = connection.execute(
            select(Student.id).where(Student.identity_hash.in_(hashes), Student.id != row["student_id"]).limit(1)
        ).first() is not None  # fmt: skip
    yield "number_taken", taken
    pairs = {found.student_id for found in duplicates_of(connection, row["student_id"])}
    found = {one.student_id for one in like(connection, service, person, besides=row["student_id"])}
    yield "duplicate", bool(found or pairs)


def _recorded(_service: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    profile = connection.execute(select(Student.profile).where(Student.id == row["student_id"])).scalar_one()
    yield "recorded", tuple(sorted(name for name, value in profile.items() if value not in (None, "")))


def _entry(_service: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    found = named_entry(connection, row)
    yield "entry_named", None if found is None else found.section


def named_entry(connection: Connection, row: Row) -> Any:
    """The entry of the student's record that a request names, while it stands; None for any other."""
    id_ = parse_id(str(row["data"].get("entry_number") or ""))
    return connection.execute(
        select(RegisterEntry.__table__).where(
            RegisterEntry.id == (id_ or 0), RegisterEntry.student_id == row["student_id"],
            RegisterEntry.ended_at.is_(None))).one_or_none()  # fmt: skip


def _others(_service: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    """The student's other open requests. One of the same lock group is 2002's, and is not said twice."""
    found = connection.execute(
        select(Request.number).where(
            Request.student_id == row["student_id"], Request.open, Request.id != row["id"],
            Request.lock_group.is_distinct_from(row["lock_group"])).order_by(Request.number)).scalars()  # fmt: skip
    yield "other_requests", tuple(found)


def _reversed(_service: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    found = reversed_request(connection, row)
    if found is None:
        return
    undone = reversals_of(connection, row["student_id"])
    yield "reversed_kind", found.kind
    yield "reversed_completed", found.state == "completed" and found.number not in undone
    if found.state == "completed":
        later = connection.execute(
            select(Request.number, Request.kind, Request.ground)
            .where(Request.student_id == row["student_id"], Request.state == "completed",
                   Request.completed_at > found.completed_at, Request.id != found.id)
            .order_by(Request.completed_at.desc()))  # fmt: skip
        yield (
            "depending",
            tuple(one.number for one in later if one.number not in undone and one.kind != "reversal"
                  and builds_on((one.kind, one.ground), (found.kind, found.ground))),
        )  # fmt: skip


def reversals_of(connection: Connection, student_id: int) -> set[str]:
    """Numbers of this student's requests that were reversed."""
    mine = Request.student_id == student_id, Request.kind == "reversal", Request.state == "completed"
    rows = connection.execute(select(Request.data).where(*mine)).scalars()
    return {str(data.get("reverses")).strip() for data in rows}


def _admitted(_: Service, connection: Connection, row: Row) -> Iterator[tuple[str, Any]]:
    """Whether the school has the student on an admission list by which he has not gone on yet."""
    lasting = select(RegisterEntry.id).where(
        RegisterEntry.student_id == row["student_id"], RegisterEntry.school_id == row["destination_school_id"],
        RegisterEntry.section == "admission", RegisterEntry.ended_at.is_(None))  # fmt: skip
    yield "admitted_here", connection.execute(lasting).first() is not None


_READ: dict[str, tuple[Any, ...]] = {
    "basic_data_change": (_recorded,),
    "key_data_change": (_number, _key_data),
    "problem_record": (_number, _key_data, _others),
    "results_change": (_entry,),
    "stage_promotion": (_admitted,),
    "reversal": (_others, _reversed),
}
