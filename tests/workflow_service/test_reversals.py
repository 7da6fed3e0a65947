"""A reversal has a defined inverse: whatever kind is completed and then reversed, the record is as it was before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import or_, select

from states.kinds import KINDS
from states.reversals import reversible
from tests.browser.walks import JOURNEYS, Journey, Walk
from tests.workflow_service.test_kinds import sound
from tests.workflow_service.universities import found_university
from tests.workflow_service.world import Pupil, World
from workflow_service import db
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked
from workflow_service.models import (
    DuplicatePair,
    Enrolment,
    Guardian,
    LikenessBlock,
    Organization,
    RegisterEntry,
    SchoolClass,
    SchoolStage,
    Student,
)
from workflow_service.newcomers import Person
from workflow_service.requests import create_request

WRITTEN = ("version", "chain", "valid_from", "recorded_at", "start_request_id", "start_reason")
"""Columns that tell when or by what a row was written, not what holds."""
DAY = timedelta(days=1) // timedelta(microseconds=1)


def reversals() -> Iterator[Any]:
    """Every walk of a kind that can be reversed, with those before it."""
    for name, journey in JOURNEYS.items():
        for index, walk in enumerate(journey.walks):
            if reversible(walk.kind):
                yield pytest.param(journey, index, id=f"{name}: {walk.kind} {walk.ground}".rstrip())


def test_every_kind_that_can_be_reversed_is() -> None:
    """A new kind needs a row among the walks, or a word on why it has no inverse."""
    walked = {walk.kind for journey in JOURNEYS.values() for walk in journey.walks if reversible(walk.kind)}
    assert walked == {kind for kind in KINDS if reversible(kind)}


@pytest.mark.parametrize("database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True)
@pytest.mark.parametrize(("journey", "index"), [*reversals()])
def test_what_was_reversed_is_as_it_was(world: World, journey: Journey, index: int) -> None:
    found_university(world)
    pupil = lay_out(world, journey)
    for number, walk in enumerate(journey.walks[: index + 1]):
        world.at += DAY if number else 0
        if walk.on:
            world.go(walk.on.year, walk.on.month, walk.on.day)
        draft = begin(world, journey, walk, pupil)
        pupil = pupil or Pupil(int(world.request(draft).student_id), "", "", walk.grade or 0)
        before = record(world, pupil.id)
        world.upload(draft, journey.by, *walk.papers)
        done = world.complete(draft, brings=walk.brings)
    assert pupil is not None
    assert done.state == "completed"
    assert unlike(before, record(world, pupil.id)), "the kind did nothing that a reversal could undo"
    reverse(world, holder(world, pupil) or journey.by, pupil, done)
    # Whoever got a number keeps it, and with it is compared from then on (NUM-02, NUM-08).
    stays = ("student: student_number", "likeness: new") if KINDS[walk.kind].numbers else ()
    assert [line for line in unlike(before, record(world, pupil.id)) if not line.startswith(stays)] == []
    sound(world)


def reverse(world: World, username: str, pupil: Pupil, done: Any) -> None:
    """A day later, by whoever says that it was wrong."""
    world.at += DAY
    why = {"reverses": done.number, "why_wrong": "办错了"}
    assert world.complete(world.start(username, "reversal", pupil, data=why)).state == "completed"


def moved(world: World, pupil: Pupil, name: str) -> Any:
    """A change to another class of his school and grade."""
    world.at += DAY
    return world.complete(world.start("school201", "class_change", pupil, data={"class_name": name}))


def test_what_moved_twice_goes_back_twice_in_turn(world: World) -> None:
    for sequence in (2, 3):
        world.school_class("201", 3, sequence=sequence)
    pupil = world.student("201", 3)
    first = record(world, pupil.id)
    one = moved(world, pupil, "2班")
    second = record(world, pupil.id)
    other = moved(world, pupil, "3班")
    reverse(world, "school201", pupil, other)
    assert unlike(second, record(world, pupil.id)) == []
    sound(world)
    reverse(world, "school201", pupil, one)
    assert unlike(first, record(world, pupil.id)) == []
    sound(world)


def test_an_enrolment_is_reversed_after_a_change_of_class_was(world: World) -> None:
    journey = JOURNEYS["a newcomer of the catchment"]
    lay_out(world, journey)
    world.school_class("201", 1, sequence=2)
    draft = begin(world, journey, journey.walks[0], None)
    pupil = Pupil(int(world.request(draft).student_id), "", "", 1)
    enrolled = world.complete(draft)
    reverse(world, "school201", pupil, moved(world, pupil, "2班"))
    reverse(world, "school201", pupil, enrolled)
    assert world.student_row(pupil.id).status == "pending_registration"
    assert record(world, pupil.id)["enrolments"] == []
    sound(world)


def test_a_reversal_leaves_alone_what_another_request_changed_since(world: World) -> None:
    pupil = world.student("201", 3)
    renamed = world.complete(world.start("school201", "key_data_change", pupil, ground="changed_by_police",
                                         data={"new_name": "林大满"}))  # fmt: skip
    world.complete(world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"}))
    reverse(world, "school201", pupil, renamed)
    assert (world.student_row(pupil.id).name, world.student_row(pupil.id).status) == ("林小满", "suspended")
    sound(world)


def test_what_a_problem_record_changed_since_is_reversed_first(world: World) -> None:
    """A removal ended the record that a suspension left, and a correction changed the data that another change made."""
    pupil = world.student("201", 3)
    rename = world.start("school201", "key_data_change", pupil, ground="changed_by_police", data={"new_name": "林大满"})
    renamed = world.complete(rename)
    away = world.complete(world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"}))
    world.at += DAY
    found = {"problem_kind": "identity_number_not_found"}
    for ground, more, wrong in (("correction", {"new_name": "林中满"}, renamed), ("removal", {}, away)):
        world.complete(world.start("school201", "problem_record", pupil, ground="problem_found", data=found))
        world.at += DAY
        draft = world.start("school201", "problem_record", pupil, ground=ground, data=more)
        world.upload(draft, "school201", *(("ministry_decision",) if ground == "removal" else ()))
        later = world.complete(draft)
        world.at += DAY
        why = {"reverses": wrong.number, "why_wrong": "办错了"}
        early = world.start("school201", "reversal", pupil, data=why)
        with pytest.raises(Blocked) as blocked:
            world.fire(early, "submit", "school201")
        assert [later.number in reason.no.message for reason in blocked.value.reasons] == [True]
        world.fire(early, "recall", "school201")
    sound(world)


def holder(world: World, pupil: Pupil) -> str | None:
    """The registrar of the school where the student is enrolled, None where he is nowhere."""
    query = (
        select(Organization.code).join(Enrolment, Enrolment.school_id == Organization.id)
        .where(Enrolment.student_id == pupil.id, Enrolment.ended_at.is_(None))
    )  # fmt: skip
    with db.reading(world.service.engine) as connection:
        code = connection.execute(query).scalar()
    return None if code is None else f"school{code}"


def lay_out(world: World, journey: Journey) -> Pupil | None:
    for code, grade, stage, sequence in journey.classes:
        world.school_class(code, grade, stage, sequence)
    if journey.found:
        return journey.found(world)
    if journey.person:
        return None
    found: Pupil = world.student(journey.of, journey.grade, stage=journey.stage)
    return found


def begin(world: World, journey: Journey, walk: Walk, pupil: Pupil | None) -> int:
    """A draft of a walk by whoever starts it."""
    actor = world.actor(journey.by)
    given: dict[str, Any] = {"ground": walk.ground or None, "data": dict(walk.facts)}
    if pupil is None:
        person = journey.person or {}
        newcomer = Person(person["person.name"], person["person.sex"], date.fromisoformat(person["person.birth_date"]))
        asked = NewRequest(kind=walk.kind, person=newcomer, grade=walk.grade, **given)
        return create_request(world.service, actor, asked)
    named = KINDS[walk.kind].sides == "two" or (journey.named and walk is journey.walks[0])
    who: dict[str, Any] = (
        {"student_name": pupil.name, "student_number": pupil.number} if named else {"student_id": pupil.id}
    )
    if named:
        who["destination_school_id"] = actor.organization_id
    return create_request(world.service, actor, NewRequest(kind=walk.kind, grade=walk.grade, **who, **given))


def record(world: World, student_id: int) -> dict[str, Any]:
    """What holds of a student, and every place that is taken: all that a reversal gives back."""

    def rows(table: Any, *where: Any, but: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        with db.reading(world.service.engine) as connection:
            found = connection.execute(select(table.__table__).where(*where)).mappings().all()
        kept = ({key: value for key, value in row.items() if key not in (*WRITTEN, *but)} for row in found)
        return sorted(kept, key=repr)

    pairs = or_(DuplicatePair.first_id == student_id, DuplicatePair.second_id == student_id)
    return {
        "student": rows(Student, Student.id == student_id),
        "enrolments": rows(Enrolment, Enrolment.student_id == student_id, Enrolment.ended_at.is_(None), but=("id",)),
        "entries": rows(RegisterEntry, RegisterEntry.student_id == student_id, RegisterEntry.ended_at.is_(None),
                        but=("id", "request_id")),
        "guardians": rows(Guardian, Guardian.student_id == student_id),
        "doubles": rows(DuplicatePair, pairs, but=("round", "request_id")),
        "likeness": rows(LikenessBlock, LikenessBlock.student_id == student_id),
        "classes": rows(SchoolClass),
        "stages": rows(SchoolStage),
    }  # fmt: skip


def unlike(before: dict[str, list[Any]], now: dict[str, list[Any]]) -> list[str]:
    """What differs between two records, a line each."""
    found = []
    for name, rows in before.items():
        if len(rows) == len(now[name]) == 1:
            found += [f"{name}: {key} was {value}, is {now[name][0][key]}"
                      for key, value in rows[0].items() if value != now[name][0][key]]  # fmt: skip
            continue
        found += [f"{name}: gone {row}" for row in rows if row not in now[name]]
        found += [f"{name}: new {row}" for row in now[name] if row not in rows]
    return found
