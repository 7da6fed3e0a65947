"""What is short-lived goes when its time is over, and nothing else does."""

from typing import Any

from sqlalchemy import func, insert, select

from tests.workflow_service.test_sweeps import submitted
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.check import check
from workflow_service.models import History, Notice, Outbox, RequestKey
from workflow_service.outbox import deliver_outbox
from workflow_service.sweeps import Cleaned, clean
from workflow_service.sweeps.cleaning import DAY, KEY_KEPT, MESSAGE_KEPT, NOTICE_KEPT


def rows(world: World, table: Any) -> int:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def keep_key(world: World, number: int) -> None:
    row = {"account_id": 1, "route": "r", "key": f"k{number}", "body_hash": b"", "object_id": 1, "created_at": world.at}
    with db.begin(world.service.engine) as connection:
        connection.execute(insert(RequestKey), row)


def remark(world: World, request_id: int) -> None:
    world.fire(request_id, "note", "school201.principal", comment="在办")


def test_keys_go_thirty_days_after_their_call(world: World) -> None:
    before = rows(world, RequestKey)
    for number in range(7):
        keep_key(world, number)
    world.at += KEY_KEPT
    keep_key(world, 7)
    assert clean(world.service).keys == 0
    world.at += 1
    assert clean(world.service, limit=2).keys == 7 + before
    assert rows(world, RequestKey) == 1


def test_messages_go_thirty_days_before_the_newest_delivered_one(world: World) -> None:
    old, other = submitted(world, "甲"), submitted(world, "乙")
    deliver_outbox(world.service)
    world.at += 2 * MESSAGE_KEPT
    assert clean(world.service) == Cleaned()  # Nothing was delivered since: nothing is forgotten.
    remark(world, other)
    waiting = rows(world, Outbox)
    assert clean(world.service) == Cleaned()  # What was not delivered yet does not count.
    deliver_outbox(world.service)
    done = clean(world.service, limit=1)
    assert done.messages == waiting - rows(world, Outbox) > 0
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(func.count()).where(Outbox.object_id == old)).scalar_one() == 0
        assert connection.execute(select(func.count()).where(History.object_id == old)).scalar_one() > 1
    assert check(world.service) == []


def test_positions_go_on_where_they_were_after_cleaning(world: World) -> None:
    request_id = submitted(world, "甲")
    deliver_outbox(world.service)
    world.at += MESSAGE_KEPT + DAY
    remark(world, request_id)
    deliver_outbox(world.service)
    with db.reading(world.service.engine) as connection:
        last = connection.execute(select(func.max(Outbox.position))).scalar_one()
    assert clean(world.service).messages > 0
    remark(world, request_id)
    deliver_outbox(world.service)
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(func.max(Outbox.position))).scalar_one() > last


def test_a_message_that_is_missing_and_young_is_still_found(world: World) -> None:
    request_id = submitted(world, "甲")
    with db.begin(world.service.engine) as connection:
        connection.execute(Outbox.__table__.delete().where(Outbox.object_id == request_id))
    assert [(f.code, f.object) for f in check(world.service)] == [("K7", str(request_id))]


def test_notices_go_after_half_a_year(world: World) -> None:
    submitted(world, "甲")
    deliver_outbox(world.service)
    there = rows(world, Notice)
    assert there > 0
    world.at += NOTICE_KEPT
    assert clean(world.service).notices == 0
    world.at += 1
    assert clean(world.service).notices == there
