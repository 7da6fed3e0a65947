"""A transfer from draft to end, on both databases: every party decides in its turn."""

import pytest

from tests.workflow_service.world import World
from workflow_service.errors import Blocked, Forbidden, NotFound, Stale
from workflow_service.transitions import fire

D0 = (
    "transfer_form_stamped",
    "transfer_application_form",
    "household_register_head_page",
    "household_register_student_page",
)


def through(world: World, request_id: int, *steps: tuple[str, str]) -> None:
    for event, username in steps:
        world.fire(request_id, event, username)


def test_a_transfer_within_one_bureau_moves_the_student(world: World) -> None:
    pupil = world.student("202")
    place = world.school_class("201", 3)
    request_id = world.draft(
        "school201",
        pupil,
        "201",
        ground="return_to_registered_home",
        data={"guardian_register_in_catchment": True, "student_register": "with_guardian"},
    )
    world.upload(request_id, "school201", *D0)
    world.fire(request_id, "submit", "school201")
    assert world.seats(place) == (0, 1)
    through(
        world,
        request_id,
        ("approve", "school201.principal"),
        ("approve", "school202.principal"),
        ("approve", "county2"),
    )
    assert world.request(request_id).state == "awaiting_arrival"
    world.fire(request_id, "confirm_arrival", "school201")
    assert world.request(request_id).state == "completed"
    assert world.enrolment(pupil.id).school_id == world.organization("201").id
    assert world.seats(place) == (1, 0)


def test_whoever_comes_with_an_older_version_is_told_who_won(world: World) -> None:
    pupil = world.student("202")
    world.school_class("201", 3)
    request_id = world.draft("school201", pupil, "201", ground="return_to_registered_home")
    world.fire(request_id, "submit", "school201")
    with pytest.raises(Stale) as stale:
        fire(world.service, request_id, "recall", world.actor("school201"), version=1)
    assert stale.value.current["state"] == "awaiting_destination_principal"


def test_nothing_incomplete_leaves_the_school(world: World) -> None:
    pupil = world.student("202")
    world.school_class("201", 3)
    request_id = world.draft("school201", pupil, "201", ground="moved_house")
    world.fire(request_id, "submit", "school201")
    with pytest.raises(Blocked) as blocked:
        world.fire(request_id, "approve", "school201.principal")
    assert "TR-G3" in {reason.cite.rule for reason in blocked.value.reasons}


def test_a_draft_is_its_schools_alone_and_a_foreign_one_is_not_there(world: World) -> None:
    pupil = world.student("202")
    world.school_class("201", 3)
    request_id = world.draft("school201", pupil, "201", ground="moved_house")
    for username in ("school202", "county2", "city1"):
        with pytest.raises(NotFound):
            world.fire(request_id, "submit", username)
    world.fire(request_id, "submit", "school201")
    with pytest.raises(Forbidden):
        world.fire(request_id, "approve", "school201")
    with pytest.raises(NotFound):
        world.fire(request_id, "approve", "school401")
