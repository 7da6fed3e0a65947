"""The dashboard (概览): counts of the requests in scope by kind and state, and the open windows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Subquery, case, func, select, union_all

from states.calendar import day_opens, remaining_working_days
from workflow_service.actors import Actor
from workflow_service.boxes import BOXES, MANY, Wanted, count_requests, in_scope
from workflow_service.db import reading
from workflow_service.models import Request
from workflow_service.models.columns import to_micros
from workflow_service.service import Service
from workflow_service.views.roll_up import below_view
from workflow_service.views.windows import windows_view

SOON = 3
"""Working days within which something counts as due soon."""
MOST = 1_000
"""How many requests the dashboard looks at, with a due date and without."""


def dashboard_view(service: Service, actor: Actor) -> dict[str, Any]:
    """Pending, due soon, overdue and expired by kind and state, the boxes' sizes, what waits below, the windows.

    A box is counted up to `MANY`. The others are counted among the `MOST` requests that are due soonest and the `MOST`
    newest of those without a due date; `capped` says that there are more.
    """
    now = service.clocks.legal()
    looked_at = union_all(select(_seen(actor, dated=True)), select(_seen(actor, dated=False))).subquery()
    seen = looked_at.c
    pending = case((seen.open, 1), else_=0)
    overdue = case((seen.open & (seen.due_at <= now), 1), else_=0)
    soon = case((seen.open & (seen.due_at > now) & (seen.due_at <= _soon(service)), 1), else_=0)
    expired = case((seen.state == "expired", 1), else_=0)
    query = (
        select(seen.kind, seen.state, func.count().label("count"), func.sum(pending).label("pending"),
               func.sum(soon).label("due_soon"), func.sum(overdue).label("overdue"),
               func.sum(expired).label("expired"), func.count(seen.due_at).label("dated"))
        .group_by(seen.kind, seen.state)
        .order_by(seen.kind, seen.state)
    )  # fmt: skip
    with reading(service.engine) as connection:
        rows = [{str(key): _plain(value) for key, value in row._mapping.items()} for row in connection.execute(query)]
    totals = {name: sum(row[name] for row in rows) for name in ("pending", "due_soon", "overdue", "expired")}
    dated = sum(row.pop("dated") for row in rows)
    return {
        **totals,
        "capped": MOST in (dated, sum(row["count"] for row in rows) - dated),
        "counts": rows,
        "boxes": {box: count_requests(service, actor, Wanted(box=box), MANY) for box in BOXES},
        "below": below_view(service, actor),
        "windows": windows_view(service, actor),
        "now": service.clocks.now().isoformat(),
    }


def _seen(actor: Actor, *, dated: bool) -> Subquery:
    """The requests in scope that are counted: those due soonest, or the newest of those that are never due.

    Whatever is finished has no due date any more: without a limit every request there ever was would be read.
    """
    found = select(Request.kind, Request.state, Request.open, Request.due_at).where(in_scope(actor))
    if dated:
        return found.where(Request.due_at.is_not(None)).order_by(Request.due_at, Request.id).limit(MOST).subquery()
    return found.where(Request.due_at.is_(None)).order_by(Request.id.desc()).limit(MOST).subquery()


def _plain(value: Any) -> Any:
    """PostgreSQL sums integers to Decimal."""
    return value if isinstance(value, str) else int(value)


def _soon(service: Service) -> int:
    """24:00 of the last day that counts as soon, microseconds."""
    calendar = service.calendar()
    today = service.clocks.now().date()
    day = today
    while remaining_working_days(calendar, today, _next(day)) <= SOON:
        day = _next(day)
    return to_micros(day_opens(_next(day)))


def _next(day: Any) -> Any:
    return type(day).fromordinal(day.toordinal() + 1)
