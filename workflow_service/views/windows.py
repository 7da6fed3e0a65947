"""Windows as they are shown (受理窗口): what is open when, for the packs of the organizations in scope."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from sqlalchemy import select

from states.windows import judge, window_json
from workflow_service.actors import Actor
from workflow_service.boxes import below
from workflow_service.db import reading
from workflow_service.models import Organization
from workflow_service.routing import packs_in_order
from workflow_service.service import Service
from workflow_service.views.policies import policy_of_organization


def windows_view(service: Service, actor: Actor) -> list[dict[str, Any]]:
    """For each pack in scope whether transfers are taken in now, until when, and when next.

    `opens` and `closes` are of the window that is open, else of the next one; both null where nothing is known.
    """
    packs = sorted(_packs_in_scope(service, actor).items())
    return [_window_view(service, pack, version, scope) for (pack, version), scope in packs]


def _packs_in_scope(service: Service, actor: Actor) -> dict[tuple[str, int], str]:
    """The packs with their versions, each with the path whose declared outages move its close."""
    own = {policy_of_organization(service, actor.organization_id): actor.path}
    query = select(Organization.policy, Organization.path).where(
        Organization.policy.is_not(None), below(Organization.path, actor.path)
    )
    with reading(service.engine) as connection:
        named = {**{row.policy: row.path for row in connection.execute(query)}, **own}
    today = service.clocks.now().date()
    found = {_of_transfers(service, pack, today): path for pack, path in named.items()}
    return {known: path for known, path in found.items() if known is not None}


def _of_transfers(service: Service, pack: str, on: date) -> tuple[str, int] | None:
    """The pack whose transfers such schools follow with its version: this one, or the national one where it has none.

    None before the first pack was in force.
    """
    for known in packs_in_order((pack,), ""):
        with suppress(LookupError):
            return known, service.packs.in_force(known, "transfer", on)
    return None


def _window_view(service: Service, pack: str, version: int, scope: str) -> dict[str, Any]:
    now = service.clocks.now()
    calendar = service.calendar()
    definition = service.packs.definition(version)
    found = judge(definition.windows, calendar, now, definition.freezes, scope)
    window = found.open or found.next
    shown = window_json(window) if window else {"id": None, "opens": None, "closes": None}
    return {
        "policy": pack, "kind": definition.kind, **shown, "open": found.open is not None,
        "season": window.season if window else None, "article": window.source if window else None,
        "next": window_json(found.next) if found.next else None,
        "next_opening": found.next_opening.isoformat() if found.next_opening else None,
        "frozen": found.frozen is not None, "gaps": list(found.gaps),
    }  # fmt: skip
