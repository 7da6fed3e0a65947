"""Batches (批次): requests of one kind for many students of a school, filed together and decided one by one.

The parent never decides for a child: every child is a request of its own, judged by its own facts, and every call
answers with a verdict per row. What was refused stays as it was, what went through stays done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from states.kinds import KINDS
from states.verdict import Reason
from workflow_service.actors import Actor
from workflow_service.db import reading, run_tx
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked, Forbidden, Invalid, NotFound, ServiceError
from workflow_service.keys import Key, claim_key
from workflow_service.models import Batch, Enrolment, Organization, Request, SchoolClass, Student
from workflow_service.models.columns import from_micros
from workflow_service.promotion import staying
from workflow_service.requests import create_request, number_of
from workflow_service.transitions import fire

if TYPE_CHECKING:
    from workflow_service.service import Service

MOST = 200
"""Children that one call makes or moves; a larger batch takes several calls, and each says how many remain."""


@dataclass(frozen=True, slots=True)
class Row:
    """One student of a batch: what differs for him from what the batch says for all."""

    student_id: int
    ground: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one row: the request that it is, and every reason where it went no further."""

    student_id: int | None
    request_id: int | None
    done: bool
    detail: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """What one call did; `remaining` children could still be moved by the same call."""

    batch_id: int
    verdicts: tuple[Verdict, ...]
    remaining: int = 0


def create_batch(
    service: Service, actor: Actor, shared: NewRequest, rows: Sequence[Row], key: Key | None = None
) -> Worked:
    """Start a batch with a draft for each row. Raises Forbidden, `Invalid`; a row's own trouble is in its verdict."""
    if not KINDS[shared.kind].batch:
        raise Invalid([{"field": "kind", "message": "此类业务不成批办理 / this kind is not filed in batches"}])
    if actor.kind != "school" or "registrar" not in actor.roles:
        raise Forbidden("只有学校学籍管理员可以成批申请 / only a school's registrar files a batch")
    if not 0 < len(rows) <= MOST:
        raise Invalid([{"field": "students", "message": f"每批 1 至 {MOST} 人 / 1 to {MOST} students at a time"}])
    at, batch_id = service.clocks.legal(), service.ids.new_subject()
    parent = {
        "id": batch_id, "number": number_of(batch_id, from_micros(at).date()), "kind": shared.kind,
        "organization_id": actor.organization_id, "path": actor.path,
        "data": {"ground": shared.ground, "grade": shared.grade, "data": dict(shared.data)} | (
            {"staying": staying(service, actor)} if shared.kind == "promotion" else {}), "created_at": at,
        "created_by": actor.account_id,
        "version": 1,
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(Batch), parent)
        if key is not None:
            claim_key(connection, actor, key, batch_id, service.clocks.real())

    run_tx(service.engine, write)
    return Worked(batch_id, tuple(_drafts(service, actor, replace(shared, batch_id=batch_id), rows)))


def add_to_batch(service: Service, actor: Actor, batch_id: int, rows: Sequence[Row]) -> Worked:
    """More students for a batch of the actor's own school. Raises NotFound, Forbidden, `Invalid`."""
    batch = find_batch(service, actor, batch_id)
    if batch.organization_id != actor.organization_id or "registrar" not in actor.roles:
        raise Forbidden("只有申请学校可以增加学生 / only the applying school adds students")
    if not 0 < len(rows) <= MOST:
        raise Invalid([{"field": "students", "message": f"每次 1 至 {MOST} 人 / 1 to {MOST} students at a time"}])
    said = {name: batch.data[name] for name in ("ground", "grade", "data")}
    shared = NewRequest(kind=batch.kind, batch_id=batch_id, **said)
    return Worked(batch_id, tuple(_drafts(service, actor, shared, rows)))


def _drafts(service: Service, actor: Actor, shared: NewRequest, rows: Iterable[Row]) -> Iterator[Verdict]:
    for row in rows:
        body = replace(shared, student_id=row.student_id, ground=row.ground or shared.ground,
                       data={**shared.data, **row.data})  # fmt: skip
        try:
            yield Verdict(row.student_id, create_request(service, actor, body), done=True)
        except ServiceError as error:
            yield _refused(row.student_id, None, error)


def fire_batch(
    service: Service, actor: Actor, batch_id: int, event: str, *, comment: str | None = None,
    reason: str | None = None, data: Mapping[str, Any] | None = None, received: int | None = None,
) -> Worked:  # fmt: skip
    """Send one event to every child that waits for the actor, at most `MOST` of them, each judged by itself.

    Raises NotFound. A child that refuses keeps its state; calling again tries only those that can still be moved.
    """
    find_batch(service, actor, batch_id)
    waiting = _own_turn(actor, batch_id, event)
    with reading(service.engine) as connection:
        found = connection.execute(
            select(Request.id, Request.student_id, Request.version).where(*waiting).order_by(Request.id).limit(MOST)
        ).all()  # fmt: skip
        total = connection.execute(select(func.count()).select_from(Request).where(*waiting)).scalar_one()
    verdicts = []
    for child in found:
        try:
            fire(service, child.id, event, actor, version=child.version, comment=comment, reason=reason, data=data,
                 received=received)  # fmt: skip
            verdicts.append(Verdict(child.student_id, child.id, done=True))
        except ServiceError as error:
            verdicts.append(_refused(child.student_id, child.id, error))
    return Worked(batch_id, tuple(verdicts), remaining=max(0, total - len(found)))


def _own_turn(actor: Actor, batch_id: int, event: str) -> list[ColumnElement[bool]]:
    """The children that wait for this unit; a draft or a returned one waits for its school."""
    where = [Request.batch_id == batch_id, Request.final.is_(False)]
    if event in ("submit", "resubmit", "recall"):
        states = {"submit": ("draft",), "resubmit": ("returned",)}.get(event)
        where.append(Request.applicant_id == actor.organization_id)
        return where if states is None else [*where, Request.state.in_(states)]
    return [*where, Request.holder_id == actor.organization_id, Request.holder_role.in_(sorted(actor.roles)),
            Request.state.not_in(("draft", "returned"))]  # fmt: skip


def _refused(student_id: int | None, request_id: int | None, error: ServiceError) -> Verdict:
    if isinstance(error, Blocked):
        return Verdict(student_id, request_id, False, error.detail, error.reasons)
    if isinstance(error, Invalid):
        return Verdict(student_id, request_id, False, "；".join(one["message"] for one in error.errors))
    if isinstance(error, Forbidden):
        return Verdict(student_id, request_id, False, error.detail, error.reasons)
    return Verdict(student_id, request_id, False, "已被他人更新，请重试 / it has moved on meanwhile; try again")


def find_batch(service: Service, actor: Actor, batch_id: int) -> Any:
    """A batch in the actor's scope. Raises NotFound."""
    with reading(service.engine) as connection:
        table = Batch.__table__
        found = connection.execute(select(table).where(table.c.id == batch_id)).one_or_none()
    if found is None or not actor.works_on_requests or not found.path.startswith(actor.path):
        raise NotFound
    return found


def list_batches(service: Service, actor: Actor, after: int, limit: int) -> tuple[list[Any], int | None]:
    """Batches in scope, newest first, with how many children stand where; and the id to go on after."""
    where: list[ColumnElement[bool]] = [Batch.path.startswith(actor.path, autoescape=True)]
    if after:
        where.append(Batch.id < after)
    counted = func.count(Request.id)
    query = (
        select(Batch.id, Batch.number, Batch.kind, Batch.created_at, Organization.name.label("school"),
               counted.label("children"), func.count(Request.id).filter(Request.final).label("ended"))
        .join(Organization, Organization.id == Batch.organization_id)
        .outerjoin(Request, Request.batch_id == Batch.id).where(*where)
        .group_by(Batch.id, Batch.number, Batch.kind, Batch.created_at, Organization.name)
        .order_by(Batch.id.desc()).limit(limit + 1)
    )  # fmt: skip
    with reading(service.engine) as connection:
        rows = list(connection.execute(query)) if actor.works_on_requests else []
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def batch_children(service: Service, batch_id: int, after: int, limit: int) -> tuple[list[Any], int | None]:
    """The children of a batch in the order of their making, and the id to go on after."""
    query = (
        select(Request.id, Request.number, Request.state, Request.final, Request.version, Request.pack_id,
               Request.holder_id, Request.holder_role, Student.id.label("student_id"), Student.name)
        .join(Student, Student.id == Request.student_id).where(Request.batch_id == batch_id, Request.id > after)
        .order_by(Request.id).limit(limit + 1)
    )  # fmt: skip
    with reading(service.engine) as connection:
        rows = list(connection.execute(query))
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def counts_of(service: Service, batch_id: int) -> dict[str, int]:
    """How many children stand in each state."""
    query = select(Request.state, func.count()).where(Request.batch_id == batch_id).group_by(Request.state)
    with reading(service.engine) as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def students_of(
    service: Service, actor: Actor, *, class_id: int | None = None, status: str = "attending", after: int = 0,
    limit: int = MOST,
) -> tuple[list[int], int | None]:  # fmt: skip
    """Ids of a school's own students with a status, of one class or of all, and the id to go on after (升级全校)."""
    where = [Enrolment.school_id == actor.organization_id, Enrolment.ended_at.is_(None), Student.status == status]
    if class_id is not None:
        where.append(Enrolment.class_id == class_id)
    query = (
        select(Student.id).join(Enrolment, Enrolment.student_id == Student.id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id).where(*where, Student.id > after)
        .order_by(Student.id).limit(limit + 1)
    )  # fmt: skip
    with reading(service.engine) as connection:
        ids = list(connection.execute(query).scalars())
    return ids[:limit], ids[limit - 1] if len(ids) > limit else None
