"""Where a request goes (流程选择): the packs of both counties, the route that fits, and who plays which part.

Fixed at submit and stored with the request; until then it is worked out anew, so that a draft always shows what a
submission today would meet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from states.calendar import grade_of
from states.definition import Route
from workflow_service.models import Organization, SchoolClass, SchoolStage, Supervision

if TYPE_CHECKING:
    from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class Routing:
    """The answer: ids of the two pack versions, the route's rule, the steps, the units, what was left out and why."""

    pack_id: int
    origin_pack_id: int
    rule: str
    starter: str
    states: tuple[str, ...]
    units: Mapping[str, list[Any]]
    skipped: tuple[str, ...]
    same_bureau: bool
    same_city: bool
    same_province: bool


class NoRoute(LookupError):
    """No supervision is recorded for the stage, or the pack has no route that fits: an administrator must mend it."""


def ancestors(connection: Connection, organization: Any) -> list[Any]:
    """The organization and all above it, nearest first."""
    parts = [part for part in organization.path.split("/") if part]
    paths = ["/" + "/".join(parts[:count]) + "/" for count in range(len(parts), 0, -1)]
    found = {o.path: o for o in connection.execute(_organizations().where(Organization.path.in_(paths)))}
    return [found[path] for path in paths if path in found]


def _organizations() -> Any:
    return select(Organization.id, Organization.code, Organization.name, Organization.kind, Organization.level,
                  Organization.path, Organization.policy, Organization.single_handed, Organization.stages,
                  Organization.schooling, Organization.town)  # fmt: skip


def organization(connection: Connection, organization_id: int) -> Any:
    """One organization's row, None where there is none."""
    return connection.execute(_organizations().where(Organization.id == organization_id)).one_or_none()


def policy_of(chain: list[Any]) -> str:
    """The pack that an organization follows: its own or the nearest one above it."""
    return next((o.policy for o in chain if o.policy), "national-k12")


def bureau_of(connection: Connection, school_id: int, stage: str, on: date) -> Any:
    """The bureau that supervises a school in a stage on a day (学籍主管部门). Raises `NoRoute`."""
    found = connection.execute(
        _organizations()
        .join(Supervision, Supervision.bureau_id == Organization.id)
        .where(Supervision.school_id == school_id, Supervision.stage == stage, Supervision.valid_from <= on)
        .where(Supervision.valid_to.is_(None) | (Supervision.valid_to >= on))
    ).first()
    if found is None:
        raise NoRoute(f"school {school_id} has no supervising bureau for {stage} on {on}")
    return found


def resolve(service: Service, connection: Connection, *, kind: str, destination: Any, origin: Any,
            destination_stage: str, origin_stage: str, on: date) -> Routing:  # fmt: skip
    """The routing of a request between two schools on a day. Raises `NoRoute`."""
    above, above_origin = ancestors(connection, destination), ancestors(connection, origin)
    bureau = bureau_of(connection, destination.id, destination_stage, on)
    origin_bureau = bureau_of(connection, origin.id, origin_stage, on)
    pack_id = service.packs.in_force(policy_of(above), kind, on)
    origin_pack_id = service.packs.in_force(policy_of(above_origin), kind, on)
    same = {
        "same_bureau": bureau.id == origin_bureau.id,
        "same_city": _at(above, "city") == _at(above_origin, "city"),
        "same_province": _at(above, "province") == _at(above_origin, "province"),
    }
    route = _fitting(service.packs.definition(pack_id).routes, same)
    units = {"destination_school": destination, "origin_school": origin, "destination_bureau": bureau,
             "origin_bureau": origin_bureau}  # fmt: skip
    if same["same_bureau"]:
        units["shared_bureau"] = bureau
    if not same["same_province"]:
        units["destination_province"] = _top(above)
        units["origin_province"] = _top(above_origin)
    states, skipped = _without_single_handed(service, pack_id, route, units)
    return Routing(
        pack_id,
        origin_pack_id,
        route.cite.rule,
        route.starter,
        states,
        {name: [unit.id, unit.path] for name, unit in units.items()},
        skipped,
        **same,
    )


def _at(chain: list[Any], level: str) -> int | None:
    return next((o.id for o in chain if o.level == level), None)


def _top(chain: list[Any]) -> Any:
    return next(o for o in chain if o.level == "province")


def _fitting(routes: tuple[Route, ...], same: Mapping[str, bool]) -> Route:
    found = [r for r in routes if all(same.get(key, None) in values for key, values in r.when.items())]
    if len(found) != 1:
        raise NoRoute(f"{len(found)} routes fit {dict(same)}")
    return found[0]


def _without_single_handed(service: Service, pack_id: int, route: Route, units: Mapping[str, Any]
                           ) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    """A single-handed school has no second person: its bureau's decision replaces the principal's step, visibly."""
    steps = service.packs.definition(pack_id).steps
    skipped = tuple(
        state
        for state in route.steps
        if steps[state].role == "principal" and all(units[unit].single_handed for unit in steps[state].holders)
    )
    return tuple(state for state in route.steps if state not in skipped), skipped


def choose_class(connection: Connection, school_id: int, grade: int, on: date, class_id: int | None = None) -> Any:
    """The class that takes the student: the one named, else the least full of the grade; None where there is none.

    Row: id, name, stage, entered_year, first_grade, last_grade, attending, held, stage_attending, stage_held, quota.
    """
    rows = connection.execute(
        select(SchoolClass.id, SchoolClass.name, SchoolClass.stage, SchoolClass.entered_year, SchoolClass.first_grade,
               SchoolClass.last_grade, SchoolClass.attending, SchoolClass.held,
               SchoolStage.attending.label("stage_attending"), SchoolStage.held.label("stage_held"), SchoolStage.quota)
        .join(SchoolStage, (SchoolStage.school_id == SchoolClass.school_id) & (SchoolStage.stage == SchoolClass.stage))
        .where(SchoolClass.school_id == school_id)
        .order_by(SchoolClass.attending + SchoolClass.held, SchoolClass.sequence)).all()  # fmt: skip
    fitting = [
        row
        for row in rows
        if row.first_grade <= grade <= row.last_grade and grade_of(row.first_grade, row.entered_year, on) == grade
    ]
    if class_id is not None:
        fitting = [row for row in fitting if row.id == class_id]
    return fitting[0] if fitting else None
