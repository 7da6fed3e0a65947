"""`/requests`: starting, correcting, deciding (业务申请)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from flask import Blueprint, g, request
from marshmallow import ValidationError, fields, validate, validates_schema

from api.endpoint import JSON_MOST, Answer, Call, operation
from api.errors import invalid, problem_of, replaced
from api.organizations import page
from api.shapes import Day, DayOrInstant, Ident, Paging, Shape, Shown, Text, Truth, Whole
from api.students import READERS
from states.kinds import KINDS
from states.plan import SYSTEM_EVENTS
from states.vocabulary import DATA_FACTS, EVENTS, GRADES, GROUNDS
from workflow_service.actors import Actor
from workflow_service.boxes import BOXES, BadCursor, Wanted, list_requests
from workflow_service.db import reading
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import NotFound, Stale
from workflow_service.facts import gather
from workflow_service.given import allowed_with
from workflow_service.ids import parse_id
from workflow_service.newcomers import Person
from workflow_service.requests import amend_request, check_request, create_request
from workflow_service.roster.headings import IDENTITY_TYPES
from workflow_service.service import Service
from workflow_service.students import NewGuardian
from workflow_service.transitions import check_capability, fire
from workflow_service.views.checks import check_view
from workflow_service.views.request_rows import request_rows
from workflow_service.views.requests import history_views, request_view, view_of

bp = Blueprint("requests", __name__)

DECIDERS = ("registrar", "principal")


def _fact(name: str) -> fields.Field[Any]:
    kind = DATA_FACTS[name]
    if kind.type == "date":
        return Day(allow_none=True)
    if kind.type == "bool":
        return Truth(allow_none=True)
    if kind.type == "choice":
        return fields.String(allow_none=True, validate=validate.OneOf([value for value, _, _ in kind.choices]))
    if kind.type == "number":
        return Whole(allow_none=True, validate=validate.Range(0, kind.most))
    return Text(most=kind.most, allow_none=True)


_WHO = {"student": "Give one of student, student_id, person.", "organization": "This kind names no student."}
FactsGiven = Shape.from_dict({name: _fact(name) for name in DATA_FACTS}, name="FactsGiven")
"""The facts of a request; days as 2026-09-01."""


class NamedStudent(Shape):
    """A student of another school, by exact name and whole number (SYS-01)."""

    name = Text(required=True, least=1, most=100)
    student_number = Text(required=True, least=1, most=40)


class GuardianGiven(Shape):
    """A guardian of a person who is to come onto the register."""

    relation = Text(required=True, least=1, most=20)
    name = Text(required=True, least=1, most=100)
    phone = Text(most=40, allow_none=True)


class PersonGiven(Shape):
    """A person who is on no register yet: for enrolment, omitted pupils, missing records, arrivals from outside."""

    name = Text(required=True, least=1, most=100)
    sex = fields.String(required=True, validate=validate.OneOf(["1", "2"]))
    birth_date = Day(required=True)
    identity_type = fields.String(load_default="1", validate=validate.OneOf(list(IDENTITY_TYPES)))
    identity_number = Text(most=40, allow_none=True)
    special_education = Truth(load_default=False)
    guardians = fields.List(fields.Nested(GuardianGiven), validate=validate.Length(max=4), load_default=list)


class RequestGiven(Shape):
    """What a school asks for. Between two schools with destination and grade; for a school's own kinds neither is
    needed; kinds about the school itself name no student."""

    kind = fields.String(required=True, validate=validate.OneOf(list(KINDS)))
    student = fields.Nested(NamedStudent, allow_none=True)
    student_id = Ident(allow_none=True)
    person = fields.Nested(PersonGiven, allow_none=True)
    destination_school_id = Ident(allow_none=True)
    grade = Whole(allow_none=True, validate=validate.OneOf(GRADES))
    ground = fields.String(allow_none=True, validate=validate.OneOf(sorted(GROUNDS)))
    data = fields.Nested(FactsGiven, allow_none=True)

    @validates_schema
    def _one_student(self, data: dict[str, Any], **_: Any) -> None:
        named = [name for name in ("student", "student_id", "person") if data.get(name) is not None]
        kind = KINDS[data["kind"]]
        if len(named) != (kind.subject == "student"):
            raise ValidationError({"student": [_WHO[kind.subject]]})
        if named == ["person"] and not kind.newcomer:
            raise ValidationError({"person": ["Only who is not on the register yet comes as a person."]})

    @validates_schema
    def _both_schools(self, data: dict[str, Any], **_: Any) -> None:
        missing = [name for name in ("destination_school_id", "grade") if data.get(name) is None]
        if KINDS[data["kind"]].sides == "two" and missing:
            raise ValidationError({name: ["Missing data for required field."] for name in missing})


class RequestChanges(Shape):
    """What a draft or a returned request is corrected to; a fact given as null is taken out.

    `person`: who is on no register yet, in a draft; a number of the document or guardians not given stay.
    """

    grade = Whole(validate=validate.OneOf(GRADES))
    ground = fields.String(allow_none=True, validate=validate.OneOf(sorted(GROUNDS)))
    data = fields.Nested(FactsGiven, allow_none=True)
    person = fields.Nested(PersonGiven)


class EventGiven(Shape):
    """An event to send; `reason` is one of the coded reasons where the event needs one (`events[].reasons`)."""

    event = fields.String(required=True, validate=validate.OneOf(EVENTS + SYSTEM_EVENTS))
    comment = Text(most=2000, allow_none=True)
    reason = Text(most=60, allow_none=True)
    data = fields.Nested(FactsGiven, allow_none=True)


class RequestQuery(Paging):
    """The boxes: todo, waiting, mine, done; without one everything in scope."""

    box = fields.String(load_default=None, validate=validate.OneOf(BOXES))
    kind = Text(most=40, load_default=None)
    state = Text(most=60, load_default=None)
    due_before = DayOrInstant(load_default=None)
    q = Text(most=60, load_default=None)


class RequestRowShown(Shown):
    """A request as a row of a list."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    final = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    student = fields.Dict(required=True, allow_none=True)
    origin_school = fields.Dict(required=True)
    destination_school = fields.Dict(required=True)
    holder = fields.Dict(required=True, allow_none=True)
    state_since = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)


class EventShown(Shown):
    """An event of the current state for the one who asks; `reasons` are the codes that a refusal may give."""

    event = fields.String(required=True)
    label = fields.String(required=True)
    allowed = fields.Boolean(required=True)
    blocked_by = fields.List(fields.Dict(), required=True)
    reasons = fields.List(fields.Dict(), required=True)


class RequestShown(RequestRowShown):
    """A request."""

    policy = fields.Dict(required=True)
    origin_policy = fields.Dict(required=True)
    route = fields.List(fields.String(), required=True)
    grade = fields.Integer(required=True, allow_none=True)
    ground = fields.String(required=True, allow_none=True)
    data = fields.Dict(required=True)
    clock = fields.Dict(required=True, allow_none=True)
    window = fields.Dict(required=True, allow_none=True)
    documents = fields.List(fields.Dict(), required=True)
    events = fields.List(fields.Nested(EventShown), required=True)
    history = fields.List(fields.Dict(), required=True)


class CheckShown(Shown):
    """What a submission now would meet."""

    blocked_by = fields.List(fields.Dict(), required=True)
    documents = fields.List(fields.Dict(), required=True)
    places = fields.Dict(required=True, allow_none=True)
    next_opening = fields.AwareDateTime(required=True, allow_none=True)
    route = fields.List(fields.String(), required=True)


def find_request(service: Service, actor: Actor, request_id: str, **_: str) -> Any:
    """(row, plan, facts) of a request in scope, at the instant at which the call came in. Raises NotFound."""
    found = parse_id(request_id)
    if found is None:
        raise NotFound
    return gather(service, found, actor, g.received)


def show_request(call: Call, request_id: int) -> Answer:
    """The request as it is now."""
    shown = request_view(call.service, request_id, call.actor)
    return Answer(shown, version=shown["version"])


def _new_request(body: dict[str, Any]) -> NewRequest:
    student, person = body.get("student") or {}, body.get("person")
    return NewRequest(
        kind=body["kind"], destination_school_id=body.get("destination_school_id"), grade=body.get("grade"),
        ground=body.get("ground"), student_id=body.get("student_id"), student_name=student.get("name"),
        student_number=student.get("student_number"), person=_person(person) if person else None,
        data=body.get("data") or {},
    )  # fmt: skip


def _person(given: dict[str, Any]) -> Person:
    guardians = tuple(NewGuardian(**{"phone": None, **one}) for one in given["guardians"])
    return Person(**{**given, "birth_date": date.fromisoformat(given["birth_date"]), "guardians": guardians})


@operation(
    bp, "GET", "/requests", summary="My boxes / 工作台", query=RequestQuery, answers=RequestRowShown, many=True,
    roles=READERS,
)  # fmt: skip
def get_requests(call: Call) -> dict[str, Any]:
    """Requests in a box or in my scope, soonest due first."""
    query = call.query
    wanted = Wanted(query["box"], query["kind"], query["state"], query["due_before"], query["q"])
    try:
        rows, following = list_requests(call.service, call.actor, wanted, query["limit"], query["cursor"])
    except BadCursor as error:
        raise invalid("cursor", "不是本列表给出的游标", "no list has given this cursor") from error
    return page(request_rows(call.service, rows), following)


@contextmanager
def _telling_the_difference(call: Call) -> Iterator[None]:
    """An older version is answered with what has happened since it (412)."""
    try:
        yield
    except Stale as error:
        row, plan, _facts = call.found
        with reading(call.service.engine) as connection:
            trail = history_views(connection, plan, row["id"])
        seen = max(call.versions, default=0)
        raise replaced(problem_of(error), difference=[event for event in trail if event["seq"] > seen]) from error


def _created(call: Call, request_id: int) -> Answer:
    shown = show_request(call, request_id)
    return Answer(shown.body, 201, shown.version)


@operation(
    bp, "POST", "/requests", summary="Start a draft / 新建申请", body=RequestGiven, answers=RequestShown, status=201,
    roles=DECIDERS, show=_created, responses=(409,),
)  # fmt: skip
def post_request(call: Call) -> int:
    """A draft, its school's alone until it is submitted."""
    return create_request(call.service, call.actor, _new_request(call.body), call.key)


@operation(
    bp, "POST", "/requests/check", summary="Check before anything is stored / 预检", body=RequestGiven,
    answers=CheckShown, roles=DECIDERS, responses=(409,),
)  # fmt: skip
def post_check(call: Call) -> dict[str, Any]:
    """What a submission now would meet: reasons, papers, places, the next opening, the route. Stores nothing."""
    return check_view(check_request(call.service, call.actor, _new_request(call.body)))


@operation(
    bp, "GET", "/requests/<request_id>", summary="One request / 一件申请", find=find_request, answers=RequestShown,
)  # fmt: skip
def get_request(call: Call) -> Answer:
    """The request, with every event of its state for me: allowed, or every reason why not."""
    row, plan, facts = call.found
    shown = view_of(call.service, row, plan, facts, call.actor)
    return Answer(shown, version=shown["version"])


@operation(
    bp, "PATCH", "/requests/<request_id>", summary="Correct a draft or a returned request / 修改", find=find_request,
    body=RequestChanges, answers=RequestShown, roles=DECIDERS, needs_version=True, responses=(409,),
)  # fmt: skip
def patch_request(call: Call) -> Answer:
    """The corrected request; what is not named stays as it is."""
    row = call.found[0]
    with _telling_the_difference(call):
        changes = {name: value for name, value in call.body.items() if (name, value) != ("data", None)}
        if "person" in changes:
            changes["person"] = _person(changes["person"])
        amend_request(call.service, row["id"], call.actor, call.version_for(row["version"]), changes)
    return show_request(call, row["id"])


def _may_ever_send(call: Call) -> None:
    """403 comes before the body is judged: look at the event's name only, where there is one."""
    if (request.content_length or JSON_MOST) >= JSON_MOST:
        return
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return
    event = body.get("event") if isinstance(body, dict) else None
    if isinstance(event, str) and event in EVENTS + SYSTEM_EVENTS:
        _row, plan, facts = call.found
        check_capability(plan, facts, event)


def _facts_of_the_event(call: Call) -> None:
    """Only the facts that come with this event in this step, and nothing that is yet to happen."""
    _row, plan, facts = call.found
    if call.body.get("data"):
        event, data = call.body["event"], call.body["data"]
        allowed_with(call.service, event, data, plan.brings(facts.state, event), facts.today)


@operation(
    bp, "POST", "/requests/<request_id>/events", summary="Fire an event / 办理", find=find_request, may=_may_ever_send,
    fits=_facts_of_the_event, body=EventGiven, answers=RequestShown, roles=DECIDERS, needs_version=True,
    show=show_request, responses=(409,),
)  # fmt: skip
def post_event(call: Call) -> int:
    """The request as it is now; 409 with every reason where a rule blocks the event."""
    row, body = call.found[0], call.body
    with _telling_the_difference(call):
        fire(
            call.service, row["id"], body["event"], call.actor, version=call.version_for(row["version"]),
            comment=body.get("comment") or None, reason=body.get("reason") or None, data=body.get("data"),
            key=call.key, received=g.received, found=call.found,
        )  # fmt: skip
    found: int = row["id"]
    return found
