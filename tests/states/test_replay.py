"""One decision under two packs: every outcome, with the rules that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from states.definition import Check
from states.facts import Facts
from states.plan import Plan, compile_plan
from states.replay import Outcome, judge_again
from states.vocabulary import UNITS
from tests.states.definitions import DEFINITION, ROUTES, cite, good_facts

ME = {"units": frozenset(UNITS), "roles": frozenset({"registrar", "principal"})}
FULL, SUSPENDED = {"class_size": 55}, {"status": "suspended"}


def plan_with(cap: int = 55, *more: Check) -> Plan:
    """The hand-made pack with another class size, and rows of its own."""
    rows = [replace(row, with_={"cap": {"primary": cap}}) if row.id == "C-14" else row for row in DEFINITION.checks]
    definition = replace(DEFINITION, checks=(*rows, *more))
    return compile_plan(definition, definition, ROUTES[0], ROUTES[0].steps)


OLD, LOOSER, STRICTER = plan_with(), plan_with(60), plan_with(50)
OTHER = plan_with(60, Check("C-99", cite("C-99"), "class_has_place", {"cap": {"primary": 54}}, on=("submit",)))


@pytest.mark.parametrize(("new", "changes", "outcome", "gained", "lost"), [
    (OLD, {}, "same", (), ()),
    (OLD, FULL, "same", (), ()),
    (LOOSER, FULL, "no_yes", (), ("C-14",)),
    (STRICTER, {"class_size": 52}, "yes_no", ("C-14",), ()),
    (LOOSER, {**FULL, **SUSPENDED}, "reasons", (), ("C-14",)),
    (OTHER, FULL, "reasons", ("C-99",), ("C-14",)),
    (STRICTER, SUSPENDED, "reasons", ("C-14",), ()),
    (LOOSER, SUSPENDED, "same", (), ()),
])  # fmt: skip
def test_every_outcome_names_the_rules_that_came_and_went(
    new: Plan, changes: Mapping[str, Any], outcome: Outcome, gained: tuple[str, ...], lost: tuple[str, ...]
) -> None:
    again = judge_again(OLD, new, facts(**changes), "submit")
    assert (again.outcome, again.gained, again.lost) == (outcome, gained, lost)
    assert bool(again.why) is (outcome != "same")


def facts(**changes: Any) -> Facts:
    return good_facts(**{"state": "draft", "status": "attending", **ME, **changes})


def test_what_cannot_be_judged_again_says_why() -> None:
    assert "no single route" in judge_again(OLD, None, facts(), "submit").why
    assert "no file there" in judge_again(OLD, LOOSER, facts(), "file").why
    unseen = judge_again(OLD, LOOSER, facts(), "submit", missing=("class_size",))
    assert (unseen.outcome, unseen.why) == ("unjudged", "当时没有这些事实 / not known then: class_size")
