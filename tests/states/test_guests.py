"""A guest's place: held from submit and held on, or never held where a pack says that guests do not count."""

from dataclasses import replace

import pytest

from states.decide import Change, decide
from states.facts import Entry, Facts
from states.place import guests_count
from states.plan import compile_plan
from tests.states.definitions import at, good_facts, shipped

GUESTS = shipped("guest_attendance")["national-k12"]
GUEST = Entry("guest", at("2026-03-01").date(), None)
RETURNED, STAYS = "guest_returned", "other"


def asked(ground: str, **more: object) -> Facts:
    until = {"data.until": "2027-07-01", "now": at("2026-09-03"), "units": frozenset({"destination_school"})}
    return good_facts(kind="guest_attendance", ground=ground, grade=3, roles=frozenset({"registrar"}), **until, **more)


@pytest.mark.parametrize(("ground", "counted", "place"), [
    (STAYS, True, "hold"), (STAYS, False, ""), (RETURNED, True, ""), (RETURNED, False, ""),
])  # fmt: skip
def test_a_guest_holds_a_place_where_guests_count_and_whoever_returns_holds_none(
    ground: str, counted: bool, place: str
) -> None:
    said = {**GUESTS.parameters, "WS-157": {**GUESTS.parameters["WS-157"], "value": counted}}
    definition = replace(GUESTS, parameters=said)
    assert guests_count(definition) is counted
    plan = compile_plan(definition, definition, definition.routes[0], definition.routes[0].steps)
    change = decide(plan, asked(ground, entries=() if ground == STAYS else (GUEST,)), "submit")
    assert isinstance(change, Change)
    assert change.place == place
