"""The work of one school (一校的数据): its students as the service registers them, then their requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from random import Random
from typing import Any

from states.calendar import SHANGHAI
from workflow_service.crypto import FieldCipher, KeyedHash
from workflow_service.demo.roster import roster_days
from workflow_service.generate.loading import Loader, Rows
from workflow_service.generate.people import ROLES, Numbers, person_name, phone
from workflow_service.generate.province import Province, Room, School
from workflow_service.generate.recording import Recording
from workflow_service.generate.repeating import SPREAD, Pupil, Tally, place_of, repeat
from workflow_service.ids import IdMaker, bucket_of, made_at_ms
from workflow_service.models import Base, Student, StudentNumber
from workflow_service.models.columns import to_micros
from workflow_service.students import NewGuardian, NewStudent, Registering, student_rows

SUSPENDED = 0.004
"""The share of students who are 休学 from the start."""
OWN_MATTERS = 3
"""How much more often a school's own matter is repeated than a transfer that was rehearsed as often."""
TRIES = 8
"""How often another school with the student's grade is looked for: a senior one may be the only one of its county."""
_NAMES: Mapping[type, str] = {mapper.class_: mapper.local_table.description for mapper in Base.registry.mappers}


@dataclass(frozen=True, slots=True)
class Plan:
    """What every worker knows: the tree, the recordings, the packs' ids by slot, keys, and the legal day."""

    province: Province
    recordings: tuple[Recording, ...]
    packs: Mapping[str, int]
    today: date
    owner_url: str
    field_keys: Mapping[str, bytes]
    hash_keys: Mapping[str, bytes]


class Worker:
    """Generates schools, and writes them through one connection."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loader = Loader(plan.owner_url)
        self._hashes = KeyedHash(plan.hash_keys)
        self._by_county: dict[tuple[str, bool], list[Recording]] = {}
        for recording in plan.recordings:
            key = (f"county{recording.origin[0]}", recording.finished)
            # A school's own matters are the everyday ones, and short: as a province has them, so are its gigabytes.
            often = OWN_MATTERS if recording.origin == recording.destination else 1
            self._by_county.setdefault(key, []).extend([recording] * often)
        last, this = roster_days(plan.today)
        self._days = (_nine(last), _nine(this))

    def school(self, index: int) -> tuple[int, Tally]:
        """Write a school; how many rows, and the places taken in whatever classes."""
        school = self._plan.province.schools[index]
        random = Random(f"school {self._plan.province.seed} {index}")  # noqa: S311 - nobody lives there
        rows: Rows = {}
        tally = Tally()
        count = self._school(random, school, rows, tally)
        self._loader.write(rows)
        return count, tally

    def close(self) -> None:
        """Let go of the connection."""
        self._loader.close()

    def _school(self, random: Random, school: School, rows: Rows, tally: Tally) -> int:
        count = 0

        def put(table: str, columns: tuple[str, ...], cells: tuple[Any, ...]) -> None:
            nonlocal count
            count += 1
            rows.setdefault((table, columns), []).append(cells)

        ms = made_at_ms(school.first_ms << 22)
        ids = IdMaker(lambda: ms, random.getrandbits)
        by = Registering(ids, FieldCipher(self._plan.field_keys, random.randbytes), self._hashes)
        pupils = self._pupils(random, school, by, put)
        asked = list(self._asking(random, school, pupils))
        for turn, (pupil, recording, other, room) in enumerate(asked):
            repeat(put, recording, pupil, school, other, room, packs=self._plan.packs, delay=random.randrange(SPREAD),
                   new=partial(ids.new, pupil.student["bucket"]), tally=tally,
                   message=school.first_message + turn * 40)  # fmt: skip
        busy = {id(pupil) for pupil, *_ in asked}
        for pupil in pupils:
            put("student", tuple(pupil.student), tuple(pupil.student.values()))
            put("enrolment", tuple(pupil.enrolment), tuple(pupil.enrolment.values()))
            if id(pupil) not in busy and pupil.student["status"] == "attending":
                tally.attending[pupil.room.id] += 1
        return count

    def _pupils(
        self, random: Random, school: School, by: Registering, put: Callable[..., None]
    ) -> list[Pupil]:  # fmt: skip
        numbers = Numbers(school.index)
        found = []
        for room in school.rooms(self._plan.province.year):
            came = self._days[room.entered >= self._plan.province.year]
            for _ in range(room.size):
                new = _new_student(random, numbers, school, room, self._plan.province.year)
                at = came + random.randrange(8 * 3600 * 1_000_000)
                found.append(_registered(by, new, room, at, put))
        return found

    def _asking(
        self, random: Random, school: School, pupils: list[Pupil]
    ) -> Iterator[tuple[Pupil, Recording, School, Room]]:
        """Whoever asks for something, each once: who attends and was on last year's roster."""
        assert school.above is not None
        free = [pupil for pupil in pupils if pupil.student["status"] == "attending"
                and pupil.room.entered < self._plan.province.year]  # fmt: skip
        random.shuffle(free)
        for turn in range(school.requests):
            recordings = self._by_county[school.above.model, turn >= school.pending]
            pupil = free.pop()
            yield pupil, *self._chosen(random, recordings, school, pupil.room)

    def _chosen(
        self, random: Random, recordings: list[Recording], school: School, room: Room
    ) -> tuple[Recording, School, Room]:
        """A recording and the school and class it leads to; a matter of the school's own where no other one fits."""
        for _ in range(TRIES):
            recording = random.choice(recordings)
            found = place_of(random, self._plan.province, recording, school, room.grade, room.stage.name)
            if found is not None:
                return recording, *found
        return random.choice([one for one in recordings if one.origin == one.destination]), school, room


def _nine(day: date) -> int:
    return to_micros(datetime.combine(day, time(9), SHANGHAI))


def _new_student(random: Random, numbers: Numbers, school: School, room: Room, year: int) -> NewStudent:
    sex = "1" if random.random() < 0.527 else "2"
    number, birth = numbers.next(random, year - room.grade - 5, sex)
    name = person_name(random, sex)
    relation, grown = random.choice(ROLES)
    family = name[0] if relation == "父亲" else None
    guardian = NewGuardian(relation, person_name(random, grown, family), phone(random))
    return NewStudent(
        name=name, sex=sex, birth_date=birth, identity_type="1", identity_number=number, student_number=f"G{number}",
        status="suspended" if random.random() < SUSPENDED else "attending", school_id=school.id, class_id=room.id,
        stage=room.stage.name, valid_from=date(room.entered, 9, 1), guardians=(guardian,),
    )  # fmt: skip


def _registered(by: Registering, new: NewStudent, room: Room, at: int, put: Callable[..., None]) -> Pupil:
    """Put the rows of a student, except the two that a request may still change."""
    id_ = by.ids.new_subject()
    pupil = Pupil(room, {}, {}, b"")
    for table, row in student_rows(by, id_, new, None, "imported", at, at, {}):
        name = _NAMES[table]
        if table is Student:
            pupil.student = row
        elif name == "enrolment":
            pupil.enrolment = row
        else:
            if table is StudentNumber:
                pupil.number_hash = row["number_hash"]
            put(name, tuple(row), tuple(row.values()))
    assert pupil.student["bucket"] == bucket_of(id_)
    return pupil
