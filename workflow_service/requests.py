"""Drafts (草稿): starting, pre-checking and correcting a request, before and between the steps that others decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from states.decide import out_of_place, pending_at_submit, reasons_against, time_over
from states.definition import Citation
from states.facts import Facts
from states.plan import Plan
from states.verdict import Cure, No, Reason
from states.windows import judge
from workflow_service.actors import Actor
from workflow_service.db import reading, run_tx
from workflow_service.errors import Blocked, Forbidden, Invalid, Stale
from workflow_service.facts import Row, build_facts, gather, place_columns
from workflow_service.given import valid_data
from workflow_service.history import history_row
from workflow_service.keys import Key, claim_key
from workflow_service.models import (
    Enrolment,
    History,
    Request,
    RequestParty,
    SchoolClass,
    Student,
)
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.names import normal_name
from workflow_service.routing import NoRoute, choose_class, organization, resolve, surroundings
from workflow_service.sql.errors import is_unique_violation
from workflow_service.sql.gather import COLUMNS
from workflow_service.transitions import current_of

if TYPE_CHECKING:
    from workflow_service.service import Service

LOCK_GROUPS = {"transfer": "status"}
"""Which kinds exclude each other for one student (2002): those of one group."""
BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISS = ("2001 姓名与学籍号不一致，或查无此人；请核对后重新填写",
        "2001 The name and the student number do not belong together, or there is no such student.")  # fmt: skip


@dataclass(frozen=True)
class NewRequest:
    """What a school asks for. The student by exact name and whole number (SYS-01), or by id where it is its own."""

    kind: str
    destination_school_id: int
    grade: int
    ground: str | None = None
    student_id: int | None = None
    student_name: str | None = None
    student_number: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PreCheck:
    """What a submission right now would meet. `student_found` False: only the miss is known (SYS-04)."""

    blocked: tuple[Reason, ...]
    pending: tuple[Reason, ...]
    next_opening: datetime | None
    row: Row | None
    plan: Plan | None
    facts: Facts | None
    student_found: bool


def find_student(service: Service, connection: Connection, actor: Actor, body: NewRequest) -> Any:
    """The student's row with the current enrolment, None for a miss: unknown, differing and foreign look the same."""
    query = (
        select(Student.id, Student.bucket, Student.name, Student.student_number_hash, Student.status, Student.problem,
               Student.special_education, Student.version, Student.chain, Enrolment.id.label("enrolment_id"),
               Enrolment.school_id, Enrolment.class_id, Enrolment.stage, SchoolClass.first_grade,
               SchoolClass.last_grade, SchoolClass.entered_year)
        .outerjoin(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
        .outerjoin(SchoolClass, SchoolClass.id == Enrolment.class_id)
    )  # fmt: skip
    if body.student_id is not None:
        found = connection.execute(query.where(Student.id == body.student_id)).one_or_none()
        return found if found is not None and found.school_id == actor.organization_id else None
    if not body.student_name or not body.student_number:
        return None
    hashes = service.hashes.candidates("student_number", body.student_number)
    found = connection.execute(query.where(Student.student_number_hash.in_(hashes))).one_or_none()
    if found is None or normal_name(found.name) != normal_name(body.student_name):
        return None
    return found


def _check_starter(actor: Actor) -> None:
    if actor.kind != "school" or "registrar" not in actor.roles:
        raise Forbidden("只有学校学籍管理员可以发起申请 / only a school's registrar starts a request")


def _draft_row(service: Service, connection: Connection, actor: Actor, body: NewRequest, student: Any, on: date) -> Row:
    """A gathered row for a request that is not stored yet. Raises `Invalid` where a body's value cannot be used."""
    destination = organization(connection, body.destination_school_id)
    if destination is None or destination.kind != "school":
        raise Invalid([{"field": "destination_school_id", "message": "没有这所学校 / there is no such school"}])
    if student.school_id is None:
        raise Invalid([{"field": "student", "message": MISS[0] + " / " + MISS[1], "rule": "SYS-04"}])
    if actor.organization_id not in (destination.id, student.school_id):
        raise Invalid([{"field": "destination_school_id",
                        "message": "须为本校：由转入学校发起 / must be your own school"}])  # fmt: skip
    around = surroundings(connection, body.kind, destination.id, student.school_id, on)
    assert around is not None  # One was just read, the other is a foreign key.
    origin = around.origin
    chosen = choose_class(connection, destination.id, body.grade, on)
    routing = resolve(service, connection, around, origin_stage=student.stage,
                      destination_stage=chosen.stage if chosen else student.stage)  # fmt: skip
    starter = "destination_school" if actor.organization_id == destination.id else "origin_school"
    other = connection.execute(
        select(Request.number).where(Request.subject_id == student.id, Request.open,
                                     Request.lock_group == LOCK_GROUPS.get(body.kind))).scalar()  # fmt: skip
    row: Row = dict.fromkeys(COLUMNS)
    row.update(
        id=0, bucket=student.bucket, kind=body.kind, state="draft", version=0, subject_id=student.id,
        lock_group=LOCK_GROUPS.get(body.kind), student_id=student.id, pack_id=routing.pack_id,
        named=normal_name(body.student_name) if body.student_name else None, named_hash=student.student_number_hash
        if body.student_name else None, origin_pack_id=routing.origin_pack_id, route_rule=routing.rule,
        route=list(routing.states), units=dict(routing.units), starter=starter, applicant_id=actor.organization_id,
        origin_school_id=origin.id, destination_school_id=destination.id, class_id=chosen.id if chosen else None,
        grade=body.grade, ground=body.ground, data=valid_data(body.data), approvals=[], shared_used=0, paused=[],
        student_name=student.name, number_hash=student.student_number_hash, status=student.status,
        problem=student.problem, special_education=student.special_education, student_version=student.version,
        student_chain=student.chain, enrolment_id=student.enrolment_id, enrolled_school_id=student.school_id,
        enrolled_class_id=student.class_id, stage=student.stage, first_grade=student.first_grade,
        last_grade=student.last_grade, entered_year=student.entered_year, destination_code=destination.code,
        town=destination.town, destination_stages=destination.stages, origin_code=origin.code, other_number=other,
        holds_place=False, own=False,
        grants=",".join(f"{grant.id}:{grant.version}:{grant.role}" for grant in actor.grants),
    )  # fmt: skip
    place_columns(row, chosen)
    return row


def check_request(service: Service, actor: Actor, body: NewRequest) -> PreCheck:
    """What a submission now would meet (预检); stores nothing. Raises Forbidden and `Invalid`."""
    _check_starter(actor)
    micros = service.clocks.legal()
    with reading(service.engine) as connection:
        student = find_student(service, connection, actor, body)
        if student is None:
            return PreCheck((), (), None, None, None, None, student_found=False)
        row = _routed(service, connection, actor, body, student, from_micros(micros).date())
    plan, facts = _judged(service, row, actor, micros)
    found = judge(plan.definition.windows, facts.calendar, facts.now, plan.definition.freezes, facts.scope)
    return PreCheck(
        tuple(reasons_against(plan.by_event["draft", "submit"], facts)), tuple(pending_at_submit(plan, facts)),
        found.next_opening, row, plan, facts, student_found=True)  # fmt: skip


def _routed(service: Service, connection: Connection, actor: Actor, body: NewRequest, student: Any, on: date) -> Row:
    try:
        return _draft_row(service, connection, actor, body, student, on)
    except (NoRoute, LookupError) as error:
        raise Invalid([{"field": "destination_school_id", "message": f"没有适用的流程 / no route: {error}"}]) from error


def _judged(service: Service, row: Row, actor: Actor, micros: int) -> tuple[Plan, Facts]:
    plan = service.packs.plan(row["pack_id"], row["origin_pack_id"], row["route_rule"], tuple(row["route"]))
    calendar = service.calendars.current(service.clocks.real() // 1_000_000)
    return plan, build_facts(row, actor, micros, calendar)


def create_request(service: Service, actor: Actor, body: NewRequest, key: Key | None = None) -> int:
    """Start a draft and give its id. Raises Forbidden, `Invalid` (SYS-04 for a miss), Blocked.

    A kind that the other side starts (NJ-13) is refused here already: nobody should fill in a form for nothing.
    """
    _check_starter(actor)
    micros = service.clocks.legal()
    with reading(service.engine) as connection:
        student = find_student(service, connection, actor, body)
        if student is None:
            raise Invalid([{"field": "student", "message": " / ".join(MISS), "rule": "SYS-04"}])
        row = _routed(service, connection, actor, body, student, from_micros(micros).date())
    plan, facts = _judged(service, row, actor, micros)
    if plan.route.starter != row["starter"]:
        submit = plan.by_event["draft", "submit"]
        reasons = tuple(r for r in reasons_against(submit, facts) if r.cite.rule in (plan.route.cite.rule, "N25-08"))
        raise Blocked("此类转学由另一方学校发起 / the other school starts this transfer", reasons)
    return _store_draft(service, actor, row, plan, micros, key)


def _store_draft(service: Service, actor: Actor, row: Row, plan: Plan, micros: int, key: Key | None) -> int:
    bucket, real = row["bucket"], service.clocks.real()
    request_id = service.ids.new(bucket)
    trail = history_row(
        object_type="request", object_id=request_id, bucket=bucket, seq=1, event="create", from_state=None,
        to_state="draft", at=micros, recorded_at=real, actor=actor, previous=b"", row_id=service.ids.new(bucket),
        details={"kind": row["kind"], "student": str(row["student_id"])})  # fmt: skip
    values = {column: row[column] for column in (
        "bucket", "kind", "subject_id", "lock_group", "student_id", "named", "named_hash", "pack_id", "origin_pack_id",
        "route_rule", "route", "units", "starter", "applicant_id", "origin_school_id", "destination_school_id",
        "class_id", "grade", "ground", "data")}  # fmt: skip
    values |= {
        "id": request_id, "number": number_of(request_id, from_micros(micros).date()), "state": "draft", "version": 1,
        "open": False, "final": False, "approvals": [], "paused": [], "shared_used": 0, "provisional": False,
        "escalated": False, "state_since": micros, "created_at": micros, "created_by": actor.account_id,
        "holder_id": actor.organization_id, "holder_path": actor.path, "holder_role": "registrar",
        "wake_at": _draft_end(micros, plan), "wake_event": "expire", "chain": trail["hash"],
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(Request), values)
        connection.execute(insert(RequestParty), {
            "request_id": request_id, "organization_id": actor.organization_id, "duty": "applicant", "opened": 1,
            "bucket": bucket, "path": actor.path, "from_at": micros})  # fmt: skip
        connection.execute(insert(History), trail)
        if key is not None:
            claim_key(connection, actor, key, request_id, real)

    try:
        run_tx(service.engine, write)
    except IntegrityError as error:
        if error.orig is not None and is_unique_violation(error.orig, "request"):
            raise _second_draft(service, actor, row, plan) from error
        raise
    return request_id


def _second_draft(service: Service, actor: Actor, row: Row, plan: Plan) -> Blocked:
    """The refusal of a second draft of one kind for one student: it names the first, to go on with."""
    first = select(Request.id, Request.number).where(
        Request.subject_id == row["subject_id"], Request.kind == row["kind"], Request.state == "draft",
        Request.applicant_id == actor.organization_id)  # fmt: skip
    with reading(service.engine) as connection:
        found = connection.execute(first).one_or_none()
    number = found.number if found else ""
    cite = Citation("WS-02", "本系统约定：一个学生的同类业务，一校只有一份草稿", "decided", plan.definition.pack)
    go_on = Cure("settle", row["starter"], f"继续办理或撤回草稿 {number}", f"Go on with draft {number}, or recall it.")
    there = f"本校已有该学生的同类草稿：{number}", f"Your school already has a draft for this student: {number}."
    no = No(*there, (go_on,))
    existing = {"id": str(found.id), "number": found.number} if found else None
    return Blocked(f"{no.message} / {no.message_en}", (Reason(cite, no),), existing)


def _draft_end(micros: int, plan: Plan) -> int:
    """A draft expires so many days after its last change, and locks nobody until then."""
    return to_micros(from_micros(micros) + timedelta(days=plan.definition.draft_days))


def number_of(request_id: int, day: date) -> str:
    """The number people use (受理编号): the day, and ten characters that stand for the id within it."""
    rest, text = request_id & ((1 << 49) - 1), ""
    for _ in range(10):
        rest, digit = divmod(rest, 32)
        text = BASE32[digit] + text
    return f"{day:%Y%m%d}-{text}"


AMENDABLE = {"draft": {"grade", "ground", "data"}, "returned": {"ground", "data"}}
"""What may be corrected where: a returned request keeps its grade, because a place of that grade is held for it."""


def amend_request(service: Service, request_id: int, actor: Actor, version: int, changes: Mapping[str, Any]) -> None:
    """Correct a draft or a returned request. Raises NotFound, Forbidden, `Invalid`, Stale, Blocked."""
    row, plan, facts = gather(service, request_id, actor)
    if actor.organization_id != row["applicant_id"] or "registrar" not in actor.roles:
        raise Forbidden("只有申请学校的学籍管理员可以修改 / only the applying school's registrar corrects it")
    changes = dict(changes)
    if "data" in changes:
        merged = {**row["data"], **{name: None for name, value in changes["data"].items() if value in (None, "")}}
        changes["data"] = {name: value for name, value in {**merged, **valid_data(changes["data"])}.items()
                           if value is not None}  # fmt: skip
    if row["version"] != version:
        raise Stale(current_of(service, request_id))
    if row["state"] not in AMENDABLE:
        raise Blocked("此时不能修改 / it cannot be corrected now",
                      (out_of_place(plan, row["state"], "修改内容", "nothing is corrected"),))  # fmt: skip
    if over := time_over(plan, facts):
        raise Blocked("期限已届满，不能再修改 / the time has run out", over)
    wrong = set(changes) - AMENDABLE[row["state"]]
    if wrong:
        raise Invalid([{"field": name, "message": "此时不能修改 / cannot be changed now"} for name in sorted(wrong)])
    micros = service.clocks.legal()
    values = dict(changes)
    if row["state"] == "draft":
        values["wake_at"] = _draft_end(micros, plan)
    details = {"changed": sorted(changes)}
    if not run_tx(service.engine, lambda tx: bump(service, tx, row, actor, "amend", micros, details, values)):
        raise Stale(current_of(service, request_id))


def bump(service: Service, connection: Connection, row: Row, actor: Actor | None, event: str, micros: int,
         details: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> bool:  # fmt: skip
    """Write an event that is not of the machine (amend, documents): version, chain and trail; False if it moved."""
    trail = history_row(
        object_type="request", object_id=row["id"], bucket=row["bucket"], seq=row["version"] + 1, event=event,
        from_state=row["state"], to_state=row["state"], at=micros, recorded_at=service.clocks.real(), actor=actor,
        details=details, previous=row["chain"], row_id=service.ids.new(row["bucket"]))  # fmt: skip
    written = connection.execute(
        update(Request).where(Request.id == row["id"], Request.version == row["version"])
        .values(version=trail["seq"], chain=trail["hash"], **(values or {})))  # fmt: skip
    if written.rowcount != 1:
        return False
    connection.execute(insert(History), trail)
    return True
