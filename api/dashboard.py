"""`/dashboard`: how many, how late, and which windows are open (概览)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.shapes import Shown
from api.students import READERS
from workflow_service.views.dashboard import dashboard_view

bp = Blueprint("dashboard", __name__)


class PlaceShown(Shown):
    """An organization directly below mine, and what waits at it and below it."""

    organization = fields.Dict(required=True)
    pending = fields.Integer(required=True)
    overdue = fields.Integer(required=True)


class BelowShown(Shown):
    """What waits below my bureau; empty for a school. Work before two offices at once counts at both."""

    pending = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    organizations = fields.List(fields.Nested(PlaceShown), required=True)


class DashboardShown(Shown):
    """Counts in my scope. Each box is counted up to 100, the others among the 1,000 requests that are due soonest and
    the 1,000 newest without a due date: `capped` where there are more.
    """

    capped = fields.Boolean(required=True)
    pending = fields.Integer(required=True)
    due_soon = fields.Integer(required=True)
    overdue = fields.Integer(required=True)
    expired = fields.Integer(required=True)
    counts = fields.List(fields.Dict(), required=True)
    below = fields.Nested(BelowShown, required=True)
    windows = fields.List(fields.Dict(), required=True)


@operation(bp, "GET", "/dashboard", summary="Counts and windows / 概览", answers=DashboardShown, roles=READERS)
def get_dashboard(call: Call) -> dict[str, Any]:
    """Pending, due soon, overdue and expired by kind and state for my scope; what waits at each organization directly
    below mine, the most overdue first; the windows with dates."""
    return dashboard_view(call.service, call.actor)
