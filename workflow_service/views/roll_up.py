"""What waits below a bureau (辖区待办), office by office: sums of counters, whatever the size of the province."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, select, text

from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.models import Organization
from workflow_service.service import Service

# One statement, and so one state of the database: what is folded in between is in one of the two, and never in both.
_SUMS = text("""
SELECT path, sum(pending) AS pending, sum(CASE WHEN due_at <= :now THEN pending ELSE 0 END) AS overdue
FROM box_count WHERE parent = :top GROUP BY path
UNION ALL
SELECT path, sum(amount), sum(CASE WHEN due_at <= :now THEN amount ELSE 0 END)
FROM box_delta WHERE path > :top AND path < :end GROUP BY path""")

_NAMED = select(Organization.path, Organization.id, Organization.code, Organization.name, Organization.kind,
                Organization.level)  # fmt: skip


def below_view(service: Service, actor: Actor) -> dict[str, Any]:
    """What is pending and what of it is overdue directly below the asker's bureau, the most overdue first.

    Each organization is counted with all below it, and only where something waits. Work before two offices at once
    waits at both. Empty for whoever supervises nobody.
    """
    if not (actor.supervises and actor.works_on_requests):
        return {"pending": 0, "overdue": 0, "organizations": []}
    with reading(service.engine) as connection:
        sums = _sums(connection, actor.path, service.clocks.legal())
        found = connection.execute(_NAMED.where(Organization.path.in_(sums))).all()
    named = sorted(found, key=lambda row: (-sums[row.path][1], -sums[row.path][0], row.code))
    return {
        "pending": sum(pending for pending, _ in sums.values()),
        "overdue": sum(overdue for _, overdue in sums.values()),
        "organizations": [
            {"organization": {"id": str(row.id), "code": row.code, "name": row.name, "kind": row.kind,
                              "level": row.level}, "pending": sums[row.path][0], "overdue": sums[row.path][1]}
            for row in named
        ],
    }  # fmt: skip


def _sums(connection: Connection, top: str, now: int) -> dict[str, tuple[int, int]]:
    """(pending, overdue) by the path of each place directly below `top` where something waits."""
    found: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    end = top.removesuffix("/") + chr(ord("/") + 1)
    for path, pending, overdue in connection.execute(_SUMS, {"top": top, "end": end, "now": now}):
        child = path[: path.index("/", len(top)) + 1]
        found[child] = (found[child][0] + int(pending), found[child][1] + int(overdue))
    return {path: sums for path, sums in found.items() if sums[0]}
