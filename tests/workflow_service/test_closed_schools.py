"""A school that closes, on both engines: nobody arrives at the same moment, nothing begins there, what is open ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.workflow_service.test_duplicates import pair, record, say
from tests.workflow_service.test_kinds_admission import graduate
from tests.workflow_service.test_kinds_schools import about, follow, merge
from tests.workflow_service.test_races import ROUNDS, at_once, one_won, sending
from tests.workflow_service.world import World
from workflow_service import db, transitions
from workflow_service.check import check
from workflow_service.duplicates import undo
from workflow_service.errors import Blocked, Invalid, Stale
from workflow_service.grants import create_account
from workflow_service.models import Enrolment, Request, SchoolClass
from workflow_service.students import NewStudent, register
from workflow_service.sweeps import close_ended, end_guests
from workflow_service.views.requests import request_view

MOVED = {"ground": "other", "data": {"ground_text": "随父母迁居"}}


@pytest.fixture(autouse=True)
def _sound(world: World) -> Iterator[None]:
    yield
    assert check(world.service) == []


def closing(world: World, code: str = "403", submit: bool = True) -> int:
    """A request to close a school for good, one approval before its end."""
    draft = about(world, "county4", "organization_change", code, ground="closing", data={"archive_unit": "县档案馆"})
    world.upload_all(draft, "county4")
    if submit:
        world.fire(draft, "submit", "county4")
    return draft


def close(world: World, code: str = "403") -> int:
    request_id = closing(world, code)
    assert world.fire(request_id, "approve", "city2").state == "completed"
    return request_id


def found(world: World, code: str) -> int:
    """One more school of county4, founded as a bureau founds it, with a class of grade three."""
    data = {"school_code": code, "school_name": f"示例{code}小学", "school_type": "小学", "school_nature": "普通学校",
            "run_by": "government", "campuses": "一校区", "years_primary": 6}  # fmt: skip
    world.complete(about(world, "county4", "organization_change", "county4", ground="founding", data=data))
    with db.begin(world.service.engine) as connection:
        create_account(connection, world.service, username=f"school{code}", name="学籍员", password_hash="x",
                       organization_id=world.organization(code).id, roles=("registrar",))  # fmt: skip
    return world.school_class(code, 3)


def left_in(world: World, code: str) -> int:
    """How many sit in a school, or have a request open about it."""
    school = world.organization(code).id
    with db.reading(world.service.engine) as connection:
        here = select(func.count()).select_from(Enrolment)
        sitting = connection.execute(here.where(Enrolment.school_id == school, Enrolment.ended_at.is_(None))).scalar()
        named = (Request.destination_school_id == school) & Request.open & Request.student_id.is_not(None)
        return int(sitting or 0) + int(
            connection.execute(select(func.count()).select_from(Request).where(named)).scalar() or 0
        )


def refusal(world: World, request_id: int, event: str, username: str) -> Any:
    with pytest.raises(Blocked) as refused:
        world.fire(request_id, event, username)
    return refused.value


@ROUNDS
def test_a_transfer_that_is_submitted_and_the_closing_of_its_school_never_both_happen(
    world: World, rounds: int
) -> None:
    won = []
    for number in range(rounds):
        code = f"48{number}"
        found(world, code)
        arrival = world.draft(f"school{code}", world.student("402", 3), code, **MOVED)
        request_id = closing(world, code)
        results = at_once(
            sending(world, request_id, "approve", "city2"), sending(world, arrival, "submit", f"school{code}")
        )
        assert one_won(results, Blocked, Stale), results  # Stale: the closing has ended the draft by then.
        closed = not world.organization(code).active
        assert closed == (left_in(world, code) == 0)
        won.append(closed)


@ROUNDS
@pytest.mark.parametrize("status", ["attending", "suspended"])
def test_a_pupil_who_is_imported_and_the_closing_of_his_school_never_both_happen(
    world: World, rounds: int, status: str
) -> None:
    def comes(code: str, number: int) -> None:
        new = NewStudent(
            name="导入生", sex="1", birth_date=date(2017, 5, 1), identity_type="1", identity_number=None,
            student_number=f"L{number:018}", status=status, school_id=world.organization(code).id,
            class_id=world.school_class(code, 3), stage="primary", valid_from=date(2023, 9, 1))  # fmt: skip
        db.run_tx(world.service.engine, lambda tx: register(tx, world.service, [new], None))

    for number in range(rounds):
        code = f"48{number}"
        found(world, code)
        request_id = closing(world, code)
        results = at_once(sending(world, request_id, "approve", "city2"), partial(comes, code, number))
        assert one_won(results, Blocked, Invalid), results
        assert (not world.organization(code).active) == (left_in(world, code) == 0)


def test_a_transfer_that_is_undone_and_the_closing_of_the_school_that_was_left_never_both_happen(world: World) -> None:
    """The request is the other school's: only the school's own row tells the two of each other."""
    pupil = world.student("403", 3)
    world.school_class("402", 3)
    moved = world.complete(world.draft("school402", pupil, "402", **MOVED), data={"arrived_on": "2026-08-24"})
    undo = world.start("school402", "reversal", pupil, data={"reverses": moved.number, "why_wrong": "办错了"})
    world.upload_all(undo, "school402")
    world.fire(undo, "submit", "school402")
    while world.request(undo).state != world.request(undo).route[-1]:
        username, event = world.decider(undo)
        world.fire(undo, event, username)
    request_id = closing(world)
    username, event = world.decider(undo)
    results = at_once(sending(world, request_id, "approve", "city2"), sending(world, undo, event, username))
    assert one_won(results, Blocked), results
    assert (not world.organization("403").active) == (left_in(world, "403") == 0)


def test_nothing_begins_at_a_closed_school_and_where_to_turn_is_said(world: World) -> None:
    closed = world.organization("403").name
    before = world.draft("school403", world.student("402", 3), "403", **MOVED)
    close(world)
    for later in (0, 1):
        world.at += later * 86_400_000_000
        with pytest.raises(Blocked) as refused:
            world.draft("school403", world.student("402", 3), "403", **MOVED)
        [reason] = refused.value.reasons
        assert (reason.cite.rule, closed in reason.no.message) == ("WS-201", True)
        assert "N13-12" in reason.cite.article
        assert "另选学校" in reason.no.cures[0].text
        with pytest.raises(Blocked) as refused:
            about(world, "county4", "organization_change", "403", ground="closing")
        assert [reason.cite.rule for reason in refused.value.reasons] == ["WS-201"]
    assert world.request(before).state == "expired"


def test_a_draft_at_a_school_that_closes_is_shown_refused_and_ends_with_the_school(world: World) -> None:
    draft = world.draft("school403", world.student("402", 3), "403", **MOVED)
    request_id = close(world)
    last = request_view(world.service, draft, world.actor("school403"))["history"][-1]
    assert (last["event"], last["reason"]) == ("expire", "N13-12")
    assert world.request(request_id).number in last["comment"]
    assert close_ended(world.service) == 0


def test_a_draft_that_is_still_there_cannot_be_submitted_and_the_sweep_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = world.draft("school403", world.student("402", 3), "403", **MOVED)
    with monkeypatch.context() as patched:
        patched.setattr(transitions, "follow", lambda *_: None)
        close(world)
    world.at += 86_400_000_000
    assert request_view(world.service, draft, world.actor("school403"))["state"] == "draft"
    refused = refusal(world, draft, "submit", "school403")
    assert "WS-201" in {reason.cite.rule for reason in refused.reasons}
    assert (close_ended(world.service), close_ended(world.service)) == (1, 0)
    assert world.request(draft).state == "expired"


def test_a_draft_at_a_merged_school_names_its_successor(world: World) -> None:
    merge(world, "401", "403", "county4", "city2")
    with pytest.raises(Blocked) as refused:
        world.draft("school401", world.student("402", 3), "401", **MOVED)
    [reason] = refused.value.reasons
    assert world.organization("403").name in reason.no.cures[0].text


def test_a_request_about_a_merged_school_itself_ends_with_it(world: World) -> None:
    data = {"for_stage": "primary", "plans_total": 200, "quota": 180}
    total = about(world, "school401", "quota_change", "401", ground="quota_by_plan", data=data)
    world.upload_all(total, "school401")
    world.fire(total, "submit", "school401")
    merger = merge(world, "401", "403", "county4", "city2")
    follow(world)
    last = request_view(world.service, total, world.actor("county4"))["history"][-1]
    assert (world.request(total).state, last["reason"]) == ("expired", "N13-12")
    assert world.request(merger).number in last["comment"]
    assert world.request(merger).state == "completed"


def test_a_leaver_of_a_school_that_has_closed_since_goes_on_to_the_next_stage(world: World) -> None:
    world.go(2026, 9, 3)
    world.school_class("404", 7, "junior")
    leaver = graduate(world, "403")
    world.admit(leaver.id, "404")
    close(world)
    world.at += 86_400_000_000
    promoted = world.start("school404", "stage_promotion", None, student_name=leaver.name,
                           student_number=leaver.number, grade=7, ground="unified_admission")  # fmt: skip
    assert world.complete(promoted).state == "completed"


def test_a_school_with_a_guest_is_not_closed(world: World) -> None:
    guest = world.student("402", 3)
    world.school_class("403", 3)
    hosted = world.start("school403", "guest_attendance", None, student_name=guest.name, student_number=guest.number,
                         grade=3, ground="other", data={"until": "2027-07-31"})  # fmt: skip
    world.complete(hosted)
    request_id = closing(world, submit=False)
    assert {reason.cite.rule for reason in refusal(world, request_id, "submit", "county4").reasons} == {"N13-12"}


def test_a_guest_of_a_merged_school_sits_at_its_successor_until_his_time_is_over(world: World) -> None:
    guest, room = world.student("402", 3), world.school_class("403", 3)
    hosted = world.start("school403", "guest_attendance", None, student_name=guest.name, student_number=guest.number,
                         grade=3, ground="other", data={"until": "2027-07-31"})  # fmt: skip
    world.complete(hosted)
    merge(world, "403", "401", "county4", "city2")
    follow(world)
    [entry] = [entry for entry in world.entries(guest.id) if entry.ended_at is None]
    [there] = held_classes(world)
    assert world.seats(room) == (0, 0)
    assert entry.school_id == there.school_id == world.organization("401").id
    assert check(world.service) == []
    world.go(2027, 8, 1)
    end_guests(world.service, world.at)
    assert held_classes(world) == []


def held_classes(world: World) -> list[Any]:
    """Every class in which a place is held."""
    with db.reading(world.service.engine) as connection:
        return list(connection.execute(select(SchoolClass.__table__).where(SchoolClass.held > 0)))


def merged_pair(world: World, code: str) -> tuple[int, int, Any]:
    """Two records of one child, the second of `code`, merged into the first: (kept, gone, pair)."""
    kept, gone = record(world, "402"), record(world, code, "周明远")
    for who in ("school402", f"school{code}"):
        say(world, who, "merge", kept)
    return kept, gone, pair(world)


def test_a_merge_into_a_record_of_a_school_that_has_closed_since_is_not_undone(world: World) -> None:
    _, gone, found_pair = merged_pair(world, "403")
    close(world)
    with pytest.raises(Blocked) as refused:
        undo(world.service, world.actor("county4"), found_pair.id, "两个孩子，误合并", found_pair.version)
    [reason] = refused.value.reasons
    assert (reason.cite.rule, world.organization("403").name in reason.no.message) == ("DUP-06", True)
    assert "县档案馆" in reason.no.cures[0].text
    assert "补建学籍" in reason.no.cures[0].text
    assert (world.student_row(gone).status, pair(world).state, pair(world).version) == (
        "other", "decided", found_pair.version)  # fmt: skip


def test_a_merge_is_undone_into_a_merged_school_and_the_pupil_follows_to_its_successor(world: World) -> None:
    _, gone, found_pair = merged_pair(world, "401")
    merge(world, "401", "403", "county4", "city2")
    follow(world)
    undo(world.service, world.actor("county4"), found_pair.id, "两个孩子，误合并", found_pair.version)
    assert follow(world) == 1
    assert world.enrolment(gone).school_id == world.organization("403").id
    assert world.seats(world.enrolment(gone).class_id) == (1, 0)


def test_a_merge_that_is_undone_and_the_closing_of_the_school_never_both_happen(world: World) -> None:
    _, gone, found_pair = merged_pair(world, "403")
    request_id = closing(world)
    undoing = partial(
        undo, world.service, world.actor("county4"), found_pair.id, "两个孩子，误合并", found_pair.version
    )
    results = at_once(sending(world, request_id, "approve", "city2"), undoing)
    assert one_won(results, Blocked), results
    assert world.organization("403").active == (world.student_row(gone).status == "attending")
