"""The boxes of the workbench (待办、在办、本校申请、已办) and the scope of a person, each one predicate.

The same predicate serves list, count and permission, so that no number ever disagrees with its list.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Select, and_, cast, false, func, or_, select, table, true, tuple_, union_all
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import aliased

from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.models import NumberHistory, Organization, Request, RequestParty, Student, StudentNumber
from workflow_service.names import are_syllables, parts_asked
from workflow_service.sql.held import MANY, NEVER, held_count, held_page

if TYPE_CHECKING:
    from workflow_service.service import Service

BOXES: Final = ("todo", "waiting", "mine", "done")
DECIDERS: Final = frozenset({"registrar", "principal"})

_CURSOR = re.compile(r"(\d{1,19})-(\d{1,19})", re.ASCII)
_REQUEST = re.compile(r"[0-9]{8}-[0-9A-Z]{10}")
_NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Z]{8,30}")


class BadCursor(ValueError):
    """A cursor that no list has given."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list asks for; None does not restrict. `due_before` in microseconds of legal time."""

    box: str | None = None
    kind: str | None = None
    state: str | None = None
    due_before: int | None = None
    q: str | None = None


def below(path: ColumnElement[str] | Any, top: str) -> ColumnElement[bool]:
    """Whether an organization's path lies at or below `top`, which ends with a slash: one range of an index."""
    return and_(path >= top, path < top.removesuffix("/") + chr(ord("/") + 1))


def in_scope(actor: Actor) -> ColumnElement[bool]:
    """Scope (可见范围): a draft is its school's alone; otherwise every party and all above it."""
    if not actor.works_on_requests:
        return false()
    visible = or_(Request.state != "draft", Request.applicant_id == actor.organization_id)
    if actor.kind == "school":
        # Few of all requests: its own are read by the index of parties.
        return and_(
            visible, Request.id.in_(select(RequestParty.request_id).where(below(RequestParty.path, actor.path)))
        )
    # Many: the list is walked in its order, and each request asked whether it has to do with the asker's places.
    here = select(RequestParty.request_id).where(
        RequestParty.request_id == Request.id, below(RequestParty.path, actor.path)
    )
    return and_(visible, here.exists())


def box_predicate(actor: Actor, box: str) -> ColumnElement[bool]:
    """One of `BOXES` for the asker's organization and roles."""
    if not actor.works_on_requests:
        return false()
    if box == "todo":
        return Request.id.in_(_to_do(actor))
    if box == "mine":
        return Request.id.in_(
            select(RequestParty.request_id).where(RequestParty.path == actor.path, RequestParty.duty == "applicant")
        )
    if box in ("waiting", "done") and not actor.roles & DECIDERS:
        # Whoever only looks is no party to anything: an auditor's organization never stands in a request.
        return and_(in_scope(actor), Request.open if box == "waiting" else Request.final)
    party = Request.id.in_(select(RequestParty.request_id).where(RequestParty.path == actor.path))
    if box == "waiting":
        return and_(party, Request.open, Request.id.not_in(_to_do(actor)))
    if box == "done":
        decided = select(RequestParty.request_id).where(
            RequestParty.path == actor.path, RequestParty.duty == "hold", RequestParty.to_at.is_not(None)
        )
        return and_(party, or_(Request.final, Request.id.in_(decided)), Request.id.not_in(_to_do(actor)))
    raise ValueError(f"unknown box {box}")


def list_requests(
    service: Service, actor: Actor, wanted: Wanted, limit: int, cursor: str | None = None
) -> tuple[list[Any], str | None]:
    """Rows of the wanted requests, soonest due first, and the cursor of the next page (None at the end).

    Raises BadCursor.
    """
    if wanted == Wanted(box="todo"):
        return desk(service, actor, limit, cursor)[1:]
    after = None if cursor is None else two_ids(cursor)
    query, due_at, id_ = _rows(), Request.due_at, Request.id
    if wanted.box == "todo" and actor.works_on_requests:
        # Walked in the order of what is held: by due dates of all requests, an office's own would be looked for in all.
        query = query.join(RequestParty, RequestParty.request_id == Request.id).where(*_held(actor))
        due_at, id_ = RequestParty.due_at, RequestParty.request_id
        predicates = _asked(service, wanted)
    else:
        predicates = _predicates(service, actor, wanted)
    query = query.where(*predicates)
    with reading(service.engine) as connection:
        rows: list[Any] = []
        if after is None or after[0] != NEVER:
            due = query.where(due_at.is_not(None)).order_by(due_at, id_).limit(limit + 1)
            rows += connection.execute(due if after is None else due.where(tuple_(due_at, id_) > tuple_(*after)))
        if len(rows) <= limit and wanted.due_before is None:
            # Whatever has no due date stands behind: a second walk, by id, which no index could do within the first.
            never = query.where(due_at.is_(None), id_ > (after[1] if after and after[0] == NEVER else 0))
            rows += connection.execute(never.order_by(id_).limit(limit + 1 - len(rows)))
    return _page(rows, limit)


def _page(rows: list[Any], limit: int) -> tuple[list[Any], str | None]:
    """At most `limit` of the rows, one more of which was asked for, and the cursor of those behind them."""
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], f"{NEVER if last.due_at is None else last.due_at}-{last.id}"


def desk(
    service: Service, actor: Actor, limit: int, cursor: str | None = None
) -> tuple[int, list[Any], str | None]:  # fmt: skip
    """What waits for somebody (待办), in one statement: how much in all, at most `MANY`, and a page as `list_requests`
    gives it. Raises BadCursor.
    """
    after = (0, 0) if cursor is None else two_ids(cursor)
    if not actor.works_on_requests:
        return 0, [], None
    count, rows = held_page(service.hot, actor.organization_id, actor.roles, after, limit + 1)
    return count, *_page(rows, limit)


def count_requests(service: Service, actor: Actor, wanted: Wanted, most: int = NEVER) -> int:
    """How many `list_requests` would give in all; counted up to `most`, where whoever asks shows no more (`MANY`)."""
    if wanted == Wanted(box="todo"):
        return held_count(service.hot, actor.organization_id, actor.roles, most) if actor.works_on_requests else 0
    counted = select(Request.id).where(*_predicates(service, actor, wanted)).limit(None if most == NEVER else most)
    with reading(service.engine) as connection:
        return connection.execute(select(func.count()).select_from(counted.subquery())).scalar_one()


def _to_do(actor: Actor) -> Select[int]:
    return select(RequestParty.request_id).where(*_held(actor))


def _held(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """The rows that say whose turn it is, where it is the asker's."""
    return (
        RequestParty.organization_id == actor.organization_id, RequestParty.duty == "hold",
        RequestParty.to_at.is_(None), RequestParty.role.in_(sorted(actor.roles)),
    )  # fmt: skip


def _predicates(service: Service, actor: Actor, wanted: Wanted) -> list[ColumnElement[bool]]:
    return [box_predicate(actor, wanted.box) if wanted.box else in_scope(actor), *_asked(service, wanted)]


def _asked(service: Service, wanted: Wanted) -> list[ColumnElement[bool]]:
    """What restricts a list besides its box."""
    found: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        found.append(Request.kind == wanted.kind)
    if wanted.state is not None:
        found.append(Request.state == wanted.state)
    if wanted.due_before is not None:
        found.append(Request.due_at < wanted.due_before)
    if wanted.q:
        number = wanted.q.strip().upper()
        students = select(Student.id).where(student_matches(service, wanted.q))
        # One or the other: an OR of both would read every request in scope.
        found.append(Request.number == number if _REQUEST.fullmatch(number) else Request.student_id.in_(students))
    return found


def student_matches(service: Service, q: str) -> ColumnElement[bool]:
    """Search (检索): part of a name, pinyin or its initials, or a whole number: the student number that somebody has
    or had (NUM-04) by its keyed hash, or the local code (学生编码). What holds a digit is no name: then only indexes
    are asked.
    """
    text = unicodedata.normalize("NFKC", q).strip()
    if _NUMBER.fullmatch(text.upper()):
        hashes = service.hashes.candidates("student_number", text)
        whose = union_all(
            select(StudentNumber.student_id).where(StudentNumber.number_hash.in_(hashes)),
            select(NumberHistory.student_id).where(NumberHistory.number_hash.in_(hashes)),
            select(Student.id).where(Student.local_code == text.upper()),
        ).subquery()
        return Student.id.in_(select(whose.c.student_id))
    return name_matches(text, service.engine.dialect.name)


def name_matches(text: str, dialect: str) -> ColumnElement[bool]:
    """Students in whose names this text stands: any characters that follow each other, or whole syllables or initials
    the last of which may be begun only. The index of names finds them (`workflow_service.sql.name_parts`).
    """
    if not text:
        return true()
    *whole, last = parts_asked(text)
    read = are_syllables(text)
    column, sought = (Student.pinyin, " ".join([*whole, last])) if read else (Student.name, text)
    begun = read or len(text) < 2
    # One part says it all; the planner would take what the text adds for something rarer still, and choose badly.
    beside = column.contains(sought, autoescape=True) if whole else true()
    if dialect == "postgresql":
        words = [_quoted(part) for part in whole] + [_quoted(last) + (":*" if begun else "")]
        indexed: ColumnElement[bool] = func.name_parts(Student.name, Student.pinyin).op("@@")(
            cast(" & ".join(words), TSQUERY)
        )
        return and_(indexed, beside)
    kept = [_NAME_PART.c.part == part for part in whole]
    kept.append(and_(_NAME_PART.c.part >= last, _NAME_PART.c.part < last + chr(0x10FFFF)) if begun
                else _NAME_PART.c.part == last)  # fmt: skip
    found = [Student.id.in_(select(_NAME_PART.c.student_id).where(one)) for one in kept]
    return and_(*found, beside)


_NAME_PART = table("name_part", sql_column("part"), sql_column("student_id"))


def _quoted(part: str) -> str:
    """A part as PostgreSQL's text search takes it."""
    escaped = part.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _rows() -> Select[*tuple[Any, ...]]:
    origin, destination, holder = aliased(Organization), aliased(Organization), aliased(Organization)
    return (
        select(
            Request.id, Request.number, Request.kind, Request.state, Request.final, Request.version, Request.grade,
            Request.ground, Request.state_since, Request.due_at, Request.holder_role, Request.pack_id,
            Request.escalated, Request.returned_from, Student.id.label("student_id"),
            Student.name.label("student_name"), origin.id.label("origin_id"), origin.code.label("origin_code"),
            origin.name.label("origin_name"), destination.id.label("destination_id"),
            destination.code.label("destination_code"), destination.name.label("destination_name"),
            holder.id.label("holder_id"), holder.code.label("holder_code"), holder.name.label("holder_name"),
        )
        .outerjoin(Student, Student.id == Request.student_id)
        .join(origin, origin.id == Request.origin_school_id)
        .join(destination, destination.id == Request.destination_school_id)
        .outerjoin(holder, holder.id == Request.holder_id)
    )  # fmt: skip


def two_ids(cursor: str) -> tuple[int, int]:
    """The two numbers of a cursor. Raises BadCursor."""
    found = _CURSOR.fullmatch(cursor)
    if found is None or int(found[1]) > NEVER or int(found[2]) > NEVER:
        raise BadCursor(cursor)
    return int(found[1]), int(found[2])


__all__ = [
    "BOXES", "DECIDERS", "MANY", "NEVER", "BadCursor", "Wanted", "below", "box_predicate", "count_requests", "desk",
    "in_scope", "list_requests", "name_matches", "student_matches", "two_ids",
]  # fmt: skip
