"""What somebody may start (可办业务): the kinds whose pack in force lets their unit start one.

A kind is offered where a version in force exists for it: the nearest pack above that knows the kind, else the national
one of the stage, exactly as `routing` chooses it when the draft is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, select

from states.definition import Definition
from states.kinds import KINDS
from states.vocabulary import STAGES
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.models import Organization, PackVersion
from workflow_service.routing import ancestors, organization, packs_in_order

if TYPE_CHECKING:
    from workflow_service.service import Service

_BUREAU_UNITS: Final[dict[str, frozenset[str]]] = {
    "county": frozenset({"bureau"}),
    "city": frozenset({"bureau", "city_bureau"}),
    "province": frozenset({"bureau", "city_bureau", "province_bureau"}),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind that somebody may start. `definitions`: the packs, by stage; `starters`: the units of theirs that may."""

    kind: str
    definitions: Mapping[str, Definition]
    starters: tuple[str, ...]

    @property
    def definition(self) -> Definition:
        """The first of them: title, grounds and facts where no school or stage is known yet."""
        return next(iter(self.definitions.values()))


def units_of(actor: Actor, sides: str) -> frozenset[str]:
    """The units that an actor's organization can play when it starts a request."""
    if actor.kind == "school":
        return frozenset({"school"} if sides == "one" else {"destination_school", "origin_school"})
    return _BUREAU_UNITS.get(actor.level, frozenset()) if actor.supervises and sides == "one" else frozenset()


def offers(service: Service, actor: Actor) -> tuple[Offer, ...]:
    """Every kind that the asker may start today, in the order of the table; () for whoever starts nothing."""
    if "registrar" not in actor.roles or not (actor.kind == "school" or actor.supervises):
        return ()
    with reading(service.engine) as connection:
        known = _in_force(connection, service.clocks.now().date())
        row = organization(connection, actor.organization_id)
        above = [o.policy for o in ancestors(connection, row) if o.policy]
        below = _policies_below(connection, actor) if actor.supervises else ()
    stages = tuple(row.stages) or STAGES
    found = []
    for kind in KINDS:
        packs = {stage: _nearest(known, above, kind, stage) for stage in stages}
        packs |= {f"{pack}:": known.get((pack, kind)) for pack in below}
        definitions = {stage: service.packs.definition(id_) for stage, id_ in packs.items() if id_ is not None}
        starters = _starters(definitions.values(), units_of(actor, KINDS[kind].sides))
        if starters:
            found.append(Offer(kind, definitions, starters))
    return tuple(found)


def definition_for(service: Service, organization_id: int, kind: str, stage: str | None) -> Definition:
    """The pack that a request of this kind about this school (or bureau) follows today. Raises LookupError."""
    with reading(service.engine) as connection:
        known = _in_force(connection, service.clocks.now().date())
        row = organization(connection, organization_id)
        above = [o.policy for o in ancestors(connection, row) if o.policy]
    if row.stages and stage not in row.stages:
        stage = row.stages[0]
    id_ = _nearest(known, above, kind, stage or "")
    if id_ is None:
        raise LookupError(f"no pack for {kind} is in force")
    return service.packs.definition(id_)


def _in_force(connection: Connection, on: date) -> dict[tuple[str, str], int]:
    """The newest version in force of every pack and kind."""
    columns = PackVersion.__table__.c
    query = (
        select(columns.pack, columns.kind, columns.id)
        .where(columns.valid_from <= on, columns.valid_to.is_(None) | (columns.valid_to >= on))
        .order_by(columns.version)
    )
    return {(row.pack, row.kind): row.id for row in connection.execute(query)}


def _nearest(known: Mapping[tuple[str, str], int], above: Iterable[str], kind: str, stage: str) -> int | None:
    return next((known[pack, kind] for pack in packs_in_order(above, stage) if (pack, kind) in known), None)


def _policies_below(connection: Connection, actor: Actor) -> list[str]:
    """The packs that organizations under a bureau name for themselves."""
    query = select(Organization.policy).where(
        Organization.path.startswith(actor.path, autoescape=True), Organization.policy.is_not(None)
    )
    return sorted({policy for policy in connection.execute(query).scalars() if policy})


def _starters(definitions: Iterable[Definition], units: frozenset[str]) -> tuple[str, ...]:
    found: set[Any] = {route.starter for definition in definitions for route in definition.routes}
    return tuple(sorted(found & units))
