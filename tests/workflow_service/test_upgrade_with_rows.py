"""A schema that is in use is upgraded with its rows: SQLite copies a table to alter it, and others refer to it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import text

from workflow_service.db import alembic_config, make_engine, upgrade

BEFORE = "0006"
"""The revision after which tables with rows that others refer to are altered."""

ROWS: dict[str, dict[str, object]] = {
    "organization": {"parent_id": None},
    "school_class": {"school_id": 1},
    "student": {"status": "attending"},
    "enrolment": {"student_id": 1, "school_id": 1, "class_id": 1, "stage": "primary", "start_reason": "imported"},
    "likeness_block": {"student_id": 1, "key": bytes(16)},
    "duplicate_sweep": {"month_end": "2026-06-30", "finished_at": 1},
}
"""One row of each table that is altered, and one that refers to them all."""


def _row(table: str, columns: list[tuple[str, str, int]], given: dict[str, object]) -> tuple[str, dict[str, object]]:
    """An insert that fills in every column that must not be empty."""
    filled = {name: given.get(name, 1 if "INT" in kind else "2020-01-01" if kind == "DATE" else name)
              for name, kind, must in columns if must or name in given}  # fmt: skip
    names = ", ".join(filled)
    return f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in filled)})", filled


def test_rows_that_others_refer_to_survive_an_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'used.sqlite3'}"
    command.upgrade(alembic_config(url), BEFORE)
    engine = make_engine(url, owner=True)
    with engine.begin() as connection:
        for table, given in ROWS.items():
            columns = [(row[1], row[2], row[3]) for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
            statement, values = _row(table, columns, given)
            connection.execute(text(statement), values)
    engine.dispose()
    upgrade(url)
    engine = make_engine(url, owner=True)
    with engine.connect() as connection:
        assert (
            connection.execute(text("SELECT count(*) FROM enrolment JOIN student ON student.id = student_id")).scalar()
            == 1
        )
        for table in ("likeness_block", "duplicate_sweep"):  # The check goes over all once more, and makes the blocks.
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
    engine.dispose()
