"""The oracle: silent on a world that works, and it finds every fault that is planted."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from states.definition import WAITING
from tests.conftest import Database
from tests.workflow_service.test_sweeps import GROUND, returned, submitted
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.check import CODES, Finding, check, findings
from workflow_service.history import Trail
from workflow_service.models.columns import to_micros
from workflow_service.sweeps import catch_up, fold_counts, remind_due
from workflow_service.transitions import Key


@pytest.fixture
def busy(world: World) -> World:
    """Give a world in which everything has happened once: completed, expired, refused, reminded, open, draft."""
    done = submitted(world, "办结")
    for event, who in (("approve", "school201.principal"), ("approve", "school202.principal"), ("approve", "county2")):
        world.fire(done, event, who)
    world.fire(done, "confirm_arrival", "school201", key=Key("events", "k-1", b"body"))
    gone = returned(world)
    catch_up(world.service, world.request(gone).wake_at)
    reminded = submitted(world, "催办")
    remind_due(world.service, world.request(reminded).wake_at)
    world.draft("school201", world.student("202", name="草稿"), "201", **GROUND)
    recalled = submitted(world, "撤回")
    world.fire(recalled, "recall", "school201")
    submitted(world, "在办")
    fold_counts(world.service)
    recalled = submitted(world, "又撤回")
    world.fire(recalled, "recall", "school201")
    return world


Fault = str | Callable[[World, Connection], None]


@contextmanager
def owning(database: Database) -> Iterator[Connection]:
    """Give a connection that may do what no statement of the service may do; nothing of it stays."""
    engine = db.make_engine(database.owner_url, owner=True)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.connection.execute("PRAGMA foreign_keys=OFF")  # before a transaction begins
            yield connection.execution_options(immediate=True)
    finally:
        engine.dispose()


def plant(world: World, connection: Connection, fault: Fault) -> list[Finding]:
    """Break something, ask, and undo it."""
    with connection.begin() as transaction:
        if callable(fault):
            fault(world, connection)
        else:
            for statement in fault.split(";"):
                connection.execute(text(statement))
        found = findings(world.service, connection)
        transaction.rollback()
    return found


def test_it_finds_nothing_where_nothing_is_wrong(busy: World) -> None:
    titles: list[str] = []
    assert check(busy.service, lambda _done, _total, title: titles.append(title)) == []
    assert titles[-1] == "done"
    assert {title.split()[0] for title in titles[:-1]} == set(CODES)


SOME = "(SELECT min(id) FROM request WHERE open)"
DONE = "(SELECT min(id) FROM request WHERE state = 'completed')"


def without_its_organization(_world: World, connection: Connection) -> None:
    """PostgreSQL does not check this reference; SQLite does, at the end."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    connection.execute(text(f"UPDATE request_party SET organization_id = 5 WHERE request_id = {DONE}"))


def with_blocks_of_nobody(_world: World, connection: Connection) -> None:
    """As `without_its_organization`: what is a student's is checked by SQLite only."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    connection.execute(
        text("UPDATE likeness_block SET student_id = 5 WHERE student_id = (SELECT id FROM student WHERE name = '在办')")
    )


FAULTS: dict[str, tuple[str, Fault]] = {
    "K1 party": ("K1", without_its_organization),
    "K1 blocks": ("K1", with_blocks_of_nobody),
    "K1 state": ("K1", f"UPDATE request SET state = 'awaiting_arrival' WHERE id = {SOME}"),
    "K1 version": ("K1", f"UPDATE request SET version = version - 1 WHERE id = {SOME}"),
    "K1 chain": ("K1", f"UPDATE request SET chain = (SELECT chain FROM student LIMIT 1) WHERE id = {SOME}"),
    "K1 column": ("K1", f"UPDATE history SET event = 'reject' WHERE object_id = {DONE} AND event = 'confirm_arrival'"),
    "K1 from": ("K1", f"UPDATE history SET from_state = 'returned' WHERE object_id = {DONE} AND seq = 8"),
    "K1 open": ("K1", f"UPDATE request SET open = (1 = 0) WHERE id = {SOME}"),
    "K1 since": ("K1", f"UPDATE request SET state_since = state_since - 1 WHERE id = {SOME}"),
    "K1 student": ("K1", "UPDATE student SET status = 'suspended' WHERE name = '办结'"),
    "K2 gap": ("K2", f"DELETE FROM history WHERE object_id = {DONE} AND seq = 3"),
    "K2 hash": ("K2", f"UPDATE history SET payload = payload || ' ' WHERE object_id = {DONE} AND seq = 3"),
    "K3 none": ("K3", "UPDATE enrolment SET ended_at = 1 WHERE student_id ="
                " (SELECT id FROM student WHERE name = '在办')"),
    "K3 moved": ("K3", "UPDATE enrolment SET school_id = (SELECT id FROM organization WHERE code = '301')"
                 " WHERE student_id = (SELECT id FROM student WHERE name = '在办')"),
    "K5 registry": ("K5", "DELETE FROM student_number WHERE student_id = (SELECT id FROM student WHERE name = '在办')"),
    "K5 other": ("K5", "UPDATE student SET student_number_hash = NULL WHERE name = '在办'"),
    "K6 class": ("K6", "UPDATE school_class SET attending = attending + 1"),
    "K6 stage": ("K6", "UPDATE school_stage SET held = held + 1 WHERE held > 0"),
    "K6 hold": ("K6", f"UPDATE place_hold SET released_at = 1 WHERE request_id = {SOME}"),
    "K7 missing": ("K7", f"DELETE FROM outbox WHERE object_id = {SOME}"),
    "K7 invented": ("K7", f"UPDATE outbox SET seq = 99 WHERE object_id = {DONE} AND seq = 9"),
    "K7 other": ("K7", f"UPDATE outbox SET body = '{{}}' WHERE object_id = {SOME}"),
    "K7 position": ("K7", "UPDATE outbox SET position = NULL WHERE position = 1"),
    "K8 sleeps": ("K8", f"UPDATE request SET wake_at = NULL, wake_event = NULL WHERE id = {SOME}"),
    "K8 ended": ("K8", f"UPDATE request SET wake_at = 1, wake_event = 'expire' WHERE id = {DONE}"),
    "K8 holder": ("K8", f"UPDATE request_party SET to_at = 1 WHERE request_id = {SOME}"),
    "K9 row": ("K9", f"UPDATE request_document SET sha256 = '{'0' * 64}' WHERE request_id = {SOME}"),
    "K9 size": ("K9", f"UPDATE request_document SET size = size + 1 WHERE request_id = {SOME}"),
    "K9 photo": ("K9", f"UPDATE student SET profile = '{{\"photo\":\"{'0' * 64}\"}}' WHERE name = '在办'"),
    "K10 half": ("K10", "UPDATE request_key SET status = 200"),
    "K10 nothing": ("K10", "UPDATE request_key SET object_id = 5"),
    "K11": ("K11", "UPDATE outbox SET bucket = (bucket + 1) % 1024"),
    "K13 count": ("K13", "UPDATE box_count SET pending = pending + 1 WHERE parent = '/'"),
    "K13 place": ("K13", "UPDATE box_count SET parent = '/x/' WHERE parent <> '/'"),
    "K13 gone": ("K13", "DELETE FROM box_count"),
    "K13 delta": ("K13", "INSERT INTO box_delta (path, due_at, amount) VALUES ('/province/', 1, 1)"),
}  # fmt: skip


WITHOUT_INDEX = {
    "K3 two": ("K3", "DROP INDEX uq_enrolment_current; UPDATE enrolment SET ended_at = NULL, valid_to = NULL,"
               " end_reason = NULL"),
    "K4": ("K4", "DROP INDEX uq_request_open_subject; UPDATE request SET subject_id = 4096 WHERE open"),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_INDEX)
def test_what_an_index_refuses_is_found_where_the_index_is_gone(busy: World, database_url: Database, name: str) -> None:
    code, fault = WITHOUT_INDEX[name]
    with owning(database_url) as connection, connection.begin():
        for statement in fault.split(";"):
            connection.execute(text(statement))
    assert code in {finding.code for finding in check(busy.service)}


def test_every_planted_fault_is_found(busy: World, database_url: Database) -> None:
    with owning(database_url) as connection:
        found = {name: {f.code for f in plant(busy, connection, fault)} for name, (_, fault) in FAULTS.items()}
        assert findings(busy.service, connection) == []
    assert [name for name, (code, _) in FAULTS.items() if code not in found[name]] == []


def chosen(connection: Connection, **where: Any) -> Any:
    condition = " AND ".join(f"{column} = :{column}" for column in where)
    return connection.execute(text(f"SELECT * FROM request WHERE {condition} ORDER BY id LIMIT 1"), where).one()


def forge(connection: Connection, world: World, row: Any, event: str, after: str) -> None:
    """Add a history row that hangs in the chain as it should, for something that no plan allows."""
    payload, chain = Trail(row.id, row.version, row.chain).link(event, row.state, after, world.at, None, {})
    values = {"id": row.id, "seq": row.version + 1, "row": world.service.ids.new(row.bucket), "bucket": row.bucket,
              "at": world.at, "event": event, "before": row.state, "after": after, "payload": payload,
              "hash": chain}  # fmt: skip
    connection.execute(text(
        "INSERT INTO history (object_id, seq, id, bucket, object_type, at, recorded_at, event, from_state, to_state,"
        " payload, hash)"
        " VALUES (:id, :seq, :row, :bucket, 'request', :at, :at, :event, :before, :after, :payload, :hash)"
    ), values)  # fmt: skip
    connection.execute(text("UPDATE request SET version = :seq, chain = :hash, state = :after WHERE id = :id"), values)


def test_a_step_that_no_plan_knows_is_found_although_its_chain_holds(busy: World, database_url: Database) -> None:
    def skip(world: World, connection: Connection) -> None:
        forge(connection, world, chosen(connection, state="awaiting_destination_principal"), "approve", "completed")

    with owning(database_url) as connection:
        found = plant(busy, connection, skip)
    assert any(f.code == "K1" and "does not lead" in f.message for f in found)
    assert not [f for f in found if f.code == "K2"]


def test_a_deadline_that_fired_twice_is_found(busy: World, database_url: Database) -> None:
    def again(world: World, connection: Connection) -> None:
        forge(connection, world, chosen(connection, wake_event="escalate"), "remind", "awaiting_destination_principal")

    with owning(database_url) as connection:
        assert "remind fired 2 times in one stay" in {f.message for f in plant(busy, connection, again)}


def test_a_step_decided_by_whoever_submitted_is_found_and_one_that_a_pack_leaves_to_them_is_not(
    busy: World, database_url: Database
) -> None:
    def by_the_registrar(event: str) -> Callable[[World, Connection], None]:
        def fault(world: World, connection: Connection) -> None:
            who = world.actor("school201").person_id
            connection.execute(
                text(f"UPDATE history SET person_id = :who WHERE object_id = {DONE} AND event = :event"),
                {"who": who, "event": event},
            )

        return fault

    with owning(database_url) as connection:
        found = plant(busy, connection, by_the_registrar("approve"))
        assert {f.code for f in found} == {"K14"}
        assert {f.message for f in found} == {
            f"approve in {state} by the person who submitted it"
            for state in ("awaiting_destination_principal", "awaiting_origin_school", "awaiting_shared_bureau")
        }
        assert plant(busy, connection, by_the_registrar("confirm_arrival")) == []


def test_a_note_on_what_waits_for_its_day_breaks_nothing(world: World) -> None:
    data = {"until": "2027-07-31", "effective_on": "2026-09-10"}
    away = world.start("school201", "suspension", world.student("201"), ground="illness", data=data)
    assert world.complete(away).state == WAITING
    world.fire(away, "note", "school201", comment="家长已知悉")
    assert check(world.service) == []


@pytest.mark.parametrize(("attending", "message"), [(54, None), (55, "56 places taken of 55 in its class")])
def test_a_cap_is_judged_by_the_pack_of_the_one_who_holds(world: World, attending: int, message: str | None) -> None:
    pupil = world.student("102")
    world.school_class("101", 3)
    request_id = world.draft("school102", pupil, "101", ground="register_and_home_moved")
    world.fire(request_id, "submit", "school102")
    with db.begin(world.service.engine) as connection:
        connection.execute(text(f"UPDATE school_class SET attending = {attending} WHERE held > 0"))
    found = check(world.service)
    assert message is None or message in {f.message for f in found}
    assert [f for f in found if "places taken" in f.message] == [f for f in found if f.message == message]


def test_files_that_are_altered_or_belong_to_nobody_are_found(busy: World) -> None:
    [(stored, _)] = list(busy.service.store.iter_all())
    path = next(Path(busy.service.settings.document_folder).glob(f"??/??/{stored.sha256}"))
    path.chmod(0o600)
    path.write_bytes(b"other")
    assert {f.message for f in check(busy.service)} == {f"the file of SHA-256 {stored.sha256} was altered"}
    path.unlink()
    assert {f.code for f in check(busy.service)} == {"K9"}


def test_a_file_without_a_row_is_found_only_when_it_is_older_than_a_day(busy: World) -> None:
    stored = busy.service.store.put(BytesIO(b"orphan"), 100)
    path = next(Path(busy.service.settings.document_folder).glob(f"??/??/{stored.sha256}"))
    now = datetime.now(UTC).timestamp()
    busy.at = to_micros(datetime.fromtimestamp(now, UTC))
    assert check(busy.service) == []
    os.utime(path, (now - 90_000, now - 90_000))
    assert [f.object for f in check(busy.service)] == [stored.sha256]
