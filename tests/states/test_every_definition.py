"""Every definition of every kind that ships, walked whole: nothing is trapped, unheld, endless or decided alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from states.decide import Refusal, decide, expires_in_silence
from states.definition import FINALS, WAITING
from states.kinds import KINDS
from states.plan import APPROVING, Plan
from states.vocabulary import UNITS
from tests.states.definitions import good_facts
from tests.states.shelf import shipped_shelf
from tests.states.ways import drafts, stuck, ways

CARRIED_OUT = {
    "awaiting_record", "awaiting_arrival", "awaiting_entry", "awaiting_archive", "awaiting_duplicate_check",
    "awaiting_acceptance",
}  # fmt: skip
"""Steps in which somebody carries out what others decided; there nothing is approved."""
NAMED = [file for file in shipped_shelf().files() if not file.endswith("/transfer.toml")]
"""Transfers between two schools have walks of their own, in test_paths."""


NEVER_GRANTED = {"zhejiang-k12/suspension_extension.toml"}
"""There is none: still ill, a pupil first resumes and then suspends anew (ZJ-09)."""


@cache
def plans(file: str) -> tuple[Plan, ...]:
    return tuple(ways(file))


def open_states(plan: Plan) -> Iterator[str]:
    return (state.id for state in plan.machine.states if not state.final)


@pytest.mark.parametrize("file", NAMED)
def test_every_open_state_has_a_holder_a_limit_and_a_way_to_an_end(file: str) -> None:
    for plan in plans(file):
        leads = {state: {cell.target for cell in plan.cells[state] if cell.target} for state in open_states(plan)}
        back = {state for state in leads if "returned" in leads[state]}
        if "returned" in leads:
            leads["returned"] = (leads["returned"] - {"returned_from"}) | back
        for state in leads:
            step = plan.step(state)
            assert step is None or (step.holders and set(step.holders) <= set(UNITS) and step.working_days >= 1)
            assert all(cell.units and cell.label and cell.label_en for cell in plan.cells[state]), state
            assert reached(leads, state) & set(FINALS), state
            if state == WAITING:
                assert leads[state] >= {"completed", "recalled"}, "it waits for its day, and may be taken back"
                continue
            own = plan.silence_limit(state) is not None
            assert own == (step is None or step.silence == "expire"), state
        assert "completed" in reached(leads, "draft")


def reached(leads: dict[str, set[str]], start: str) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        for after in leads.get(todo.pop(), set()) - found:
            found.add(after)
            todo.append(after)
    return found


@pytest.mark.parametrize("file", NAMED)
def test_nobody_decides_what_they_submitted_nor_what_is_not_theirs(file: str) -> None:
    everyone = {"units": frozenset(UNITS), "roles": frozenset({"registrar", "principal"}), "reason": "data_wrong"}
    for plan in plans(file):
        kind = plan.definition.kind
        for state in open_states(plan):
            for cell in plan.cells[state]:
                stranger = decide(plan, good_facts(kind=kind, state=state, reason="data_wrong"), cell.event)
                assert isinstance(stranger, Refusal), (state, cell.event)
                assert stranger.reasons or cell.system, (state, cell.event)
                decides = cell.event in (*APPROVING, "return", "reject") and cell.event != "confirm_arrival"
                if decides and state in plan.states and state not in CARRIED_OUT:
                    own = decide(plan, good_facts(kind=kind, state=state, own=True, **everyone), cell.event)
                    assert isinstance(own, Refusal), (state, cell.event)
                    assert any("本人" in reason.no.message for reason in own.reasons), (state, cell.event)


@pytest.mark.parametrize("file", NAMED)
def test_an_officials_silence_ends_nothing_and_every_refusal_can_be_said_in_both_languages(file: str) -> None:
    for plan in plans(file):
        kind = plan.definition.kind
        for state in open_states(plan):
            silent = decide(plan, good_facts(kind=kind, state=state, system=True), "expire")
            assert isinstance(silent, Refusal) is not expires_in_silence(plan, state), state
            for cell in plan.cells[state]:
                if cell.system:
                    continue
                facts = good_facts(kind=kind, state=state, status="deceased", class_name="2")
                refused = decide(plan, facts, cell.event)
                for reason in refused.reasons if isinstance(refused, Refusal) else ():
                    assert reason.cite.rule, (state, cell.event)
                    assert reason.cite.article, (state, cell.event)
                    assert reason.no.message, reason.cite.rule
                    assert reason.no.message_en, reason.cite.rule
                    assert reason.no.message_en.isascii() or "“" in reason.no.message_en, reason.no.message_en


@pytest.mark.parametrize("file", shipped_shelf().files())
def test_what_could_be_submitted_goes_through_by_what_each_step_brings(file: str) -> None:
    """A fact that only a step before could give, and did not have to, would hold a request for ever."""
    for plan in plans(file):
        walked = {stuck(plan, draft) for draft in drafts(file, plan)}
        assert walked - {None} == (set() if file in NEVER_GRANTED else {""}), (plan.route.cite.rule, plan.states)


def test_every_kind_of_the_contract_has_its_definition_in_the_national_packs() -> None:
    there = {file.rpartition("/")[2].removesuffix(".toml") for file in shipped_shelf().files()}
    assert sorted(set(KINDS) - there) == []
