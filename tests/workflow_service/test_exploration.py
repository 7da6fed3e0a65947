"""Random people, requests, schedulers and clocks over several students and schools; after every step the invariants.

Whatever a person may be told (a `ServiceError`) is an answer; anything else, and any broken invariant, is a find.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from states.kinds import KINDS
from states.vocabulary import DATA_FACTS, EVENTS
from tests.workflow_service.world import Pupil, World
from workflow_service.batches import Row, create_batch, fire_batch
from workflow_service.check import check
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import ServiceError
from workflow_service.facts import gather
from workflow_service.models.columns import from_micros
from workflow_service.newcomers import Person
from workflow_service.requests import create_request
from workflow_service.sweeps import catch_up
from workflow_service.transitions import fire

SCHOOLS = ("201", "202", "301", "401")
BUREAUS = ("county2", "county3", "county4", "city1", "province")
PEOPLE = (*(f"school{code}" for code in SCHOOLS), *(f"school{code}.principal" for code in SCHOOLS), *BUREAUS)
NAMES = count(1)


SEEDS = st.integers(0, 2**32 - 1)
"""What a step chooses by. Hypothesis draws nothing else within a step, for what there is to choose from depends on the
world, which goes on from one example to the next; it must be able to draw the same again."""


def made_up(chance: Random, names: list[str], today: date) -> dict[str, Any]:
    """Facts as somebody in a hurry might give them: some, of the right type, near today."""
    given: dict[str, Any] = {}
    for name in names:
        kind = DATA_FACTS[name]
        if kind.type == "date":
            given[name] = (today + timedelta(days=chance.randint(-400, 400))).isoformat()
        elif kind.type == "bool":
            given[name] = chance.random() < 0.5
        elif kind.type == "choice":
            given[name] = chance.choice([value for value, _, _ in kind.choices])
        elif kind.type == "number":
            given[name] = chance.randint(0, min(kind.most, 60))
        else:
            given[name] = "说明"
    return given


class Exploration(RuleBasedStateMachine):
    """One town on a few days: people file, decide, forget, and the clock goes on."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.pupils: list[Pupil] = []
        self.requests: list[int] = []
        self.batches: list[int] = []

    @property
    def today(self) -> date:
        return from_micros(self.world.service.clocks.legal()).date()

    @initialize()
    def some_pupils(self) -> None:
        for code in SCHOOLS:
            for grade in (3, 6):
                self.pupils.append(self.world.student(code, grade, name=f"探索{next(NAMES)}"))
            self.world.school_class(code, 4)

    @rule(seed=SEEDS, kind=st.sampled_from(sorted(KINDS)), who=st.sampled_from(PEOPLE))
    def somebody_starts(self, seed: int, kind: str, who: str) -> None:
        shape, chance = KINDS[kind], Random(seed)
        pupil = chance.choice(self.pupils)
        more: dict[str, Any] = {}
        if shape.subject == "student":
            more = {"student_id": pupil.id}
            if shape.newcomer and chance.random() < 0.5:
                more = {"person": Person(f"新生{next(NAMES)}", "1", date(2020, 3, 1))}
            elif shape.sides == "two" and chance.random() < 0.5:
                more = {"student_name": pupil.name, "student_number": pupil.number}
        if shape.sides == "two" or chance.random() < 0.5:
            school = chance.choice(SCHOOLS)
            more |= {"destination_school_id": self.world.organization(school).id,
                     "grade": chance.randint(1, 7)}  # fmt: skip
        actor = self.world.actor(who)
        try:
            request = create_request(self.world.service, actor, NewRequest(kind=kind, **more))
        except ServiceError:
            return
        self.requests.append(request)
        self._fill(chance, request, who)

    def _fill(self, chance: Random, request: int, who: str) -> None:
        """A ground and facts, as the draft's own pack takes them."""
        from workflow_service.requests import amend_request

        row, plan, _ = gather(self.world.service, request, self.world.actor(who))
        grounds = [ground.name for ground in plan.definition.grounds]
        changes: dict[str, Any] = {"data": made_up(chance, list(plan.definition.facts), self.today)}
        if grounds:
            changes["ground"] = chance.choice(grounds)
        try:
            amend_request(self.world.service, request, self.world.actor(who), row["version"], changes)
            self.world.upload_all(request, who)
        except ServiceError:
            return

    @rule(seed=SEEDS, event=st.sampled_from(EVENTS), who=st.sampled_from(PEOPLE))
    def anybody_tries_anything(self, seed: int, event: str, who: str) -> None:
        if not self.requests:
            return
        chance = Random(seed)
        request = chance.choice(self.requests)
        reason = chance.choice([None, "data_wrong", "no_place"])
        try:
            fire(self.world.service, request, event, self.world.actor(who), version=None, comment="意见", reason=reason)
        except ServiceError:
            return

    @rule(seed=SEEDS)
    def whoever_holds_it_goes_on(self, seed: int) -> None:
        if not self.requests:
            return
        chance = Random(seed)
        request = chance.choice(self.requests)
        row = self.world.request(request)
        if row.final:
            return
        try:
            if row.state in ("draft", "returned"):
                who, event = self.world.decider_of(row), "submit" if row.state == "draft" else "resubmit"
            else:
                who, event = self.world.decider(request)
            self.world.upload_all(request, who)
            _, plan, facts = gather(self.world.service, request, self.world.actor(who))
            brings = made_up(chance, sorted(plan.brings(facts.state, event)), self.today)
            fire(self.world.service, request, event, self.world.actor(who), version=None, data=brings)
        except ServiceError:
            return

    @rule(kind=st.sampled_from([name for name, kind in KINDS.items() if kind.batch]), code=st.sampled_from(SCHOOLS))
    def a_school_files_a_batch(self, kind: str, code: str) -> None:
        actor = self.world.actor(f"school{code}")
        rows = [Row(pupil.id) for pupil in self.pupils]
        batch = create_batch(self.world.service, actor, NewRequest(kind=kind), rows).batch_id
        fire_batch(self.world.service, actor, batch, "submit")
        self.batches.append(batch)

    @rule(seed=SEEDS, who=st.sampled_from(PEOPLE), event=st.sampled_from(["approve", "file", "recall"]))
    def a_batch_is_decided(self, seed: int, who: str, event: str) -> None:
        if not self.batches:
            return
        batch = Random(seed).choice(self.batches)
        try:
            fire_batch(self.world.service, self.world.actor(who), batch, event)
        except ServiceError:
            return

    @rule(days=st.integers(1, 90), hours=st.integers(0, 23))
    def time_passes(self, days: int, hours: int) -> None:
        self.world.at += (days * 24 + hours) * 3_600_000_000
        catch_up(self.world.service, self.world.service.clocks.legal())

    @invariant()
    def every_invariant_holds(self) -> None:
        assert check(self.world.service) == []


def explore(world: World, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        lambda: Exploration(world),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_nothing_that_people_and_time_do_breaks_an_invariant(world: World) -> None:
    explore(world, examples=2, steps=12)


@pytest.mark.long
def test_nothing_that_people_and_time_do_for_long_breaks_an_invariant(world: World) -> None:
    explore(world, examples=40, steps=50)
