"""A recording (记录): the rows that one request left, with the people, places and moments in them as open slots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, FromClause, select

from workflow_service.history import salted_hash
from workflow_service.models import (
    Base,
    Enrolment,
    History,
    HistoryComment,
    Judgement,
    Outbox,
    PlaceHold,
    RegisterEntry,
    Request,
    RequestDocument,
    RequestParty,
    Student,
)
from workflow_service.models.columns import JsonText, dumps, from_micros, to_micros

SECOND = 1_000_000
DAY = 86_400 * SECOND
EIGHT_HOURS = DAY // 3
_TOKEN = re.compile(
    r"(?<![0-9a-z])[0-9]{16,19}(?![0-9a-z])|[0-9]{8}-[0-9A-Z]{10}|/(?:[a-z0-9]+/)+|\"stage\":\"[a-z]+\""
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+08:00"
)
_BESIDE: tuple[tuple[type[Base], str], ...] = (
    (RequestParty, "request_id"), (Outbox, "object_id"), (RequestDocument, "request_id"),
    (PlaceHold, "request_id"), (RegisterEntry, "request_id"), (Judgement, "request_id"),
)  # fmt: skip
"""The tables beside request, history and enrolment in which a request leaves rows."""

ENDS = ("valid_to", "ended_at", "end_reason", "end_request_id")
"""The columns in which an enrolment ends."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids and paths of the rehearsal stand for, as slots; `codes`: organizations by id."""

    slots: Mapping[str, str]
    codes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell that is filled in anew, whole."""

    name: str


Values = dict[str, Any]
Into = tuple[str, tuple[str, ...]]
"""A table and the columns of its rows."""
Phrase = tuple[str, str, Callable[[Values], Any]]
"""The slot that a text fills, the text with `%s` where others stand in it, and what picks those."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row: where it goes, and what picks its cells from all values; a trail's hash is over the slot `payload`.

    What never changes is a value under a name of its own, so that a row is picked whole by one call.
    """

    into: Into
    cells: Callable[[Values], tuple[Any, ...]]
    payload: str


@dataclass(frozen=True, slots=True)
class Recording:
    """What one request left.

    `constants` are the cells that never change, `phrases` the texts to be filled in before any line. `trail` and
    `student_trail` are chained anew when they are repeated; `ends` are the slots of the columns that it wrote into the
    student's enrolment, `enrolled` the new one; `moments` are its instants by their slots, moved a little together, and
    `isos` those of them that stand in texts. `status`: the student's in the end. `holds`: it still holds a place in its
    class.
    """

    finished: bool
    origin: str
    destination: str
    status: str
    day: date
    constants: Mapping[str, Any]
    phrases: tuple[Phrase, ...]
    request: Line
    trail: tuple[Line, ...]
    student_trail: tuple[Line, ...]
    beside: tuple[Line, ...]
    ends: Mapping[str, str]
    enrolled: Line | None
    moments: tuple[tuple[str, int], ...]
    isos: tuple[tuple[str, int], ...]
    fresh: tuple[str, ...]
    holds: bool


@dataclass(slots=True)
class Scribe:
    """Turns cells into slots. A number that stands for nothing known is an id made on the way: a new one each time.

    `names` are the words and numbers that stand for something, wherever they come in a text; `cells` are whole cells
    that do. Both give the slot; `met` are those that were found.
    """

    names: Mapping[str, str]
    cells: Mapping[Any, str] = field(default_factory=dict)
    words: re.Pattern[str] = _TOKEN
    constants: dict[tuple[type, Any], str] = field(default_factory=dict)
    phrases: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    moments: set[int] = field(default_factory=set)
    isos: set[int] = field(default_factory=set)
    fresh: dict[str, str] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    def line(self, table: type[Base], row: Row) -> Line:
        """A row of `table` taken down; its cells are values of the database or a `Slot`."""
        if "bucket" in row:
            row = row | {"bucket": Slot("bucket")}
        columns = table.__table__.c
        slots = {name: self.slot(columns[name].type, value) for name, value in row.items()}
        return Line((table.__tablename__, tuple(row)), itemgetter(*slots.values()), slots.get("payload", ""))

    def slot(self, kind: Any, value: Any) -> str:
        """The slot from which a cell is picked."""
        if type(value) is Slot:
            return value.name
        if isinstance(kind, JsonText) and value is not None:
            value = dumps(value)
        if value is not None and value in self.cells:
            self.met.add(self.cells[value])
            return self.cells[value]
        if type(value) is int and value >= 10**15 and (found := self._named(str(value))):
            return found
        return self._text(value) if type(value) is str else self._constant(value)

    def taken(self) -> tuple[dict[str, Any], tuple[Phrase, ...]]:
        """The constants and the phrases of all lines that were taken down."""
        phrases = tuple((name, text, itemgetter(*slots)) for (text, slots), name in self.phrases.items())
        return {name: value for (_, value), name in self.constants.items()}, phrases

    def _constant(self, value: Any) -> str:
        return self.constants.setdefault((type(value), value), f"={len(self.constants)}")

    def _text(self, text: str) -> str:
        slots: list[str] = []
        parts, end = [], 0
        for match in self.words.finditer(text):
            slot = self._named(match[0])
            if slot is not None:
                parts.append(text[end : match.start()].replace("%", "%%") + "%s")
                slots.append(slot)
                end = match.end()
        if not slots:
            return self._constant(text)
        found = "".join(parts) + text[end:].replace("%", "%%")
        if found == "%s":
            return slots[0]
        return self.phrases.setdefault((found, tuple(slots)), f"~{len(self.phrases)}")

    def _named(self, token: str) -> str | None:
        if token in self.names:
            self.met.add(self.names[token])
            return self.names[token]
        if token.startswith('"'):
            return "stage"
        if token[10:11] == "T":
            return self._moment(to_micros(datetime.fromisoformat(token)), self.isos, "iso")
        if not token.isdecimal():
            return None
        if len(token) > 16:
            return self.fresh.setdefault(token, f"new:{len(self.fresh)}")
        return self._moment(int(token), self.moments, "at")

    def _moment(self, at: int, known: set[int], slot: str) -> str | None:
        """Something that happened; the beginning of a day is a limit, and stays where it is."""
        if (at + EIGHT_HOURS) % DAY == 0:
            return None
        at -= at % SECOND
        known.add(at)
        return f"{slot}:{at}"


def take_down(connection: Connection, names: Names, request_id: int) -> Recording | None:
    """The recording of a request; None where its student went through something else as well."""
    request = _rows(connection, Request, "id", request_id)[0]
    student = _rows(connection, Student, "id", request["student_id"])[0]
    trail = _rows(connection, History, "object_id", request_id)
    _, *later = _rows(connection, History, "object_id", student["id"])
    first, *others = sorted(_rows(connection, Enrolment, "student_id", student["id"]),
                            key=lambda row: row["start_request_id"] is not None)  # fmt: skip
    if any(f'"{request_id}"' not in row["payload"] for row in later) or len(others) > 1:
        return None
    scribe = Scribe({
        str(request["class_id"]): "class:to", str(first["class_id"]): "class:from", **names.slots,
        str(request_id): "request", str(student["id"]): "student", request["number"]: "number",
        str(first["id"]): "enrolment",
    })  # fmt: skip
    beside = [*_comments(connection, trail), *_beside(connection, request_id, trail)]
    request |= {"named": Slot("name") if request["named"] else None, "grade": Slot("grade"), "chain": Slot("hash"),
                "named_hash": Slot("number_hash") if request["named_hash"] else None}  # fmt: skip
    asked = scribe.line(Request, request)
    steps = [tuple(scribe.line(History, _settled(step)) for step in rows) for rows in (trail, later)]
    rest = tuple(scribe.line(table, row) for table, row in beside)
    ends, enrolled = _ends(scribe, first), _enrolled(scribe, others)
    constants, phrases = scribe.taken()
    return Recording(
        finished=bool(request["final"]), origin=names.codes[request["origin_school_id"]],
        destination=names.codes[request["destination_school_id"]], status=student["status"],
        day=from_micros(request["created_at"]).date(), constants=constants, phrases=phrases,
        request=asked, trail=steps[0], student_trail=steps[1], beside=rest, ends=ends, enrolled=enrolled,
        moments=tuple((f"at:{at}", at) for at in sorted(scribe.moments)),
        isos=tuple((f"iso:{at}", at) for at in sorted(scribe.isos)), fresh=tuple(scribe.fresh.values()),
        holds=any(table is PlaceHold and row["released_at"] is None for table, row in beside),
    )  # fmt: skip


def _rows(connection: Connection, table: type[Base], column: str, id_: int) -> list[Row]:
    columns: FromClause = table.__table__
    query = select(columns).where(columns.c[column] == id_)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return sorted(rows, key=lambda row: row["seq"]) if "seq" in columns.c else rows


def _settled(row: Row) -> Row:
    """A row of a trail, recorded at the moment at which it happened, behind the one before wherever that is."""
    return row | {"recorded_at": row["at"], "hash": Slot("hash")}


def _comments(connection: Connection, trail: list[Row]) -> Iterator[tuple[type[Base], Row]]:
    """The opinions, salted anew so that two rehearsals are the same; their hashes in the trail follow."""
    for step in trail:
        for row in _rows(connection, HistoryComment, "history_id", step["id"]):
            salt = hashlib.sha256(f"{step['seq']} {row['comment']}".encode()).hexdigest()[:16]
            old, new = (salted_hash(one, row["comment"]) for one in (row["salt"], salt))
            step["payload"] = step["payload"].replace(old, new)
            yield HistoryComment, row | {"salt": salt}


def _beside(connection: Connection, request_id: int, trail: list[Row]) -> Iterator[tuple[type[Base], Row]]:
    """Every other row. What was judged is kept while a request is open: of finished ones there would be gigabytes."""
    at = {row["seq"]: row["at"] for row in trail}
    finished = trail[-1]["to_state"] in ("completed", "rejected", "recalled", "expired")
    for table, column in _BESIDE:
        for row in _rows(connection, table, column, request_id):
            if table is Outbox:
                sent = at[row["seq"]]
                row |= {"created_at": sent, "delivered_at": sent - sent % SECOND + SECOND, "position": Slot("position")}
            if table is not Judgement or not finished:
                yield table, row


def _ends(scribe: Scribe, enrolment: Row) -> dict[str, str]:
    if enrolment["ended_at"] is None:
        return {}
    columns = Enrolment.__table__.c
    return {name: scribe.slot(columns[name].type, enrolment[name]) for name in ENDS}


def _enrolled(scribe: Scribe, others: list[Row]) -> Line | None:
    return scribe.line(Enrolment, others[0] | {"stage": Slot("stage_name")}) if others else None
