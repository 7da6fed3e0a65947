"""`/duplicates`: pairs of records that may be one person (查重), and what the units concerned say about them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields, validate

from api.endpoint import Answer, Call, operation
from api.errors import invalid
from api.organizations import page
from api.shapes import Ident, Paging, Shape, Shown, Text, Truth
from api.students import READERS
from states.duplicates import OUTCOMES
from workflow_service.actors import Actor
from workflow_service.boxes import BadCursor
from workflow_service.duplicates import Decision, check_may_undo, check_speaker, decide, undo
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.service import Service
from workflow_service.views.duplicates import KIND_LABELS, WantedPairs, list_pairs, pair_view

bp = Blueprint("duplicates", __name__)


class PairQuery(Paging):
    """`state` is open or decided; `kind` same_number, near_number or same_name; `student` an id."""

    state = Text(load_default=None)
    state.validators.append(validate.OneOf(("open", "decided")))
    kind = Text(load_default=None)
    kind.validators.append(validate.OneOf(tuple(KIND_LABELS)))
    student = Ident(load_default=None)


class DuplicateRowShown(Shown):
    """A pair in the queue."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    outcome = fields.String(required=True, allow_none=True)
    strength = fields.Integer(required=True)
    reasons = fields.List(fields.Dict(), required=True)
    students = fields.List(fields.Dict(), required=True)
    version = fields.Integer(required=True)


class DuplicateShown(DuplicateRowShown):
    """A pair with both records, the units whose words are needed, and what was said."""

    records = fields.List(fields.Dict(), required=True)
    parties = fields.List(fields.Dict(), required=True)
    words = fields.List(fields.Dict(), required=True)
    may_decide = fields.Dict(required=True)
    may_undo = fields.Boolean(required=True)


class DecisionGiven(Shape):
    """A word: `student_id` is who is corrected (change) or who remains (merge)."""

    outcome = Text(required=True)
    outcome.validators.append(validate.OneOf(OUTCOMES))
    student_id = Ident(load_default=None, allow_none=True)
    comment = Text(required=True, most=500)
    verified = Truth(load_default=False)
    guardian_agrees = Truth(load_default=False)


class UndoGiven(Shape):
    """Why a merge is undone."""

    comment = Text(required=True, least=1, most=500)


@operation(
    bp, "GET", "/duplicates", summary="Records that may be one person / 查重", query=PairQuery,
    answers=DuplicateRowShown, many=True, roles=READERS,
)  # fmt: skip
def get_duplicates(call: Call) -> dict[str, Any]:
    """The pairs in my scope, the strongest first."""
    query = call.query
    wanted = WantedPairs(query["state"], query["kind"], query["student"])
    try:
        return page(*list_pairs(call.service, call.actor, wanted, query["limit"], query["cursor"]))
    except BadCursor as error:
        raise invalid("cursor", "不是本列表给出的游标", "no list has given this cursor") from error


def _find(service: Service, actor: Actor, pair_id: str) -> Any:
    found = parse_id(pair_id)
    if found is None:
        raise NotFound
    return pair_view(service, actor, found)


def _show(call: Call, pair_id: int) -> Answer:
    shown = pair_view(call.service, call.actor, pair_id)
    return Answer(shown, version=shown["version"])


def _may_decide(call: Call) -> None:
    check_speaker(call.service, call.actor, int(call.found["id"]))


def _may_undo(call: Call) -> None:
    check_may_undo(call.service, call.actor, int(call.found["id"]))


@operation(
    bp, "GET", "/duplicates/<pair_id>", summary="One pair / 一对疑似重复", find=_find, answers=DuplicateShown,
    roles=READERS,
)  # fmt: skip
def get_duplicate(call: Call) -> Answer:
    """Both records side by side: numbers masked, the places in which they differ marked."""
    return Answer(call.found, version=call.found["version"])


@operation(
    bp, "POST", "/duplicates/<pair_id>/decision", summary="Decide a pair / 处理", find=_find, may=_may_decide,
    body=DecisionGiven, answers=DuplicateShown, roles=("registrar",), needs_version=True, show=_show, responses=(409,),
)  # fmt: skip
def post_decision(call: Call) -> int:
    """My unit's word; what all units concerned say alike is done at once (SYS-31, SYS-33)."""
    body = call.body
    said = Decision(body["outcome"], body["student_id"], body["comment"], body["verified"], body["guardian_agrees"])
    return decide(
        call.service, call.actor, int(call.found["id"]), said, call.version_for(call.found["version"]), call.key
    )


@operation(
    bp, "POST", "/duplicates/<pair_id>/undo", summary="Undo a merge / 撤销合并", find=_find, may=_may_undo,
    body=UndoGiven, answers=DuplicateShown, roles=("registrar",), needs_version=True, show=_show, responses=(409,),
)  # fmt: skip
def post_undo(call: Call) -> int:
    """Both records stand again as before, and the pair is open again."""
    version = call.version_for(call.found["version"])
    return undo(call.service, call.actor, int(call.found["id"]), call.body["comment"], version, call.key)
