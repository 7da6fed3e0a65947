"""A desk's own work (待办): what it holds, counted and listed in one statement that is written once.

Building this list for each page cost many times what the database needs for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from workflow_service.models.columns import dumps
from workflow_service.sql import Query, raw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

NEVER: Final = 2**63 - 1
"""Where no due date is, for sorting: soonest due first, these last."""
MANY: Final = 100
"""Where a count that is shown ends ("99+"): whatever is more costs no more than this."""


class Row(NamedTuple):
    """A row of a list as `boxes.list_requests` gives it; instants are microseconds."""

    id: int
    number: str
    kind: str
    state: str
    final: bool
    version: int
    grade: int
    ground: str | None
    state_since: int
    due_at: int | None
    holder_role: str | None
    pack_id: int
    escalated: bool
    returned_from: str | None
    student_id: int | None
    student_name: str | None
    origin_id: int
    origin_code: str
    origin_name: str
    destination_id: int
    destination_code: str
    destination_name: str
    holder_id: int | None
    holder_code: str | None
    holder_name: str | None


def held_page(
    engine: Engine, organization_id: int, roles: Iterable[str], after: tuple[int, int], most: int
) -> tuple[int, list[Row]]:
    """How much an organization holds for these roles, at most `MANY`, and the first `most` rows behind `after`: due
    date (`NEVER` for none) and id of a row, zeros for the beginning.
    """
    due, id_ = after
    asked = _asked(engine, organization_id, roles, MANY)
    rows = _PAGE.rows(engine, {**asked, "due": due, "id": id_, "without": id_ if due == NEVER else 0, "most": most})
    if not rows:  # No row says how much it is: nothing is held, or all of it stands before `after`.
        return (0 if after == (0, 0) else held_count(engine, organization_id, roles, MANY)), []
    return rows[0][0], [Row._make((*row[1:5], bool(row[5]), *row[6:13], bool(row[13]), *row[14:])) for row in rows]


def held_count(engine: Engine, organization_id: int, roles: Iterable[str], most: int) -> int:
    """How much an organization holds for these roles, counted up to `most`."""
    found = _COUNT.one(engine, _asked(engine, organization_id, roles, most))
    assert found is not None  # A count always has a row.
    return int(found[0])


def _asked(engine: Engine, organization_id: int, roles: Iterable[str], many: int) -> dict[str, Any]:
    listed = sorted(roles)
    written = dumps(listed) if engine.dialect.name == "sqlite" else f"{{{','.join(listed)}}}"
    return {"unit": organization_id, "roles": written, "many": many}


# What `boxes._held` says.
_HELD = """
    FROM request_party p
    WHERE p.organization_id = :unit AND p.duty = 'hold' AND p.to_at IS NULL AND p.role {among}"""
_COUNTED = f"SELECT count(*) FROM (SELECT 1 AS one{_HELD} LIMIT :many) AS counted"  # noqa: S608 - our own text
_PAGE_TEXT = f"""
WITH page AS (
    SELECT * FROM (SELECT p.request_id, p.due_at{_HELD} AND (p.due_at, p.request_id) > (:due, :id)
        ORDER BY p.due_at, p.request_id LIMIT :most) AS dated
    UNION ALL
    SELECT * FROM (SELECT p.request_id, p.due_at{_HELD} AND p.due_at IS NULL AND p.request_id > :without
        ORDER BY p.request_id LIMIT :most) AS undated
), total AS ({_COUNTED})
SELECT (SELECT * FROM total), r.id, r.number, r.kind, r.state, r.final, r.version, r.grade, r.ground, r.state_since,
    r.due_at, r.holder_role, r.pack_id, r.escalated, r.returned_from, s.id, s.name, o.id, o.code, o.name,
    d.id, d.code, d.name, h.id, h.code, h.name
FROM page
JOIN request r ON r.id = page.request_id
LEFT JOIN student s ON s.id = r.student_id
JOIN organization o ON o.id = r.origin_school_id
JOIN organization d ON d.id = r.destination_school_id
LEFT JOIN organization h ON h.id = r.holder_id
ORDER BY page.due_at IS NULL, page.due_at, page.request_id LIMIT :most
"""  # noqa: S608 - our own text


def _both(sql: str) -> Query:
    """A query over `_HELD` in both dialects: the roles are one parameter, however many somebody has."""
    return Query(sql.replace("{among}", "IN (SELECT value FROM json_each(:roles))"),
                 raw(sql.replace("{among}", "= ANY(CAST(:roles AS text[]))")))  # fmt: skip


_PAGE, _COUNT = _both(_PAGE_TEXT), _both(_COUNTED)
