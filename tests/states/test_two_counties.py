"""Two counties, two packs: what the destination's pack decides, what the origin's, what both have from the nation."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from states.decide import Refusal, decide, reasons_against
from states.facts import Facts
from states.plan import APPROVING, Plan
from states.vocabulary import UNITS
from tests.states.definitions import at, good_facts, shipped
from tests.states.pack_cases import plan_for, refusing

CATCHMENT, NATIONAL, NENJIANG, BEIJING = "catchment-k12", "national-k12", "nenjiang-k12", "beijing-k12"
T2 = (
    "awaiting_destination_principal", "awaiting_destination_bureau", "awaiting_origin_school", "awaiting_origin_bureau",
)  # fmt: skip
T3 = (*T2, "awaiting_province_bureaus", "awaiting_record")
OWN_ACTS = ("awaiting_record", "awaiting_arrival")
CERTIFICATE = {"WS-06(NJ-15)"}  # The rule of the pack that asks for it.
ENDS = "BJ-13"


@dataclass(frozen=True)
class Pair:
    """A move between two counties and what is asked: of the destination's pack, and of the origin's."""

    destination: str
    origin: str
    ground: str
    papers: frozenset[str]  # at the destination's principal, when nothing lies there
    leaving: frozenset[str]  # papers that come in at the origin's school
    window: str | None  # the rule that refuses in March
    full_class: str | None  # the rule that refuses at 55 in a primary class
    full_school: str | None
    ends_of_stage: str | None  # the rule that refuses a first-grader in the first term
    far: bool = False

    def __str__(self) -> str:
        return f"{self.destination} from {self.origin}{', other province' if self.far else ''}"

    @property
    def facts(self) -> Facts:
        return good_facts(
            now=at("2026-09-03"), ground=self.ground, same_bureau=False, same_city=False, same_province=not self.far,
            starter="destination_school", documents=frozenset(), school_size=10, school_quota=None,
            **{"data.ground_text": "迁居"},
        )  # fmt: skip

    @property
    def plan(self) -> Plan:
        return plan_for(shipped()[self.destination], shipped()[self.origin], self.facts)

    def refused(self, state: str, event: str, **changes: object) -> set[str]:
        """The rules that say no to whoever holds the step."""
        cell = self.plan.by_event[state, event]
        facts = self.facts.patched({"state": state, "units": cell.units, "roles": frozenset({cell.role}), **changes})
        return refusing(reasons_against(cell, facts))


def pair(destination: str, origin: str, ground: str, papers: set[str], leaving: set[str], *rest: str | None,
         far: bool = False) -> Pair:  # fmt: skip
    window, full_class, full_school, ends = rest
    return Pair(destination, origin, ground, frozenset(papers), frozenset(leaving), window, full_class, full_school,
                ends, far)  # fmt: skip


HOUSE = {"TR-03(TR-01)", "TR-03(TR-02)", "TR-03(TR-G3)", "TR-03(TR-06)"}
FROM_OUTSIDE = {"WS-06(NJ-14)"}
FORM = {"WS-06(SYS-01)"}
MOVED, FAMILY = "moved_house", "register_and_home_moved"
PAIRS = [
    pair(CATCHMENT, NENJIANG, MOVED, HOUSE, CERTIFICATE, "TR-07", None, None, None),
    pair(NENJIANG, CATCHMENT, FAMILY, FROM_OUTSIDE, set(), None, "NJ-07", None, None),
    pair(CATCHMENT, NATIONAL, MOVED, HOUSE, set(), "TR-07", None, None, None),
    pair(NATIONAL, CATCHMENT, "other", FORM, set(), None, None, None, None),
    pair(BEIJING, NATIONAL, "other", FORM, set(), "BJ-14", None, "BJ-03", ENDS),
    pair(NATIONAL, BEIJING, "other", FORM, set(), None, None, None, ENDS),
    pair(BEIJING, NENJIANG, "other", FORM, CERTIFICATE, "BJ-14", None, "BJ-03", ENDS),
    pair(NENJIANG, BEIJING, FAMILY, FROM_OUTSIDE, set(), None, "NJ-07", None, ENDS),
    pair(NATIONAL, NENJIANG, "other", FORM, CERTIFICATE, None, None, None, None),
    pair(NENJIANG, NATIONAL, FAMILY, FROM_OUTSIDE, set(), None, "NJ-07", None, None),
    pair(NATIONAL, NATIONAL, "other", FORM, set(), None, None, None, None, far=True),
    pair(CATCHMENT, NATIONAL, MOVED, HOUSE, set(), "TR-07", None, None, None, far=True),
    pair(NATIONAL, NENJIANG, "other", FORM, CERTIFICATE, None, None, None, None, far=True),
    pair(BEIJING, CATCHMENT, "other", FORM, set(), "BJ-14", None, "BJ-03", ENDS, far=True),
]
EACH = pytest.mark.parametrize("each", PAIRS, ids=str)


@EACH
def test_the_route_and_its_days_are_the_nations(each: Pair) -> None:
    plan = each.plan
    assert plan.route.cite.rule == ("SYS-T3" if each.far else "SYS-T2")
    assert plan.states == (*(T3 if each.far else T2), "awaiting_arrival")
    assert plan.route.starter == "destination_school"
    for state in plan.states[:-1]:
        step = plan.step(state)
        assert step
        assert (step.working_days, step.limit.rule) == (10, "N25-09")
    fitting = [limit for limit in plan.definition.shared_limits if limit.when == {"same_bureau": (False,)}]
    assert fitting == []


@EACH
def test_grounds_window_and_places_are_the_destinations(each: Pair) -> None:
    spring = {"now": at("2027-04-12"), "season": "spring"}
    assert each.refused("draft", "submit", **spring) == ({each.window} if each.window else set())
    every = {"moved_house", "business", FAMILY, "other"}
    known = {ground.name for ground in shipped()[each.destination].grounds}
    for ground in every:
        rule = {NENJIANG: "NJ-09"}.get(each.destination, "SYS-01")
        assert (rule in each.refused("draft", "submit", ground=ground)) is (ground not in known), ground
    full = each.refused("draft", "submit", class_size=55, school_size=10, school_quota=10) & {"NJ-07", "BJ-03"}
    assert full == {rule for rule in (each.full_class, each.full_school) if rule}


@EACH
def test_papers_are_the_destinations_first_and_the_origins_where_the_origin_decides(each: Pair) -> None:
    papers = {found for found in each.refused(T2[0], "approve") if "(" in found}
    assert papers == each.papers
    assert {found for found in each.refused(T2[1], "approve") if "(" in found} == each.papers
    brought = frozenset(k for r in each.plan.requirements if r.side == "destination" for b in r.any_of for k in b)
    assert each.refused(T2[0], "approve", documents=brought) & {*each.papers, *each.leaving} == set()
    for state in T2[2:]:
        found = each.refused(state, "approve", documents=brought)
        assert {rule for rule in found if "(" in rule} == each.leaving, state


@EACH
def test_checks_on_leaving_are_the_origins(each: Pair) -> None:
    first = {"current_grade": 1, "grade": 1, "now": at("2026-12-01"), "season": "autumn"}
    assert (ENDS in each.refused("draft", "submit", **first)) is (each.ends_of_stage is not None)
    last = {"current_grade": 6, "grade": 6, "now": at("2026-12-01"), "season": "autumn"}
    assert (ENDS in each.refused("draft", "submit", **last)) is (each.ends_of_stage is not None)
    assert "X-05" in each.refused("draft", "submit", status="suspended")


@EACH
def test_four_eyes_on_every_path(each: Pair) -> None:
    plan = each.plan
    for state in plan.states:
        for event in (*APPROVING, "return", "reject"):
            cell = plan.by_event.get((state, event))
            if cell is None or (state in OWN_ACTS and event != "reject"):
                continue
            everybody = {"units": frozenset(UNITS), "roles": frozenset({"registrar", "principal"}), "own": True}
            answer = decide(plan, each.facts.patched({"state": state, "reason": "data_wrong", **everybody}), event)
            assert isinstance(answer, Refusal), (state, event)
