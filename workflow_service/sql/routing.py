"""The reads that choose a route (流程选择): asked at every look at a draft, so they are prepared statements as well."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection

from workflow_service.models.columns import loads
from workflow_service.sql import query


class Unit(NamedTuple):
    """An organization as far as routing looks at it; `depth` 0 is the school itself. `pack_id`: of its own policy.

    `successor`: the name of the school that it was merged into.
    """

    school_id: int
    depth: int
    id: int
    code: str
    name: str
    kind: str
    level: str
    path: str
    policy: str | None
    single_handed: bool
    stages: list[str]
    schooling: dict[str, int]
    town: bool
    city_powers: bool
    pack_id: int | None
    active: bool
    successor: str | None


class Place(NamedTuple):
    """A class with what is taken in it and in its stage."""

    id: int
    name: str
    stage: str
    entered_year: int
    first_grade: int
    last_grade: int
    attending: int
    held: int
    stage_attending: int
    stage_held: int
    quota: int | None
    programme: str | None


_UNIT = """o.id, o.code, o.name, o.kind, o.level, o.path, o.policy, o.single_handed, o.stages, o.schooling, o.town,
    o.city_powers"""

# The schools with all above them, and the bureaus that supervise them, each for a stage: of two, the later one counts.
_AROUND = query(f"""
WITH RECURSIVE chain(school_id, depth, id, parent_id) AS (
    SELECT o.id, 0, o.id, o.parent_id FROM organization o WHERE o.id IN (:destination, :origin)
    UNION ALL SELECT c.school_id, c.depth + 1, o.id, o.parent_id
    FROM chain c JOIN organization o ON o.id = c.parent_id
)
SELECT NULL, NULL, c.school_id, c.depth, {_UNIT}, (SELECT v.id FROM pack_version v WHERE v.pack = o.policy
        AND v.kind = :kind AND v.valid_from <= :day AND (v.valid_to IS NULL OR v.valid_to >= :day)
        ORDER BY v.version DESC LIMIT 1),
    o.active, (SELECT n.name FROM organization n WHERE n.id = o.successor_id)
FROM chain c JOIN organization o ON o.id = c.id
UNION ALL
SELECT s.stage, s.valid_from, s.school_id, 0, {_UNIT}, NULL, o.active, NULL
FROM supervision s JOIN organization o ON o.id = s.bureau_id
WHERE s.school_id IN (:destination, :origin) AND s.valid_from <= :day AND (s.valid_to IS NULL OR s.valid_to >= :day)
ORDER BY 3, 4, 2
""")  # noqa: S608 - our own columns

_PLACES = query("""
SELECT c.id, c.name, c.stage, c.entered_year, c.first_grade, c.last_grade, c.attending, c.held, t.attending, t.held,
    t.quota, c.programme
FROM school_class c JOIN school_stage t ON t.school_id = c.school_id AND t.stage = c.stage
WHERE c.school_id = :school AND c.first_grade <= :grade AND c.last_grade >= :grade
ORDER BY c.attending + c.held, c.sequence
""")


def _day(connection: Connection, on: date) -> date | str:
    return on.isoformat() if connection.dialect.name == "sqlite" else on


def _unit(row: tuple[Any, ...]) -> Unit:
    unit = Unit(*row)
    return unit._replace(
        single_handed=bool(unit.single_handed), town=bool(unit.town),
        city_powers=bool(unit.city_powers), active=bool(unit.active), stages=loads(str(unit.stages)),
        schooling=loads(str(unit.schooling)),
    )  # fmt: skip


Chains = dict[int, list[Unit]]
Bureaus = dict[tuple[int, str], Unit]


def around(connection: Connection, kind: str, destination: int, origin: int, on: date) -> tuple[Chains, Bureaus]:
    """Both schools with all above them, nearest first, and who supervises them, by school and stage, on a day.

    A school that is not there has no chain.
    """
    chains: Chains = {}
    bureaus: Bureaus = {}
    parameters = {"kind": kind, "destination": destination, "origin": origin, "day": _day(connection, on)}
    for stage, _from, *rest in _AROUND.all(connection, parameters):
        unit = _unit(tuple(rest))
        if stage is None:
            chains.setdefault(unit.school_id, []).append(unit)
        else:
            bureaus[unit.school_id, stage] = unit
    return chains, bureaus


def places(connection: Connection, school: int, grade: int) -> list[Place]:
    """The classes of a school that have a grade some time, the least full first."""
    return [Place(*row) for row in _PLACES.all(connection, {"school": school, "grade": grade})]
