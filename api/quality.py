"""`/quality`: what the records in scope lack or contradict (数据质量)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from marshmallow import fields

from api.endpoint import Call, operation
from api.organizations import after_cursor, page, part
from api.shapes import Paging, Shown
from api.students import READERS
from workflow_service.actors import Actor
from workflow_service.errors import NotFound
from workflow_service.quality import BY_CODE, Check, quality_counts, quality_list
from workflow_service.service import Service

bp = Blueprint("quality", __name__)


class QualityCheckShown(Shown):
    """A check, its rule, and how many records in scope it finds."""

    check = fields.String(required=True)
    label = fields.String(required=True)
    label_en = fields.String(required=True)
    rule = fields.String(required=True)
    clears = fields.String(allow_none=True)
    count = fields.Integer(required=True)


class QualityRecordShown(Shown):
    """A record that a check finds, its number masked."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    student_number = fields.String(required=True, allow_none=True)
    school = fields.Dict(required=True, allow_none=True)
    grade = fields.Integer(required=True, allow_none=True)


@operation(
    bp, "GET", "/quality", summary="Data quality / 数据质量", query=Paging, answers=QualityCheckShown, many=True,
    roles=READERS,
)  # fmt: skip
def get_quality(call: Call) -> dict[str, Any]:
    """Every check with the number of records that it finds in my scope."""
    return part(quality_counts(call.service, call.actor), call.query)


def _find(_service: Service, _actor: Actor, check: str) -> Check:
    if check not in BY_CODE:
        raise NotFound
    return BY_CODE[check]


@operation(
    bp, "GET", "/quality/<check>", summary="Records that a check finds / 问题清单", find=_find, query=Paging,
    answers=QualityRecordShown, many=True, roles=READERS,
)  # fmt: skip
def get_quality_check(call: Call) -> dict[str, Any]:
    """The records that one check finds: as many as it counts."""
    after = after_cursor(call.query["cursor"])
    return page(*quality_list(call.service, call.actor, call.found, call.query["limit"], after))
