"""Students as they are compared (比对用数据), and the blocks under which they are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, delete, insert, select

from states.identity import Sex, identity_faults
from states.likeness import Person, keys_of, usable
from workflow_service.models import Guardian, IdentityFinding, LikenessBlock, Student
from workflow_service.names import search_text

if TYPE_CHECKING:
    from workflow_service.models.columns import Base
    from workflow_service.service import Service
    from workflow_service.students import NewStudent

CHUNK = 500
"""Ids in one question: far below what either database lets one statement carry."""

RESIDENT_CARD = "1"
_SEXES: dict[str, Sex] = {"1": "male", "2": "female"}

T = TypeVar("T")
Row = dict[str, Any]

_COLUMNS = (
    Student.id, Student.name, Student.pinyin, Student.former_name, Student.sex, Student.birth_date,
    Student.identity_type, Student.identity_number,
)  # fmt: skip


def sound_of(name: str) -> str:
    """The syllables of a name; `search_text` puts the initials last."""
    return " ".join(search_text(name).split()[:-1])


def people(
    connection: Connection, service: Service, ids: Iterable[int], *, guardians: bool = True
) -> dict[int, Person]:  # fmt: skip
    """These students as they are compared, with marks of their guardians where they are asked for."""
    found: dict[int, Person] = {}
    for chunk in chunks(sorted(set(ids))):
        marks = _guardians(connection, service, chunk) if guardians else {}
        for row in connection.execute(select(*_COLUMNS).where(Student.id.in_(chunk))):
            found[row.id] = _person(service, row, frozenset(marks.get(row.id, ())))
    return found


def fill(connection: Connection, service: Service, ids: Iterable[int]) -> None:
    """Write the blocks of these students anew, and what is wrong with their identity numbers."""
    today = service.clocks.now().date()
    for chunk in chunks(sorted(set(ids))):
        for table in (LikenessBlock, IdentityFinding):
            connection.execute(delete(table).where(table.student_id.in_(chunk)))
        rows = list(connection.execute(select(*_COLUMNS).where(Student.id.in_(chunk))))
        blocks = [block for row in rows for block in _blocks(service, row)]
        faults = [fault for row in rows for fault in _faults(service, row, today)]
        for table, written in ((LikenessBlock, blocks), (IdentityFinding, faults)):
            if written:
                connection.execute(insert(table), written)


def compared_rows(service: Service, id_: int, student: NewStudent, today: date) -> Iterator[tuple[type[Base], Row]]:
    """What `fill` writes, for a student who is just being registered: nothing has to be read and decrypted again."""
    number, former = student.identity_number, student.former_name
    person = Person(student.name, sound_of(student.name), student.sex, student.birth_date, number, former,
                    sound_of(former) if former else None, frozenset())  # fmt: skip
    weak = not usable(number)
    for key, named in keys(service, person).items():
        yield LikenessBlock, {"student_id": id_, "key": key, "named": named, "weak": weak}
    if number is not None and student.identity_type == RESIDENT_CARD:
        for fault in identity_faults(number, today, birth=student.birth_date, sex=_SEXES.get(student.sex)):
            yield IdentityFinding, {"student_id": id_, "code": fault.code}


def forget(connection: Connection, student_id: int) -> None:
    """Drop a student's blocks: a record that was merged is nobody's double any more."""
    connection.execute(delete(LikenessBlock).where(LikenessBlock.student_id == student_id))


def keys(service: Service, person: Person) -> dict[int, bool]:
    """The keyed hashes of a person's blocks, and whether each is a name's.

    Eight bytes are enough: whoever shares one by chance is compared like the others, and is not alike.
    """
    of = service.hashes.of
    return {
        int.from_bytes(of("likeness", key)[:8], signed=True): key.startswith(("sound|", "shape|"))
        for key in keys_of(person)
    }


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts of at most `CHUNK`."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _blocks(service: Service, row: Any) -> Iterator[dict[str, Any]]:
    person = _person(service, row, frozenset())
    weak = not usable(person.identity_number)
    for key, named in keys(service, person).items():
        yield {"student_id": row.id, "key": key, "named": named, "weak": weak}


def _faults(service: Service, row: Any, today: date) -> Iterator[dict[str, Any]]:
    number = _number(service, row)
    if number is not None and row.identity_type == RESIDENT_CARD:
        for fault in identity_faults(number, today, birth=row.birth_date, sex=_SEXES.get(row.sex)):
            yield {"student_id": row.id, "code": fault.code}


def _person(service: Service, row: Any, guardians: frozenset[str]) -> Person:
    return Person(
        row.name, " ".join(row.pinyin.split()[:-1]), row.sex, row.birth_date, _number(service, row), row.former_name,
        sound_of(row.former_name) if row.former_name else None, guardians,
    )  # fmt: skip


def _number(service: Service, row: Any) -> str | None:
    if row.identity_number is None:
        return None
    return service.cipher.decrypt(row.identity_number, "student.identity_number")


def _guardians(connection: Connection, service: Service, ids: Sequence[int]) -> dict[int, set[str]]:
    """Marks of each student's guardians: the hash of a phone, and a name."""
    found: dict[int, set[str]] = {}
    query = select(Guardian.student_id, Guardian.name, Guardian.phone_hash).where(Guardian.student_id.in_(ids))
    for row in connection.execute(query):
        marks = found.setdefault(row.student_id, set())
        marks.add(f"name:{service.cipher.decrypt(row.name, 'guardian.name')}")
        if row.phone_hash:
            marks.add(row.phone_hash.hex())
    return found
