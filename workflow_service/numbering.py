"""Giving student numbers (编发学籍号): L at first registration, G or J after the duplicate check, none ever twice.

NUM-02 … 04 and NUM-08. What a number becomes is chosen by `next_number`; `number_rows` says what is written, as writes
of the statement that completes a request; `give_number` writes them for whoever has a transaction and no request. A
number once held by anybody, now or before, is never given to somebody else (NUM-12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, insert, select, text, update

from states.definition import Citation
from states.identity import Sex, identity_faults
from states.numbers import NumberKind, formal_number, number_kind, temporary_number, unidentified_number
from states.verdict import No, Reason
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.errors import Blocked, Contended, NotFound
from workflow_service.history import history_row
from workflow_service.ids import bucket_of
from workflow_service.models import History, NumberHistory, Organization, Student, StudentNumber
from workflow_service.sql import Write

if TYPE_CHECKING:
    from workflow_service.service import Service

RESIDENT_CARD: Final = "1"
"""The only kind of identity document whose number a G-number can repeat (居民身份证, NUM-02)."""
ROUND: Final = 50
"""How many numbers one question to the registry carries."""
NUMBER: Final = "student.student_number"

_CITE: Final = Citation("NUM-12", "学籍号一人一号，终身不变（2013 第五条）", "read", "numbers")
_SEXES: Final[dict[str, Sex]] = {"1": "male", "2": "female"}

REGISTER = Write(
    "registered_number",
    """
INSERT INTO student_number (number_hash, student_id) SELECT :new_number_hash, :student_id{drawn}""",
)
RENUMBER = Write(
    "renumbered",
    """
UPDATE student_number SET number_hash = :new_number_hash WHERE student_id = :student_id{moved}""",
)
KEEP_OLD = Write(
    "old_number",
    """
INSERT INTO number_history (id, bucket, student_id, number, number_hash, request_id, recorded_at)
SELECT :number_history_id, :bucket, :student_id, :old_number, :old_number_hash, :id, :recorded_at{drawn}""",
)


@dataclass(frozen=True, slots=True)
class NumberRows:
    """A number and what it writes.

    `columns`: of the student's row; `writes`: of registry and history, with `values` for them beside :id (the request
    or None), :bucket, :student_id and :recorded_at, which every transition has; `details`: for the student's trail.
    """

    number: str
    columns: Mapping[str, Any]
    writes: tuple[Write, ...]
    values: Mapping[str, Any]
    details: Mapping[str, Any] = field(default_factory=dict)


def next_number(
    service: Service,
    connection: Connection | None,
    *,
    identity_number: str | None,
    region: str,
    birth_date: date,
    identity_type: str = RESIDENT_CARD,
    sex: str | None = None,
    checked: bool = False,
) -> str:
    """The number to give, nobody's so far. Writes nothing; the registry refuses whoever comes second with it.

    `checked` says that the duplicate check is passed (NUM-08): then G where the identity number is good, else J. Before
    it everybody gets L, with the `region` of the school (6 digits). `sex` (1, 2) decides the parity of J's sequence.
    Raises Blocked where the G-number is somebody's, or no number is left for this region and day.
    """
    with _reading(service, connection) as reader:
        if not checked:
            return _free(service, reader, 10_000, lambda tail: temporary_number(region, birth_date, tail))
        if usable(service, identity_number, identity_type, birth_date, sex):
            assert identity_number is not None
            number = formal_number(identity_number)
            if _taken(service, reader, [number]):
                raise _blocked(
                    "该身份证号的学籍号已有人使用，须先作重复学籍处理。",
                    "The number of this identity card is another student's: settle the duplicate first.",
                )
            return number
        # Half of the sequence where the sex is known: odd is male, even female, as in an identity number.
        step, first = (1, 0) if sex not in _SEXES else (2, int(sex == "1"))
        return _free(service, reader, 1000 // step,
                     lambda turn: unidentified_number(region, birth_date, first + step * turn))  # fmt: skip


def usable(
    service: Service, identity_number: str | None, identity_type: str, birth_date: date, sex: str | None = None
) -> bool:
    """Whether a G-number can be made of it: a resident card's number that is good and agrees with the record."""
    if identity_number is None or identity_type != RESIDENT_CARD:
        return False
    today = service.clocks.now().date()
    return not identity_faults(identity_number, today, birth=birth_date, sex=_SEXES.get(sex or ""))


def wanted_kind(current: str | None, *, checked: bool, good: bool) -> NumberKind | None:
    """The kind of number that a student ought to get now, None where the one he has stays.

    L becomes G or J after the check, J becomes G once an identity number exists (NUM-04); G stays, even when the
    identity number changed since (NUM-02).
    """
    kind = number_kind(current) if current else None
    if kind == "G":
        return None
    wanted: NumberKind = "L" if not checked else ("G" if good else "J")
    if kind is not None and (wanted == "L" or wanted == kind):
        return None
    return wanted


def number_rows(service: Service, connection: Connection | None, student_id: int, number: str) -> NumberRows:
    """What giving this number to this student writes; an older one goes to the history (NUM-04, NUM-06)."""
    with _reading(service, connection) as reader:
        old = _student(reader, student_id)
    new_hash = service.hashes.of("student_number", number)
    columns = {"student_number": service.cipher.encrypt(number, NUMBER), "student_number_hash": new_hash}
    values: dict[str, Any] = {"new_number_hash": new_hash}
    details = {"number": number_kind(number), "number_before": None}
    if old.student_number is None:
        return NumberRows(number, columns, (REGISTER,), values, details)
    values |= {
        "number_history_id": service.ids.new(bucket_of(student_id)), "old_number": old.student_number,
        "old_number_hash": old.student_number_hash,
    }  # fmt: skip
    details["number_before"] = number_kind(service.cipher.decrypt(old.student_number, NUMBER))
    return NumberRows(number, columns, (RENUMBER, KEEP_OLD), values, details)


def rows_for(
    service: Service, connection: Connection | None, student_id: int, school_id: int, *, checked: bool = False
) -> NumberRows | None:
    """The number that this student ought to get at this school, and its writes; None where the present one stays."""
    with _reading(service, connection) as reader:
        row = _student(reader, student_id)
        current = None if row.student_number is None else service.cipher.decrypt(row.student_number, NUMBER)
        identity = (
            None if row.identity_number is None
            else service.cipher.decrypt(row.identity_number, "student.identity_number")
        )  # fmt: skip
        good = usable(service, identity, row.identity_type, row.birth_date, row.sex)
        if wanted_kind(current, checked=checked, good=good) is None:
            return None
        number = next_number(
            service, reader, identity_number=identity, identity_type=row.identity_type, birth_date=row.birth_date,
            sex=row.sex, region=region_of(reader, school_id), checked=checked,
        )  # fmt: skip
        return number_rows(service, reader, student_id, number)


def give_number(
    connection: Connection,
    service: Service,
    student_id: int,
    school_id: int,
    *,
    actor: Actor | None,
    checked: bool = False,
    request_id: int | None = None,
    version: int | None = None,
) -> str | None:
    """Give the student the number that is due, inside the caller's transaction; None where the present one stays.

    Writes number, registry, history of numbers, and a row of the student's trail. `version`: the one that the caller
    judged. Raises Contended where the student moved meanwhile, IntegrityError where somebody else was given the same
    number at the same moment.
    """
    before = _student(connection, student_id)
    if version is not None and before.version != version:
        raise Contended("the student changed before a number was given")
    rows = rows_for(service, connection, student_id, school_id, checked=checked)
    if rows is None:
        return None
    student, at, recorded_at = before, service.clocks.legal(), service.clocks.real()
    bucket = bucket_of(student_id)
    trail = history_row(
        object_type="student", object_id=student_id, bucket=bucket, seq=student.version + 1, event="numbered",
        from_state=student.status, to_state=student.status, at=at, recorded_at=recorded_at, actor=actor,
        details={"status": student.status, **rows.details, **({"request": str(request_id)} if request_id else {})},
        previous=student.chain, row_id=service.ids.new(bucket),
    )  # fmt: skip
    moved = connection.execute(
        update(Student)
        .where(Student.id == student_id, Student.version == student.version)
        .values(version=trail["seq"], chain=trail["hash"], **rows.columns)
    )
    if moved.rowcount != 1:
        raise Contended("the student changed while a number was given")
    values = {**rows.values, "id": request_id, "bucket": bucket, "student_id": student_id, "recorded_at": recorded_at}
    for write in rows.writes:
        connection.execute(text(write.text(single=False)), values)
    connection.execute(insert(History), trail)
    return rows.number


def student_of_number(service: Service, connection: Connection, number: str) -> int | None:
    """Whose number this is or was; a pupil whose L became G is still found by L."""
    hashes = service.hashes.candidates("student_number", number)
    for table in (StudentNumber, NumberHistory):
        found = connection.execute(select(table.student_id).where(table.number_hash.in_(hashes))).scalar()
        if found is not None:
            return int(found)
    return None


def region_of(connection: Connection, school_id: int) -> str:
    """The six digits of a school's division, or of the nearest bureau above it. Blocked where none is set."""
    at: int | None = school_id
    while at is not None:
        row = connection.execute(
            select(Organization.division_code, Organization.parent_id).where(Organization.id == at)
        ).one_or_none()
        if row is None:
            break
        if len(row.division_code) == 6:
            return str(row.division_code)
        at = row.parent_id
    raise _blocked(
        "学校及其主管部门都没有行政区划代码，不能编发学籍号。",
        "Neither the school nor a bureau above it has a division code: no number can be made.",
    )


@contextmanager
def _reading(service: Service, connection: Connection | None) -> Iterator[Connection]:
    if connection is not None:
        yield connection
    else:
        with reading(service.engine) as own:
            yield own


def _student(connection: Connection, student_id: int) -> Any:
    row = connection.execute(
        select(
            Student.version, Student.chain, Student.status, Student.sex, Student.birth_date, Student.identity_type,
            Student.identity_number, Student.student_number, Student.student_number_hash,
        ).where(Student.id == student_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        raise NotFound
    return row


def _free(service: Service, connection: Connection, size: int, make: Callable[[int], str]) -> str:
    """The first free number of a ring of `size`, from a place drawn at random: so none can be guessed from another."""
    start = service.ids.draw(size)
    for done in range(0, size, ROUND):
        numbers = [make((start + turn) % size) for turn in range(done, min(done + ROUND, size))]
        taken = _taken(service, connection, numbers)
        for number in numbers:
            if number not in taken:
                return number
    raise _blocked("该区划该出生日期的学籍号已编满。", "No number is left for this region and birth date.")


def _taken(service: Service, connection: Connection, numbers: list[str]) -> set[str]:
    """Which of these numbers somebody has, or once had."""
    by_hash = {hash_: number for number in numbers for hash_ in service.hashes.candidates("student_number", number)}
    found: set[str] = set()
    for column in (StudentNumber.number_hash, NumberHistory.number_hash):
        hashes = connection.execute(select(column).where(column.in_(by_hash))).scalars()
        found |= {by_hash[bytes(hash_)] for hash_ in hashes}
    return found


def _blocked(zh: str, en: str) -> Blocked:
    return Blocked(f"{zh} / {en}", (Reason(_CITE, No(zh, en)),))
