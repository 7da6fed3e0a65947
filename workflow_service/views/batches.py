"""Batches as they are shown (批次): how many stand where, and a verdict per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from states.kinds import KINDS
from workflow_service.actors import Actor
from workflow_service.batches import Worked, batch_children, counts_of, find_batch
from workflow_service.db import reading
from workflow_service.duplicates.people import chunks
from workflow_service.models import Enrolment, Student
from workflow_service.models.columns import iso
from workflow_service.service import Service
from workflow_service.views.reasons import reason_view
from workflow_service.views.requests import state_labels


def batch_view(service: Service, actor: Actor, batch_id: int) -> dict[str, Any]:
    """One batch in the actor's scope. Raises NotFound."""
    row = find_batch(service, actor, batch_id)
    kind = KINDS[row.kind]
    return {
        "id": str(row.id), "number": row.number, "kind": row.kind, "kind_label": kind.label,
        "kind_label_en": kind.label_en, "created_at": iso(row.created_at),
        "organization_id": str(row.organization_id), "states": counts_of(service, row.id),
        "staying": _staying(service, row.data.get("staying", ())),
    }  # fmt: skip


def _staying(service: Service, kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Whom a promotion left out when it began, with today's names; [] for all other kinds."""
    ids = [int(one["student"]) for one in kept]
    with reading(service.engine) as connection:
        names = {
            row.id: row.name for chunk in chunks(ids)
            for row in connection.execute(select(Student.id, Student.name).where(Student.id.in_(chunk)))
        }  # fmt: skip
    return [{**one, "student": {"id": one["student"], "name": names.get(int(one["student"]))}} for one in kept]


def batch_row_view(row: Any) -> dict[str, Any]:
    """A batch as a row of a list."""
    kind = KINDS[row.kind]
    return {
        "id": str(row.id), "number": row.number, "kind": row.kind, "kind_label": kind.label,
        "kind_label_en": kind.label_en, "school": row.school, "children": row.children, "ended": row.ended,
        "created_at": iso(row.created_at),
    }  # fmt: skip


def children_view(service: Service, batch_id: int, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
    """The children of a batch, and the id to go on after."""
    rows, following = batch_children(service, batch_id, after, limit)
    return [_child(service, row) for row in rows], following


def _child(service: Service, row: Any) -> dict[str, Any]:
    label, label_en = state_labels(service.packs.definition(row.pack_id), row.state)
    return {
        "id": str(row.id), "number": row.number, "state": row.state, "state_label": label, "state_label_en": label_en,
        "final": row.final, "version": row.version, "student": {"id": str(row.student_id), "name": row.name},
    }  # fmt: skip


def worked_view(service: Service, actor: Actor, worked: Worked) -> dict[str, Any]:
    """What one call did, row by row: done, or every reason why not. A stranger's name is not told by his id."""
    ids = [one.student_id for one in worked.verdicts if one.student_id is not None]
    named = [one.student_id for one in worked.verdicts if one.request_id is not None]
    here = select(Enrolment.student_id).where(
        Enrolment.student_id.in_(ids), Enrolment.school_id == actor.organization_id, Enrolment.ended_at.is_(None)
    )
    with reading(service.engine) as connection:
        rows = connection.execute(select(Student.id, Student.name).where(Student.id.in_(named) | Student.id.in_(here)))
        names = {row.id: row.name for row in rows}
    verdicts = [
        {
            "student": {"id": str(one.student_id), "name": names.get(one.student_id or 0)},
            "request": None if one.request_id is None else str(one.request_id), "done": one.done,
            "detail": one.detail, "blocked_by": [reason_view(reason) for reason in one.reasons],
        }
        for one in worked.verdicts
    ]  # fmt: skip
    return {
        "verdicts": verdicts, "done": sum(one.done for one in worked.verdicts),
        "refused": sum(not one.done for one in worked.verdicts), "remaining": worked.remaining,
    }  # fmt: skip
