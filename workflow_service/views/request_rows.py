"""A request as a row of a list (列表行)."""

from __future__ import annotations

from datetime import date
from typing import Any

from states.calendar import Calendar, due_group, remaining_working_days
from workflow_service.models.columns import iso
from workflow_service.service import Service
from workflow_service.views.requests import last_day, state_labels


def request_row(service: Service, row: Any, calendar: Calendar, today: date) -> dict[str, Any]:
    """One row of `boxes.list_requests`; `due_group` is overdue, today, soon, later, or None."""
    label, label_en = state_labels(service.packs.definition(row.pack_id), row.state)
    due = None if row.due_at is None else last_day(row.due_at)
    return {
        "id": str(row.id), "number": row.number, "kind": row.kind, "state": row.state, "state_label": label,
        "state_label_en": label_en, "final": row.final, "version": row.version,
        "student": None if row.student_id is None else {"id": str(row.student_id), "name": row.student_name},
        "subject_name": row.student_name or row.destination_name, "two_schools": row.origin_id != row.destination_id,
        "origin_school": {"id": str(row.origin_id), "code": row.origin_code, "name": row.origin_name},
        "destination_school": {
            "id": str(row.destination_id), "code": row.destination_code, "name": row.destination_name},
        "grade": row.grade or None, "ground": row.ground,
        "holder": None if row.holder_id is None else {
            "organization": {"id": str(row.holder_id), "code": row.holder_code, "name": row.holder_name},
            "role": row.holder_role},
        "state_since": iso(row.state_since), "due_at": iso(row.due_at), "escalated": row.escalated,
        "due_group": None if due is None else due_group(calendar, today, due),
        "remaining_working_days": None if due is None else remaining_working_days(calendar, today, due),
    }  # fmt: skip


def request_rows(service: Service, rows: list[Any]) -> list[dict[str, Any]]:
    """Rows of a list at legal time now."""
    calendar = service.calendar()
    today = service.clocks.now().date()
    return [request_row(service, row, calendar, today) for row in rows]
