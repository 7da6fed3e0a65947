"""What a request about a school looks at (学校事项的事实): stages and pupils, its successor, whether a code is free.

Read apart from the one query of a transition: such requests are few, and those of students should not pay for them.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from workflow_service.sql import query

Row = dict[str, Any]

_SCHOOL = query("""
SELECT o.stages, t.attending, t.held, t.quota,
    (SELECT count(*) FROM enrolment e WHERE e.school_id = o.id AND e.ended_at IS NULL),
    (SELECT count(*) FROM request r WHERE r.open AND r.student_id IS NOT NULL
        AND (r.destination_school_id = o.id OR r.origin_school_id = o.id)),
    (SELECT count(*) FROM school_class c JOIN place_hold p ON p.class_id = c.id AND p.released_at IS NULL
        JOIN request r ON r.id = p.request_id AND NOT r.open WHERE c.school_id = o.id)
FROM organization o LEFT JOIN school_stage t ON t.school_id = o.id AND t.stage = :stage WHERE o.id = :school
""")
_SUCCESSOR = query("""
SELECT o.id, o.stages FROM organization o WHERE o.code = :code AND o.kind = 'school' AND o.active AND o.id <> :school
""")
_CODE = query("SELECT o.id FROM organization o WHERE o.code = :code AND o.id <> :school")


def organization_columns(connection: Connection, row: Row) -> Row:
    """More columns of a gathered row whose subject is an organization; places are those of the stage that it names."""
    data, school = row["data"], row["destination_school_id"]
    stage = data.get("for_stage")
    [(stages, attending, held, quota, enrolled, open_requests, guests)] = _SCHOOL.all(
        connection, {"school": school, "stage": stage or ""}
    )
    successor = _one(connection, _SUCCESSOR, data.get("successor_code"), school)
    taken = _one(connection, _CODE, data.get("school_code"), school)
    return {
        "school_stages": json.loads(str(stages)),
        "pupils": enrolled + open_requests + guests,
        "class_stage": stage, "stage_attending": attending, "stage_held": held, "quota": quota,
        "successor_id": successor[0] if successor else None,
        "successor_stages": json.loads(str(successor[1])) if successor else None, "code_taken": taken is not None,
    }  # fmt: skip


def _one(connection: Connection, asked: Any, code: Any, school: int) -> tuple[Any, ...] | None:
    found = asked.all(connection, {"code": code, "school": school}) if code else []
    return found[0] if found else None
