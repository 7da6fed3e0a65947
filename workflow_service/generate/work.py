"""The work of one school (一校的数据): its students as the service registers them, then their requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from random import Random

from states.calendar import SHANGHAI
from workflow_service.crypto import FieldCipher, KeyedHash
from workflow_service.demo.roster import roster_days
from workflow_service.generate.enlisting import Turns, take_registration
from workflow_service.generate.loading import Loader
from workflow_service.generate.people import ROLES, Numbers, person_name, phone
from workflow_service.generate.province import Province, Room, School
from workflow_service.generate.recording import Recording, Values
from workflow_service.generate.repeating import SPREAD, Pupil, Rows, Tally, place_of, repeat
from workflow_service.models.columns import to_micros
from workflow_service.names import search_text
from workflow_service.roster.headings import relation_code

SUSPENDED = 0.004
"""The share of students who are 休学 from the start."""
OWN_MATTERS = 3
"""How much more often a school's own matter is repeated than a transfer that was rehearsed as often."""
TRIES = 8
"""How often another school with the student's grade is looked for: a senior one may be the only one of its county."""
MORNING = 8 * 3600 * 1_000_000
"""The hours of a day in which students are registered, in microseconds."""
_ROLES = tuple((relation, relation_code(relation), sex) for relation, sex in ROLES)


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
        self._registration = take_registration()
        self._by_county: dict[tuple[str, bool], list[Recording]] = {}
        for recording in plan.recordings:
            known = replace(recording, constants={**recording.constants, **plan.packs})
            key = (f"county{recording.origin[0]}", recording.finished)
            # A school's own matters are the everyday ones, and short: as a province has them, so are its gigabytes.
            often = OWN_MATTERS if recording.origin == recording.destination else 1
            self._by_county.setdefault(key, []).extend([known] * often)
        last, this = roster_days(plan.today)
        self._days = (_nine(last), _nine(this))

    def schools(self, indexes: Sequence[int]) -> tuple[int, Tally]:
        """Write some schools; how many rows, and the places taken in whatever classes."""
        rows: Rows = {}
        tally = Tally()
        for index in indexes:
            school = self._plan.province.schools[index]
            self._school(Random(f"school {self._plan.province.seed} {index}"), school, rows, tally)  # noqa: S311
        count = sum(map(len, rows.values()))
        self._loader.write(rows)
        return count, tally

    def close(self) -> None:
        """Let go of the connection."""
        self._loader.close()

    def _school(self, random: Random, school: School, rows: Rows, tally: Tally) -> None:
        turns = Turns(school.first_ms)
        pupils = self._pupils(random, school, turns, rows)
        for turn, (pupil, recording, other, room) in enumerate(self._asking(random, school, pupils)):
            pupil.asked = True
            repeat(rows, recording, pupil, school, other, room, delay=random.randrange(SPREAD), new=turns.new,
                   tally=tally, message=school.first_message + turn * 40)  # fmt: skip
        for pupil in pupils:
            self._registration.end(rows, pupil.values)
            if not pupil.asked and pupil.values["status"] == "attending":
                tally.attending[pupil.room.id] += 1

    def _pupils(self, random: Random, school: School, turns: Turns, rows: Rows) -> list[Pupil]:
        numbers = Numbers(school.index)
        cipher = FieldCipher(self._plan.field_keys, random.randbytes)
        found = []
        for room in school.rooms(self._plan.province.year):
            came = self._days[room.entered >= self._plan.province.year]
            shared = {"school": school.id, "class:from": room.id, "stage_name": room.stage.name,
                      "stage": f'"stage":"{room.stage.name}"', "came": date(room.entered, 9, 1),
                      "came_text": f"{room.entered}-09-01"}  # fmt: skip
            for _ in range(room.size):
                person = self._person(random, cipher, *numbers.next(random, self._plan.province.year - room.grade - 5))
                bucket = random.getrandbits(10)
                values = shared | person
                values |= {"student": turns.new(bucket), "bucket": bucket,
                           "registered_at": came + int(random.random() * MORNING)}  # fmt: skip
                found.append(Pupil(room, self._registration.begin(rows, values, turns.new)))
        return found

    def _person(self, random: Random, cipher: FieldCipher, number: str, born: date, sex: str) -> Values:
        """Somebody who is registered: number and names, sealed as they are stored."""
        name = person_name(random, sex)
        relation, code, grown = _ROLES[int(random.random() * len(_ROLES))]
        family = name[0] if relation == "父亲" else None
        telephone, own = phone(random), f"G{number}"
        hashed = self._hashes.of
        return {
            "name": name, "pinyin": search_text(name), "sex": sex, "birth": born,
            "identity_number": cipher.encrypt(number, "student.identity_number"),
            "identity_hash": hashed("identity_number", number),
            "sealed_number": cipher.encrypt(own, "student.student_number"),
            "number_hash": hashed("student_number", own),
            "first_status": "suspended" if random.random() < SUSPENDED else "attending", "relation": code,
            "guardian_name": cipher.encrypt(person_name(random, grown, family), "guardian.name"),
            "phone": cipher.encrypt(telephone, "guardian.phone"), "phone_hash": hashed("phone", telephone),
        }  # fmt: skip

    def _asking(
        self, random: Random, school: School, pupils: list[Pupil]
    ) -> Iterator[tuple[Pupil, Recording, School, Room]]:
        """Whoever asks for something, each once: who attends and was on last year's roster."""
        assert school.above is not None
        free = [pupil for pupil in pupils if pupil.values["status"] == "attending"
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
