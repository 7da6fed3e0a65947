"""Registering a student again and again (登记样板): one registration is taken down, and filled in for each pupil.

The rows are those of the function that registers students, made once for a sample whose every value is recognised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from workflow_service.crypto import FieldCipher, KeyedHash
from workflow_service.db import chain_hash
from workflow_service.generate.recording import ENDS, Line, Phrase, Row, Scribe, Slot, Values
from workflow_service.generate.repeating import Rows, fill
from workflow_service.ids import IdMaker
from workflow_service.models import Base, Enrolment, Guardian, History, Student
from workflow_service.names import search_text
from workflow_service.roster.headings import relation_code
from workflow_service.students import NewGuardian, NewStudent, Registering, student_rows

SCHOOL, CLASS, AT = 8 * 10**18 + 1, 8 * 10**18 + 2, 10**15 + 1
CAME, BORN = date(1001, 1, 1), date(1001, 1, 2)
GUARDIAN = NewGuardian("父亲", "〈guardian〉", "1")
SAMPLE = NewStudent(
    name="〈name〉", sex="〈sex〉", birth_date=BORN, identity_type="1", identity_number="2", student_number="3",
    status="〈status〉", school_id=SCHOOL, class_id=CLASS, stage="〈stage〉", valid_from=CAME, guardians=(GUARDIAN,),
)  # fmt: skip
_WORDS = {
    "〈name〉": "name", "〈sex〉": "sex", "〈status〉": "first_status", "〈stage〉": "stage_name",
    CAME.isoformat(): "came_text", str(SCHOOL): "school", str(CLASS): "class:from", str(AT): "registered_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registration:
    """The rows of one registered student: those which nothing changes any more, and the two that a request may."""

    constants: Values
    phrases: tuple[Phrase, ...]
    trail: Line
    settled: tuple[Line, ...]
    changing: tuple[Line, ...]

    def begin(self, rows: Rows, values: Values, new: Callable[[int], int]) -> Values:
        """Register a pupil of whom `values` are known; all his values.

        `values` has: student, bucket, name, pinyin, sex, birth, came, came_text, identity_number, identity_hash,
        sealed_number, number_hash, first_status, school, class:from, stage_name, registered_at, relation,
        guardian_name, phone, phone_hash. `new` gives an id in a bucket.
        """
        bucket = values["bucket"]
        values |= self.constants
        values |= {"enrolment": new(bucket), "guardian": new(bucket), "trail": new(bucket)}
        fill(values, self.phrases)
        values["chain"] = values["hash"] = chain_hash(b"", values[self.trail.payload])
        for line in (self.trail, *self.settled):
            rows.setdefault(line.into, []).append(line.cells(values))
        values |= {"status": values["first_status"], "version": 1, **dict.fromkeys(ENDS)}
        return values

    def end(self, rows: Rows, values: Values) -> None:
        """Add the rows that a request may have changed meanwhile."""
        for line in self.changing:
            rows.setdefault(line.into, []).append(line.cells(values))


def take_registration() -> Registration:
    """Register the sample and take it down. Raises ValueError where a value of the sample is in no row as it was given:
    every pupil would be written with the sample's.
    """
    hashes, cipher = KeyedHash({"1": bytes(32)}), FieldCipher({"1": bytes(32)}, bytes)
    ids = IdMaker(lambda: 1_800_000_000_000, lambda _bits: 0)
    id_ = ids.new_subject()
    words = _WORDS | {str(id_): "student"}
    cells = {
        search_text(SAMPLE.name): "pinyin", CAME: "came", BORN: "birth", relation_code(GUARDIAN.relation): "relation",
        cipher.encrypt("2", "student.identity_number"): "identity_number",
        cipher.encrypt("3", "student.student_number"): "sealed_number",
        cipher.encrypt(GUARDIAN.name, "guardian.name"): "guardian_name",
        cipher.encrypt("1", "guardian.phone"): "phone", hashes.of("identity_number", "2"): "identity_hash",
        hashes.of("student_number", "3"): "number_hash", hashes.of("phone", "1"): "phone_hash",
    }  # fmt: skip
    scribe = Scribe(words, cells, re.compile("|".join(map(re.escape, words))))
    found: dict[type[Base], Line] = {}
    by = Registering(ids, cipher, hashes)
    for table, row in student_rows(by, id_, SAMPLE, None, "imported", AT, AT, {}):
        found[table] = scribe.line(table, row | _OWN.get(table, {}))
    if lost := {*words.values(), *cells.values()} - scribe.met:
        raise ValueError(f"a registered student has no {', '.join(sorted(lost))} that is recognised")
    constants, phrases = scribe.taken()
    trail, changing = found.pop(History), (found.pop(Student), found.pop(Enrolment))
    return Registration(constants, phrases, trail, tuple(found.values()), changing)


_OWN: dict[type[Base], Row] = {
    Student: {"status": Slot("status"), "version": Slot("version"), "chain": Slot("chain")},
    Enrolment: {"id": Slot("enrolment"), **{name: Slot(name) for name in ENDS}},
    Guardian: {"id": Slot("guardian")},
    History: {"id": Slot("trail"), "hash": Slot("hash")},
}
"""The cells that are a pupil's own, or that a request changes."""


class Turns:
    """Ids one after the other from a millisecond on, in whatever bucket: those of one school."""

    def __init__(self, first_ms: int) -> None:
        self._next = first_ms << 12

    def new(self, bucket: int) -> int:
        """The next id, in this bucket."""
        at = self._next
        self._next = at + 1
        return (at >> 12) << 22 | bucket << 12 | at & 4095
