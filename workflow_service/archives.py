"""Who keeps the records of a school that works no more (档案保管单位, N13-12): its successor, else its last bureau."""

from __future__ import annotations

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased

from workflow_service.models import Organization, Supervision


def kept_by(organization_id: int) -> Select[int]:
    """Ids of the schools whose leavers an organization speaks for: itself, and every closed school that it keeps.

    A school keeps those that were merged into it, or into one of them. A bureau keeps those that closed for good while
    it supervised them, and what these had kept.
    """
    last, later = aliased(Supervision), aliased(Supervision)
    closed_for_good = (
        select(Organization.id)
        .join(last, last.school_id == Organization.id)
        .where(
            ~Organization.active, Organization.successor_id.is_(None), last.bureau_id == organization_id,
            ~exists().where(later.school_id == last.school_id, later.valid_from > last.valid_from),
        )
    )  # fmt: skip
    first = select(Organization.id).where(Organization.id == organization_id).union(closed_for_good).subquery()
    kept = select(first.c.id).cte("kept", recursive=True)
    merged = (
        select(Organization.id)
        .join(kept, Organization.successor_id == kept.c.id)
        .where(~Organization.active)
    )  # fmt: skip
    kept = kept.union(merged)
    return select(kept.c.id)
