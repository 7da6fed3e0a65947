"""Random people, requests, schedulers and clocks over several students and schools; after every step the invariants.

Whatever a person may be told (a `ServiceError`) is an answer; anything else, and any broken invariant, is a find.
What the walk came to, a long one is asked at its end: one that is refused everywhere would find nothing either.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
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
from sqlalchemy import select, update

from states.calendar import school_year
from states.definition import WAITING
from states.duplicates import OUTCOMES
from states.facts import Facts
from states.identity import make_identity_number
from states.joint_cure import joint_cure
from states.kinds import KINDS
from states.plan import Plan
from states.vocabulary import DATA_FACTS, EVENTS
from tests.workflow_service.test_four_eyes import account
from tests.workflow_service.test_routes import MOVED, NATIONAL
from tests.workflow_service.world import TODAY, Pupil, World
from workflow_service import db
from workflow_service.batches import Row, create_batch, fire_batch
from workflow_service.check import check
from workflow_service.draft_rows import NewRequest
from workflow_service.duplicates import Decision, decide, undo
from workflow_service.errors import ServiceError
from workflow_service.facts import gather, typed
from workflow_service.models import DuplicatePair, RefusedJudgement, Request, SchoolStage, StudentMerge
from workflow_service.models.columns import from_micros
from workflow_service.newcomers import Person
from workflow_service.requests import amend_request, create_request
from workflow_service.students import NewStudent, register
from workflow_service.sweeps import catch_up
from workflow_service.transitions import fire

SCHOOLS = ("101", "102", "201", "202", "301", "401")
BUREAUS = ("county1", "county2", "county3", "county4", "city1", "city2", "province")
BOTH = ("school201.both", "county2.both")
"""Two accounts of one person: registrar and principal of a school, and registrar of the bureau above it."""
PEOPLE = (*(f"school{code}" for code in SCHOOLS), *(f"school{code}.principal" for code in SCHOOLS), *BUREAUS, *BOTH)
COLLEAGUES = {"school201": BOTH[0], "school201.principal": BOTH[0], "county2": BOTH[1]}
"""Who sits in the same office as somebody, with the same post."""
LAST_PLACES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "101": ("school102", "102", MOVED),
    "301": ("school301", "202", NATIONAL),
}
"""Where places are short: who asks for one, for a pupil of which school, on what ground."""
CAP, QUOTA = 55, 3
"""Of a class in Nenjiang after a transfer (NJ-07); of school 301, as if its bureau had set it (BJ-03)."""
NAMES = count(1)
BORN = date(2017, 5, 1)


EVERYDAY = (
    "suspension", "halt", "hardship_recognition", "key_data_change", "death_report", "dropout_report", "going_abroad",
    "missing_report", "transfer_to_outside", "enrolment", "archive_access", "transfer",
)  # fmt: skip
"""Kinds that anybody on the register may ask for; nearly all others want something to have happened before."""
SOME_KINDS = 3
"""Of how many kinds a long walk completes a request at least; it is some luck which."""
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


def furnish(world: World) -> None:
    """What there is before anybody comes: a person with two accounts, a class with two places left, a full school."""
    account(world, BOTH[0], "201", "registrar", "principal")
    account(world, BOTH[1], "county2", "registrar", of=BOTH[0])
    seated(world, "101", CAP - 2)
    seated(world, "301", QUOTA)
    with db.begin(world.service.engine) as connection:
        of_301 = SchoolStage.school_id == world.organization("301").id, SchoolStage.stage == "primary"
        connection.execute(update(SchoolStage).where(*of_301).values(quota=QUOTA))


def seated(world: World, code: str, number: int) -> None:
    """That many pupils in the third grade of a school."""
    school, class_id = world.organization(code), world.school_class(code, 3)
    rows = [
        NewStudent(
            name=f"在座{next(NAMES)}", sex="1", birth_date=BORN, identity_type="1", identity_number=own,
            student_number=f"G{own}", status="attending", school_id=school.id, class_id=class_id, stage="primary",
            valid_from=date(2023, 9, 1),
        )
        for own in (make_identity_number("990101", BORN, next(world.sequence)) for _ in range(number))
    ]  # fmt: skip
    with db.begin(world.service.engine) as connection:
        register(connection, world.service, rows, None)


def mended(plan: Plan, facts: Facts, event: str) -> dict[str, Any]:
    """What the rules that are against an event would have given instead."""
    patch = joint_cure(plan, facts, event).patch
    return {name[5:]: value.isoformat() if isinstance(value, date) else value
            for name, value in patch.items() if name.startswith("data.")}  # fmt: skip


class Exploration(RuleBasedStateMachine):
    """One town on a few days: people file, decide, forget, and the clock goes on."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.pupils: list[Pupil] = []
        self.homes: dict[int, str] = {}
        self.requests: list[int] = []
        self.batches: list[int] = []

    @property
    def today(self) -> date:
        return from_micros(self.world.service.clocks.legal()).date()

    @property
    def _years(self) -> int:
        """Since the day on which every walk begins: its classes are named by the grade that they had then."""
        return school_year(self.today) - school_year(TODAY.date())

    def _somebody(self, code: str, grade: int) -> Pupil:
        """A new pupil who is in that grade on this day, whatever year the walk has come to."""
        pupil = replace(self.world.student(code, grade - self._years, name=f"探索{next(NAMES)}"), grade=grade)
        self.homes[pupil.id] = code
        return pupil

    @initialize()
    def some_pupils(self) -> None:
        for code in SCHOOLS:
            if code not in LAST_PLACES:  # Whoever is simply put there has asked for no place.
                self.pupils += [self._somebody(code, grade) for grade in (3, 6)]
            for grade in (1, 4):
                self.world.school_class(code, grade - self._years)

    @rule(
        seed=SEEDS,
        kind=st.sampled_from((*sorted(KINDS), *EVERYDAY * 4)),
        who=st.sampled_from(PEOPLE),
        steps=st.integers(0, 6),
    )
    def somebody_starts(self, seed: int, kind: str, who: str, steps: int) -> None:
        shape, chance = KINDS[kind], Random(seed)
        pupil = chance.choice(self.pupils)
        home, school = self.homes[pupil.id], chance.choice(SCHOOLS)
        more: dict[str, Any] = {}
        if shape.subject == "student":
            more = {"student_id": pupil.id}
            if shape.newcomer and chance.random() < 0.5:
                more = {"person": Person(f"新生{next(NAMES)}", "1", date(2020, 3, 1))}
            elif shape.sides == "two" and chance.random() < 0.5:
                more = {"student_name": pupil.name, "student_number": pupil.number}
        if shape.sides == "two":
            more |= {"destination_school_id": self.world.organization(school).id, "grade": chance.choice([3, 4, 6])}
        elif shape.newcomer:
            more |= {"grade": 1}
        if chance.random() < 0.8:  # Nearly always whoever has to do with it: others may start next to nothing.
            who = f"school{school if 'student_name' in more else home}"
        with suppress(ServiceError):
            request = create_request(self.world.service, self.world.actor(who), NewRequest(kind=kind, **more))
            self.requests.append(request)
            self._fill(chance, request, who)
            self._carry_on(chance, request, steps)

    def _fill(self, chance: Random, request: int, who: str) -> None:
        """A ground and facts, as the draft's own pack takes them; what a later step says is left to it."""
        row, plan, _ = gather(self.world.service, request, self.world.actor(who))
        definition = plan.definition
        others = {name for step in definition.steps.values() for name in step.brings}
        changes: dict[str, Any] = {"data": made_up(chance, sorted({*definition.facts} - others), self.today)}
        if definition.grounds:
            changes["ground"] = chance.choice([ground.name for ground in definition.grounds])
        amend_request(self.world.service, request, self.world.actor(who), row["version"], changes)

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

    @rule(seed=SEEDS, steps=st.integers(1, 4))
    def whoever_holds_it_goes_on(self, seed: int, steps: int) -> None:
        if not self.requests:
            return
        chance = Random(seed)
        with suppress(ServiceError):
            self._carry_on(chance, chance.choice(self.requests), steps)

    @rule(seed=SEEDS)
    def everybody_does_their_work(self, seed: int) -> None:
        chance = Random(seed)
        for request in self.requests:
            with suppress(ServiceError):
                self._carry_on(chance, request, 6)

    def _carry_on(self, chance: Random, request: int, steps: int) -> None:
        """So many steps, as long as somebody has to do something. Raises what stands in the way."""
        for _ in range(steps):
            if (row := self.world.request(request)).final or row.state == WAITING:
                return
            self._go_on(chance, row)

    def _go_on(self, chance: Random, row: Any) -> None:
        """The next step by whoever has it, or by a colleague; mostly they do first what they are told to do."""
        request = row.id
        if row.state in ("draft", "returned"):
            who, event = self.world.decider_of(row), "submit" if row.state == "draft" else "resubmit"
        else:
            who, event = self.world.decider(request)
        actor = self.world.actor(COLLEAGUES.get(who, who) if chance.random() < 0.5 else who)
        self.world.upload_all(request, who)
        seen, plan, facts = gather(self.world.service, request, actor)
        brings = made_up(chance, sorted(plan.brings(facts.state, event)), self.today)
        told = mended(plan, facts.patched({f"data.{name}": value for name, value in typed(brings).items()}), event)
        if chance.random() < 0.8:
            brings |= {name: value for name, value in told.items() if name in brings}
            if row.state == "draft" and told:
                amend_request(self.world.service, request, actor, seen["version"], {"data": told})
        fire(self.world.service, request, event, actor, version=None, data=brings)

    @rule(to=st.sampled_from(sorted(LAST_PLACES)))
    def somebody_asks_for_one_of_the_last_places(self, to: str) -> None:
        who, code, more = LAST_PLACES[to]
        pupil = self._somebody(code, 3)
        with suppress(ServiceError):
            self.requests.append(self.world.draft(who, pupil, to, **more))
            fire(self.world.service, self.requests[-1], "submit", self.world.actor(who), version=None)

    @rule(days=st.integers(100, 300))
    def one_person_files_and_tries_to_decide(self, days: int) -> None:
        pupil, until = self._somebody("201", 3), (self.today + timedelta(days=days)).isoformat()
        with suppress(ServiceError):
            request = self.world.start(BOTH[0], "suspension", pupil, ground="illness", data={"until": until})
            self.requests.append(request)
            self.world.upload_all(request, BOTH[0])
            fire(self.world.service, request, "submit", self.world.actor(BOTH[0]), version=None)
            for who in BOTH:
                with suppress(ServiceError):
                    fire(self.world.service, request, "approve", self.world.actor(who), version=None)

    @rule(seed=SEEDS, code=st.sampled_from(["102", "201", "202"]))
    def somebody_is_entered_twice(self, seed: int, code: str) -> None:
        pupil, school = Random(seed).choice(self.pupils), self.world.organization(code)
        new = NewStudent(
            name=pupil.name, sex="1", birth_date=BORN, identity_type="1", identity_number=pupil.number[1:],
            student_number=f"L99010120170501{next(self.world.sequence):04d}", status="attending", school_id=school.id,
            class_id=self.world.school_class(code, 3), stage="primary", valid_from=date(2023, 9, 1),
        )  # fmt: skip
        with db.begin(self.world.service.engine) as connection:
            register(connection, self.world.service, [new], None)

    def _some_pair(self, chance: Random, state: str) -> Any:
        with db.reading(self.world.service.engine) as connection:
            table = DuplicatePair.__table__
            rows = connection.execute(select(table).where(table.c.state == state).order_by(table.c.id)).all()
        return chance.choice(rows) if rows else None

    @rule(seed=SEEDS, outcome=st.sampled_from(sorted(OUTCOMES)))
    def a_pair_is_settled(self, seed: int, outcome: str) -> None:
        chance = Random(seed)
        pair = self._some_pair(chance, "open")
        if pair is None:
            return
        named = None if outcome == "proof" else chance.choice([pair.first_id, pair.second_id])
        said = Decision(outcome, named, "核对无误", verified=True, guardian_agrees=chance.random() < 0.8)
        for who in PEOPLE:
            with suppress(ServiceError):
                decide(self.world.service, self.world.actor(who), pair.id, said, self._version(pair.id))

    @rule(seed=SEEDS, who=st.sampled_from(PEOPLE))
    def a_merge_is_undone(self, seed: int, who: str) -> None:
        pair = self._some_pair(Random(seed), "decided")
        for one in (who, *BUREAUS) if pair else ():
            with suppress(ServiceError):
                undo(self.world.service, self.world.actor(one), pair.id, "误合并", self._version(pair.id))

    def _version(self, pair_id: int) -> int:
        with db.reading(self.world.service.engine) as connection:
            return connection.execute(select(DuplicatePair.version).where(DuplicatePair.id == pair_id)).scalar_one()

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

    @rule(days=st.integers(1, 30), hours=st.integers(0, 23))
    def time_passes(self, days: int, hours: int) -> None:
        self.world.at += (days * 24 + hours) * 3_600_000_000
        catch_up(self.world.service, self.world.service.clocks.legal())

    @invariant()
    def every_invariant_holds(self) -> None:
        assert check(self.world.service) == []


def explore(world: World, examples: int, steps: int) -> None:
    furnish(world)
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
    completed, refused, undone = came_to(world)
    assert len(completed) >= SOME_KINDS, completed
    assert refused >= {"NJ-07", "BJ-03"}, "no cap stood in anybody's way"
    assert refused & {"SYS-08", "WS-26"}, "nobody tried to decide what they had submitted"
    assert undone >= {True, False}, "no merge, or none that was undone"


def came_to(world: World) -> tuple[set[str], set[str], set[bool]]:
    """The kinds of which a request was completed, the rules that refused something, and whether merges were undone."""
    with db.reading(world.service.engine) as connection:
        completed = connection.execute(select(Request.kind).where(Request.state == "completed").distinct()).scalars()
        rules = connection.execute(select(RefusedJudgement.rules).distinct()).scalars()
        undone = connection.execute(select(StudentMerge.undone_at.is_not(None)).distinct()).scalars()
        return set(completed), {rule for row in rules for rule in row.split()}, set(undone)
