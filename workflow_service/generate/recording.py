"""A recording (记录): the rows that one request left, with the people, places and moments in them as open slots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
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


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text in which slots are filled in: `%s` in `text` for each of `slots`."""

    text: str
    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its table, its columns, its cells, and where in them a `Slot` or a `Phrase` stands."""

    table: str
    columns: tuple[str, ...]
    cells: tuple[Any, ...]
    open: tuple[tuple[int, str, tuple[str, ...]], ...]  # place, text ("" for a slot), slots


@dataclass(frozen=True, slots=True)
class Recording:
    """What one request left.

    `trail` and `student_trail` are chained anew when they are repeated; `ends` are the columns that it wrote into the
    student's enrolment, `enrolled` the new one; `moments` are its instants, moved a little together, and `isos` those
    of them that stand in texts. `status`: the student's in the end. `holds`: it still holds a place in its class.
    """

    finished: bool
    origin: str
    destination: str
    status: str
    day: date
    request: Line
    trail: tuple[Line, ...]
    student_trail: tuple[Line, ...]
    beside: tuple[Line, ...]
    ends: Mapping[str, Any]
    enrolled: Line | None
    moments: tuple[int, ...]
    isos: tuple[int, ...]
    fresh: tuple[str, ...]
    holds: bool


@dataclass(slots=True)
class _Scribe:
    """Turns cells into slots. A number that stands for nothing known is an id made on the way: a new one each time."""

    names: Mapping[str, str]
    moments: set[int] = field(default_factory=set)
    isos: set[int] = field(default_factory=set)
    fresh: dict[str, str] = field(default_factory=dict)

    def line(self, table: type[Base], row: Row) -> Line:
        if "bucket" in row:
            row = row | {"bucket": Slot("bucket")}
        columns = table.__table__.c
        cells = tuple(self.cell(columns[name].type, value) for name, value in row.items())
        open_ = tuple(
            (n, "", (cell.name,)) if type(cell) is Slot else (n, cell.text, cell.slots)
            for n, cell in enumerate(cells) if type(cell) in (Slot, Phrase)
        )  # fmt: skip
        return Line(table.__tablename__, tuple(row), cells, open_)

    def cell(self, kind: Any, value: Any) -> Any:
        if isinstance(kind, JsonText) and value is not None and type(value) is not Slot:
            value = dumps(value)
        if type(value) is int and value >= 10**15:
            return self._slot(str(value)) or value
        return self._phrase(value) if type(value) is str else value

    def _phrase(self, text: str) -> Any:
        slots: list[str] = []
        parts, end = [], 0
        for match in _TOKEN.finditer(text):
            slot = self._slot(match[0])
            if slot is not None:
                parts.append(text[end : match.start()].replace("%", "%%") + "%s")
                slots.append(slot.name)
                end = match.end()
        if not slots:
            return text
        found = "".join(parts) + text[end:].replace("%", "%%")
        return Slot(slots[0]) if found == "%s" else Phrase(found, tuple(slots))

    def _slot(self, token: str) -> Slot | None:
        if token in self.names:
            return Slot(self.names[token])
        if token.startswith('"'):
            return Slot("stage")
        if token[10:11] == "T":
            return self._moment(to_micros(datetime.fromisoformat(token)), self.isos, "iso")
        if not token.isdecimal():
            return None
        if len(token) > 16:
            return Slot(self.fresh.setdefault(token, f"new:{len(self.fresh)}"))
        return self._moment(int(token), self.moments, "at")

    def _moment(self, at: int, known: set[int], slot: str) -> Slot | None:
        """Something that happened; the beginning of a day is a limit, and stays where it is."""
        if (at + EIGHT_HOURS) % DAY == 0:
            return None
        at -= at % SECOND
        known.add(at)
        return Slot(f"{slot}:{at}")


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
    scribe = _Scribe({
        str(request["class_id"]): "class:to", str(first["class_id"]): "class:from", **names.slots,
        str(request_id): "request", str(student["id"]): "student", request["number"]: "number",
        str(first["id"]): "enrolment",
    })  # fmt: skip
    beside = [*_comments(connection, trail), *_beside(connection, request_id, trail)]
    request |= {"named": Slot("name") if request["named"] else None, "grade": Slot("grade"),
                "named_hash": Slot("number_hash") if request["named_hash"] else None}  # fmt: skip
    return Recording(
        finished=bool(request["final"]), origin=names.codes[request["origin_school_id"]],
        destination=names.codes[request["destination_school_id"]], status=student["status"],
        day=from_micros(request["created_at"]).date(),
        holds=any(table is PlaceHold and row["released_at"] is None for table, row in beside),
        request=scribe.line(Request, request), trail=tuple(scribe.line(History, _settled(row)) for row in trail),
        student_trail=tuple(scribe.line(History, _settled(row)) for row in later),
        beside=tuple(scribe.line(table, row) for table, row in beside),
        ends=_ends(scribe, first), enrolled=_enrolled(scribe, others), moments=tuple(sorted(scribe.moments)),
        isos=tuple(sorted(scribe.isos)), fresh=tuple(scribe.fresh.values()),
    )  # fmt: skip


def _rows(connection: Connection, table: type[Base], column: str, id_: int) -> list[Row]:
    columns: FromClause = table.__table__
    query = select(columns).where(columns.c[column] == id_)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return sorted(rows, key=lambda row: row["seq"]) if "seq" in columns.c else rows


def _settled(row: Row) -> Row:
    """A row of a trail, recorded at the moment at which it happened."""
    return row | {"recorded_at": row["at"]}


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


def _ends(scribe: _Scribe, enrolment: Row) -> dict[str, Any]:
    if enrolment["ended_at"] is None:
        return {}
    columns = Enrolment.__table__.c
    names = ("valid_to", "ended_at", "end_reason", "end_request_id")
    return {name: scribe.cell(columns[name].type, enrolment[name]) for name in names}


def _enrolled(scribe: _Scribe, others: list[Row]) -> Line | None:
    return scribe.line(Enrolment, others[0] | {"stage": Slot("stage_name")}) if others else None
