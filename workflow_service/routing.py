"""Where a request goes (流程选择): the packs of both counties, the route that fits, and who plays which part.

Fixed at submit and stored with the request; until then it is worked out anew, so that a draft always shows what a
submission today would meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from states.calendar import grade_of
from states.definition import Route
from states.facts import COMPULSORY
from states.kinds import KINDS
from states.rules.school import no_longer
from states.shortened import steps_taken
from states.verdict import Reason
from workflow_service.models import Organization
from workflow_service.sql.routing import Bureaus, Place, Unit, places
from workflow_service.sql.routing import around as around_of

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
                  Organization.schooling, Organization.town, Organization.city_powers)  # fmt: skip


def organization(connection: Connection, organization_id: int) -> Any:
    """One organization's row, None where there is none."""
    return connection.execute(_organizations().where(Organization.id == organization_id)).one_or_none()


def policy_of(chain: list[Any]) -> str:
    """The pack that an organization follows: its own or the nearest one above it."""
    return next((o.policy for o in chain if o.policy), "national-k12")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Two schools on a day, each with all above it, nearest first."""

    above: list[Unit]
    above_origin: list[Unit]
    bureaus: Bureaus
    kind: str
    on: date

    @property
    def destination(self) -> Unit:
        """The school that takes the student in."""
        return self.above[0]

    @property
    def origin(self) -> Unit:
        """The school that is left."""
        return self.above_origin[0]

    @property
    def closed(self) -> Unit | None:
        """The school that works no more, closed or merged into another, where the request needs it.

        A leaver's old school is not needed: he goes on from a school that has closed since, too.
        """
        needed = (self.destination, self.origin) if KINDS[self.kind].sides == "two" else (self.destination,)
        return next((unit for unit in needed if not unit.active), None)


def surroundings(
    connection: Connection, kind: str, destination_id: int, origin_id: int, on: date
) -> Surroundings | None:
    """The surroundings of a request between two schools; None where one of them is not there."""
    chains, bureaus = around_of(connection, kind, destination_id, origin_id, on)
    if destination_id not in chains or origin_id not in chains:
        return None
    return Surroundings(chains[destination_id], chains[origin_id], bureaus, kind, on)


def resolve(service: Service, around: Surroundings, *, destination_stage: str,
            origin_stage: str) -> Routing:  # fmt: skip
    """The routing of a request between two schools on a day. Raises `NoRoute`."""
    above, above_origin, destination, origin = around.above, around.above_origin, around.destination, around.origin
    if destination_stage not in destination.stages:
        destination_stage = destination.stages[0]
    bureau = around.bureaus.get((destination.id, destination_stage))
    origin_bureau = around.bureaus.get((origin.id, destination_stage if origin.id == destination.id else origin_stage))
    if bureau is None or origin_bureau is None:
        unit, stage = (destination, destination_stage) if bureau is None else (origin, origin_stage)
        raise NoRoute(f"school {unit.code} has no supervising bureau for {stage} on {around.on}")
    pack_id = _pack(service, above, around, destination_stage)
    origin_pack_id = _pack(service, above_origin, around, origin_stage)
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
    states, skipped = steps_taken(service.packs.definition(pack_id), route, units)
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


def resolve_one(service: Service, connection: Connection, around: Surroundings, *, stage: str,
                case: Mapping[str, Any], left_stage: str | None = None,
                other: int | None = None) -> Routing:  # fmt: skip
    """The routing of a request of one school, or of a bureau itself. Raises `NoRoute`.

    `other`: a school beside it that has a part, with its bureau: of a double record, of what is to be reversed.

    `case`: the facts that a route's `when` may ask. `left_stage`: of a leaver in the school that he left, which is
    then the origin of `around`; its bureau takes part (SYS-41, SYS-51).
    """
    above, school = around.above, around.destination
    if school.kind == "school":
        stage = stage if stage in school.stages else school.stages[0]
        bureau = around.bureaus.get((school.id, stage))
        if bureau is None:
            raise NoRoute(f"school {school.code} has no supervising bureau for {stage} on {around.on}")
        units = {"school": school, "bureau": bureau}
    else:
        units = {"bureau": school}
    units["province_bureau"] = _top(above)
    units["city_bureau"] = next((o for o in above if o.level == "city" or o.city_powers), units["province_bureau"])
    if left_stage is not None:
        units["origin_bureau"], case = _bureau_left(around, left_stage, units["bureau"], case)
    if other is not None:
        units, case = _beside(connection, around, other, stage, units, case)
    pack_id = _pack(service, above, around, stage)
    case = {**case, "stage": stage, "town": school.town, "about_bureau": school.kind != "school",
            "city_school": units["bureau"].level == "city",
            "province_school": units["bureau"].level == "province",
            "compulsory": stage in COMPULSORY}  # fmt: skip
    route = _fitting(service.packs.definition(pack_id).routes, case)
    states, skipped = steps_taken(service.packs.definition(pack_id), route, units)
    parts = {name: [unit.id, unit.path] for name, unit in units.items()}
    return Routing(pack_id, pack_id, route.cite.rule, route.starter, states, parts, skipped, True, True, True)


def _beside(connection: Connection, around: Surroundings, other: int, stage: str, units: dict[str, Unit],
            case: Mapping[str, Any]) -> tuple[dict[str, Unit], Mapping[str, Any]]:  # fmt: skip
    """The other school and its bureau as units, and how near they are. Raises `NoRoute`."""
    chains, bureaus = around_of(connection, around.kind, other, other, around.on)
    above = chains[other]
    school = above[0]
    bureau = bureaus.get((other, stage if stage in school.stages else school.stages[0]))
    if bureau is None:
        raise NoRoute(f"school {school.code} has no supervising bureau for {stage} on {around.on}")
    near = {
        "same_school": False, "same_bureau": bureau.id == units["bureau"].id,
        "same_city": _at(above, "city") == _at(around.above, "city"),
        "same_province": _at(above, "province") == _at(around.above, "province"),
    }  # fmt: skip
    return {**units, "other_school": school, "other_bureau": bureau}, {**case, **near}


def _bureau_left(around: Surroundings, stage: str, bureau: Unit, case: Mapping[str, Any]
                 ) -> tuple[Unit, Mapping[str, Any]]:  # fmt: skip
    """The bureau of the school that a leaver has left, and how near it is. Raises `NoRoute`."""
    origin = around.origin
    found = around.bureaus.get((origin.id, stage))
    if found is None and not origin.active:
        found = around.above_origin[1]  # The bureau above a closed school keeps what it left.
    if found is None:
        raise NoRoute(f"school {origin.code} has no supervising bureau for {stage} on {around.on}")
    near = {
        "same_bureau": found.id == bureau.id,
        "same_city": _at(around.above, "city") == _at(around.above_origin, "city"),
        "same_province": _at(around.above, "province") == _at(around.above_origin, "province"),
        "same_school": origin.id == around.destination.id,
    }
    return found, {**case, **near}


def closed_by(service: Service, around: Surroundings) -> Reason:
    """Why nothing new begins at a school that is closed, with the row of the pack that says so. Raises LookupError."""
    assert around.closed is not None
    stage = next(iter(around.destination.stages), "")
    definition = service.packs.definition(_pack(service, around.above, around, stage))
    cite = next((check.cite for check in definition.checks if check.does == "school_works"), None)
    if cite is None:
        raise LookupError(f"{definition.pack} does not know that a school may be closed")
    return Reason(cite, no_longer(around.closed.name, around.closed.successor))


FALLBACK = {"vocational": ("national-vocational",), "higher": ("higher-education",)}
NATIONAL = ("national-k12", "national-k12-2013")
"""The packs of a school that follows none that knows the kind: its stage's own, then the national one of the day.

What the vocational and higher texts leave out (a problem record, a change of quota) is done as in K-12 schools.
"""
K12 = "-k12"
"""How the ids of packs of primary and secondary schools end."""


def packs_in_order(policies: Iterable[str], stage: str) -> tuple[str, ...]:
    """The packs in which a school's kinds are looked for; `policies`: those named above it, nearest first.

    A province's rules of primary and secondary schools are not a university's: its own stage's pack goes before them.
    """
    own, policies = FALLBACK.get(stage, ()), tuple(policies)
    others = tuple(policy for policy in policies if own and policy.endswith(K12))
    return tuple(dict.fromkeys((*(p for p in policies if p not in others), *own, *others, *NATIONAL)))


def _pack(service: Service, chain: list[Unit], around: Surroundings, stage: str = "") -> int:
    """The version in force of the nearest pack above a school that knows this kind of request. Raises LookupError."""
    known = {unit.policy: unit.pack_id for unit in chain if unit.policy}
    missing = LookupError(f"no pack knows {around.kind}")
    for pack in packs_in_order(known, stage):
        if pack in known:
            if (pack_id := known[pack]) is not None:
                return pack_id
            continue
        try:
            return service.packs.in_force(pack, around.kind, around.on)
        except LookupError as error:
            missing = error
    raise missing


def _at(chain: list[Any], level: str) -> int | None:
    return next((o.id for o in chain if o.level == level), None)


def _top(chain: list[Any]) -> Any:
    return next(o for o in chain if o.level == "province")


def _fitting(routes: tuple[Route, ...], same: Mapping[str, Any]) -> Route:
    found = [r for r in routes if all(same.get(key) in values for key, values in r.when.items())]
    if len(found) != 1:
        raise NoRoute(f"{len(found)} routes fit {dict(same)}")
    return found[0]


def choose_class(
    connection: Connection, school_id: int, grade: int, on: date, prefer: int | None = None, named: str | None = None
) -> Place | None:
    """The class that takes the student: the one `named`, else `prefer` where it has the grade, else the least full.

    None where there is none.
    """
    fitting = [
        place
        for place in places(connection, school_id, grade)
        if grade_of(place.first_grade, place.entered_year, on) == grade and named in (None, place.name)
    ]
    return next((place for place in fitting if place.id == prefer), next(iter(fitting), None))
