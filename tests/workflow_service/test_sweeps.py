"""Sweeps on both databases: what fell due happens once, in order, with everything that follows from it."""

import json
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from states.definition import FINALS, WAITING
from tests.states.definitions import all_plans
from tests.workflow_service.test_transitions import D0
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.calendar_update import load_notice, recompute_clocks
from workflow_service.calendars import CalendarFault
from workflow_service.errors import Forbidden, Invalid
from workflow_service.grants import revoke_role
from workflow_service.history import Trail
from workflow_service.ids import bucket_of
from workflow_service.models import History, Notice, Organization, Outbox, Request, RequestParty, WorkingDay
from workflow_service.models.columns import from_micros
from workflow_service.outages import declare_outage
from workflow_service.outbox import deliver_outbox
from workflow_service.sweeps import (
    announce_windows,
    catch_up,
    escalate_due,
    escalate_empty_offices,
    expire_due,
    remind_due,
)

GROUND = {
    "ground": "return_to_registered_home",
    "data": {"guardian_register_in_catchment": True, "student_register": "with_guardian"},
}


def submitted(world: World, name: str = "林小满", **more: Any) -> int:
    pupil = world.student("202", name=name, **more)
    world.school_class("201", pupil.grade)
    request_id = world.draft("school201", pupil, "201", **GROUND)
    world.upload(request_id, "school201", *D0)
    world.fire(request_id, "submit", "school201")
    return request_id


def returned(world: World) -> int:
    request_id = submitted(world)
    world.fire(request_id, "return", "school201.principal", comment="请补户口簿")
    return request_id


def history(world: World, request_id: int) -> list[Any]:
    with db.reading(world.service.engine) as connection:
        return list(
            connection.execute(
                select(History.__table__).where(History.object_id == request_id).order_by(History.seq)
            ).all()
        )


def parties(world: World, request_id: int, duty: str) -> list[Any]:
    with db.reading(world.service.engine) as connection:
        return list(
            connection.execute(
                select(RequestParty.__table__).where(RequestParty.request_id == request_id, RequestParty.duty == duty)
            ).all()
        )


def notices(world: World) -> set[tuple[str, str]]:
    with db.reading(world.service.engine) as connection:
        return {
            (topic, code)
            for topic, code in connection.execute(
                select(Notice.topic, Organization.code).join(Organization, Organization.id == Notice.organization_id)
            )
        }


def test_a_returned_request_expires_at_its_due_instant_and_lets_go_of_everything(world: World) -> None:
    request_id = returned(world)
    due = world.request(request_id).wake_at
    assert expire_due(world.service, due - 1) == 0
    assert expire_due(world.service, due) == 1
    assert expire_due(world.service, due) == 0
    row = world.request(request_id)
    assert (row.state, row.final, row.open, row.holder_id, row.wake_at, row.due_at) == (
        "expired", True, False, None, None, None)  # fmt: skip
    assert row.state_since == row.completed_at == due
    assert world.seats(row.class_id) == (0, 0)
    assert all(party.to_at is not None for party in parties(world, request_id, "hold"))
    last = history(world, request_id)[-1]
    assert (last.event, last.account_id, last.seq) == ("expire", None, row.version)
    assert json.loads(last.payload)["d"] == {"rule": "WS-01", "place": "release", "class": str(row.class_id)}


def test_the_statement_writes_the_same_payload_and_hash_as_the_application(world: World) -> None:
    quoted = returned(world)
    draft = world.draft("school201", world.student("202", name="吴·买买提"), "201", **GROUND)
    ends = max(world.request(quoted).wake_at, world.request(draft).wake_at)
    catch_up(world.service, ends)
    for request_id in (quoted, draft):
        *before, last = history(world, request_id)
        details = json.loads(last.payload)["d"]
        trail = Trail(request_id, before[-1].seq, before[-1].hash)
        assert trail.link("expire", before[-1].to_state, "expired", last.at, None, details) == (last.payload, last.hash)
        assert bucket_of(last.id) == last.bucket
        assert world.request(request_id).chain == last.hash
    assert json.loads(history(world, draft)[-1].payload)["d"] == {"rule": "WS-02"}


def test_an_official_is_reminded_then_reported_to_the_bureau_above(world: World) -> None:
    request_id = submitted(world)
    row = world.request(request_id)
    assert row.wake_event == "remind"
    assert remind_due(world.service, row.wake_at) == 1
    row = world.request(request_id)
    assert (row.wake_event, row.wake_at) == ("escalate", row.due_at)
    assert escalate_due(world.service, row.due_at) == 1
    row = world.request(request_id)
    assert (row.escalated, row.wake_event, row.state) == (True, None, "awaiting_destination_principal")
    [told] = parties(world, request_id, "escalated")
    assert told.organization_id == world.organization("county2").id
    assert [h.event for h in history(world, request_id)][-2:] == ["remind", "escalate"]
    world.at = row.due_at
    world.fire(request_id, "approve", "school201.principal")
    assert not world.request(request_id).escalated
    assert parties(world, request_id, "escalated")[0].to_at is not None


def test_a_bureaus_silence_goes_to_the_bureau_above_it(world: World) -> None:
    request_id = submitted(world)
    world.fire(request_id, "approve", "school201.principal")
    world.fire(request_id, "approve", "school202.principal")
    catch_up(world.service, world.request(request_id).due_at)
    assert [p.organization_id for p in parties(world, request_id, "escalated")] == [world.organization("city1").id]


def test_an_empty_office_is_shown_to_the_bureau_at_once(world: World) -> None:
    request_id = submitted(world)
    assert escalate_empty_offices(world.service, world.at) == 0
    with db.begin(world.service.engine) as connection:
        assert revoke_role(connection, world.service, world.actor("school201.principal").account_id, "principal")
    assert escalate_empty_offices(world.service, world.at) == 1
    assert escalate_empty_offices(world.service, world.at) == 0
    assert json.loads(history(world, request_id)[-1].payload)["d"] == {"because": "empty_office"}


def test_after_an_outage_everything_is_done_in_order_of_its_due_time(world: World) -> None:
    silent, gone = submitted(world, "安静"), returned(world)
    reminded, expired = world.request(silent).wake_at, world.request(gone).wake_at
    due = world.request(silent).due_at
    world.go(2027, 3, 1)
    done = catch_up(world.service)
    assert (done.reminded, done.escalated, done.expired) == (1, 1, 1)
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(
            select(History.event, History.at, History.recorded_at)
            .where(History.account_id.is_(None), History.object_type == "request").order_by(History.id))  # fmt: skip
        assert [tuple(row) for row in rows] == sorted(
            [("remind", reminded, world.at), ("expire", expired, world.at), ("escalate", due, world.at)],
            key=lambda row: row[1],
        )
    assert str(catch_up(world.service)) == "nothing"


def test_an_event_never_stands_before_the_one_it_follows(world: World) -> None:
    request_id = returned(world)
    due = world.request(request_id).wake_at
    world.at = due + 5_000_000
    world.fire(request_id, "note", "county2", comment="已电话提醒")
    catch_up(world.service)
    *_, note, expire = history(world, request_id)
    assert note.at == expire.at == world.at


def test_a_graduating_students_open_request_ends_on_its_day_by_its_rule(world: World) -> None:
    request_id = submitted(world)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Request).values(wipe_at=world.at + 60_000_000))
    assert expire_due(world.service, world.at) == 0
    assert expire_due(world.service, world.at + 60_000_000) == 1
    assert json.loads(history(world, request_id)[-1].payload)["d"]["rule"] == "SYS-46"


def test_a_batch_is_bounded_and_the_next_one_goes_on(world: World) -> None:
    for name in ("甲", "乙", "丙"):
        world.draft("school201", world.student("202", name=name), "201", **GROUND)
    end = world.at + 70 * 86_400_000_000
    assert [expire_due(world.service, end, limit=2) for _ in range(3)] == [2, 1, 0]


def test_every_state_that_is_not_final_accepts_expire_in_every_pack() -> None:
    for plan in all_plans():
        for state in plan.cells:
            assert ((state, "expire") in plan.by_event) == (state not in FINALS)
            if state not in ("draft", WAITING, *FINALS):
                assert {(state, "remind"), (state, "escalate")} <= set(plan.by_event)


def test_the_outbox_gets_positions_without_gaps_and_tells_each_party_once(world: World) -> None:
    request_id = submitted(world)
    assert deliver_outbox(world.service) == 1
    for event, who in (("approve", "school201.principal"), ("approve", "school202.principal"), ("approve", "county2")):
        world.fire(request_id, event, who)
    world.fire(request_id, "confirm_arrival", "school201")
    assert deliver_outbox(world.service, limit=3) == 3
    assert deliver_outbox(world.service) == 1
    assert deliver_outbox(world.service) == 0
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(
            select(Outbox.seq, Outbox.position).where(Outbox.object_id == request_id).order_by(Outbox.seq)
        ).all()
    assert [position for _, position in rows] == list(range(1, 6))
    assert notices(world) == {
        ("your_turn", "201"), ("your_turn", "202"), ("your_turn", "county2"), ("decided", "201"), ("receipt", "202"),
    }  # fmt: skip


def test_a_window_is_announced_once_to_whoever_follows_the_pack(world: World) -> None:
    now = world.service.clocks.legal()
    assert announce_windows(world.service, now) >= 1
    assert announce_windows(world.service, now) == 0
    assert ("window", "201") in notices(world)
    assert ("window", "301") not in notices(world) or announce_windows(world.service, now) == 0
    world.go(2026, 9, 21)
    assert announce_windows(world.service, world.at) >= 1
    with db.reading(world.service.engine) as connection:
        bodies = connection.execute(select(Notice.body).where(Notice.topic == "window")).scalars().all()
    assert {"opens", "closes"} == {body["what"] for body in bodies}


NOTICE_2027 = """
title = "国务院办公厅关于2027年部分节假日安排的通知"
source = "国办发明电〔2026〕测试"
published = 2026-11-01

[[holidays]]
name = "元旦"
from = 2027-01-01
to = 2027-01-06
working = []
"""


def test_a_new_years_notice_moves_provisional_clocks_visibly(world: World) -> None:
    world.go(2026, 8, 24)
    request_id = returned(world)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Request).values(provisional=True))
        connection.execute(WorkingDay.__table__.delete().where(WorkingDay.day >= from_micros(world.at).date()))
        connection.execute(
            insert(WorkingDay),
            [{"day": from_micros(world.at).date().replace(day=day), "working": False, "source": "测试"}
             for day in (26, 27)])  # fmt: skip
    world.at += 1_000_000
    old = world.request(request_id)
    assert recompute_clocks(world.service, world.at) == 1
    new = world.request(request_id)
    assert (new.version, new.state, new.provisional) == (old.version + 1, "returned", False)
    assert new.due_at > old.due_at
    assert new.wake_at == new.due_at
    last = history(world, request_id)[-1]
    assert json.loads(last.payload)["d"] == {"old_due": old.clock["due"], "new_due": new.clock["due"]}
    assert parties(world, request_id, "hold")[-1].due_at == new.due_at
    assert recompute_clocks(world.service, world.at) == 0


def test_a_notice_is_loaded_by_the_administrator_and_never_against_what_is_stored(world: World) -> None:
    with pytest.raises(Forbidden):
        load_notice(world.service, world.actor("county2"), 2027, NOTICE_2027)
    assert load_notice(world.service, world.actor("admin"), 2027, NOTICE_2027) == 6
    assert load_notice(world.service, None, 2027, NOTICE_2027) == 0
    assert 2027 in world.service.calendars.current().published_years
    with pytest.raises(CalendarFault):
        load_notice(world.service, None, 2027, NOTICE_2027.replace("[]", "[2027-01-03]").replace("-06", "-02"))


def test_declared_hours_of_outage_move_the_close(world: World) -> None:
    now = from_micros(world.at)
    with pytest.raises(Forbidden):
        declare_outage(world.service, world.actor("school201"), now.replace(hour=1), now.replace(hour=3), "停电")
    for hours in ((3, 1), (1, 23)):
        with pytest.raises(Invalid):
            declare_outage(world.service, world.actor("county2"), *(now.replace(hour=h) for h in hours), "停电")
    declare_outage(world.service, world.actor("county2"), now.replace(hour=1), now.replace(hour=3), "停电")
    [outage] = world.service.calendars.current().outages
    assert (outage.ends - outage.starts).seconds == 7200
    assert outage.covers(world.organization("201").path)
    assert not outage.covers(world.organization("101").path)


def test_a_requests_messages_keep_their_order_although_two_clocks_disagreed(world: World) -> None:
    request_id = submitted(world)
    world.fire(request_id, "approve", "school201.principal")
    with db.begin(world.service.engine) as connection:
        rows = connection.execute(select(Outbox.id).order_by(Outbox.seq)).scalars().all()
        connection.execute(update(Outbox).where(Outbox.id == rows[1]).values(id=rows[0] - 1))
    assert deliver_outbox(world.service) == 2
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(Outbox.position).order_by(Outbox.seq)).scalars().all() == [1, 2]
