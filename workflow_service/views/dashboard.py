"""The dashboard (概览): counts of the requests in scope by kind and state, and the open windows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select

from states.calendar import day_opens, remaining_working_days
from workflow_service.actors import Actor
from workflow_service.boxes import BOXES, Wanted, count_requests, in_scope
from workflow_service.db import reading
from workflow_service.models import Request
from workflow_service.models.columns import to_micros
from workflow_service.service import Service
from workflow_service.views.roll_up import below_view
from workflow_service.views.windows import windows_view

SOON = 3
"""Working days within which something counts as due soon."""


def dashboard_view(service: Service, actor: Actor) -> dict[str, Any]:
    """Pending, due soon, overdue and expired by kind and state, the boxes' sizes, what waits below, the windows."""
    now = service.clocks.legal()
    pending = case((Request.open, 1), else_=0)
    overdue = case((Request.open & (Request.due_at <= now), 1), else_=0)
    soon = case((Request.open & (Request.due_at > now) & (Request.due_at <= _soon(service)), 1), else_=0)
    expired = case((Request.state == "expired", 1), else_=0)
    query = (
        select(Request.kind, Request.state, func.count().label("count"), func.sum(pending).label("pending"),
               func.sum(soon).label("due_soon"), func.sum(overdue).label("overdue"),
               func.sum(expired).label("expired"))
        .where(in_scope(actor))
        .group_by(Request.kind, Request.state)
        .order_by(Request.kind, Request.state)
    )  # fmt: skip
    with reading(service.engine) as connection:
        rows = [{key: _plain(value) for key, value in row._mapping.items()} for row in connection.execute(query)]
    totals = {name: sum(row[name] for row in rows) for name in ("pending", "due_soon", "overdue", "expired")}
    return {
        **totals,
        "counts": rows,
        "boxes": {box: count_requests(service, actor, Wanted(box=box)) for box in BOXES},
        "below": below_view(service, actor),
        "windows": windows_view(service, actor),
        "now": service.clocks.now().isoformat(),
    }


def _plain(value: Any) -> Any:
    """PostgreSQL sums integers to Decimal."""
    return value if isinstance(value, str) else int(value)


def _soon(service: Service) -> int:
    """24:00 of the last day that counts as soon, microseconds."""
    calendar = service.calendars.current(service.clocks.real() // 1_000_000)
    today = service.clocks.now().date()
    day = today
    while remaining_working_days(calendar, today, _next(day)) <= SOON:
        day = _next(day)
    return to_micros(day_opens(_next(day)))


def _next(day: Any) -> Any:
    return type(day).fromordinal(day.toordinal() + 1)
