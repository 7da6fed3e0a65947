"""Drafts (草稿): starting, pre-checking and correcting a request, before and between the steps that others decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from states.decide import out_of_place, pending_at_submit, reasons_against, time_over
from states.definition import Citation
from states.facts import Facts
from states.kinds import KINDS
from states.plan import Plan
from states.verdict import Cure, No, Reason
from states.windows import judge
from workflow_service.actors import Actor
from workflow_service.db import reading, run_tx
from workflow_service.draft_rows import MISS, NewRequest, draft_row, find_student, no_route
from workflow_service.errors import Blocked, Forbidden, Invalid, Stale
from workflow_service.facts import Row, build_facts, gather, refresh_draft, route_case
from workflow_service.given import check_own, valid_data
from workflow_service.history import history_row
from workflow_service.keys import Key, claim_key
from workflow_service.models import History, Request, RequestParty
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.named_facts import named_facts
from workflow_service.newcomers import Person, correct_person, is_drafted, newcomer_rows
from workflow_service.sql.errors import is_unique_violation
from workflow_service.transitions import current_of

if TYPE_CHECKING:
    from workflow_service.service import Service

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


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


def _check_starter(actor: Actor, kind: str) -> None:
    """403 for whoever can start nothing of this kind: whose turn it would be to start is a rule of the route."""
    if "registrar" not in actor.roles or not (
            actor.kind == "school" or (actor.supervises and KINDS[kind].sides == "one")):  # fmt: skip
        raise Forbidden("只有学籍管理员可以发起申请 / only a registrar starts a request")


def _drafted(service: Service, connection: Connection, actor: Actor, body: NewRequest, on: date) -> Row | None:
    """The row of a request that is not stored yet, None where there is no such student for this school."""
    student = None
    if KINDS[body.kind].subject == "student":
        student = find_student(service, connection, actor, body)
        if student is None:
            return None
    return draft_row(service, connection, actor, body, student, on)


def check_request(service: Service, actor: Actor, body: NewRequest) -> PreCheck:
    """What a submission now would meet (预检); stores nothing. Raises Forbidden and `Invalid`."""
    _check_starter(actor, body.kind)
    micros = service.clocks.legal()
    with reading(service.engine) as connection:
        row = _drafted(service, connection, actor, body, from_micros(micros).date())
    if row is None:
        return PreCheck((), (), None, None, None, None, student_found=False)
    plan, facts = _judged(service, row, actor, micros)
    found = judge(plan.definition.windows, facts.calendar, facts.now, plan.definition.freezes, facts.scope)
    return PreCheck(
        tuple(reasons_against(plan.by_event["draft", "submit"], facts)), tuple(pending_at_submit(plan, facts)),
        found.next_opening, row, plan, facts, student_found=True)  # fmt: skip


def _judged(service: Service, row: Row, actor: Actor, micros: int) -> tuple[Plan, Facts]:
    plan = _plan_of(service, row)
    check_own(plan.definition, row["starter"], row["data"], {})
    calendar = service.calendar()
    row.update(named_facts(service, row))
    return plan, build_facts(row, actor, micros, calendar)


def create_request(service: Service, actor: Actor, body: NewRequest, key: Key | None = None) -> int:
    """Start a draft and give its id. Raises Forbidden, `Invalid` (SYS-04 for a miss), Blocked.

    A kind that the other side starts (NJ-13) is refused here already: nobody should fill in a form for nothing.
    """
    _check_starter(actor, body.kind)
    micros = service.clocks.legal()
    with reading(service.engine) as connection:
        row = _drafted(service, connection, actor, body, from_micros(micros).date())
    if row is None:
        raise Invalid([{"field": "student", "message": " / ".join(MISS), "rule": "SYS-04"}])
    plan, facts = _judged(service, row, actor, micros)
    if plan.route.starter != row["starter"]:
        submit = plan.by_event["draft", "submit"]
        reasons = tuple(r for r in reasons_against(submit, facts) if r.no.cures and "starter" in r.no.cures[0].set)
        raise Blocked("此类业务由另一方发起 / the other side starts this", reasons)
    return _store_draft(service, actor, row, plan, micros, key, body.person)


def _store_draft(service: Service, actor: Actor, row: Row, plan: Plan, micros: int, key: Key | None,
                 person: Person | None) -> int:  # fmt: skip
    bucket, real = row["bucket"], service.clocks.real()
    request_id = service.ids.new(bucket)
    trail = history_row(
        object_type="request", object_id=request_id, bucket=bucket, seq=1, event="create", from_state=None,
        to_state="draft", at=micros, recorded_at=real, actor=actor, previous=b"", row_id=service.ids.new(bucket),
        details={"kind": row["kind"], "student": str(row["student_id"]) if row["student_id"] else None})  # fmt: skip
    values = {column: row[column] for column in (
        "bucket", "kind", "subject_id", "lock_group", "student_id", "named", "named_hash", "pack_id", "origin_pack_id",
        "route_rule", "route", "units", "starter", "applicant_id", "origin_school_id", "destination_school_id",
        "class_id", "grade", "ground", "data", "batch_id")}  # fmt: skip
    values |= {
        "id": request_id, "number": number_of(request_id, from_micros(micros).date()), "state": "draft", "version": 1,
        "open": False, "final": False, "approvals": [], "paused": [], "shared_used": 0, "provisional": False,
        "escalated": False, "state_since": micros, "created_at": micros, "created_by": actor.account_id,
        "holder_id": actor.organization_id, "holder_path": actor.path, "holder_role": "registrar",
        "wake_at": _draft_end(micros, plan), "wake_event": "expire", "chain": trail["hash"],
    }  # fmt: skip

    def write(connection: Connection) -> None:
        if person is not None:
            for table, newcomer in newcomer_rows(service, row["student_id"], person, actor.organization_id, actor):
                connection.execute(insert(table), newcomer)
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
    cite = Citation("WS-206", "本系统约定：同一对象的同类业务，一个单位只有一份草稿", "decided", "common")
    go_on = Cure("settle", row["starter"], f"继续办理或撤回草稿 {number}", f"Go on with draft {number}, or recall it.")
    there = f"本单位已有同类草稿：{number}", f"Your organization already has a draft of this kind: {number}."
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


AMENDABLE = {"draft": {"grade", "ground", "data", "person"}, "returned": {"ground", "data"}}
"""What may be corrected where: a returned request keeps its grade, because a place of that grade is held for it."""


NOT_DRAFTED = "只能更正随本校草稿新登记的人 / only a person who is new with this school's draft is corrected here"


def amend_request(service: Service, request_id: int, actor: Actor, version: int, changes: Mapping[str, Any]) -> None:
    """Correct a draft or a returned request. Raises NotFound, Forbidden, `Invalid`, Stale, Blocked."""
    row, plan, facts = gather(service, request_id, actor)
    if actor.organization_id != row["applicant_id"] or "registrar" not in actor.roles:
        raise Forbidden("只有申请学校的学籍管理员可以修改 / only the applying school's registrar corrects it")
    changes = dict(changes)
    if "data" in changes:
        merged = {**row["data"], **{name: None for name, value in changes["data"].items() if value in (None, "")}}
        changes["data"] = {name: value for name, value in {**merged, **valid_data(service, changes["data"])}.items()
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
    details = {"changed": sorted(changes)}
    person: Person | None = changes.pop("person", None)
    if row["state"] == "returned":
        _keep_the_way(row, plan, changes)
    else:
        plan = _find_a_way(service, row, changes)
    answered = row["data"] if row["state"] == "returned" else {}
    check_own(plan.definition, row["starter"], {**row, **changes}["data"], answered)
    micros = service.clocks.legal()
    values = dict(changes)
    if row["state"] == "draft":
        values["wake_at"] = _draft_end(micros, plan)

    def write(tx: Connection) -> None:
        if person is not None and not is_drafted(tx, row):
            raise Invalid([{"field": "person", "message": NOT_DRAFTED}])
        if not bump(service, tx, row, actor, "amend", micros, details, values) or (
                person is not None and not correct_person(service, tx, row, person, actor)):  # fmt: skip
            raise Stale(current_of(service, request_id))

    run_tx(service.engine, write)


def _find_a_way(service: Service, row: Row, changes: Mapping[str, Any]) -> Plan:
    """The plan of a draft as corrected. Raises `Invalid` where no route fits: it could not be opened again, not even
    to be corrected.
    """
    row = {**row, **changes}
    try:
        refresh_draft(service, row, from_micros(service.clocks.legal()).date())
    except LookupError as error:
        raise Invalid([no_route(row["kind"])]) from error
    return _plan_of(service, row)


def _plan_of(service: Service, row: Row) -> Plan:
    return service.packs.plan(row["pack_id"], row["origin_pack_id"], row["route_rule"], tuple(row["route"]))


def _keep_the_way(row: Row, plan: Plan, changes: Mapping[str, Any]) -> None:
    """The route was fixed at submit: what decided on it stays, or a correction would leave out whoever must decide."""
    data = changes.get("data", row["data"])
    if row["holds_place"] and data.get("class_name") != row["data"].get("class_name"):
        message = "学位已按班级占用，退回后不能改班；请撤回后另行申请 / a place is held there: recall and start anew"
        raise Invalid([{"field": "data.class_name", "message": message}])
    case = route_case({**row, **changes})
    off = [name for name, values in plan.route.when.items()
           if (name == "ground" or name.startswith("data.")) and case.get(name) not in values]  # fmt: skip
    if off:
        message = "此项决定办理流程，退回后不能改变；请撤回后另行申请 / it decides the route: recall and start anew"
        raise Invalid([{"field": name, "message": message} for name in off])


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
