"""Kinds of request of one school, on both engines: what a completion writes, and what it leaves alone."""

import pytest
from sqlalchemy import select, update

from states.student_status import STATUSES
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.check import check
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked, Invalid
from workflow_service.models import RequestParty, SchoolClass, SchoolStage
from workflow_service.requests import amend_request, check_request, create_request
from workflow_service.sweeps import catch_up


def sound(world: World) -> None:
    """Every invariant holds."""
    assert check(world.service) == []


def test_a_suspended_pupil_leaves_his_place_and_needs_one_to_return(world: World) -> None:
    pupil = world.student("201", 3)
    home = world.enrolment(pupil.id).class_id
    away = world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"})
    done = world.complete(away)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_filing"])
    assert world.student_row(pupil.id).status == "suspended"
    assert world.seats(home) == (0, 0)
    assert world.enrolment(pupil.id).class_id == home
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.ended_at, entry.request_id) == ("suspension", None, away)
    sound(world)

    world.go(2027, 2, 26)
    back = world.start("school201", "resumption", pupil, ground="recovered")
    world.upload_all(back, "school201")
    world.fire(back, "submit", "school201")
    assert world.seats(home) == (0, 1)
    world.complete(back)
    assert world.student_row(pupil.id).status == "attending"
    assert world.seats(home) == (1, 0)
    [entry] = world.entries(pupil.id)
    assert (entry.valid_to.isoformat() if hasattr(entry.valid_to, "isoformat") else entry.valid_to) == "2027-02-26"
    sound(world)


def test_who_attends_cannot_resume_and_the_reason_names_the_statuses(world: World) -> None:
    pupil = world.student("201", 3)
    draft = world.start("school201", "resumption", pupil, ground="recovered")
    with pytest.raises(Blocked) as refused:
        world.fire(draft, "submit", "school201")
    assert [reason.cite.rule for reason in refused.value.reasons] == ["WS-29"]
    assert STATUSES["suspended"].label in refused.value.reasons[0].no.message


def test_a_school_that_keeps_silent_is_reminded_and_its_own_bureau_is_told(world: World) -> None:
    pupil = world.student("201", 3)
    away = world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"})
    world.fire(away, "submit", "school201")
    for event in ("remind", "escalate"):
        row = world.request(away)
        assert row.wake_event == event
        world.at = max(world.at, row.wake_at)
        catch_up(world.service, row.wake_at)
    assert world.request(away).escalated
    with db.reading(world.service.engine) as connection:
        told = connection.execute(
            select(RequestParty.organization_id).where(
                RequestParty.request_id == away, RequestParty.duty == "escalated"
            )
        ).scalars().all()  # fmt: skip
    assert told == [world.organization("county2").id]
    sound(world)


def test_a_pupil_of_another_school_is_not_found(world: World) -> None:
    pupil = world.student("202", 3)
    with pytest.raises(Invalid):
        world.start("school201", "suspension", pupil, ground="illness")


def test_siblings_both_get_a_place_or_the_school_takes_one_of_them_knowingly(world: World) -> None:
    home = world.school_class("101", 3)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(SchoolClass).where(SchoolClass.id == home).values(attending=54))
        connection.execute(update(SchoolStage).values(attending=SchoolStage.attending + 54).where(
            SchoolStage.school_id == world.organization("101").id, SchoolStage.stage == "primary"))  # fmt: skip
    moved = {"register_moved": "family", "home_moved": True, "moved_across": "township"}
    elder, younger = (world.student("102", 3, name=name) for name in ("兄", "弟"))
    ground = {"ground": "register_and_home_moved"}
    first = world.draft("school102", elder, "101", data=moved, **ground)
    number = world.request(first).number
    second = world.draft("school102", younger, "101", data={**moved, "sibling_request": number}, **ground)
    with pytest.raises(Blocked) as refused:
        world.fire(second, "submit", "school102")
    assert [reason.cite.rule for reason in refused.value.reasons] == ["WS-170"]
    world.fire(first, "submit", "school102")
    with pytest.raises(Blocked) as full:
        world.fire(second, "submit", "school102")
    assert [reason.cite.rule for reason in full.value.reasons] == ["NJ-07"]
    world.fire(first, "recall", "school102")
    with pytest.raises(Blocked) as gone:
        world.fire(second, "submit", "school102")
    assert "没有受理编号" in gone.value.reasons[0].no.message
    alone = world.draft("school102", elder, "101", data=moved, **ground)
    knowing = {**moved, "sibling_request": world.request(alone).number, "siblings_apart": True}
    amend_request(world.service, second, world.actor("school102"), world.request(second).version, {"data": knowing})
    world.fire(second, "submit", "school102")
    assert world.seats(home) == (54, 1)


def test_the_pre_check_reads_the_entries_of_the_record_as_a_submission_does(world: World) -> None:
    pupil, host = world.student("201", 3), world.organization("202").id
    world.school_class("202", 3)
    asked = {"kind": "guest_attendance", "destination_school_id": host, "grade": 3, "student_name": pupil.name,
             "student_number": pupil.number}  # fmt: skip
    actor, back = world.actor("school202"), NewRequest(**asked, ground="guest_returned")
    before = check_request(world.service, actor, back)
    assert [reason.cite.rule for reason in before.blocked] == ["WS-151"]
    stay = NewRequest(**asked, ground="other", data={"until": "2027-07-31"})
    world.complete(create_request(world.service, actor, stay))
    assert check_request(world.service, actor, back).blocked == ()
