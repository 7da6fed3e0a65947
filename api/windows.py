"""`/windows`: what is open when (受理窗口)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.organizations import part
from api.shapes import Paging, Shown
from workflow_service.views.windows import windows_view

bp = Blueprint("windows", __name__)


class WindowShown(Shown):
    """The window that is open under a policy, else the next one."""

    policy = fields.String(required=True)
    id = fields.String(required=True, allow_none=True)
    open = fields.Boolean(required=True)
    opens = fields.AwareDateTime(required=True, allow_none=True)
    closes = fields.AwareDateTime(required=True, allow_none=True)


@operation(bp, "GET", "/windows", summary="What is open when / 受理窗口", query=Paging, answers=WindowShown, many=True)
def get_windows(call: Call) -> dict[str, Any]:
    """For each policy in my scope, whether transfers are taken in, until when, and when next."""
    return part(windows_view(call.service, call.actor), call.query)
