"""`/batches`: one kind of request for many students of a school (批次): a verdict per row."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g
from marshmallow import ValidationError, fields, validate, validates_schema

from api.endpoint import Answer, Call, operation
from api.organizations import page
from api.requests import DECIDERS, FactsGiven
from api.shapes import Ident, Paging, Shape, Shown, Text, Truth, Whole
from api.students import READERS
from states.kinds import KINDS
from states.vocabulary import EVENTS, GRADES, GROUNDS
from workflow_service.actors import Actor
from workflow_service.batches import (
    MOST,
    Row,
    Worked,
    add_to_batch,
    create_batch,
    find_batch,
    fire_batch,
    list_batches,
    students_of,
)
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Forbidden, NotFound
from workflow_service.ids import parse_id
from workflow_service.service import Service
from workflow_service.views.batches import batch_row_view, batch_view, children_view, worked_view

bp = Blueprint("batches", __name__)
BATCH_KINDS = [name for name, kind in KINDS.items() if kind.batch]


class RowGiven(Shape):
    """One student; ground and facts only where they differ from the batch's."""

    student_id = Ident(required=True)
    ground = fields.String(allow_none=True, validate=validate.OneOf(sorted(GROUNDS)))
    data = fields.Nested(FactsGiven, allow_none=True)


class StudentsGiven(Shape):
    """Who: `students` one by one, or `all` attending students of the school or of one class, `after` an id."""

    students = fields.List(fields.Nested(RowGiven), validate=validate.Length(max=MOST))
    all = Truth(load_default=False)
    class_id = Ident(allow_none=True, load_default=None)
    after = Ident(allow_none=True, load_default=None)

    @validates_schema
    def _somebody(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data.get("students")) == bool(data.get("all")):
            raise ValidationError({"students": ["Give either students or all."]})


class BatchGiven(StudentsGiven):
    """A batch: its kind, what holds for all, and who."""

    kind = fields.String(required=True, validate=validate.OneOf(BATCH_KINDS))
    ground = fields.String(allow_none=True, validate=validate.OneOf(sorted(GROUNDS)))
    grade = Whole(allow_none=True, validate=validate.OneOf(GRADES))
    data = fields.Nested(FactsGiven, allow_none=True)


class BatchEventGiven(Shape):
    """An event for every child that waits for me."""

    event = fields.String(required=True, validate=validate.OneOf(EVENTS))
    comment = Text(most=2000, allow_none=True)
    reason = Text(most=60, allow_none=True)
    data = fields.Nested(FactsGiven, allow_none=True)


class BatchRowShown(Shown):
    """A batch as a row of a list."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    school = fields.String(required=True)
    children = fields.Integer(required=True)
    ended = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class BatchShown(Shown):
    """A batch with the number of its children in each state; `verdicts` where a call made or moved some.

    `staying`: whom a promotion left out when it was filed, each with class and reason.
    """

    id = fields.String(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    states = fields.Dict(required=True)
    staying = fields.List(fields.Dict(), required=True)
    verdicts = fields.List(fields.Dict())


class ChildShown(Shown):
    """A child of a batch: a request of its own."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    student = fields.Dict(required=True)


def _find(service: Service, actor: Actor, batch_id: str) -> Any:
    found = parse_id(batch_id)
    if found is None:
        raise NotFound
    return find_batch(service, actor, found)


def _rows(call: Call) -> tuple[list[Row], int | None]:
    """The rows that a body means, and the id to go on after where not all fit into one call."""
    body = call.body
    if body["all"]:
        ids, following = students_of(call.service, call.actor, class_id=body["class_id"], after=body["after"] or 0)
        return [Row(student_id) for student_id in ids], following
    return [Row(one["student_id"], one.get("ground"), one.get("data") or {}) for one in body["students"]], None


def _worked(call: Call, worked: Worked, following: int | None = None, status: int = 200) -> Answer:
    shown = batch_view(call.service, call.actor, worked.batch_id)
    shown |= worked_view(call.service, call.actor, worked)
    return Answer({**shown, "after": None if following is None else str(following)}, status)


@operation(
    bp, "GET", "/batches", summary="Batches / 批次", query=Paging, answers=BatchRowShown, many=True, roles=READERS,
)  # fmt: skip
def get_batches(call: Call) -> dict[str, Any]:
    """Batches in my scope, newest first."""
    after = parse_id(call.query["cursor"] or "") or 0
    rows, following = list_batches(call.service, call.actor, after, call.query["limit"])
    return page([batch_row_view(row) for row in rows], following)


def _shown(call: Call, batch_id: int) -> Answer:
    worked, following = call.found or (Worked(batch_id, ()), None)
    return _worked(call, worked, following, 201)


def _may_file(call: Call) -> None:
    if call.actor.kind != "school":
        raise Forbidden("只有学校学籍管理员可以成批申请 / only a school's registrar files a batch")


@operation(
    bp, "POST", "/batches", summary="Start a batch / 成批申请", may=_may_file, body=BatchGiven,
    answers=BatchShown, status=201, roles=("registrar",), show=_shown, responses=(409,),
)  # fmt: skip
def post_batch(call: Call) -> int:
    """A draft for each student; `verdicts` says what came of every row, `after` where to go on with all."""
    body = call.body
    rows, following = _rows(call)
    shared = NewRequest(
        kind=body["kind"], ground=body.get("ground"), grade=body.get("grade"), data=body.get("data") or {})  # fmt: skip
    worked = create_batch(call.service, call.actor, shared, rows, call.key)
    call.found = (worked, following)
    return worked.batch_id


@operation(
    bp, "GET", "/batches/<batch_id>", summary="One batch / 一批", find=_find, answers=BatchShown, roles=READERS,
)  # fmt: skip
def get_batch(call: Call) -> Answer:
    """How many children stand in each state."""
    return Answer(batch_view(call.service, call.actor, call.found.id))


@operation(
    bp, "GET", "/batches/<batch_id>/requests", summary="Children of a batch / 批内各件", find=_find, query=Paging,
    answers=ChildShown, many=True, roles=READERS,
)  # fmt: skip
def get_children(call: Call) -> dict[str, Any]:
    """The children in the order of their making."""
    after = parse_id(call.query["cursor"] or "") or 0
    return page(*children_view(call.service, call.found.id, after, call.query["limit"]))


@operation(
    bp, "POST", "/batches/<batch_id>/students", summary="Add students / 增加学生", find=_find, body=StudentsGiven,
    answers=BatchShown, roles=("registrar",), responses=(409,),
)  # fmt: skip
def post_students(call: Call) -> Answer:
    """A draft for each student more."""
    rows, following = _rows(call)
    return _worked(call, add_to_batch(call.service, call.actor, call.found.id, rows), following)


@operation(
    bp, "POST", "/batches/<batch_id>/events", summary="Fire an event for all / 成批办理", find=_find,
    body=BatchEventGiven, answers=BatchShown, roles=DECIDERS, responses=(409,),
)  # fmt: skip
def post_batch_event(call: Call) -> Answer:
    """A verdict for every child that waits for me; `remaining` is how many more one further call would try."""
    body = call.body
    worked = fire_batch(
        call.service, call.actor, call.found.id, body["event"], comment=body.get("comment") or None,
        reason=body.get("reason") or None, data=body.get("data"), received=g.received)  # fmt: skip
    return _worked(call, worked)
