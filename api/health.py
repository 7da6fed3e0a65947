"""`/healthz`, `/readyz`, `/metrics` (no prefix): for machines that watch this one; counts only, nobody's data."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response
from marshmallow import fields
from sqlalchemy import func, select

from api.endpoint import Answer, Call, operation
from api.shapes import Shown
from workflow_service.db import reading
from workflow_service.models import Account, Heartbeat, Outbox, PackVersion, Request
from workflow_service.service import Service

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)

SILENT_AFTER = 90
"""Seconds of real time without a round after which the scheduler counts as gone."""


class HealthShown(Shown):
    """`status` is ok or unavailable; `checks` names what is wrong."""

    status = fields.String(required=True)
    checks = fields.Dict()


@operation(bp, "GET", "/healthz", summary="The process is alive", answers=HealthShown, public=True)
def get_healthz(call: Call) -> dict[str, Any]:
    """Answers as long as the process does."""
    return {"status": "ok"}


@operation(
    bp, "GET", "/readyz", summary="Everything that is needed can be reached", answers=HealthShown, public=True,
    responses=(503,),
)  # fmt: skip
def get_readyz(call: Call) -> Answer:
    """Database, store and scheduler can be reached and the data are loaded; else 503 and what is wrong."""
    checks = {name: _outcome(check, call.service) for name, check in CHECKS.items()}
    ready = all(outcome == "ok" for outcome in checks.values())
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return Answer(body, 200 if ready else 503, headers={} if ready else {"Retry-After": "5"})


def _outcome(check: Callable[[Service], str], service: Service) -> str:
    """Whatever a check stumbles over is its outcome: this call must answer while other things do not."""
    try:
        return check(service)
    except Exception as error:
        log.warning("not ready", exc_info=error)
        return type(error).__name__


def _database(service: Service) -> str:
    with reading(service.engine) as connection:
        connection.execute(select(1))
    return "ok"


def _store(service: Service) -> str:
    service.store.probe()
    return "ok"


def _data(service: Service) -> str:
    with reading(service.engine) as connection:
        packs = connection.execute(select(func.count()).select_from(PackVersion)).scalar_one()
        accounts = connection.execute(select(func.count()).select_from(Account)).scalar_one()
    return "ok" if packs and accounts else "no packs or accounts are loaded"


def _scheduler(service: Service) -> str:
    with reading(service.engine) as connection:
        beat = connection.execute(select(func.max(Heartbeat.at)).where(Heartbeat.name.like("scheduler%"))).scalar()
    if beat is None:
        return "has never run"
    silent = (service.clocks.real() - beat) // 1_000_000
    return "ok" if silent <= SILENT_AFTER else f"silent for {silent} s"


CHECKS: dict[str, Callable[[Service], str]] = {
    "database": _database,
    "store": _store,
    "data": _data,
    "scheduler": _scheduler,
}


@operation(
    bp, "GET", "/metrics", summary="Prometheus", answers=None, public=True, produces="text/plain",
)  # fmt: skip
def get_metrics(call: Call) -> Response:
    """Read from the tables, so that every worker gives the same numbers."""
    now, legal = call.service.clocks.real(), call.service.clocks.legal()
    with reading(call.service.engine) as connection:
        states = connection.execute(
            select(Request.kind, Request.state, func.count()).group_by(Request.kind, Request.state)
        ).all()
        overdue = connection.execute(
            select(func.count()).select_from(Request).where(Request.open, Request.due_at <= legal)
        ).scalar_one()
        waiting, oldest = connection.execute(
            select(func.count(), func.min(Outbox.created_at)).where(Outbox.delivered_at.is_(None))
        ).one()
        beats = connection.execute(select(Heartbeat.name, Heartbeat.at).where(Heartbeat.at > 0)).all()  # no gates
    lines = ["# HELP workflow_requests Requests by kind and state.", "# TYPE workflow_requests gauge"]
    lines += [f'workflow_requests{{kind="{kind}",state="{state}"}} {count}' for kind, state, count in states]
    lines += _gauge("workflow_requests_overdue", "Open requests past their due instant.", overdue)
    lines += _gauge("workflow_outbox_waiting", "Messages that were not delivered yet.", waiting)
    age = 0 if oldest is None else max(0, now - oldest) / 1_000_000
    lines += _gauge("workflow_outbox_oldest_seconds", "Age of the oldest of them.", age)
    lines += ["# HELP workflow_heartbeat_age_seconds Since a process did its round.",
              "# TYPE workflow_heartbeat_age_seconds gauge"]  # fmt: skip
    lines += [f'workflow_heartbeat_age_seconds{{name="{name}"}} {(now - at) / 1_000_000:g}' for name, at in beats]
    return Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _gauge(name: str, help_: str, value: float) -> list[str]:
    return [f"# HELP {name} {help_}", f"# TYPE {name} gauge", f"{name} {value:g}"]
