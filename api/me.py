"""`/me`: who I am, my organization, roles, what I may start (我的身份)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.shapes import Shown
from workflow_service.db import reading
from workflow_service.service import Service
from workflow_service.views.organizations import names_of
from workflow_service.views.policies import may_start, policy_of_organization

bp = Blueprint("me", __name__)


class NamedOrganization(Shown):
    """An organization as others show it."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)


class MeShown(Shown):
    """The account that asks."""

    id = fields.String(required=True)
    username = fields.String(required=True)
    name = fields.String(required=True)
    roles = fields.List(fields.String(), required=True)
    organization = fields.Nested(NamedOrganization, required=True)
    policy = fields.String(required=True)
    may_start = fields.List(fields.String(), required=True)
    kinds = fields.List(fields.Dict(), required=True)


def me_view(service: Service, actor: Any) -> dict[str, Any]:
    """The account that asks, for the API and the pages."""
    kinds = may_start(service, actor)
    with reading(service.engine) as connection:
        organization = names_of(connection, [actor.organization_id])[actor.organization_id]
    return {
        "id": str(actor.account_id), "username": actor.username, "name": actor.name, "roles": sorted(actor.roles),
        "organization": {**organization, "kind": actor.kind, "level": actor.level},
        "policy": policy_of_organization(service, actor.organization_id),
        "may_start": [kind["kind"] for kind in kinds], "kinds": kinds, "today": service.clocks.now().date().isoformat(),
    }  # fmt: skip


@operation(bp, "GET", "/me", summary="Who I am / 我的身份", answers=MeShown)
def get_me(call: Call) -> dict[str, Any]:
    """The account, its organization and roles, and the kinds of request that it may start."""
    return me_view(call.service, call.actor)
