"""`/organizations`: schools and bureaus (机构)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields, validate

from api.endpoint import Answer, Call, operation
from api.errors import invalid
from api.shapes import Paging, Shown, Text
from workflow_service.actors import Actor
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.service import Service
from workflow_service.views.organizations import KINDS, find_organization, organization_view, organizations_page

bp = Blueprint("organizations", __name__)


class OrganizationShown(Shown):
    """An organization; `policy`, `places` and `classes` only in the asker's scope."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    stage = fields.String(required=True, allow_none=True)
    stages = fields.List(fields.String(), required=True)
    town = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    policy = fields.String()
    places = fields.List(fields.Dict())
    classes = fields.List(fields.Dict())


class OrganizationQuery(Paging):
    """`?code=101` finds one; `kind` is school, bureau, holder or outside."""

    code = Text(most=40, load_default=None)
    kind = Text(load_default=None)
    kind.validators.append(validate.OneOf(KINDS))


def after_cursor(cursor: str | None) -> int:
    """The id that a list goes on after."""
    if cursor is None:
        return 0
    after = parse_id(cursor)
    if after is None:
        raise invalid("cursor", "不是本列表给出的游标", "no list has given this cursor")
    return after


def part(items: list[dict[str, Any]], query: dict[str, Any]) -> dict[str, Any]:
    """One page of a list that is read whole; its cursor is how many items came before."""
    start, limit = after_cursor(query["cursor"]), query["limit"]
    return page(items[start : start + limit], start + limit if len(items) > start + limit else None)


def page(items: list[dict[str, Any]], following: int | str | None) -> dict[str, Any]:
    """One page of a list."""
    return {"items": items, "next": None if following is None else str(following)}


@operation(
    bp, "GET", "/organizations", summary="Organizations / 机构", query=OrganizationQuery, answers=OrganizationShown,
    many=True,
)  # fmt: skip
def get_organizations(call: Call) -> dict[str, Any]:
    """Every school and bureau, to any staff."""
    query = call.query
    items, following = organizations_page(
        call.service, call.actor, code=query["code"], kind=query["kind"], after=after_cursor(query["cursor"]),
        limit=query["limit"],
    )  # fmt: skip
    return page(items, following)


def _find(service: Service, actor: Actor, organization_id: str) -> Any:
    found = parse_id(organization_id)
    if found is None:
        raise NotFound
    return find_organization(service, actor, found)


@operation(
    bp, "GET", "/organizations/<organization_id>", summary="One organization / 一个机构", find=_find,
    answers=OrganizationShown,
)  # fmt: skip
def get_organization(call: Call) -> Answer:
    """One organization; in the asker's scope also its policy, places and classes."""
    return Answer(organization_view(call.service, call.actor, call.found), version=call.found.version)
