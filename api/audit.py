"""`/audit?object=`: the trail of one object (留痕), to those who may see it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from marshmallow import fields

from api.endpoint import Call, located, operation
from api.organizations import part
from api.shapes import Paging, Shown, Text
from api.students import READERS
from workflow_service.actors import Actor
from workflow_service.ids import parse_id
from workflow_service.service import Service
from workflow_service.views.trail import trail_view

bp = Blueprint("audit", __name__)


class AuditQuery(Paging):
    """`?object=` is the id of a request or a student."""

    object = Text(required=True, least=1, most=30)


class TrailShown(Shown):
    """One event of the trail with its link in the chain."""

    seq = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    recorded_at = fields.AwareDateTime(required=True)
    event = fields.String(required=True)
    to = fields.String(required=True)
    hash = fields.String(required=True)


def _find(service: Service, actor: Actor) -> Any:
    given = request.args.get("object")
    # Without an object there is nothing to be found or not: the shape is judged later (422).
    return trail_view(service, actor, located(parse_id(given))) if given else None


@operation(
    bp, "GET", "/audit", summary="The trail of one object / 留痕", find=_find, query=AuditQuery, answers=TrailShown,
    many=True, roles=READERS,
)  # fmt: skip
def get_audit(call: Call) -> dict[str, Any]:
    """Every event, oldest first, with the hash that chains it to the one before."""
    return part(call.found, call.query)
