"""The dated entries of a student's record as they are shown (学籍事项), newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select

from states.vocabulary import DATA_FACTS
from workflow_service.db import reading
from workflow_service.models import Organization, RegisterEntry, Request
from workflow_service.models.columns import iso
from workflow_service.papers import PAPERS
from workflow_service.sealed import shown
from workflow_service.service import Service


def entries_view(service: Service, student_id: int) -> list[dict[str, Any]]:
    """Every entry with its days, its school, the requests that made and ended it, and the facts that it rests on.

    `data` holds only facts of the vocabulary: what else an effect keeps there is not for reading, but for a certificate
    {"kind", "label", "label_en", "number"}, None where the entry is about none. What is sealed is shown as on the
    request itself.
    """
    query = (
        select(RegisterEntry.__table__, Organization.name.label("school_name"), Request.number, Request.kind)
        .outerjoin(Organization, Organization.id == RegisterEntry.school_id)
        .outerjoin(Request, Request.id == RegisterEntry.request_id)
        .where(RegisterEntry.student_id == student_id)
        .order_by(RegisterEntry.valid_from.desc(), RegisterEntry.recorded_at.desc())
    )
    with reading(service.engine) as connection:
        return [_view(service, row) for row in connection.execute(query)]


def _view(service: Service, row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "section": row.section, "from": _day(row.valid_from), "to": _day(row.valid_to),
        "open": row.ended_at is None and row.valid_to is None, "recorded_at": iso(row.recorded_at),
        "school": None if row.school_id is None else {"id": str(row.school_id), "name": row.school_name},
        "request": None if row.number is None else {
            "id": str(row.request_id), "number": row.number, "kind": row.kind},
        "certificate": _certificate(row.data or {}),
        "data": shown(service, {name: value for name, value in (row.data or {}).items() if name in DATA_FACTS}),
    }  # fmt: skip


def _certificate(data: Mapping[str, Any]) -> dict[str, str] | None:
    kind = data.get("certificate")
    if not isinstance(kind, str) or kind not in PAPERS:
        return None
    paper = PAPERS[kind]
    return {"kind": kind, "label": paper.label, "label_en": paper.label_en, "number": str(data.get("number") or "")}


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None
