"""`/organizations/{id}/promotion`: who goes on to the next grade, and why everyone else does not (升级名单)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.organizations import part
from api.shapes import Paging, Shown
from api.students import READERS
from workflow_service.actors import Actor
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.promotion import RollRow, promotion_roll
from workflow_service.service import Service

bp = Blueprint("promotion", __name__)


class RollShown(Shown):
    """A student of the roll; `reason` with its words for who stays, null for who moves."""

    student = fields.Dict(required=True)
    grade = fields.Integer(required=True)
    moves = fields.Boolean(required=True)
    recorded = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)
    message = fields.String(required=True)
    message_en = fields.String(required=True)


def _find(service: Service, actor: Actor, organization_id: str) -> list[RollRow]:
    school = parse_id(organization_id)
    if school is None or not actor.works_on_requests:
        raise NotFound
    return promotion_roll(service, actor, school)


@operation(
    bp, "GET", "/organizations/<organization_id>/promotion", summary="The roll before the promotion / 升级名单",
    find=_find, query=Paging, answers=RollShown, many=True, roles=READERS,
)  # fmt: skip
def get_promotion(call: Call) -> dict[str, Any]:
    """Everyone on the register of a school in my scope: who moves on Aug 10, and for all others why not."""
    return part([_view(row) for row in call.found], call.query)


def _view(row: RollRow) -> dict[str, Any]:
    return {
        "student": {"id": str(row.student_id), "name": row.name, "class": row.school_class}, "grade": row.grade,
        "moves": row.moves, "recorded": row.recorded, "reason": row.reason, "message": row.label,
        "message_en": row.label_en,
    }  # fmt: skip
