"""Printed papers (文书) as the public may verify them."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import or_, select

from workflow_service.crypto import mask_name
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Paper, Request, Student
from workflow_service.models.columns import iso
from workflow_service.papers import void_since
from workflow_service.service import Service

_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")


def verified_paper(service: Service, code: str) -> dict[str, Any]:
    """A paper by the code on it: kind, number, when, the name masked; whether it still stands. Raises NotFound.

    An answer to an objection shows what came of it, and the answer: who holds it must be able to hold others to it.
    """
    query = (
        select(Paper.kind, Paper.number, Paper.issued_at, Paper.request_id, Request.state, Request.data, Student.name)
        .outerjoin(Request, Request.id == Paper.request_id)
        .join(Student, or_(Student.id == Request.student_id, Student.id == Paper.student_id))
        .where(Paper.code == code)
    )
    # What no code consists of is not looked for: PostgreSQL refuses some characters with an error.
    if _CODE.fullmatch(code) is None:
        raise NotFound
    with reading(service.engine) as connection:
        row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound
        void = None if row.request_id is None else void_since(connection, row.request_id)
    answered = row.data if row.kind in ("objection_answer", "objection_decision") else {}
    return {
        "genuine": True, "kind": row.kind, "number": row.number, "issued_at": iso(row.issued_at),
        "name": mask_name(row.name), "state": row.state or "completed",
        "void_since": None if void is None else iso(void),
        "outcome": answered.get("objection_outcome"), "answer": answered.get("answer"),
    }  # fmt: skip
