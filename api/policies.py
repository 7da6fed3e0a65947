"""`/policies`: the rules as data (规则包)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields
from marshmallow.validate import OneOf

from api.endpoint import Call, operation
from api.organizations import part
from api.shapes import Counted, Paging, Shape, Shown
from states.kinds import KINDS
from workflow_service.views.policies import policies_view, policy_view

bp = Blueprint("policies", __name__)


class PolicyShown(Shown):
    """A stored version of a pack."""

    id = fields.String(required=True)
    version = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    kind = fields.String(required=True)
    routes = fields.List(fields.Dict(), required=True)
    may_start = fields.Dict(required=True)


class PolicyQuery(Shape):
    """`?version=2` shows an older one, `?kind=suspension` another kind of request."""

    version = Counted(1, 10**6, load_default=None)
    kind = fields.String(load_default=None, validate=OneOf(sorted(KINDS)))


@operation(bp, "GET", "/policies", summary="The rules / 规则包", query=Paging, answers=PolicyShown, many=True)
def get_policies(call: Call) -> dict[str, Any]:
    """Every stored version with its routes."""
    return part(policies_view(call.service), call.query)


def _find(service: Any, actor: Any, policy_id: str) -> Any:
    return policy_view(service, policy_id)


@operation(
    bp, "GET", "/policies/<policy_id>", summary="One pack / 一个规则包", find=_find, query=PolicyQuery,
    answers=PolicyShown,
)  # fmt: skip
def get_policy(call: Call) -> dict[str, Any]:
    """The rules as they run: steps, checks, papers, windows, each with article and basis."""
    version, kind = call.query["version"], call.query["kind"]
    found: dict[str, Any] = call.found
    return found if version is None and kind is None else policy_view(call.service, found["id"], version, kind)
