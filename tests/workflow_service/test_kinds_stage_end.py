"""Promotion and the end of a stage, on both engines: what a completion writes, and what it leaves alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import World
from workflow_service.errors import Blocked, Forbidden, Invalid
from workflow_service.models.columns import iso
from workflow_service.papers import code_of, issue_paper, paper_view, papers_of
from workflow_service.requests import amend_request
from workflow_service.views.papers import verified_paper


def refused(world: World, request_id: int, username: str, event: str = "submit") -> list[str]:
    """The rules that refuse an event."""
    with pytest.raises(Blocked) as found:
        world.fire(request_id, event, username)
    return [reason.cite.rule for reason in found.value.reasons]


def test_a_graduate_has_a_numbered_certificate_until_the_graduation_is_undone(world: World) -> None:
    world.go(2027, 6, 20)
    pupil = world.student("202", 6)
    other = world.student("202", 6, name="沈知远")
    home = world.enrolment(pupil.id).class_id
    assert refused(world, world.start("school202", "finishing_without_diploma", pupil,
                                      data={"all_courses_passed": False}), "school202") == ["SYS-49"]  # fmt: skip

    done = world.complete(world.start("school202", "graduation", pupil))
    assert (done.state, done.route) == ("completed", ["awaiting_principal"])
    assert world.student_row(pupil.id).status == "graduated"
    assert world.seats(home) == (1, 0)
    [entry] = world.entries(pupil.id)
    assert entry.data == {"certificate": "graduation_certificate", "number": "2022027100001"}
    [paper] = papers_of(world.service, done.id, world.actor("school202"))[:1]
    assert (paper["kind"], paper["number"]) == ("graduation_certificate", "2022027100001")
    second = world.complete(world.start("school202", "graduation", other))
    assert world.entries(other.id)[0].data["number"] == "2022027100002"
    sound(world)

    back = world.start("school202", "graduation_undo", pupil)
    world.upload_all(back, "school202")
    world.fire(back, "submit", "school202")
    assert world.seats(home) == (0, 1)
    world.complete(back)
    assert world.student_row(pupil.id).status == "attending"
    assert world.enrolment(pupil.id).class_id == home
    assert world.entries(pupil.id)[0].ended_at is not None
    assert second.state == "completed"
    sound(world)


def test_a_certificate_that_was_taken_back_says_so(world: World) -> None:
    world.go(2027, 6, 20)
    pupil = world.student("202", 6)
    done = world.complete(world.start("school202", "graduation", pupil))
    code = code_of(world.service, done.id, "graduation_certificate")
    found = verified_paper(world.service, code)
    assert (found["number"], found["void_since"]) == ("2022027100001", None)
    issue_paper(world.service, done.id, world.actor("school202"), "credential_proof")
    kinds = [row["kind"] for row in papers_of(world.service, done.id, world.actor("school202"))]
    assert kinds == ["graduation_certificate", "credential_proof"]
    span = paper_view(world.service, done.id, world.actor("school202"), "graduation_certificate")["student"]
    assert (span["from"], span["to"], span["student_number"]) == ("2023-09-01", "2027-06-20", pupil.number)
    undone = world.complete(world.start("school202", "graduation_undo", pupil))
    shown = paper_view(world.service, done.id, world.actor("school202"), "graduation_certificate")
    assert (shown["void"], shown["student"]["to"]) == (True, "2027-06-20")
    with pytest.raises(Forbidden):
        issue_paper(world.service, done.id, world.actor("school202"), "credential_proof")
    assert verified_paper(world.service, code)["void_since"] == iso(undone.completed_at)

    world.go(2027, 6, 21)
    why = {"reverses": undone.number, "why_wrong": "确已毕业"}
    world.complete(world.start("school202", "reversal", pupil, data=why))
    assert verified_paper(world.service, code)["void_since"] is None
    assert paper_view(world.service, done.id, world.actor("school202"), "graduation_certificate")["void"] is False


def test_what_is_entered_late_goes_to_the_bureau(world: World) -> None:
    world.go(2027, 8, 3)
    pupil = world.student("202", 6)
    late = world.start("school202", "graduation", pupil)
    assert refused(world, late, "school202") == ["SYS-43"]
    world.fire(late, "recall", "school202")
    allowed = world.complete(world.start("school202", "graduation", pupil, data={"late_entry": True}))
    assert allowed.route == ["awaiting_principal", "awaiting_bureau"]
    assert refused(world, world.start("school202", "graduation", world.student("202", 5), data={"late_entry": True}),
                   "school202") == ["SYS-43"]  # fmt: skip


def test_a_senior_school_applies_and_its_bureau_confirms(world: World) -> None:
    world.go(2027, 6, 20)
    seniors = [world.student("205", 12, name=name, stage="senior") for name in ("林一", "林二", "林三", "林四")]
    kinds = {
        "graduation": ({"all_courses_passed": True}, "graduated", "graduation_certificate"),
        "finishing_without_diploma": (
            {"all_courses_passed": False},
            "finished_without_diploma",
            "finishing_certificate",
        ),
        "leaving_with_record": ({"entered_on": "2023-09-01"}, "left_with_record", "leaving_certificate"),
        "early_graduation": ({"all_courses_passed": True}, "graduated", "graduation_certificate"),
    }
    for pupil, (kind, (data, status, paper)) in zip(seniors, kinds.items(), strict=True):
        done = world.complete(world.start("school205", kind, pupil, data=data))
        assert done.route == ["awaiting_principal", "awaiting_bureau"]
        assert world.student_row(pupil.id).status == status
        assert world.entries(pupil.id)[0].data["certificate"] == paper
    sound(world)


def test_who_is_away_does_not_graduate(world: World) -> None:
    world.go(2027, 6, 20)
    away = world.student("202", 6, status="suspended")
    assert refused(world, world.start("school202", "graduation", away), "school202") == ["SYS-48"]


def test_a_promotion_counts_from_the_new_school_year_and_is_recorded_once(world: World) -> None:
    world.go(2027, 7, 10)
    pupil = world.student("202", 3)
    world.complete(world.start("school202", "promotion", pupil))
    [entry] = world.entries(pupil.id)
    assert str(entry.valid_from) == "2027-08-11"
    assert entry.data == {"school_year": 2027, "from_grade": 3, "to_grade": 4, "effective_on": "2027-08-11"}
    assert world.student_row(pupil.id).status == "attending"
    sound(world)
    again = world.start("school202", "promotion", pupil)
    world.go(2027, 8, 11)
    assert refused(world, again, "school202") == ["SYS-44", "SYS-44"]


def test_a_correction_does_not_leave_out_whoever_must_decide(world: World) -> None:
    world.go(2027, 6, 20)
    pupil = world.student("202", 6)
    returned = world.start("school202", "graduation", pupil, data={"late_entry": True})
    world.fire(returned, "submit", "school202")
    world.fire(returned, "return", "school202.principal", comment="不是补办")
    row = world.request(returned)
    with pytest.raises(Invalid) as refused_:
        amend_request(world.service, returned, world.actor("school202"), row.version, {"data": {"late_entry": False}})
    assert [error["field"] for error in refused_.value.errors] == ["data.late_entry"]
    amend_request(world.service, returned, world.actor("school202"), row.version, {"data": {"text": "确系补办"}})


def test_graduations_at_the_same_moment_get_numbers_of_their_own(world: World) -> None:
    world.go(2027, 6, 20)
    drafts = [world.start("school202", "graduation", world.student("202", 6, name=name)) for name in "甲乙丙丁"]
    for draft in drafts:
        world.fire(draft, "submit", "school202")
    with ThreadPoolExecutor(4) as pool:
        fired = list(pool.map(lambda draft: world.fire(draft, "approve", "school202.principal"), drafts))
    assert {one.state for one in fired} == {"completed"}
    numbers = {world.entries(world.request(draft).student_id)[0].data["number"] for draft in drafts}
    assert numbers == {f"20220271{serial:05}" for serial in range(1, 5)}
    sound(world)
