"""`/codes`: the code tables (代码表) and what our own words are in them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.organizations import part
from api.shapes import Paging, Shown
from workflow_service.actors import Actor
from workflow_service.code_tables import Code, CodeTable, Crosswalk, code_table, code_tables, crosswalks
from workflow_service.errors import NotFound
from workflow_service.service import Service

bp = Blueprint("codes", __name__)


class CodeTableShown(Shown):
    """A scheme in one version; `basis` says how sure its codes are, and `because` why."""

    scheme = fields.String(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True)
    standard = fields.String(required=True)
    version = fields.String(required=True)
    valid_from = fields.Date(required=True)
    source = fields.String(required=True)
    basis = fields.String(required=True)
    because = fields.String(required=True)
    size = fields.Integer(required=True)


class CodeShown(Shown):
    """A row; divisions have no English name."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True, allow_none=True)
    parent = fields.String(required=True, allow_none=True)


class CrosswalkShown(Shown):
    """What a status, an event or another table's code is in this table, or the reverse."""

    id = fields.String(required=True)
    title = fields.String(required=True)
    title_en = fields.String(required=True)
    source_scheme = fields.String(required=True)
    target_scheme = fields.String(required=True)
    basis = fields.String(required=True)
    because = fields.String(required=True)
    rows = fields.List(fields.Dict(), required=True)


class CodesShown(CodeTableShown):
    """A table with one page of its rows and all its crosswalks."""

    items = fields.List(fields.Nested(CodeShown), required=True)
    next = fields.String(required=True, allow_none=True)
    crosswalks = fields.List(fields.Nested(CrosswalkShown), required=True)


class CodesQuery(Paging):
    """`?on=2026-09-01` asks for the version that is valid on a day; without it the newest."""

    on = fields.Date(load_default=None)


def table_view(table: CodeTable) -> dict[str, Any]:
    """A table without its rows, as JSON."""
    return {
        "scheme": table.scheme, "title": table.title, "title_en": table.title_en, "standard": table.standard,
        "version": table.version, "valid_from": table.valid_from.isoformat(), "source": table.source,
        "basis": table.basis, "because": table.because, "size": len(table.codes),
    }  # fmt: skip


def code_view(code: Code) -> dict[str, Any]:
    """A row of a table, as JSON."""
    return {"code": code.code, "zh": code.zh, "en": code.en, "parent": code.parent}


def _crosswalk_view(crosswalk: Crosswalk) -> dict[str, Any]:
    return {
        "id": crosswalk.id, "title": crosswalk.title, "title_en": crosswalk.title_en, "basis": crosswalk.basis,
        "because": crosswalk.because, "source_scheme": crosswalk.source_scheme,
        "target_scheme": crosswalk.target_scheme,
        "rows": [{"from": from_, "to": to, "when": when} for from_, to, when in crosswalk.rows],
    }  # fmt: skip


def _find(service: Service, actor: Actor, scheme: str) -> CodeTable:
    found = code_table(scheme)
    if found is None:
        raise NotFound
    return found


@operation(bp, "GET", "/codes", summary="Code tables / 代码表", query=Paging, answers=CodeTableShown, many=True)
def get_code_tables(call: Call) -> dict[str, Any]:
    """Every table in every version, without rows."""
    return part([table_view(table) for table in code_tables()], call.query)


@operation(
    bp, "GET", "/codes/<scheme>", summary="One code table / 一个代码表", find=_find, query=CodesQuery,
    answers=CodesShown,
)  # fmt: skip
def get_code_table(call: Call) -> dict[str, Any]:
    """A table with its rows, page by page, and the crosswalks that begin or end in it."""
    table = code_table(call.found.scheme, call.query["on"])
    if table is None:
        raise NotFound
    related = [walk for walk in crosswalks().values() if table.scheme in (walk.source_scheme, walk.target_scheme)]
    return {
        **table_view(table),
        **part([code_view(code) for code in table.codes.values()], call.query),
        "crosswalks": [_crosswalk_view(walk) for walk in related],
    }
