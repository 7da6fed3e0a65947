"""Four routes, returns and clocks, windows, places and empty chairs: what happens when others do not simply agree."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from states.verdict import Reason
from tests.workflow_service.world import Pupil, World
from workflow_service import db
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked, Invalid
from workflow_service.models import Organization, SchoolClass, Student
from workflow_service.requests import check_request, create_request

FORM = "transfer_form_stamped"
NATIONAL = {"ground": "other", "data": {"ground_text": "随父母迁居"}}
MOVED = {"ground": "register_and_home_moved",
         "data": {"register_moved": "family", "home_moved": True, "moved_across": "township"}}  # fmt: skip


def rules(reasons: tuple[Reason, ...]) -> set[str]:
    return {reason.cite.rule for reason in reasons}


def states(world: World, request_id: int, *steps: tuple[str, str]) -> list[str]:
    return [world.fire(request_id, event, username).state for event, username in steps]


def sent(world: World, username: str, pupil: Pupil, to: str, *papers: str, **more: object) -> int:
    """A submitted request with its papers."""
    request_id = world.draft(username, pupil, to, **more)
    world.upload(request_id, username, *papers)
    world.fire(request_id, "submit", username)
    return request_id


def test_two_bureaus_of_one_province_decide_in_turn(world: World) -> None:
    pupil = world.student("202")
    world.school_class("401", 3)
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    assert states(
        world, request_id, ("approve", "school401.principal"), ("approve", "county4"),
        ("approve", "school202.principal"), ("approve", "county2"), ("confirm_arrival", "school401"),
    ) == ["awaiting_destination_bureau", "awaiting_origin_school", "awaiting_origin_bureau", "awaiting_arrival",
          "completed"]  # fmt: skip


def test_between_two_provinces_both_provinces_decide_one_step_in_either_order(world: World) -> None:
    pupil = world.student("901")
    world.school_class("401", 3)
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    assert states(
        world, request_id, ("approve", "school401.principal"), ("approve", "county4"),
        ("approve", "school901.principal"), ("approve", "county9"), ("approve", "province2"), ("approve", "province"),
        ("approve", "school401"), ("confirm_arrival", "school401"),
    ) == ["awaiting_destination_bureau", "awaiting_origin_school", "awaiting_origin_bureau",
          "awaiting_province_bureaus", "awaiting_province_bureaus", "awaiting_record", "awaiting_arrival",
          "completed"]  # fmt: skip
    assert world.enrolment(pupil.id).school_id == world.organization("401").id


def test_in_nenjiang_the_origin_starts_and_the_destination_accepts_last(world: World) -> None:
    pupil = world.student("102")
    world.school_class("101", 3)
    with pytest.raises(Blocked) as blocked:
        world.draft("school101", pupil, "101", **MOVED)
    assert "NJ-13" in rules(blocked.value.reasons)
    request_id = world.draft("school102", pupil, "101", **MOVED)
    world.fire(request_id, "submit", "school102")
    world.upload(request_id, "school102", "transfer_certificate", "transfer_certificate_receipt")
    assert states(
        world, request_id, ("approve", "school102.principal"), ("approve", "county1"), ("confirm_arrival", "school101"),
    ) == ["awaiting_shared_bureau", "awaiting_arrival", "completed"]  # fmt: skip
    assert world.enrolment(pupil.id).school_id == world.organization("101").id


def test_a_returned_request_goes_back_to_whoever_returned_it_with_the_days_that_were_left(world: World) -> None:
    pupil = world.student("202")
    world.school_class("401", 3)
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    world.fire(request_id, "approve", "school401.principal")
    world.go(2026, 8, 27)
    world.fire(request_id, "return", "county4", comment="请补户口本")
    assert world.request(request_id).state == "returned"
    assert world.request(request_id).wake_event == "expire"
    world.go(2026, 9, 1)
    fired = world.fire(request_id, "resubmit", "school401")
    row = world.request(request_id)
    assert fired.state == "awaiting_destination_bureau"
    # Received on Monday 24 August; 25 and 26 were used, so eight of the ten days are left from 1 September.
    assert row.clock["working_days"] == 8
    assert row.clock["due"] == "2026-09-11"
    assert row.paused == [["2026-08-27", "2026-09-01"]]


def test_the_window_is_judged_once_when_the_submission_is_received(world: World) -> None:
    last, late = world.student("202"), world.student("202", name="赵一")
    world.school_class("201", 3)
    world.go(2026, 9, 20, 23, 59, 59)
    in_time = world.draft("school201", last, "201", ground="moved_house")
    world.fire(in_time, "submit", "school201")
    assert world.request(in_time).intake["id"] == "TR-07"
    world.go(2026, 9, 21, 0, 0, 0)
    too_late = world.draft("school201", late, "201", ground="moved_house")
    with pytest.raises(Blocked) as blocked:
        world.fire(too_late, "submit", "school201")
    assert "TR-07" in rules(blocked.value.reasons)
    assert world.request(too_late).state == "draft"


def test_the_last_place_goes_once_and_comes_back_when_the_request_ends(world: World) -> None:
    one, two = world.student("102"), world.student("102", name="赵一")
    place = world.school_class("101", 3)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(SchoolClass).where(SchoolClass.id == place).values(attending=54))
    first = sent(world, "school102", one, "101", **MOVED)
    second = world.draft("school102", two, "101", **MOVED)
    with pytest.raises(Blocked) as blocked:
        world.fire(second, "submit", "school102")
    assert "NJ-07" in rules(blocked.value.reasons)
    world.fire(first, "recall", "school102")
    assert world.seats(place) == (54, 0)
    assert world.fire(second, "submit", "school102").state == "awaiting_origin_school"


def test_a_student_with_open_business_is_not_taken_a_second_time(world: World) -> None:
    pupil = world.student("202")
    for code in ("401", "201"):
        world.school_class(code, 3)
    sent(world, "school401", pupil, "401", **NATIONAL)
    second = world.draft("school201", pupil, "201", ground="moved_house")
    with pytest.raises(Blocked) as blocked:
        world.fire(second, "submit", "school201")
    assert rules(blocked.value.reasons) >= {"SYS-05"}


def test_a_single_handed_schools_step_is_its_bureaus(world: World) -> None:
    pupil = world.student("202")
    world.school_class("401", 3)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "401").values(single_handed=True))
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    assert world.request(request_id).state == "awaiting_destination_bureau"
    assert "awaiting_destination_principal" not in world.request(request_id).route


def test_a_wrong_name_and_an_unknown_number_get_the_same_text(world: World) -> None:
    pupil = world.student("202")
    world.school_class("201", 3)
    texts = set()
    for wrong in (Pupil(pupil.id, "别的名字", pupil.number, 3), Pupil(0, pupil.name, "G990101201705019999", 3)):
        actor = world.actor("school201")
        body = NewRequest("transfer", world.organization("201").id, 3, student_name=wrong.name,
                          student_number=wrong.number)  # fmt: skip
        assert not check_request(world.service, actor, body).student_found
        with pytest.raises(Invalid) as invalid:
            create_request(world.service, actor, body)
        texts.add(invalid.value.errors[0]["message"])
        assert invalid.value.errors[0]["rule"] == "SYS-04"
    assert len(texts) == 1


def test_a_problem_that_turns_up_later_stops_the_next_approval(world: World) -> None:
    pupil = world.student("202")
    world.school_class("401", 3)
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Student).where(Student.id == pupil.id).values(problem="duplicate"))
    with pytest.raises(Blocked) as blocked:
        world.fire(request_id, "approve", "school401.principal")
    assert rules(blocked.value.reasons) == {"SYS-06"}


def test_refusing_needs_a_coded_reason_of_ones_own_side(world: World) -> None:
    pupil = world.student("202")
    place = world.school_class("401", 3)
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    states(world, request_id, ("approve", "school401.principal"), ("approve", "county4"))
    for reason in (None, "we_keep_him", "no_place"):
        with pytest.raises(Blocked) as blocked:
            world.fire(request_id, "reject", "school202.principal", reason=reason)
        assert rules(blocked.value.reasons) == {"SYS-T6"}
    assert world.fire(request_id, "reject", "school202.principal", reason="data_wrong").state == "rejected"
    assert world.seats(place) == (0, 0)
    assert not world.request(request_id).open
