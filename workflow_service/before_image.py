"""Data as they were before a change (变更前信息): kept sealed and for good (NUM-06), and what a reversal restores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, select

from workflow_service.models import DataHistory, Student
from workflow_service.models.columns import dumps
from workflow_service.sql import Write

if TYPE_CHECKING:
    from workflow_service.completion import Completing

COLUMN: Final = "data_history.before"
KEY_COLUMNS: Final = (
    "name", "pinyin", "former_name", "sex", "birth_date", "identity_type", "identity_number", "identity_hash",
)  # fmt: skip
"""Columns of the student's row that hold key data."""
GUARDIAN: Final = "guardian"
"""The name under which a guardian's row is kept beside columns of the student's."""
KEEP: Final = Write(
    "kept_before",
    """
INSERT INTO data_history (id, bucket, student_id, request_id, fields, before, recorded_at)
SELECT :data_history_id, :bucket, :student_id, :id, :data_fields, :data_before, :recorded_at{drawn}""",
)


def student_columns(connection: Connection, student_id: int, columns: tuple[str, ...]) -> dict[str, Any]:
    """These columns of the student's row as they are."""
    row = connection.execute(
        select(*(Student.__table__.c[column] for column in columns)).where(Student.id == student_id)
    ).one()
    return dict(row._mapping)


def keeping(
    completing: Completing, before: Mapping[str, Any], guardian: Mapping[str, Any] | None = None
) -> dict[str, Any]:  # fmt: skip
    """The parameters of `KEEP`: columns with their values as they were, and a guardian's row (`effects.guardians`)."""
    service = completing.service
    told = {name: _told(value) for name, value in before.items()}
    if guardian:
        told[GUARDIAN] = {column: _told(value) for column, value in guardian.items()}
    return {
        "data_history_id": service.ids.new(completing.row["bucket"]), "data_fields": dumps(sorted(told)),
        "data_before": service.cipher.encrypt(dumps(told), COLUMN),
    }  # fmt: skip


def kept(completing: Completing, connection: Connection, request_id: int) -> dict[str, Any]:
    """The columns as they were before a request, {} where it changed none; days as ISO text, a guardian as a row."""
    stored = connection.execute(
        select(DataHistory.before).where(
            DataHistory.request_id == request_id, DataHistory.student_id == completing.row["student_id"])
    ).scalar()  # fmt: skip
    if stored is None:
        return {}
    found = json.loads(completing.service.cipher.decrypt(bytes(stored), COLUMN))
    guardian = found.pop(GUARDIAN, None)
    columns = {name: _read(value) for name, value in found.items()}
    return columns if guardian is None else {
        **columns, GUARDIAN: {column: _read(value) for column, value in guardian.items()}}  # fmt: skip


def _told(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, dict):
        return {"$json": value}
    return value.isoformat() if hasattr(value, "isoformat") else value


def _read(value: Any) -> Any:
    if isinstance(value, dict) and "$bytes" in value:
        return bytes.fromhex(value["$bytes"])
    if isinstance(value, dict) and "$json" in value:
        return dumps(value["$json"])
    return value
