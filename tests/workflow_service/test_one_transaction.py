"""One transition, one transaction: the same rows on both engines, append-only, and nothing half done."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from tests.conftest import Database
from tests.workflow_service.test_routes import FORM, NATIONAL, sent, states
from tests.workflow_service.world import World, make_world
from workflow_service import db
from workflow_service.db import chain_hash
from workflow_service.models import APPEND_ONLY, Base, History, Outbox, PlaceHold, RequestParty
from workflow_service.sql.transition import statements

TABLES = ("request", "request_party", "history", "history_comment", "outbox", "place_hold", "enrolment", "school_class",
          "school_stage")  # fmt: skip


def whole_transfer(world: World) -> int:
    pupil = world.student("202")
    world.school_class("401", 3)
    request_id = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    world.fire(request_id, "return", "school401.principal", comment="请补材料")
    world.fire(request_id, "resubmit", "school401")
    states(world, request_id, ("approve", "school401.principal"), ("approve", "county4"),
           ("approve", "school202.principal"), ("approve", "county2"), ("confirm_arrival", "school401"))  # fmt: skip
    return request_id


def shape_of(world: World, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table without what is random (ids, hashes, salts), in an order of their own."""
    drop = {"id", "chain", "hash", "payload", "salt", "number", "named_hash", "data", "units", "body", "object_id"}
    columns = [c for c in Base.metadata.tables[table].c if c.name not in drop and not c.name.endswith("_id")
               and c.name not in ("bucket", "password", "recorded_at", "created_at", "created_by")]  # fmt: skip
    with db.reading(world.service.engine) as connection:
        return sorted(map(tuple, connection.execute(select(*columns))), key=repr)


def test_both_engines_write_the_same_rows(
    sqlite_database: Database, postgresql_database: Database, tmp_path: Any
) -> None:
    worlds = [make_world(d.url, d.owner_url, tmp_path / d.dialect) for d in (sqlite_database, postgresql_database)]
    for world in worlds:
        whole_transfer(world)
    for table in TABLES:
        assert shape_of(worlds[0], table) == shape_of(worlds[1], table), table
    for world in worlds:
        world.service.engine.dispose()
        world.service.hot.dispose()


def test_every_event_hangs_on_the_one_before_and_leaves_its_message(world: World) -> None:
    request_id = whole_transfer(world)
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(select(History.seq, History.payload, History.hash, History.event)
                                  .where(History.object_id == request_id).order_by(History.seq)).all()  # fmt: skip
        sent_on = connection.execute(select(Outbox.seq).where(Outbox.object_id == request_id)).scalars().all()
    last = b""
    for number, row in enumerate(rows, 1):
        assert row.seq == number
        assert bytes(row.hash) == chain_hash(last, row.payload)
        last = bytes(row.hash)
    assert bytes(world.request(request_id).chain) == last
    assert set(sent_on) == {row.seq for row in rows if row.event not in ("create", "add_document")}


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_services_own_role_can_neither_change_nor_remove_the_trail(world: World, table: str) -> None:
    whole_transfer(world)
    rows = Base.metadata.tables[table]
    key = next(iter(rows.primary_key))
    for statement in (update(rows).values({key: 1}), delete(rows)):
        with pytest.raises(DatabaseError), db.begin(world.service.engine) as connection:
            connection.execute(statement)


def test_the_database_itself_keeps_one_open_request_one_enrolment_and_known_states(world: World) -> None:
    request_id = whole_transfer(world)
    row = world.request(request_id)
    for statement in (
        text("UPDATE request SET state = 'approved'").bindparams(),
        text("UPDATE student SET status = 'gone'").bindparams(),
        text("UPDATE school_class SET held = held - 1").bindparams(),
        text("INSERT INTO enrolment (id, bucket, student_id, school_id, class_id, stage, valid_from, recorded_at,"
             " start_reason) SELECT id + 1, bucket, student_id, school_id, class_id, stage, valid_from, recorded_at,"
             " start_reason FROM enrolment WHERE ended_at IS NULL").bindparams(),
    ):  # fmt: skip
        with pytest.raises(DatabaseError), db.begin(world.service.engine) as connection:
            connection.execute(statement)
    assert world.request(request_id) == row


def test_every_party_held_the_request_in_its_turn(world: World) -> None:
    request_id = whole_transfer(world)
    with db.reading(world.service.engine) as connection:
        holds = connection.execute(
            select(RequestParty.path, RequestParty.role, RequestParty.to_at)
            .where(RequestParty.request_id == request_id, RequestParty.duty == "hold")
            .order_by(RequestParty.opened)).all()  # fmt: skip
        place = connection.execute(select(PlaceHold.outcome).where(PlaceHold.request_id == request_id)).scalar_one()
    assert [(path.split("/")[-2], role) for path, role, _ in holds] == [
        ("401", "principal"), ("401", "registrar"), ("401", "principal"), ("county4", "registrar"),
        ("202", "principal"), ("county2", "registrar"), ("401", "registrar"),
    ]  # fmt: skip
    assert all(to_at is not None for _, _, to_at in holds)
    assert place == "moved"


def test_the_single_statement_asks_no_clock_and_locks_the_request_within_its_bucket() -> None:
    shape = statements(
        moved=True, place="release", person=True, holds=1, parties=0, closes="all", comment=True, key=True
    )
    lowered = shape.single.lower()
    assert "now()" not in lowered
    assert "advisory" not in lowered
    assert "r.bucket = %(bucket)s" in shape.single
    assert "for update of r" in lowered
