"""Admission and the border of the installation, on both engines: each kind to its completion, and what stops it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import World, picture
from workflow_service import db
from workflow_service.errors import Blocked, Invalid
from workflow_service.models import Enrolment, History, SchoolClass, SchoolStage
from workflow_service.newcomers import Person
from workflow_service.requests import amend_request

IN_CLASS = date(2020, 5, 1)


def newcomer(name: str = "新来", **more: object) -> Person:
    return Person(name, "1", more.pop("birth_date", IN_CLASS), **more)  # type: ignore[arg-type]


def subject(world: World, request_id: int) -> int:
    return int(world.request(request_id).student_id)


def rules(refused: pytest.ExceptionInfo[Blocked]) -> set[str]:
    return {reason.cite.rule for reason in refused.value.reasons}


@dataclass(frozen=True)
class _Pupil:
    """Somebody who is on the register or waits for it, by his id."""

    id: int


def marks(world: World, request_id: int) -> list[str]:
    """What was noted in the trail of a request."""
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(select(History.payload).where(History.object_id == request_id)).scalars()
        return [rule for payload in rows for rule in json.loads(payload)["d"].get("marks", ())]


def graduate(world: World, code: str, name: str = "毕业生") -> Any:
    """A leaver of a primary school, his enrolment ended."""
    now = world.at
    world.go(2026, 6, 20)
    pupil = world.student(code, 7, name)  # by the coming school year; in June it is grade 6
    done = world.start(f"school{code}", "graduation", pupil)
    world.complete(done)
    world.at = now
    return pupil


def number_of(world: World, student_id: int) -> str:
    sealed = world.student_row(student_id).student_number
    return world.service.cipher.decrypt(sealed, "student.student_number")


def test_a_newcomer_is_enrolled_and_gets_a_number_of_his_own(world: World) -> None:
    world.go(2026, 9, 3)
    home = world.school_class("401", 1)
    draft = world.start(
        "school401", "enrolment", person=newcomer(), grade=1, ground="catchment_admission",
        data={"reported_on": "2026-09-01", "entered_on": "2026-09-01"},
    )  # fmt: skip
    world.upload(draft, "school401", "photo")
    done = world.complete(draft)
    pupil = subject(world, draft)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_bureau"])
    assert world.student_row(pupil).status == "attending"
    assert world.student_row(pupil).profile == {"photo": hashlib.sha256(picture()).hexdigest()}
    assert world.enrolment(pupil).class_id == home
    assert str(world.enrolment(pupil).valid_from) == "2026-09-01"
    assert world.seats(home) == (1, 0)
    assert number_of(world, pupil).startswith("L23010320200501")
    assert [entry.ended_at is None for entry in world.entries(pupil)] == [False]
    sound(world)


def test_nobody_is_registered_before_he_has_reported_or_twice(world: World) -> None:
    world.go(2026, 9, 3)
    world.school_class("401", 1)
    known = world.student("402", 1)
    identity = known.number[1:]
    draft = world.start(
        "school401", "enrolment", person=newcomer(identity_number=identity), grade=1, ground="catchment_admission",
        data={"reported_on": "2026-09-10"},
    )  # fmt: skip
    with pytest.raises(Blocked) as refused:
        world.fire(draft, "submit", "school401")
    assert rules(refused) == {"N13-05", "N13-06"}


def test_deferral_and_postponement_are_two_things(world: World) -> None:
    """BJ-10: the school alone, five working days; BJ-12: the district approves, for a year, and may be asked again."""
    world.go(2026, 9, 8)
    world.school_class("301", 1)
    late = world.start("school301", "registration_deferral", person=newcomer("迟到"), grade=1,
                       ground="cannot_report_in_time", data={"until": "2026-12-31"})  # fmt: skip
    done = world.complete(late)
    assert (done.state, done.route) == ("completed", ["awaiting_principal"])
    assert world.student_row(subject(world, late)).status == "registration_deferred"
    ill = world.start("school301", "entry_postponement", person=newcomer("缓学"), grade=1, ground="health",
                      data={"until": "2027-08-31"})  # fmt: skip
    done = world.complete(ill)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_bureau"])
    assert world.student_row(subject(world, ill)).status == "entry_postponed"
    too_late = world.start("school301", "registration_deferral", person=newcomer("太迟"), grade=1,
                           ground="cannot_report_in_time", data={"until": "2026-12-31"})  # fmt: skip
    world.go(2026, 9, 9)
    with pytest.raises(Blocked) as refused:
        world.fire(too_late, "submit", "school301")
    assert rules(refused) == {"BJ-10"}
    sound(world)


def test_in_beijing_placing_a_reported_newcomer_registers_him(world: World) -> None:
    world.go(2026, 9, 8)
    home = world.school_class("301", 1)
    late = world.start("school301", "registration_deferral", person=newcomer(), grade=1,
                       ground="cannot_report_in_time", data={"until": "2026-12-31"})  # fmt: skip
    world.complete(late)
    pupil = subject(world, late)
    world.go(2026, 9, 15)
    early = world.start("school301", "class_placement", _Pupil(pupil), grade=1, ground="placement_of_newcomers")
    world.fire(early, "submit", "school301")
    with pytest.raises(Blocked) as refused:
        world.fire(early, "approve", "school301.principal")
    assert rules(refused) == {"BJ-09"}
    world.fire(early, "recall", "school301")
    placed = world.start("school301", "class_placement", _Pupil(pupil), grade=1, ground="placement_of_newcomers",
                         data={"reported_on": "2026-09-14"})  # fmt: skip
    done = world.complete(placed)
    assert (done.state, done.route) == ("completed", ["awaiting_principal"])
    assert (world.student_row(pupil).status, world.seats(home)) == ("attending", (1, 0))
    assert number_of(world, pupil).startswith("L230102")
    assert marks(world, placed) == []
    sound(world)


def test_omitted_pupils_go_to_the_bureau_to_the_school_and_to_the_bureau_again(world: World) -> None:
    world.go(2026, 10, 12)
    world.school_class("201", 3)
    draft = world.start("school201", "omitted_pupil_entry", person=newcomer("漏录", birth_date=date(2017, 5, 1)),
                        grade=3, ground="omitted_for_special_reason")  # fmt: skip
    world.upload_all(draft, "school201")
    world.fire(draft, "submit", "school201")
    with pytest.raises(Blocked) as refused:
        world.fire(draft, "approve", "county2")
    assert rules(refused) == {"TR-10"}
    world.fire(draft, "recall", "school201")
    again = world.start("school201", "omitted_pupil_entry", _Pupil(subject(world, draft)), grade=3,
                        ground="omitted_for_special_reason", data={"omission_cause": "转入时未报送"})  # fmt: skip
    world.upload_all(again, "school201")
    world.fire(again, "submit", "school201")
    world.fire(again, "approve", "county2")
    world.fire(again, "approve", "school201", data={"entered_on": "2023-09-01"})
    world.fire(again, "approve", "county2")
    done = world.request(again)
    assert done.route == ["awaiting_bureau_consent", "awaiting_entry", "awaiting_bureau"]
    assert (done.state, world.student_row(done.student_id).status) == ("completed", "attending")
    assert str(world.enrolment(done.student_id).valid_from) == "2023-09-01"
    sound(world)


def test_who_sits_in_class_without_a_record_gets_one(world: World) -> None:
    world.go(2026, 10, 12)
    world.school_class("401", 2)
    data = {"attends_since": "2026-09-01", "record_elsewhere": False}
    draft = world.start("school401", "missing_record_creation", person=newcomer("无籍"), grade=2,
                        ground="without_record", data=data)  # fmt: skip
    done = world.complete(draft)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_bureau"])
    assert number_of(world, done.student_id).startswith("L")
    elsewhere = world.start("school401", "missing_record_creation", person=newcomer("有籍"), grade=2,
                            ground="without_record", data={**data, "record_elsewhere": True})  # fmt: skip
    with pytest.raises(Blocked) as refused:
        world.fire(elsewhere, "submit", "school401")
    assert rules(refused) == {"SYS-37"}
    sound(world)


def test_a_pupil_whom_two_schools_admitted_belongs_where_he_attends(world: World) -> None:
    world.go(2026, 9, 3)
    world.school_class("401", 1)
    first = world.start("school401", "enrolment", person=newcomer(), grade=1, ground="catchment_admission",
                        data={"reported_on": "2026-09-01"})  # fmt: skip
    pupil = subject(world, first)
    world.admit(pupil, "402")
    with pytest.raises(Blocked) as refused:
        world.fire(first, "submit", "school401")
    assert rules(refused) == {"SYS-36"}
    settled = world.start("school402", "duplicate_admission", _Pupil(pupil), grade=1, ground="admitted_twice",
                          data={"attends_here": True})  # fmt: skip
    assert world.complete(settled).state == "completed"
    open_ = [entry.school_id for entry in world.entries(pupil) if entry.ended_at is None]
    assert open_ == [world.organization("402").id]
    sound(world)


def going_on(world: World, leaver: Any, ground: str = "unified_admission") -> int:
    return world.start(
        "school104", "stage_promotion", None, student_name=leaver.name, student_number=leaver.number, grade=7,
        ground=ground, data={"entered_on": "2026-09-01"},
    )  # fmt: skip


def test_a_leaver_goes_on_under_his_number_one_to_one_with_the_list(world: World) -> None:
    world.go(2026, 9, 3)
    home = world.school_class("104", 7, "junior")
    leaver = graduate(world, "101")
    draft = going_on(world, leaver)
    with pytest.raises(Blocked) as unlisted:
        world.fire(draft, "submit", "school104")
    assert rules(unlisted) == {"NJ-04", "SYS-40"}
    world.admit(leaver.id, "104")
    done = world.complete(draft)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_bureau"])
    assert (world.student_row(leaver.id).status, world.seats(home)) == ("attending", (1, 0))
    assert number_of(world, leaver.id) == leaver.number
    assert not [entry for entry in world.entries(leaver.id) if entry.section == "admission" and entry.ended_at is None]
    with pytest.raises(Blocked) as twice:
        world.fire(world.start("school104", "stage_promotion", leaver, grade=7, ground="unified_admission"), "submit",
                   "school104")  # fmt: skip
    assert rules(twice) >= {"NJ-04", "SYS-40"}
    sound(world)


@pytest.mark.parametrize(
    ("ground", "refusing"), [("unified_admission", {"NJ-04", "SYS-40"}), ("school_admission", {"NJ-04"})]
)
def test_the_list_of_another_school_lets_no_leaver_in_here(world: World, ground: str, refusing: set[str]) -> None:
    world.go(2026, 9, 3)
    world.school_class("104", 7, "junior")
    leaver = graduate(world, "101")
    world.admit(leaver.id, "404")
    with pytest.raises(Blocked) as refused:
        world.fire(going_on(world, leaver, ground), "submit", "school104")
    assert rules(refused) == refusing
    sound(world)


def test_to_another_province_the_bureau_of_the_old_school_decides_as_well(world: World) -> None:
    world.go(2026, 9, 3)
    world.school_class("404", 7, "junior")
    leaver = graduate(world, "901")
    draft = world.start(
        "school404", "stage_promotion", None, student_name=leaver.name, student_number=leaver.number, grade=7,
        ground="after_graduation",
    )  # fmt: skip
    done = world.complete(draft)
    assert done.route == ["awaiting_principal", "awaiting_bureau", "awaiting_origin_bureau", "awaiting_record"]
    assert (done.state, world.student_row(leaver.id).status) == ("completed", "attending")
    sound(world)


def test_from_outside_the_bureau_stamps_first_and_a_late_entry_is_marked(world: World) -> None:
    world.go(2026, 9, 3)
    home = world.school_class("101", 2)
    number = "G23118120180501001X"
    draft = world.start(
        "school101", "transfer_from_outside", person=newcomer("外来", student_number=number), grade=2,
        ground="from_outside", data={"outside_school": "外省某小学"},
    )  # fmt: skip
    world.upload_all(draft, "school101")
    world.fire(draft, "submit", "school101")
    assert (world.request(draft).state, world.seats(home)) == ("awaiting_bureau", (0, 1))
    world.fire(draft, "approve", "county1")
    world.go(2026, 9, 7)
    world.fire(draft, "approve", "school101", data={"arrived_on": "2026-09-04"})
    done = world.request(draft)
    assert (done.state, done.route) == ("completed", ["awaiting_bureau", "awaiting_entry"])
    assert str(world.enrolment(done.student_id).valid_from) == "2026-09-04"
    assert number_of(world, done.student_id) == number
    assert marks(world, draft) == ["NJ-14"]
    with pytest.raises(Invalid):
        world.start("school101", "transfer_from_outside", person=newcomer("再来", student_number=number), grade=2,
                    ground="from_outside")  # fmt: skip
    sound(world)


def test_to_outside_the_enrolment_ends_when_the_other_side_has_the_pupil(world: World) -> None:
    world.go(2026, 9, 3)
    pupil = world.student("101", 3)
    home = world.enrolment(pupil.id).class_id
    unused = world.start("school101", "transfer_to_outside", pupil, ground="to_outside",
                         data={"outside_school": "外省某小学"})  # fmt: skip
    world.upload_all(unused, "school101")
    for username, event in (("school101", "submit"), ("school101.principal", "approve"), ("county1", "approve")):
        world.fire(unused, event, username)
    assert world.student_row(pupil.id).status == "attending"
    world.fire(unused, "recall", "school101")
    draft = world.start("school101", "transfer_to_outside", pupil, ground="to_outside",
                        data={"outside_school": "外省某小学"})  # fmt: skip
    world.go(2026, 9, 15)
    done = world.complete(draft, data={"other_side_received_on": "2026-09-14"})
    assert done.route == ["awaiting_principal", "awaiting_bureau", "awaiting_acceptance"]
    assert world.student_row(pupil.id).status == "transferred_out"
    assert world.seats(home) == (0, 0)
    with db.reading(world.service.engine) as connection:
        ended = connection.execute(select(Enrolment.valid_to).where(Enrolment.student_id == pupil.id)).scalar_one()
    assert str(ended) == "2026-09-14"
    sound(world)


def test_a_nenjiang_class_of_forty_five_takes_no_newcomer_and_a_week_is_marked(world: World) -> None:
    world.go(2026, 9, 10)
    world.school_class("101", 1)
    data = {"reported_on": "2026-09-01", "entered_on": "2026-09-01", "guardian_register_in_catchment": True}
    draft = world.start("school101", "enrolment", person=newcomer(), grade=1, ground="catchment_admission", data=data)
    world.complete(draft)
    assert marks(world, draft) == ["NJ-03"]
    for number in range(44):
        world.student("101", 1, name=f"同学{number}")
    full = world.start("school101", "enrolment", person=newcomer("第四十六"), grade=1, ground="catchment_admission",
                       data=data)  # fmt: skip
    with pytest.raises(Blocked) as refused:
        world.fire(full, "submit", "school101")
    assert rules(refused) == {"NJ-06"}
    world.go(2026, 9, 16)
    with pytest.raises(Blocked) as refused:
        world.fire(full, "submit", "school101")
    assert rules(refused) == {"NJ-06", "NJ-08"}
    sound(world)


def test_in_the_catchment_a_child_is_six_by_the_last_of_august(world: World) -> None:
    world.go(2026, 9, 3)
    world.school_class("201", 1)
    for born, refused_by in ((date(2020, 9, 1), {"TR-12"}), (date(2020, 8, 31), set())):
        draft = world.start("school201", "enrolment", person=newcomer(f"生于{born.month}月", birth_date=born), grade=1,
                            ground="catchment_admission", data={"reported_on": "2026-09-01"})  # fmt: skip
        if refused_by:
            with pytest.raises(Blocked) as refused:
                world.fire(draft, "submit", "school201")
            assert rules(refused) == refused_by
        else:
            assert world.fire(draft, "submit", "school201").state == "awaiting_principal"


def test_siblings_who_are_enrolled_both_get_a_place_in_class_and_school_or_the_school_knows(world: World) -> None:
    """A class of forty-five in Nenjiang (NJ-06), a total of places in Beijing (BJ-03)."""
    world.go(2026, 9, 3)
    for code, rule in (("101", "NJ-06"), ("301", "BJ-03")):
        home = world.school_class(code, 1)
        with db.begin(world.service.engine) as connection:
            school = SchoolStage.school_id == world.organization(code).id, SchoolStage.stage == "primary"
            if code == "101":
                connection.execute(update(SchoolClass).where(SchoolClass.id == home).values(attending=44))
                connection.execute(update(SchoolStage).where(*school).values(attending=44))
            else:
                connection.execute(update(SchoolStage).where(*school).values(quota=1))
        data = {"reported_on": "2026-09-01", "entered_on": "2026-09-01", "guardian_register_in_catchment": True}
        if code == "301":
            del data["guardian_register_in_catchment"]
        drafts = [
            world.start(f"school{code}", "enrolment", person=newcomer(name), grade=1, ground="catchment_admission",
                        data=data) for name in ("兄", "弟")
        ]  # fmt: skip
        linked = {**data, "sibling_request": world.request(drafts[0]).number}
        amended(world, drafts[1], f"school{code}", linked)
        assert against(world, drafts[1], f"school{code}") == {"WS-170"}
        amended(world, drafts[1], f"school{code}", {**linked, "siblings_apart": True})
        world.fire(drafts[1], "submit", f"school{code}")
        assert against(world, drafts[0], f"school{code}") == {rule}


def amended(world: World, request_id: int, username: str, data: dict[str, Any]) -> None:
    amend_request(world.service, request_id, world.actor(username), world.request(request_id).version, {"data": data})


def against(world: World, request_id: int, username: str) -> set[str]:
    with pytest.raises(Blocked) as refused:
        world.fire(request_id, "submit", username)
    return rules(refused)
