"""Repeating a recording for another student in another place (套用), with a chain of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from workflow_service.db import chain_hash
from workflow_service.generate.province import Province, Room, School, Unit
from workflow_service.generate.recording import SECOND, Line, Recording, Slot
from workflow_service.models.columns import from_micros
from workflow_service.requests import number_of

SPREAD = 29 * 60
"""Seconds by which a repetition lies later than its recording, at most: the same working hour."""

Row = dict[str, Any]
Put = Callable[[str, tuple[str, ...], tuple[Any, ...]], None]


@dataclass(slots=True)
class Pupil:
    """A student who was registered a moment ago, with the rows that a request may change."""

    room: Room
    student: Row
    enrolment: Row
    number_hash: bytes


@dataclass(slots=True)
class Tally:
    """How many places each class has taken and holds."""

    attending: Counter[int] = field(default_factory=Counter)
    held: Counter[int] = field(default_factory=Counter)


def place_of(
    random: Random, province: Province, recording: Recording, school: School, grade: int, stage: str
) -> tuple[School, Room] | None:
    """A school and a class that stand to `school` as the recording's destination stands to its origin.

    None where the school that was drawn does not have this grade in this stage.
    """
    if recording.destination == recording.origin:
        found = school
    else:
        county = _county(random, province, recording, school)
        found = random.choice(county)
        if found is school:
            return None
    rooms = [room for room in found.rooms(province.year) if room.grade == grade and room.stage.name == stage]
    return (found, random.choice(rooms)) if rooms else None


def _county(random: Random, province: Province, recording: Recording, school: School) -> list[School]:
    here, there = f"county{recording.origin[0]}", f"county{recording.destination[0]}"
    county = school.above
    assert county is not None
    if here == there:
        return next(schools for unit, schools in province.counties[here] if unit is county)
    near = {("county1", "county2"), ("county2", "county1"), ("county3", "county4"), ("county4", "county3")}
    wanted = [
        schools for unit, schools in province.counties[there]
        if ((here, there) not in near) or unit.above is county.above
    ]  # fmt: skip
    return random.choice(wanted or [schools for _, schools in province.counties[there]])


def repeat(
    put: Put, recording: Recording, pupil: Pupil, school: School, other: School, room: Room, *,
    packs: Mapping[str, int], delay: int, new: Callable[[], int], message: int, tally: Tally,
) -> None:  # fmt: skip
    """Write the rows of a recording for a pupil of `school` who goes to a class of `other`.

    `delay`: seconds after the recording; `new` gives ids in the pupil's bucket; `message`: the first of its positions
    in the outbox. The pupil's own rows are changed in place.
    """
    values = _values(recording, pupil, school, other, room, packs, delay, new)
    last = b""
    for line in recording.trail:
        last = _chained(put, line, values, last)
    pupil.student["chain"] = _student_trail(put, recording, pupil, values)
    pupil.student |= {"status": recording.status, "version": pupil.student["version"] + len(recording.student_trail)}
    values["chain"] = last
    _put(put, recording.request, values, chain=last)
    for line in recording.beside:
        if line.table == "outbox":
            values["position"] = message
            message += 1
        _put(put, line, values)
    for name, cell in recording.ends.items():
        pupil.enrolment[name] = values[cell.name] if type(cell) is Slot else cell
    if recording.enrolled is not None:
        _put(put, recording.enrolled, values)
    tally.held[room.id] += recording.holds
    if recording.status == "attending":
        tally.attending[room.id if recording.enrolled else pupil.room.id] += 1


def _values(
    recording: Recording, pupil: Pupil, school: School, other: School, room: Room, packs: Mapping[str, int],
    delay: int, new: Callable[[], int],
) -> dict[str, Any]:  # fmt: skip
    student, request_id = pupil.student, new()
    stage = pupil.room.stage.name
    values: dict[str, Any] = {
        **packs, "request": request_id, "student": student["id"], "number": number_of(request_id, recording.day),
        "name": student["name"], "number_hash": pupil.number_hash, "bucket": student["bucket"],
        "enrolment": pupil.enrolment["id"], "class:from": pupil.room.id, "class:to": room.id,
        "grade": pupil.room.grade, "stage": f'"stage":"{stage}"', "stage_name": stage,
    }  # fmt: skip
    for like, unit in (*_line(recording.destination, other), *_line(recording.origin, school)):
        values[f"org:{like}"], values[f"path:{like}"] = unit.id, unit.path
        for role, (account, person) in unit.accounts.items():
            values[f"account:{like}:{role}"], values[f"person:{like}:{role}"] = account, person
    for name in recording.fresh:
        values[name] = new()
    later = delay * SECOND
    for at in recording.moments:
        values[f"at:{at}"] = at + later
    for at in recording.isos:
        values[f"iso:{at}"] = from_micros(at + later).isoformat()
    return values


def _line(school_code: str, school: School) -> Iterable[tuple[str, Unit]]:
    """The demo's codes from a school upwards, beside the units that they stand for."""
    yield school_code, school
    assert school.above is not None
    yield from ((unit.model, unit) for unit in school.above.line())


def _student_trail(put: Put, recording: Recording, pupil: Pupil, values: Mapping[str, Any]) -> bytes:
    last: bytes = pupil.student["chain"]
    for line in recording.student_trail:
        last = _chained(put, line, values, last)
    return last


def _chained(put: Put, line: Line, values: Mapping[str, Any], last: bytes) -> bytes:
    """Put a row of a trail behind the one before; its hash."""
    cells = _filled(line, values)
    payload = line.columns.index("payload")
    cells[line.columns.index("hash")] = last = chain_hash(last, cells[payload])
    put(line.table, line.columns, tuple(cells))
    return last


def _put(put: Put, line: Line, values: Mapping[str, Any], **more: Any) -> None:
    cells = _filled(line, values)
    for name, value in more.items():
        cells[line.columns.index(name)] = value
    put(line.table, line.columns, tuple(cells))


def _filled(line: Line, values: Mapping[str, Any]) -> list[Any]:
    cells = list(line.cells)
    for place, text, slots in line.open:
        cells[place] = text % tuple([values[name] for name in slots]) if text else values[slots[0]]
    return cells
