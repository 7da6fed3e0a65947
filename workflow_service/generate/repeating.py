"""Repeating a recording for another student in another place (套用), with a chain of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from workflow_service.db import chain_hash
from workflow_service.generate.province import Province, Room, School, Unit
from workflow_service.generate.recording import SECOND, Into, Line, Phrase, Recording, Values
from workflow_service.models.columns import from_micros
from workflow_service.requests import number_of

SPREAD = 29 * 60
"""Seconds by which a repetition lies later than its recording, at most: the same working hour."""

Rows = dict[Into, list[tuple[Any, ...]]]


@dataclass(slots=True)
class Pupil:
    """A student who was registered a moment ago, with the values of his rows; a request may still change some."""

    room: Room
    values: Values
    asked: bool = False


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
    rows: Rows, recording: Recording, pupil: Pupil, school: School, other: School, room: Room, *,
    delay: int, new: Callable[[int], int], message: int, tally: Tally,
) -> None:  # fmt: skip
    """Add the rows of a recording for a pupil of `school` who goes to a class of `other`.

    `delay`: seconds after the recording; `new` gives an id in a bucket; `message`: the first of its positions in the
    outbox. The pupil's own values are changed in place.
    """
    values = _values(recording, pupil, school, other, room, delay, new)
    chain = values["chain"]
    values["hash"] = b""
    for line in recording.trail:
        _chained(rows, line, values)
    _put(rows, recording.request, values)
    values["hash"] = chain
    for line in recording.student_trail:
        _chained(rows, line, values)
    for line in recording.beside:
        if line.into[0] == "outbox":
            values["position"] = message
            message += 1
        _put(rows, line, values)
    if recording.enrolled is not None:
        _put(rows, recording.enrolled, values)
    own = pupil.values
    own["chain"], own["status"] = values["hash"], recording.status
    own["version"] += len(recording.student_trail)
    own.update({name: values[slot] for name, slot in recording.ends.items()})
    tally.held[room.id] += recording.holds
    if recording.status == "attending":
        tally.attending[room.id if recording.enrolled else pupil.room.id] += 1


def _values(
    recording: Recording, pupil: Pupil, school: School, other: School, room: Room, delay: int,
    new: Callable[[int], int],
) -> Values:  # fmt: skip
    bucket = pupil.values["bucket"]
    request_id = new(bucket)
    values: Values = {
        **pupil.values, **recording.constants, "request": request_id, "number": number_of(request_id, recording.day),
        "class:to": room.id, "grade": pupil.room.grade,
    }  # fmt: skip
    for like, unit in (*_line(recording.destination, other), *_line(recording.origin, school)):
        values.update(unit.slots(like))
    for name in recording.fresh:
        values[name] = new(bucket)
    later = delay * SECOND
    for name, at in recording.moments:
        values[name] = at + later
    for name, at in recording.isos:
        values[name] = from_micros(at + later).isoformat()
    fill(values, recording.phrases)
    return values


def fill(values: Values, phrases: Iterable[Phrase]) -> None:
    """Fill in the texts in which others of the values stand."""
    for name, text, pick in phrases:
        values[name] = text % pick(values)


def _line(school_code: str, school: School) -> Iterable[tuple[str, Unit]]:
    """The demo's codes from a school upwards, beside the units that they stand for."""
    yield school_code, school
    assert school.above is not None
    yield from ((unit.model, unit) for unit in school.above.line())


def _chained(rows: Rows, line: Line, values: Values) -> None:
    """Put a row of a trail behind the one before, whose hash is among the values."""
    values["hash"] = chain_hash(values["hash"], values[line.payload])
    _put(rows, line, values)


def _put(rows: Rows, line: Line, values: Values) -> None:
    rows.setdefault(line.into, []).append(line.cells(values))
