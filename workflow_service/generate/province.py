"""The province that is generated (省、市、县、校): a tree with a few huge counties, its classes, who works where.

Counties come in the kinds of the demo's: what a rehearsed request did between two schools of the demo, a generated one
does between two schools whose bureaus stand to each other in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from workflow_service.demo.organizations import BUREAUS
from workflow_service.demo.organizations import schools as demo_schools
from workflow_service.ids import BUCKETS
from workflow_service.schooling import Stage, stages_of

CLASS_SIZE = 36
"""Below what any pack lets into a class, so that arrivals and held places find room."""
TYPES = ("county1", "county2", "county3", "county4", "county9")
CITY_TYPES = (("county1", "county2"), ("county3", "county4"))
FEWEST_SCHOOLS = 5 * len(TYPES)
_ABOVE = {bureau.code: bureau for bureau in BUREAUS}
_MODELS = {school.code[-1]: school for school in demo_schools() if school.code[0] == "1"}


@dataclass(slots=True)
class Unit:
    """A bureau or a school of the tree. `model` is the code of the demo's that it is like."""

    code: str
    name: str
    level: str
    path: str
    model: str
    above: Unit | None
    id: int = 0
    accounts: dict[str, tuple[int, int]] = field(default_factory=dict)  # role: (account, person)
    _slots: dict[str, dict[str, Any]] = field(default_factory=dict)

    def line(self) -> Iterator[Unit]:
        """It and all above it, the nearest first."""
        unit: Unit | None = self
        while unit is not None:
            yield unit
            unit = unit.above

    def slots(self, like: str) -> dict[str, Any]:
        """What a recording is filled in with where it has the demo's unit `like`: ids and path."""
        if like not in self._slots:
            found: dict[str, Any] = {f"org:{like}": self.id, f"path:{like}": self.path}
            for role, (account, person) in self.accounts.items():
                found |= {f"account:{like}:{role}": account, f"person:{like}:{role}": person}
            self._slots[like] = found
        return self._slots[like]


@dataclass(slots=True)
class School(Unit):
    """A school: how many sit in it, and where its classes and its requests begin in the province's count."""

    index: int = 0
    students: int = 0
    requests: int = 0
    pending: int = 0  # of these, how many are not finished
    first_class: int = 0
    first_ms: int = 0
    first_message: int = 0
    _rooms: tuple[Room, ...] | None = None

    @property
    def kind(self) -> str:
        """1 … 5, as the demo's schools of a county are numbered."""
        return self.model[-1]

    @property
    def schooling(self) -> dict[str, int]:
        """Its 学制."""
        return _MODELS[self.kind].schooling

    def rooms(self, year: int) -> tuple[Room, ...]:
        """Its classes in order, in the school year `year`, with how many sit in each from the start."""
        if self._rooms is None:
            self._rooms = tuple(self._made_rooms(year))
        return self._rooms

    def _made_rooms(self, year: int) -> Iterator[Room]:
        grades = [(stage, grade) for stage in stages_of(self.schooling)
                  for grade in range(stage.first_grade, stage.last_grade + 1)]  # fmt: skip
        most, rest = divmod(self.students, len(grades))
        number = self.first_class
        for turn, (stage, grade) in enumerate(grades):
            pupils = most + (turn < rest)
            classes = max(1, -(-pupils // CLASS_SIZE))
            size, more = divmod(pupils, classes)
            for sequence in range(1, classes + 1):
                entered = year - (grade - stage.first_grade)
                yield Room(class_id(number), stage, grade, entered, sequence, size + (sequence <= more))
                number += 1

    def class_count(self) -> int:
        """How many classes it has."""
        return sum(1 for _ in self._made_rooms(0))


@dataclass(slots=True)
class Room:
    """A class, and how many students are put into it."""

    id: int
    stage: Stage
    grade: int
    entered: int
    sequence: int
    size: int


def slot_id(first_ms: int, number: int) -> int:
    """The id of the n-th thing in a row of things that begins at a millisecond since 2020; buckets fill evenly."""
    bucket = (number * 0x9E3779B1 >> 12) % BUCKETS
    return (first_ms + (number >> 12)) << 22 | bucket << 12 | number & 4095


CLASSES_MS = 180_000_000_000
"""Milliseconds since 2020 (September 2025) from which classes have their ids; students and requests follow them."""
STUDENTS_MS = CLASSES_MS + 1_000_000


def class_id(number: int) -> int:
    """The id of the province's n-th class."""
    return slot_id(CLASSES_MS, number)


@dataclass
class Province:
    """The whole tree. `units` are its bureaus and schools, those above before those below."""

    seed: int
    year: int
    units: list[Unit]
    schools: list[School]

    @cached_property
    def counties(self) -> dict[str, list[tuple[Unit, list[School]]]]:
        """The counties of each of the demo's kinds, with their schools."""
        found: dict[str, tuple[Unit, list[School]]] = {}
        for school in self.schools:
            county = school.above
            assert county is not None
            found.setdefault(county.code, (county, []))[1].append(school)
        kinds: dict[str, list[tuple[Unit, list[School]]]] = {kind: [] for kind in TYPES}
        for county, schools in found.values():
            kinds[county.model].append((county, schools))
        return kinds


def plan_province(students: int, schools: int, requests: int, pending: int, seed: int, year: int) -> Province:
    """The tree of so many schools, with so many students and requests spread over it, the same for the same seed.

    `pending` of the requests are not finished.

    Raises ValueError where there are too few schools for one of each kind, or too few students for the requests.
    """
    if schools < FEWEST_SCHOOLS or schools > 20_000:
        raise ValueError(f"学校数须在 {FEWEST_SCHOOLS} 至 20000 之间 / between {FEWEST_SCHOOLS} and 20,000 schools")
    if students < 20 * schools:
        raise ValueError("每校至少 20 名学生 / at least 20 students a school")
    if not 0 <= pending <= requests <= students // 3:
        raise ValueError("业务数不得超过学生数的三分之一 / at most one request for three students, and no more pending")
    random = Random(f"province {seed}")  # noqa: S311 - a province that nobody lives in
    units = _bureaus(schools)
    found = list(_schools(random, [unit for unit in units if unit.level == "county"], schools))
    _spread(random, found, students, requests, pending)
    return Province(seed, year, [*units, *found], found)


def _bureaus(schools: int) -> list[Unit]:
    """Both provinces, cities and counties: a county for about 200 schools, a city for about eight counties."""
    main = _bureau("province", "province", None)
    other = _bureau("province2", "province2", None)
    units = [main, other]
    counties = max(len(TYPES), schools // 200)
    far = max(1, counties // 20)
    cities = max(2, (counties - far) // 8)
    units += [_bureau(f"city{city + 1}", f"city{city % 2 + 1}", main) for city in range(cities)]
    towns = units[2:]
    for number in range(counties):
        if number < far:
            units.append(_bureau(f"county{number + 1}", "county9", other))
        else:
            place = number - far
            kinds = CITY_TYPES[place % cities % 2]
            units.append(_bureau(f"county{number + 1}", kinds[place // cities % 2], towns[place % cities]))
    return units


def _bureau(code: str, model: str, above: Unit | None) -> Unit:
    like = _ABOVE[model]
    name = f"{like.name.removeprefix('示例')[:-3]}{code.lstrip('abcdefghijklmnopqrstuvwxyz')}{like.name[-3:]}"
    return Unit(code, f"演练{name}", like.level, f"{above.path if above else '/'}{code}/", model, above)


def _schools(random: Random, counties: list[Unit], schools: int) -> Iterator[School]:
    """One of each kind for every county, and the others where the weight of a county calls for them."""
    counts = [5] * len(counties)
    for number, more in enumerate(_shares(schools - 5 * len(counties), _weights(random, len(counties), 0.8))):
        counts[number] += more
    index = 0
    for county, count in zip(counties, counts, strict=True):
        for number in range(count):
            model = f"{county.model[-1]}0{number % 5 + 1}"
            code = f"{county.code.removeprefix('county')}s{number + 1:04d}"
            name = f"{county.name.removesuffix('教育局')}第{number + 1}学校"
            yield School(code, name, "school", f"{county.path}{code}/", model, county, index=index)
            index += 1


def _spread(random: Random, schools: list[School], students: int, requests: int, pending: int) -> None:
    """Give every school its students, its requests, and its places in the province's counts."""
    weights = [random.lognormvariate(0, 0.6) * len(stages_of(school.schooling)) for school in schools]
    for school, more in zip(schools, _shares(students - 20 * len(schools), weights), strict=True):
        school.students = 20 + more
    asked = [school.students * random.uniform(0.5, 1.5) for school in schools]
    for school, count in zip(schools, _shares(requests, asked), strict=True):
        school.requests = count
    for school, count in zip(schools, _shares(pending, [school.requests for school in schools]), strict=True):
        school.pending = min(count, school.requests)
    classes = messages = 0
    at = STUDENTS_MS
    for school in schools:
        school.first_class, school.first_ms, school.first_message = classes, at, messages
        classes += school.class_count()
        at += 2 + (school.students * 6 + school.requests * 80) // 4096
        messages += school.requests * 40


def _weights(random: Random, count: int, slope: float) -> Sequence[float]:
    found = [(n + 1) ** -slope for n in range(count)]
    random.shuffle(found)
    return found


def _shares(total: int, weights: Sequence[float]) -> list[int]:
    """So many things shared out by weight, all of them."""
    whole, given, found, run = sum(weights), 0, [], 0.0
    for weight in weights:
        run += weight
        upto = round(total * run / whole)
        found.append(upto - given)
        given = upto
    return found
