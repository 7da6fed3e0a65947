"""The three registrations of higher education, and transfers between universities, on both engines."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.workflow_service.test_kinds import sound
from tests.workflow_service.test_kinds_schools import about
from tests.workflow_service.test_kinds_stage_end import refused
from tests.workflow_service.universities import found_university
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked, Invalid
from workflow_service.grants import create_account
from workflow_service.newcomers import Person
from workflow_service.requests import create_request
from workflow_service.views.candidates import candidates

CERTIFICATE = {"major": "数学", "credential_type": "regular", "credential_level": "bachelor", "study_length": "四年",
               "study_form": "full_time", "certificate_on": "2027-06-30", "president": "周校长"}  # fmt: skip
RECHECKED = {f"recheck_{item}": True for item in ("procedure", "qualification", "identity", "health", "special")}


@pytest.fixture
def university(world: World) -> World:
    found_university(world)
    return world


def student(world: World, year: int = 4, **more: Any) -> Any:
    return world.student("10001", year, stage="higher", **more)


def test_a_new_student_is_rechecked_by_the_school_and_confirmed_by_the_province(university: World) -> None:
    world = university
    world.school_class("10001", 1, "higher")
    person = Person("顾念", "2", date(2008, 3, 4))
    draft = create_request(world.service, world.actor("school10001"), NewRequest(
        kind="enrolment", grade=1, person=person, data={"reported_on": "2026-08-20", **RECHECKED}))  # fmt: skip
    done = world.complete(draft)
    assert done.route == ["awaiting_principal", "awaiting_province_bureau"]
    assert world.student_row(done.student_id).status == "attending"
    assert world.enrolment(done.student_id).stage == "higher"
    sound(world)
    world.go(2026, 11, 21)
    late = NewRequest(kind="enrolment", grade=1, person=Person("顾远", "1", date(2008, 3, 4)),
                      data={"reported_on": "2026-08-20", **RECHECKED})  # fmt: skip
    assert refused(world, create_request(world.service, world.actor("school10001"), late), "school10001") == ["HE14-07"]


def test_a_year_is_registered_once_and_only_where_the_conditions_are_met(university: World) -> None:
    world = university
    one = student(world, 2)
    draft = world.start("school10001", "annual_registration", one, data={"conditions_met": False})
    assert refused(world, draft, "school10001") == ["HE14-09"]
    world.fire(draft, "recall", "school10001")
    done = world.complete(world.start("school10001", "annual_registration", one, data={"conditions_met": True}))
    assert done.route == ["awaiting_principal"]
    assert world.entries(one.id)[0].data["school_year"] == 2026
    again = world.start("school10001", "annual_registration", one, data={"conditions_met": True})
    assert refused(world, again, "school10001") == ["HE14-09"]


def test_a_credential_is_registered_as_it_stands_and_only_an_erratum_corrects_it(university: World) -> None:
    world = university
    world.go(2027, 6, 20)
    one = student(world)
    world.complete(world.start("school10001", "graduation", one, data={"all_courses_passed": True, **CERTIFICATE}))
    number = world.entries(one.id)[0].data["number"]
    assert number == "100011202705000001"

    matched = {"face_match_failed": False, **CERTIFICATE}
    done = world.complete(world.start("school10001", "credential_registration", one, data=matched))
    assert done.route == ["awaiting_principal"]
    [registered] = [entry for entry in world.entries(one.id) if entry.section == "credential_registration"]
    assert (registered.data["number"], registered.data["major"]) == (number, "数学")
    again = world.start("school10001", "credential_registration", one, data=matched)
    assert refused(world, again, "school10001") == ["HE14-11"]
    undo = world.start("school10001", "graduation_undo", one)
    assert refused(world, undo, "school10001") == ["HE14-11"]

    theirs = world.start("school10001", "erratum", one, data={"error_by": "student", "major": "统计学"})
    assert refused(world, theirs, "school10001") == ["HE14-13"]
    world.fire(theirs, "recall", "school10001")
    done = world.complete(world.start("school10001", "erratum", one, data={"error_by": "school", "major": "统计学"}))
    assert done.route == ["awaiting_principal", "awaiting_province_bureau"]
    before, after = [entry for entry in world.entries(one.id) if entry.section == "credential_registration"]
    assert before.ended_at is not None
    assert (after.data["major"], after.data["number"], after.data["corrected"]) == ("统计学", number, ["major"])
    sound(world)


def test_a_photo_that_does_not_match_goes_to_the_province(university: World) -> None:
    world = university
    world.go(2027, 6, 20)
    one = student(world)
    world.complete(world.start("school10001", "graduation", one, data={"all_courses_passed": True, **CERTIFICATE}))
    done = world.complete(world.start("school10001", "credential_registration", one,
                                      data={"face_match_failed": True, **CERTIFICATE}))  # fmt: skip
    assert done.route == ["awaiting_principal", "awaiting_province_filing"]


def test_name_and_number_together_are_the_provinces_to_change(university: World) -> None:
    world = university
    one, changed = student(world, 2), {"changed_on": "2026-05-01", "new_name": "林大满"}
    draft = world.start("school10001", "key_data_change", one, data={**changed, "name_and_number": True})
    assert refused(world, draft, "school10001") == ["HE14-12"]
    world.fire(draft, "recall", "school10001")
    assert world.complete(world.start("school10001", "key_data_change", one, data=changed)).route == [
        "awaiting_principal"]  # fmt: skip
    early = world.start("school10001", "key_data_change", one, data={**changed, "changed_on": "2023-08-31"})
    assert refused(world, early, "school10001") == ["HE14-12"]


SOUND = {
    "score_reaches_target": True, "to_higher_level": False, "contracted_employment": False, "standard_higher": False,
    "special_admission": False, "cross_discipline": False, "ground_text": "治病",
}  # fmt: skip


def test_a_transfer_between_universities_stands_in_public_for_five_working_days(university: World) -> None:
    world = university
    found_university(world, "10002", city="city2")
    world.school_class("10002", 2, "higher")
    one = student(world, 2)
    draft = world.draft("school10001", one, "10002", ground="illness", data=SOUND)
    world.upload_all(draft, "school10001")
    world.fire(draft, "submit", "school10001")
    world.fire(draft, "approve", "school10001.principal")
    world.upload_all(draft, "school10002.principal")
    world.fire(draft, "approve", "school10002.principal")
    world.upload_all(draft, "school10002")
    world.go(2026, 8, 28, 17)
    with pytest.raises(Blocked) as found:
        world.fire(draft, "approve", "school10002", data={"notice_from": "2026-08-24"})
    assert [reason.cite.rule for reason in found.value.reasons] == ["HE41-03"]
    world.go(2026, 8, 29)
    world.fire(draft, "approve", "school10002", data={"notice_from": "2026-08-24"})
    assert world.request(draft).state == "awaiting_arrival"
    world.fire(draft, "confirm_arrival", "school10002", data={"arrived_on": "2026-08-29"})
    assert world.enrolment(one.id).school_id == world.organization("10002").id
    sound(world)


def test_across_provinces_the_two_departments_consult_first(university: World) -> None:
    world = university
    found_university(world, "20001", province="province2", city="province2")
    for year in (2, 4):
        world.school_class("20001", year, "higher")
    draft = world.draft("school10001", student(world, 2), "20001", ground="special_difficulty", data=SOUND)
    assert world.request(draft).route[1:3] == ["awaiting_origin_bureau", "awaiting_destination_bureau"]
    last = world.draft(
        "school10001", student(world, 4, name="林小远"), "20001", ground="special_difficulty", data=SOUND
    )
    assert refused(world, last, "school10001") == ["HE41-01"]


def test_the_marks_of_a_university_are_its_own_to_make(university: World) -> None:
    world = university
    marks = {
        "suspension": ("illness", {"until": "2027-07-31"}, "suspended"),
        "going_abroad": ("state_sent", {}, "abroad_state_sent"),
        "record_retention": ("enlistment", {"service_ends_on": "2028-09-01", "until": "2030-09-01"}, "record_retained"),
        "leaving": ("own_wish", {}, "left"),
        "expulsion": ("grave_breach", {}, "expelled"),
        "finishing_without_diploma": (None, {"all_courses_passed": False, **CERTIFICATE}, "finished_without_diploma"),
        "leaving_with_record": (None, {"entered_on": "2023-09-01", **CERTIFICATE}, "left_with_record"),
        "early_graduation": (None, {"all_courses_passed": True, **CERTIFICATE}, "graduated"),
    }
    for kind, (ground, data, status) in marks.items():
        one = student(world, 4, name=f"林{kind[0]}满")
        done = world.complete(world.start("school10001", kind, one, ground=ground, data=data))
        assert (done.state, world.student_row(one.id).status) == ("completed", status), kind
    sound(world)


def registered(world: World, code: str) -> Any:
    """A leaver whose credential the university has registered."""
    one = world.student(code, 4, "顾念", stage="higher")
    world.complete(world.start(f"school{code}", "graduation", one, data={"all_courses_passed": True, **CERTIFICATE}))
    matched = {"face_match_failed": False, **CERTIFICATE}
    world.complete(world.start(f"school{code}", "credential_registration", one, data=matched))
    return one


def test_the_keeper_of_a_closed_universitys_records_corrects_what_it_registered_wrongly(university: World) -> None:
    """N13-12: the bureau that supervised it, where it closed for good; its successor, where it was merged."""
    world = university
    found_university(world, "10002")
    with db.begin(world.service.engine) as connection:
        create_account(connection, world.service, username="province.second", name="复核员", password_hash="-",
                       organization_id=world.organization("province").id, roles=("registrar",))  # fmt: skip
    world.go(2027, 6, 20)
    leavers = [registered(world, code) for code in ("10001", "10002")]
    found_university(world, "10003")
    data: dict[str, Any]
    for code, ground, data in (("10001", "closing", {"archive_unit": "省档案馆"}),
                               ("10002", "merging", {"successor_code": "10003"})):  # fmt: skip
        world.complete(about(world, "province", "organization_change", code, ground=ground, data=data))
        assert not world.organization(code).active
    wrong = {"error_by": "school", "major": "统计学"}
    confirmed = ["awaiting_province_bureau"]
    for who, leaver, route in (
        ("province", leavers[0], confirmed), ("school10003", leavers[1], ["awaiting_principal", *confirmed]),
    ):  # fmt: skip
        assert [row["id"] for row in candidates(world.service, world.actor(who).organization_id, q="顾念")] == [
            str(leaver.id)]  # fmt: skip
        draft = world.start(who, "erratum", leaver, data=wrong)
        world.upload_all(draft, who)
        world.fire(draft, "submit", who)
        assert world.request(draft).route == route
        while not world.request(draft).final:
            decider, event = world.decider(draft)
            world.fire(draft, event, "province.second" if decider == "province" else decider)
        assert world.entries(leaver.id)[-1].data["major"] == "统计学"
    for other in ("county2", "city1", "school10001"):
        with pytest.raises((Invalid, Blocked)):
            world.start(other, "erratum", leavers[0], data=wrong)
    sound(world)
