"""Data that are given out (对外提供数据的效力): counted in groups by region and year, no one named, no small group.

N25-20 and N25-21. The table is made when the release is completed, kept until it is fetched, and fetched once.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, select

from states.calendar import grade_of
from workflow_service.boxes import below
from workflow_service.completion import Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.effects.record import LOG, logged
from workflow_service.models import Enrolment, Organization, SchoolClass, Student
from workflow_service.models.columns import dumps
from workflow_service.sql import Write

SMALLEST: Final = 10
"""Groups of fewer pupils are withheld: who is one of three can be found (ours; the text says only 去标识化)."""
FIELDS: Final[dict[str, str]] = {
    "release_sex": "sex", "release_birth_year": "birth_year", "release_stage": "stage", "release_grade": "grade",
    "release_status": "status",
}  # fmt: skip
"""The fact that asks for a field, and its column. Region and year of entry always stand there; nothing else can."""

PRODUCE = Write(
    "produced_data",
    """
INSERT INTO released_data (request_id, content, sha256, columns, group_count, pupils, withheld, produced_at)
SELECT :id, :released_content, :released_sha256, :released_columns, :released_groups, :released_pupils,
    :released_withheld, :at{drawn}""",
)


@effect("data_release")
def released(completing: Completing) -> Effect:
    """The table within the scope that was applied for, and a line in the access log."""
    columns = ["region", "entered_year", *(name for fact, name in FIELDS.items() if completing.data.get(fact) is True)]
    with reading(completing.service.engine) as connection:
        counts = _counted(connection, completing, columns)
    large = {group: count for group, count in counts.items() if count >= SMALLEST}
    content = table(columns, large)
    values: dict[str, Any] = {
        "released_content": content, "released_sha256": hashlib.sha256(content.encode()).hexdigest(),
        "released_columns": dumps(columns), "released_groups": len(large), "released_pupils": sum(large.values()),
        "released_withheld": sum(counts.values()) - sum(large.values()),
    }  # fmt: skip
    detail = f"{completing.row['number']} {' '.join(columns)}"
    values |= logged(completing, "data_release", completing.row["id"], completing.data.get("release_purpose"), detail)
    return Effect(writes=(PRODUCE, LOG), values=values)


def table(columns: list[str], counts: dict[tuple[str, ...], int]) -> str:
    """CSV with a header, in the order of the groups; the last column is how many pupils."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*columns, "pupils"])
    writer.writerows([*group, count] for group, count in sorted(counts.items()))
    return out.getvalue()


def _counted(connection: Connection, completing: Completing, columns: list[str]) -> Counter[tuple[str, ...]]:
    """Pupils of the applicant's area by group. Read row by row: no list of pupils is ever made."""
    unit = connection.execute(
        select(Organization.path).where(Organization.id == completing.row["destination_school_id"])
    ).scalar_one()
    query = (
        select(Student.sex, Student.birth_date, Student.status, Enrolment.stage, SchoolClass.entered_year,
               SchoolClass.first_grade, Organization.path)
        .join(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
        .join(Organization, Organization.id == Enrolment.school_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(below(Organization.path, unit))
    )  # fmt: skip
    return Counter(_groups(connection.execute(query), columns, completing.facts.today))


def _groups(rows: Iterable[Any], columns: list[str], today: date) -> Iterable[tuple[str, ...]]:
    for row in rows:
        known = {
            "region": "/".join(row.path.strip("/").split("/")[:-1]), "entered_year": str(row.entered_year),
            "sex": row.sex, "birth_year": str(row.birth_date)[:4], "stage": row.stage,
            "grade": str(grade_of(row.first_grade, row.entered_year, today)), "status": row.status,
        }  # fmt: skip
        yield tuple(known[column] for column in columns)
