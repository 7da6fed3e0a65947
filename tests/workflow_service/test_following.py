"""What follows a completion fails or its process dies: the request is completed all the same, and a sweep does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select, text

from tests.conftest import Database
from tests.workflow_service.test_kinds import sound
from tests.workflow_service.test_kinds_record import double, number, rows
from tests.workflow_service.test_races import at_once
from tests.workflow_service.world import World
from workflow_service import db, transitions
from workflow_service.models import DuplicatePair, FollowUp, History, LikenessBlock
from workflow_service.sweeps import close_ended, follow_ups
from workflow_service.sweeps.following import GRACE

Break = Callable[[str, str], None]


@pytest.fixture
def broken(database_url: Database) -> Iterator[Break]:
    """Break a table for writes of one kind ("INSERT ON likeness_block", a condition) until `broken("", "")`."""
    engine = db.make_engine(database_url.owner_url, owner=True)
    sqlite = engine.dialect.name == "sqlite"
    tables: list[str] = []

    def call(what: str, condition: str) -> None:
        with engine.begin() as connection:
            for table in tables:
                connection.execute(text(f"DROP TRIGGER broken{'' if sqlite else f' ON {table}'}"))
            tables.clear()
            if not what:
                return
            tables.append(what.split()[-1])
            if sqlite:
                connection.execute(text(
                    f"CREATE TRIGGER broken BEFORE {what} WHEN {condition}"
                    " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"))  # fmt: skip
                return
            connection.execute(text(
                "CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$"))  # fmt: skip
            connection.execute(text(
                f"CREATE TRIGGER broken BEFORE {what} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION broken()"
            ))  # fmt: skip

    yield call
    call("", "")
    engine.dispose()


def due(world: World) -> list[int]:
    return [row.request_id for row in rows(world, FollowUp)]


def told(world: World, student_id: int, event: str) -> int:
    """How many rows of this event a student's trail has."""
    return len(rows(world, History, object_id=student_id, event=event))


def test_what_is_done_at_once_leaves_nothing_for_the_sweep(world: World) -> None:
    pupil = world.student("201", 3)
    world.complete(world.start("school201", "key_data_change", pupil, ground="changed_by_police",
                               data={"new_identity_number": number(world)}))  # fmt: skip
    assert due(world) == []
    world.at += GRACE
    assert follow_ups(world.service) == 0


def test_a_check_for_doubles_that_fails_leaves_the_request_completed_and_is_made_by_the_sweep(
    world: World, broken: Break, caplog: pytest.LogCaptureFixture
) -> None:
    first = world.student("201", 3)
    second = double(world, "201", first)
    data = {"new_name": "王大明", "new_identity_number": number(world), "duplicate_excluded": True}
    draft = world.start("school201", "key_data_change", second, ground="changed_by_police", data=data)
    broken("INSERT ON likeness_block", f"NEW.student_id = {second.id}")
    with caplog.at_level(logging.ERROR):
        assert world.complete(draft).state == "completed"
    assert f"request {draft} (key_data_change) waits for the sweep" in caplog.text
    assert (due(world), world.student_row(first.id).problem is None) == ([draft], False)

    world.at += GRACE - 1
    assert follow_ups(world.service) == 0
    world.at += 1
    assert follow_ups(world.service) == 0
    assert f"the completion of request {draft} failed" in caplog.text
    assert due(world) == [draft]

    broken("", "")
    assert (follow_ups(world.service), follow_ups(world.service)) == (1, 0)
    [pair] = rows(world, DuplicatePair)
    assert (pair.state, pair.outcome, pair.request_id) == ("decided", "change", draft)
    assert [world.student_row(one.id).problem for one in (first, second)] == [None, None]
    assert told(world, first.id, "duplicate_settled") == 1
    assert rows(world, LikenessBlock, student_id=second.id)
    sound(world)


def test_one_that_cannot_be_done_does_not_keep_the_others_from_it(world: World, broken: Break) -> None:
    pupils = [world.student("201", 3, f"学生{n}") for n in "甲乙丙"]
    broken("INSERT ON likeness_block", "NEW.student_id <> 0")
    drafts = [
        world.start("school201", "key_data_change", pupil, ground="changed_by_police",
                    data={"new_identity_number": number(world)})
        for pupil in pupils
    ]  # fmt: skip
    for draft in drafts:
        world.complete(draft)
    world.at += GRACE
    broken("INSERT ON likeness_block", f"NEW.student_id = {pupils[0].id}")
    assert follow_ups(world.service, limit=1) == 2
    assert due(world) == drafts[:1]


def test_a_process_that_died_after_a_removal_leaves_no_mark_on_the_other_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    first = world.student("201", 3)
    second = double(world, "202", first)
    draft = world.start("school202", "problem_record", second, ground="removal")
    world.upload(draft, "school202", "ministry_decision")
    with monkeypatch.context() as patched:
        patched.setattr(transitions, "follow", die)
        with pytest.raises(SystemExit):
            world.complete(draft)
    assert world.request(draft).state == "completed"
    assert world.student_row(first.id).problem is not None
    world.at += GRACE
    assert (follow_ups(world.service), follow_ups(world.service)) == (1, 0)
    assert world.student_row(first.id).problem is None
    assert told(world, first.id, "duplicate_settled") == 1
    sound(world)


def test_requests_that_could_not_be_closed_leave_the_death_reported_and_are_closed_by_the_sweep(
    world: World, broken: Break, caplog: pytest.LogCaptureFixture
) -> None:
    pupil = world.student("201", 3)
    world.school_class("202", 3)
    moving = world.draft("school202", pupil, "202", ground="moved_house", data={"handed_over_on": "2026-08-01"})
    world.fire(moving, "submit", "school202")
    broken("UPDATE ON request", "NEW.state = 'expired'")
    death = world.complete(world.start("school201", "death_report", pupil, data={"died_on": "2026-08-20"}))
    assert death.state == "completed"
    assert f"request {death.id} (death_report) waits for the sweep" in caplog.text
    assert world.request(moving).open
    broken("", "")
    assert (close_ended(world.service), close_ended(world.service)) == (1, 0)
    assert world.request(moving).state == "expired"
    sound(world)


def test_two_who_come_at_once_do_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.student("201", 3)
    second = double(world, "202", first)
    draft = world.start("school202", "problem_record", second, ground="removal")
    world.upload(draft, "school202", "ministry_decision")
    with monkeypatch.context() as patched:
        patched.setattr(transitions, "follow", lambda *_: None)
        world.complete(draft)
    world.at += GRACE
    assert sum(at_once(*[lambda: follow_ups(world.service)] * 4)) == 1
    with db.reading(world.service.engine) as connection:
        events = connection.execute(select(History.event).where(History.object_id == first.id)).scalars().all()
    assert events.count("duplicate_settled") == 1
