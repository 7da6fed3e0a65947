"""The law at work: what a pack says, seen through the whole service where the rules alone do not show it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from states.calendar import SHANGHAI
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Blocked
from workflow_service.models import SchoolClass, SchoolStage, Student
from workflow_service.outages import declare_outage

FORM = "transfer_form_stamped"
HOUSE = (FORM, "household_register_head_page", "household_register_student_page", "property_certificate")
CERTIFICATE = ("transfer_certificate", "transfer_certificate_receipt")
NATIONAL: dict[str, Any] = {"ground": "other", "data": {"ground_text": "随父母迁居"}}
MOVED: dict[str, Any] = {"ground": "moved_house", "data": {"handed_over_on": "2026-01-05"}}
PLACED: dict[str, Any] = {"ground": "register_and_home_moved", "data": {"placed_by_bureau": True}}
FAMILY: dict[str, Any] = {
    "ground": "register_and_home_moved",
    "data": {"register_moved": "family", "home_moved": True, "moved_across": "township"},
}


def refused(world: World, request_id: int, event: str, username: str, **more: Any) -> set[str]:
    """The rules that refuse an event; fails where it is not refused."""
    with pytest.raises(Blocked) as blocked:
        world.fire(request_id, event, username, **more)
    return {reason.cite.rule for reason in blocked.value.reasons}


def fill(world: World, class_id: int, seats: int) -> None:
    with db.begin(world.service.engine) as connection:
        connection.execute(update(SchoolClass).where(SchoolClass.id == class_id).values(attending=seats))


def total(world: World, code: str, quota: int) -> None:
    """The total of a school's primary stage (学籍总量)."""
    school = (SchoolStage.school_id == world.organization(code).id, SchoolStage.stage == "primary")
    with db.begin(world.service.engine) as connection:
        connection.execute(update(SchoolStage).where(*school).values(quota=quota))


def test_a_placed_pupil_needs_no_ground_and_is_not_refused_in_nenjiang(world: World) -> None:
    world.school_class("101", 3)
    request_id = world.draft("school102", world.student("102"), "101", **PLACED)
    world.fire(request_id, "submit", "school102")
    world.upload(request_id, "school102", *CERTIFICATE)
    world.fire(request_id, "approve", "school102.principal")
    world.fire(request_id, "approve", "county1")
    assert refused(world, request_id, "reject", "school101", reason="no_place") == {"NJ-11"}
    assert world.fire(request_id, "confirm_arrival", "school101").state == "completed"


def test_a_pupil_who_was_not_placed_needs_the_facts_of_the_ground(world: World) -> None:
    world.school_class("101", 3)
    request_id = world.draft("school102", world.student("102"), "101", ground=PLACED["ground"])
    world.fire(request_id, "submit", "school102")
    world.upload(request_id, "school102", *CERTIFICATE)
    assert refused(world, request_id, "approve", "school102.principal") == {"NJ-09"}


def test_the_destinations_silence_ends_nothing_in_nenjiang_where_it_decides_last(world: World) -> None:
    world.school_class("101", 3)
    request_id = world.draft("school102", world.student("102"), "101", **FAMILY)
    world.fire(request_id, "submit", "school102")
    world.upload(request_id, "school102", *CERTIFICATE)
    world.fire(request_id, "approve", "school102.principal")
    world.fire(request_id, "approve", "county1")
    row = world.request(request_id)
    assert (row.state, row.wake_event) == ("awaiting_arrival", "remind")
    assert row.clock["working_days"] == 10
    assert world.fire(request_id, "reject", "school101", reason="no_place").state == "rejected"


def test_a_pupil_of_the_catchment_is_not_refused_for_want_of_a_place(world: World) -> None:
    world.school_class("201", 3)
    data = {"guardian_register_in_catchment": True, "student_register": "with_guardian"}
    request_id = world.draft("school201", world.student("202"), "201", ground="return_to_registered_home", data=data)
    world.fire(request_id, "submit", "school201")
    assert refused(world, request_id, "reject", "school201.principal", reason="no_place") == {"TR-13"}
    assert world.fire(request_id, "reject", "school201.principal", reason="papers_not_genuine").state == "rejected"


def test_the_lunar_window_opens_and_closes_at_midnight(world: World) -> None:
    world.school_class("201", 3)
    pupils = [world.student("202", name=name) for name in ("赵一", "钱二", "孙三", "李四")]
    for pupil, moment, closed in zip(pupils, (
        (2027, 2, 12, 23, 59, 59), (2027, 2, 13, 0, 0, 0), (2027, 2, 25, 23, 59, 59), (2027, 2, 26, 0, 0, 0),
    ), (True, False, False, True), strict=True):  # fmt: skip
        world.go(*moment)
        request_id = world.draft("school201", pupil, "201", **MOVED)
        if closed:
            assert refused(world, request_id, "submit", "school201") == {"TR-07"}
        else:
            assert world.fire(request_id, "submit", "school201").state == "awaiting_destination_principal"


def test_hours_of_outage_move_the_close_of_the_window(world: World) -> None:
    world.school_class("201", 3)
    one, two = world.student("202"), world.student("202", name="赵一")
    world.go(2026, 9, 20, 15)
    down = [datetime(2026, 9, 20, hour, tzinfo=SHANGHAI) for hour in (12, 14)]
    declare_outage(world.service, world.actor("county2"), *down, "机房断电")
    in_time = world.draft("school201", one, "201", **MOVED)
    late = world.draft("school201", two, "201", **MOVED)
    world.go(2026, 9, 21, 1, 59, 59)
    assert world.fire(in_time, "submit", "school201").state == "awaiting_destination_principal"
    world.go(2026, 9, 21, 2, 0, 0)
    assert refused(world, late, "submit", "school201") == {"TR-07"}


def test_a_returned_request_is_not_judged_by_the_window_again(world: World) -> None:
    world.school_class("201", 3)
    world.go(2026, 9, 18)
    request_id = world.draft("school201", world.student("202"), "201", **MOVED)
    world.fire(request_id, "submit", "school201")
    world.fire(request_id, "return", "school201.principal", comment="请补房产证")
    world.go(2026, 9, 24)
    world.upload(request_id, "school201", *HOUSE)
    assert world.fire(request_id, "resubmit", "school201").state == "awaiting_destination_principal"
    assert world.fire(request_id, "approve", "school201.principal").state == "awaiting_origin_school"


def test_a_returned_request_keeps_its_place_and_is_not_judged_by_it_again(world: World) -> None:
    place = world.school_class("101", 3)
    request_id = world.draft("school102", world.student("102"), "101", **FAMILY)
    world.fire(request_id, "submit", "school102")
    world.fire(request_id, "return", "school102.principal", comment="请补转学证")
    fill(world, place, 60)
    world.upload(request_id, "school102", *CERTIFICATE)
    assert world.fire(request_id, "resubmit", "school102").state == "awaiting_origin_school"
    assert world.seats(place) == (60, 1)


def test_a_returned_request_goes_on_through_the_freeze_and_the_promotion(world: World) -> None:
    """The grade of a returned request cannot be changed: judging it anew after Aug 10 would end every such request."""
    world.go(2026, 7, 8)
    world.school_class("401", 3)
    pupil = replace(world.student("402"), grade=2)  # A third-grader of next September.
    request_id = world.draft("school401", pupil, "401", **NATIONAL)
    world.upload(request_id, "school401", FORM)
    world.fire(request_id, "submit", "school401")
    world.go(2026, 8, 7)
    world.fire(request_id, "return", "school401.principal", comment="请补说明")
    world.go(2026, 8, 12)
    assert world.fire(request_id, "resubmit", "school401").state == "awaiting_destination_principal"
    assert world.fire(request_id, "approve", "school401.principal").state == "awaiting_origin_school"


def test_the_graduating_grade_is_that_of_the_schools_own_length_of_schooling(world: World) -> None:
    world.go(2027, 1, 18)
    six, five = world.student("302", grade=5), world.student("303", grade=5, name="赵一")
    world.school_class("301", 5)
    with db.begin(world.service.engine) as connection:
        five_years = (
            update(SchoolClass).where(SchoolClass.school_id == world.organization("303").id).values(last_grade=5)
        )
        connection.execute(five_years)
    goes = world.draft("school301", six, "301", **NATIONAL)
    stays = world.draft("school301", five, "301", **NATIONAL)
    assert refused(world, stays, "submit", "school301") == {"BJ-13"}
    assert world.fire(goes, "submit", "school301").state == "awaiting_destination_principal"


def test_nobody_moves_in_the_first_term_of_a_stage_in_beijing(world: World) -> None:
    world.go(2027, 1, 18)
    first, second = world.student("302", grade=1), world.student("302", grade=2, name="赵一")
    for grade in (1, 2):
        world.school_class("301", grade)
    refused_draft = world.draft("school301", first, "301", **NATIONAL)
    taken = world.draft("school301", second, "301", **NATIONAL)
    assert refused(world, refused_draft, "submit", "school301") == {"BJ-13"}
    assert world.fire(taken, "submit", "school301").state == "awaiting_destination_principal"


def test_the_total_of_a_stage_says_how_many_are_held(world: World) -> None:
    world.go(2027, 1, 18)
    world.school_class("301", 3)
    one, two = world.student("302"), world.student("302", name="赵一")
    with db.begin(world.service.engine) as connection:
        row = {"school_id": world.organization("301").id, "stage": "primary", "quota": 1, "attending": 0, "held": 0}
        connection.execute(delete(SchoolStage).where(SchoolStage.school_id == row["school_id"]))
        connection.execute(insert(SchoolStage), row)
    world.fire(world.draft("school301", one, "301", **NATIONAL), "submit", "school301")
    with pytest.raises(Blocked) as blocked:
        world.fire(world.draft("school301", two, "301", **NATIONAL), "submit", "school301")
    assert [reason.no.message for reason in blocked.value.reasons] == [
        "学籍总量已满：小学在读 0 人，已占学位 1 个，总量 1 人"
    ]


def test_a_suspended_pupil_resumes_in_beijing_only_into_a_free_place(world: World) -> None:
    pupil, other = world.student("301"), world.student("301", name="赵一")
    world.complete(world.start("school301", "suspension", pupil, ground="illness", data={"until": "2027-07-31"}))
    assert world.student_row(other.id).status == "attending"
    total(world, "301", 1)
    world.go(2027, 2, 26)
    back = world.start("school301", "resumption", pupil, ground="recovered")
    world.upload_all(back, "school301")
    assert refused(world, back, "submit", "school301") == {"BJ-03"}
    total(world, "301", 2)
    world.complete(back)
    assert world.student_row(pupil.id).status == "attending"


def test_a_special_education_pupil_may_go_down_a_grade_and_nobody_else(world: World) -> None:
    world.school_class("401", 2)
    one, two = world.student("402"), world.student("402", name="赵一")
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Student).where(Student.id == one.id).values(special_education=True))
    down, not_down = (replace(pupil, grade=2) for pupil in (one, two))
    allowed = world.draft("school401", down, "401", **NATIONAL)
    assert world.fire(allowed, "submit", "school401").state == "awaiting_destination_principal"
    assert refused(world, world.draft("school401", not_down, "401", **NATIONAL), "submit", "school401") == {"SYS-10"}
