"""`/verify/{code}`: is this paper genuine (文书核验)? Public, with the fewest fields that answer it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.shapes import Shown
from workflow_service.views.papers import verified_paper

bp = Blueprint("verify", __name__)


class VerifiedShown(Shown):
    """A paper that was issued here."""

    genuine = fields.Boolean(required=True)
    kind = fields.String(required=True)
    number = fields.String(required=True)
    issued_at = fields.AwareDateTime(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True)
    void_since = fields.AwareDateTime(required=True, allow_none=True)  # an undone graduation took it back
    outcome = fields.String(required=True, allow_none=True)  # of an objection
    answer = fields.String(required=True, allow_none=True)


def _find(service: Any, _actor: Any, code: str) -> Any:
    return verified_paper(service, code)


@operation(
    bp, "GET", "/verify/<code>", summary="Is this paper genuine / 文书核验", find=_find, answers=VerifiedShown,
    public=True,
)  # fmt: skip
def get_verification(call: Call) -> dict[str, Any]:
    """Kind, number, day of issue, the masked name and where the request stands; 404 for a code that none carries."""
    found: dict[str, Any] = call.found
    return found
