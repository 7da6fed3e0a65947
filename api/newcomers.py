"""`/newcomers`: who is admitted and neither registered nor deferred (未注册新生, BJ-11)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.errors import invalid
from api.organizations import page
from api.shapes import Paging, Shown
from api.students import READERS
from workflow_service.boxes import BadCursor
from workflow_service.views.newcomers import list_newcomers

bp = Blueprint("newcomers", __name__)


class NewcomerShown(Shown):
    """A newcomer whom a school admitted; `compulsory` says whether the stage is, null where the grade is not known."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    student_number = fields.String(required=True, allow_none=True)
    birth_date = fields.Date(required=True)
    status = fields.String(required=True)
    school = fields.Dict(required=True)
    grade = fields.Integer(required=True, allow_none=True)
    stage = fields.String(required=True, allow_none=True)
    compulsory = fields.Boolean(required=True, allow_none=True)
    admitted_on = fields.Date(required=True)
    open_request = fields.Dict(required=True, allow_none=True)


@operation(
    bp, "GET", "/newcomers", summary="Newcomers not registered yet / 未注册新生", query=Paging, answers=NewcomerShown,
    many=True, roles=READERS,
)  # fmt: skip
def get_newcomers(call: Call) -> dict[str, Any]:
    """Whoever a school in my scope admitted and who is neither registered nor deferred, school by school."""
    try:
        return page(*list_newcomers(call.service, call.actor, call.query["limit"], call.query["cursor"]))
    except BadCursor as error:
        raise invalid("cursor", "不是本列表给出的游标", "no list has given this cursor") from error
