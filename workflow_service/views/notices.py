"""Messages to an organization as they are shown (消息), newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.models import Notice, Request, Student
from workflow_service.models.columns import iso
from workflow_service.service import Service

TOPICS = {
    "your_turn": ("到我方办理", "Your turn"), "reminder": ("催办", "A reminder"),
    "escalated": ("超期督办", "Escalated"),
    "decided": ("已有结果", "Decided"), "receipt": ("转学回执：学生已到校", "Receipt: the student has arrived"),
    "window": ("办理窗口", "A window"),
}  # fmt: skip
WINDOW_TOPICS = {
    "opens": ("办理窗口已开放", "A window has opened"),
    "closes": ("办理窗口已关闭", "A window has closed"),
}


def notices_view(service: Service, actor: Actor, limit: int = 8) -> list[dict[str, Any]]:
    """The newest messages to the asker's organization; `request` where one is about a request."""
    query = (
        select(Notice.id, Notice.topic, Notice.object_id, Notice.body, Notice.at, Request.number, Student.name)
        .outerjoin(Request, Request.id == Notice.object_id)
        .outerjoin(Student, Student.id == Request.student_id)
        .where(Notice.organization_id == actor.organization_id)
        .order_by(Notice.at.desc(), Notice.id.desc())
        .limit(limit)
    )
    with reading(service.engine) as connection:
        return [_view(row) for row in connection.execute(query)]


def _view(row: Any) -> dict[str, Any]:
    label, label_en = WINDOW_TOPICS.get(row.body.get("what"), TOPICS.get(row.topic, (row.topic, row.topic)))
    request = None if row.number is None else {"id": str(row.object_id), "number": row.number, "student": row.name}
    return {
        "id": str(row.id), "topic": row.topic, "label": label, "label_en": label_en, "at": iso(row.at),
        "body": row.body, "request": request,
    }  # fmt: skip
