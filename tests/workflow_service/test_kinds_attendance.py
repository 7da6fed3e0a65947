"""In school and away from it, on both engines: each kind from draft to completion, and what it wrote."""

from datetime import date

import pytest
from sqlalchemy import update

from states.calendar import day_opens
from tests.workflow_service.test_sweeps import history
from tests.workflow_service.world import Pupil, World
from workflow_service.check import check
from workflow_service.completion import AFTERWARDS, EFFECTS, Completing, Effect
from workflow_service.db import begin
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked
from workflow_service.models import Student
from workflow_service.models.columns import to_micros
from workflow_service.requests import check_request, create_request
from workflow_service.sweeps import catch_up, close_ended, end_guests
from workflow_service.views.requests import request_view


def sound(world: World) -> None:
    """Every invariant holds."""
    assert list(check(world.service)) == []


def senior(world: World, grade: int = 10) -> Pupil:
    pupil: Pupil = world.student("205", grade, stage="senior")
    return pupil


def refused(world: World, request_id: int, username: str, event: str = "submit") -> set[str]:
    """The rules that say no."""
    with pytest.raises(Blocked) as blocked:
        world.fire(request_id, event, username)
    return {reason.cite.rule for reason in blocked.value.reasons}


def test_a_suspension_is_extended_and_ends_with_the_resumption(world: World) -> None:
    pupil = world.student("201", 3)
    world.complete(world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"}))
    world.go(2027, 7, 20)
    longer = {"until": "2028-07-31", "effective_on": "2027-07-31"}
    world.complete(world.start("school201", "suspension_extension", pupil, ground="still_ill", data=longer))
    world.go(2027, 7, 31)
    catch_up(world.service, world.at)
    assert [entry.ended_at is None for entry in world.entries(pupil.id)] == [False, True]
    assert world.student_row(pupil.id).status == "suspended"
    world.go(2028, 2, 24)
    early = world.start("school201", "resumption", pupil, ground="other")
    assert refused(world, early, "school201") == {"X-07"}
    world.fire(early, "recall", "school201")
    world.complete(world.start("school201", "resumption", pupil, ground="recovered"))
    assert world.student_row(pupil.id).status == "attending"
    sound(world)


def test_halt_retention_and_other_leaving_end_with_a_way_back(world: World) -> None:
    for ground, kind, back, status in (
        ("other", "halt", "other", "halted"),
        ("left_otherwise", "halt", "back_from_elsewhere", "other"),
        ("enlistment", "record_retention", "retained_record", "record_retained"),
    ):
        pupil = senior(world)
        away = world.start("school205", kind, pupil, ground=ground, data={"until": "2027-07-31", "ground_text": "求职"})
        world.complete(away)
        assert world.student_row(pupil.id).status == status
        world.complete(world.start("school205", "resumption", pupil, ground=back)) if back != "other" else None
    sound(world)


def test_nobody_leaves_or_is_expelled_in_the_compulsory_stages(world: World) -> None:
    pupil = world.student("201", 3)
    leaving = world.start("school201", "leaving", pupil, ground="own_wish")
    assert refused(world, leaving, "school201") == {"N25-16"}
    expulsion = world.start(
        "school201", "expulsion", pupil, ground="grave_breach", data={"sanctioned_on": "2026-08-20"}
    )
    assert refused(world, expulsion, "school201") == {"X-02"}
    halt = world.start("school201", "halt", pupil, ground="other")
    assert refused(world, halt, "school201") == {"WS-37"}


def test_a_pupil_of_a_senior_school_leaves_and_another_is_expelled(world: World) -> None:
    one, other = senior(world), senior(world)
    home = world.enrolment(one.id).class_id
    done = world.complete(world.start("school205", "leaving", one, ground="own_wish"))
    assert (done.state, world.student_row(one.id).status) == ("completed", "left")
    data = {"sanctioned_on": "2026-08-20"}
    world.complete(world.start("school205", "expulsion", other, ground="grave_breach", data=data))
    assert world.student_row(other.id).status == "expelled"
    assert world.seats(home) == (0, 0)
    sound(world)


def test_a_dropout_keeps_the_record_and_comes_back_into_a_place(world: World) -> None:
    pupil = world.student("201", 3)
    home = world.enrolment(pupil.id).class_id
    told = {"absent_since": "2026-07-01", "family_contacted": True, "dropout_cause": "work", "migrant_child": True,
            "township_told_on": "2026-08-20", "home_county": "嫩江县"}  # fmt: skip
    soon = world.start("school201", "dropout_report", pupil, data={**told, "absent_since": "2026-08-01"})
    assert refused(world, soon, "school201") == {"X-01"}
    world.fire(soon, "recall", "school201")
    done = world.complete(world.start("school201", "dropout_report", pupil, data=told))
    assert (done.route, world.student_row(pupil.id).status) == (
        ["awaiting_principal", "awaiting_filing"],
        "dropped_out",
    )
    assert world.enrolment(pupil.id).class_id == home
    assert world.seats(home) == (0, 0)
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.data["home_county"]) == ("dropout", "嫩江县")
    world.complete(world.start("school201", "dropout_return", pupil, ground="other"))
    assert (world.student_row(pupil.id).status, world.seats(home)) == ("attending", (1, 0))
    sound(world)


def test_a_missing_pupil_is_reported_and_found(world: World) -> None:
    pupil = world.student("201", 3)
    world.complete(world.start("school201", "missing_report", pupil, data={"last_seen_on": "2026-08-20"}))
    assert world.student_row(pupil.id).status == "missing"
    world.complete(world.start("school201", "dropout_return", pupil, ground="found"))
    assert world.student_row(pupil.id).status == "attending"
    sound(world)


def test_a_pupil_goes_abroad_and_returns_into_the_grade_of_the_learning_record(world: World) -> None:
    pupil, lower = world.student("201", 3), world.school_class("201", 2)
    world.complete(world.start("school201", "going_abroad", pupil, ground="other", data={"country": "法国"}))
    assert world.student_row(pupil.id).status == "abroad"
    world.complete(world.start("school201", "return_from_abroad", pupil, grade=2))
    assert world.student_row(pupil.id).status == "attending"
    assert world.enrolment(pupil.id).class_id == lower
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.ended_at is None) == ("abroad", False)
    sound(world)


def test_a_change_of_class_moves_the_held_place(world: World) -> None:
    pupil, there = world.student("201", 3), world.school_class("201", 3, sequence=2)
    home = world.enrolment(pupil.id).class_id
    same = world.start("school201", "class_change", pupil)
    assert refused(world, same, "school201") == {"WS-159"}
    world.fire(same, "recall", "school201")
    nowhere = world.start("school201", "class_change", pupil, data={"class_name": "9班"})
    assert refused(world, nowhere, "school201") == {"WS-32"}
    world.fire(nowhere, "recall", "school201")
    change = world.start("school201", "class_change", pupil, data={"class_name": "2班"})
    world.fire(change, "submit", "school201")
    assert (world.seats(home), world.seats(there)) == ((1, 0), (0, 1))
    world.complete(change)
    assert (world.seats(home), world.seats(there)) == ((0, 0), (1, 0))
    assert world.student_row(pupil.id).status == "attending"
    sound(world)


def test_a_grade_is_skipped_once_in_a_stage(world: World) -> None:
    pupil, above = world.student("201", 3), world.school_class("201", 4)
    world.school_class("201", 5)
    two = world.start("school201", "skip_grade", pupil, grade=5)
    assert refused(world, two, "school201") == {"X-02"}
    world.fire(two, "recall", "school201")
    world.complete(world.start("school201", "skip_grade", pupil, grade=4))
    assert world.enrolment(pupil.id).class_id == above
    again = world.start("school201", "skip_grade", pupil, grade=5)
    assert refused(world, again, "school201") == {"X-02"}
    sound(world)


def test_two_in_a_hundred_of_grade_eleven_repeat_and_nobody_in_the_compulsory_stages(world: World) -> None:
    child = world.student("201", 3)
    world.school_class("201", 2)
    assert refused(world, world.start("school201", "repeat_grade", child, grade=2), "school201") == {"TR-14"}
    pupils = [senior(world, 11) for _ in range(50)]
    below = world.school_class("205", 10, stage="senior")
    world.complete(world.start("school205", "repeat_grade", pupils[0], grade=10))
    assert world.enrolment(pupils[0].id).class_id == below
    second = world.start("school205", "repeat_grade", pupils[1], grade=10)
    assert refused(world, second, "school205") == {"X-03"}
    sound(world)


def hosted(world: World, pupil: Pupil, **more: object) -> int:
    """A draft of a guest attendance at school 202."""
    host = world.organization("202").id
    return create_request(
        world.service, world.actor("school202"),
        NewRequest(kind="guest_attendance", destination_school_id=host, grade=pupil.grade, student_name=pupil.name,
                   student_number=pupil.number, **more))  # fmt: skip


def test_a_guest_has_one_enrolment_counts_in_the_hosts_class_and_leaves_on_the_last_day(world: World) -> None:
    pupil, there = world.student("201", 3), world.school_class("202", 3)
    home = world.enrolment(pupil.id).class_id
    stay = hosted(world, pupil, ground="other", data={"until": "2026-12-31"})
    world.complete(stay)
    assert world.enrolment(pupil.id).class_id == home
    assert (world.seats(home), world.seats(there)) == ((1, 0), (0, 1))
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.school_id, entry.ended_at) == ("guest", world.organization("202").id, None)
    second = hosted(world, pupil, ground="other", data={"until": "2026-12-31"})
    assert refused(world, second, "school202") == {"WS-153"}
    sound(world)
    world.go(2026, 12, 31, 23)
    assert end_guests(world.service, world.at) == 0
    world.go(2027, 1, 1, 0)
    assert (end_guests(world.service, world.at), end_guests(world.service, world.at)) == (1, 0)
    [entry] = world.entries(pupil.id)
    assert str(entry.valid_to) == "2027-01-01"
    assert world.seats(there) == (0, 0)
    sound(world)


def test_a_guest_who_returns_gives_the_place_back(world: World) -> None:
    pupil, there = world.student("201", 3), world.school_class("202", 3)
    back = NewRequest(
        kind="guest_attendance", destination_school_id=world.organization("202").id, grade=pupil.grade,
        student_name=pupil.name, student_number=pupil.number, ground="guest_returned",
    )  # fmt: skip
    early = check_request(world.service, world.actor("school202"), back).blocked
    assert [reason.cite.rule for reason in early] == ["WS-151"]
    world.complete(hosted(world, pupil, ground="other", data={"until": "2027-07-31"}))
    assert check_request(world.service, world.actor("school202"), back).blocked == (), "the pre-check reads entries"
    world.complete(hosted(world, pupil, ground="guest_returned"))
    assert world.seats(there) == (0, 0)
    assert [entry.ended_at is None for entry in world.entries(pupil.id)] == [False]
    sound(world)


def test_a_guest_s_place_is_free_after_a_reversal_and_held_again_after_that_of_his_return(world: World) -> None:
    pupil, there = world.student("201", 3), world.school_class("202", 3)
    stay = world.complete(hosted(world, pupil, ground="other", data={"until": "2027-07-31"}))
    back = world.complete(hosted(world, pupil, ground="guest_returned"))
    why = {"reverses": back.number, "why_wrong": "没有返回"}
    world.go(2026, 8, 25)
    world.complete(world.start("school201", "reversal", pupil, data=why))
    assert world.seats(there) == (0, 1)
    assert [entry.ended_at is None for entry in world.entries(pupil.id)] == [False, True]
    sound(world)
    world.go(2026, 8, 26)
    why = {"reverses": stay.number, "why_wrong": "没有借读"}
    world.complete(world.start("school201", "reversal", pupil, data=why))
    assert world.seats(there) == (0, 0)
    assert [entry for entry in world.entries(pupil.id) if entry.ended_at is None] == []
    sound(world)


def test_a_death_closes_what_is_open_and_says_why(world: World) -> None:
    pupil, there = world.student("201", 3), world.school_class("202", 3)
    moving = world.draft("school202", pupil, "202", ground="moved_house", data={"handed_over_on": "2026-08-01"})
    world.fire(moving, "submit", "school202")
    draft = world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"})
    assert world.seats(there) == (0, 1)
    death = world.complete(world.start("school201", "death_report", pupil, data={"died_on": "2026-08-01"}))
    assert world.student_row(pupil.id).status == "deceased"
    assert (world.request(moving).state, world.request(draft).state) == ("expired", "expired")
    assert world.seats(there) == (0, 0)
    last = request_view(world.service, moving, world.actor("school202"))["history"][-1]
    assert (last["event"], last["reason"]) == ("expire", "WS-19")
    assert death.number in last["comment"]
    marks = request_view(world.service, death.id, world.actor("school201"))["history"]
    assert [mark["rule"] for row in marks for mark in row["marks"]] == ["N13-25"]
    sound(world)


def test_what_the_completing_process_left_open_the_sweep_closes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pupil = world.student("201", 3)
    moving = world.draft("school202", pupil, "202", ground="moved_house", data={"handed_over_on": "2026-08-01"})
    world.school_class("202", 3)
    world.fire(moving, "submit", "school202")
    monkeypatch.setitem(AFTERWARDS, "death_report", lambda *_: None)
    world.complete(world.start("school201", "death_report", pupil, data={"died_on": "2026-08-20"}))
    assert world.request(moving).open
    assert (close_ended(world.service), close_ended(world.service)) == (1, 0)
    assert world.request(moving).state == "expired"
    sound(world)


def test_under_nenjiang_a_suspended_pupil_returns_into_a_class_of_fifty_five_at_most(world: World) -> None:
    pupil = world.student("101", 3)
    world.complete(world.start("school101", "suspension", pupil, ground="illness", data={"until": "2027-07-31"}))
    for _ in range(55):
        world.student("101", 3)
    back = world.start("school101", "resumption", pupil, ground="recovered")
    assert refused(world, back, "school101") == {"NJ-07"}
    world.school_class("101", 3, sequence=2)
    world.fire(back, "recall", "school101")
    other = world.start("school101", "resumption", pupil, ground="recovered", data={"class_name": "2班"})
    world.complete(other)
    assert world.enrolment(pupil.id).class_id == world.school_class("101", 3, sequence=2)
    sound(world)


def decided_ahead(world: World, pupil: Pupil) -> int:
    """A suspension that everybody has decided, and that counts from 21 September only."""
    data = {"until": "2027-07-31", "effective_on": "2026-09-21"}
    later = world.start("school201", "suspension", pupil, ground="illness", data=data)
    world.complete(later)
    return later


def test_what_counts_from_a_later_day_takes_effect_on_that_day(world: World) -> None:
    """生效日期 (WS-202): decided now, complete on its day; the status, the roll and other requests wait with it."""
    pupil = world.student("201", 3)
    later = decided_ahead(world, pupil)
    row = world.request(later)
    assert (row.state, row.final, row.wake_event) == ("awaiting_effective_day", False, "take_effect")
    assert world.student_row(pupil.id).status == "attending"
    assert not world.entries(pupil.id)
    again = world.start("school201", "halt", pupil, ground="other")
    assert "WS-30" in refused(world, again, "school201")
    sound(world)
    world.go(2026, 9, 20, 23)
    assert catch_up(world.service, world.at).effective == 0
    world.go(2026, 9, 22)
    assert catch_up(world.service, world.at).effective == 1
    assert catch_up(world.service, world.at).effective == 0
    done = world.request(later)
    assert (done.state, world.student_row(pupil.id).status) == ("completed", "suspended")
    assert done.completed_at == to_micros(day_opens(date(2026, 9, 21))), "the day itself, however late the sweep came"
    (entry,) = world.entries(pupil.id)
    assert entry.valid_from == date(2026, 9, 21)
    sound(world)


def test_until_its_day_it_is_taken_back_and_a_death_ends_it(world: World) -> None:
    taken, ended = world.student("201", 3), world.student("201", 3)
    requests = [decided_ahead(world, pupil) for pupil in (taken, ended)]
    world.fire(requests[0], "recall", "school201")
    world.complete(world.start("school201", "death_report", ended, data={"died_on": "2026-08-20"}))
    assert [world.request(request_id).state for request_id in requests] == ["recalled", "expired"]
    world.go(2026, 9, 22)
    catch_up(world.service, world.at)
    assert [world.student_row(pupil.id).status for pupil in (taken, ended)] == ["attending", "deceased"]
    sound(world)


def test_on_its_day_the_status_is_asked_once_more(world: World) -> None:
    """A record that was merged or put right by hand meanwhile: the request ends with the rule that refuses it."""
    pupil = world.student("201", 3)
    later = decided_ahead(world, pupil)
    with begin(world.service.engine) as connection:
        connection.execute(update(Student).where(Student.id == pupil.id).values(status="halted"))
    world.go(2026, 9, 22)
    catch_up(world.service, world.at)
    last = history(world, later)[-1]
    assert (world.request(later).state, last.event) == ("expired", "expire")
    assert world.student_row(pupil.id).status == "halted"


def test_one_that_cannot_take_effect_holds_up_nothing_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, well = world.student("201", 3), world.student("201", 3)
    first, second = decided_ahead(world, stuck), decided_ahead(world, well)
    draft = world.start("school201", "halt", world.student("201", 3), ground="other")

    def failing(completing: Completing) -> Effect:
        if completing.row["id"] == first:
            raise RuntimeError("the effect cannot be worked out")
        return Effect()

    world.go(2026, 12, 1)
    with monkeypatch.context() as patched:
        patched.setitem(EFFECTS, "suspension", failing)
        done = catch_up(world.service, world.at)
    assert (done.effective, done.expired) == (1, 1), "neither the other one nor a later deadline waits for it"
    assert [world.request(id_).state for id_ in (first, second, draft)] == [
        "awaiting_effective_day", "completed", "expired"]  # fmt: skip
    assert f"request {first} did not take effect" in caplog.text
    assert catch_up(world.service, world.at).effective == 1
    assert world.student_row(stuck.id).status == "suspended"
    sound(world)
