"""Races on both databases: whoever loses is told so, nothing happens twice, nothing half; ten times in the long run."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import cycle
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text, update

from tests.conftest import Database
from tests.workflow_service.processes import start
from tests.workflow_service.test_kinds_attendance import senior
from tests.workflow_service.test_scheduler import until
from tests.workflow_service.test_sweeps import GROUND, history, returned, submitted
from tests.workflow_service.test_transitions import D0
from tests.workflow_service.world import World
from workflow_service import db, transitions
from workflow_service.check import check
from workflow_service.errors import Blocked, Contended, Forbidden, NotFound, ServiceError, Stale
from workflow_service.facts import gather
from workflow_service.grants import revoke_role
from workflow_service.models import History, Request, RequestDocument
from workflow_service.requests import bump
from workflow_service.students import NewStudent, register
from workflow_service.sweeps import expire_due
from workflow_service.transitions import Fired, Key, fire

ROUNDS = pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.long)])
WORKERS = 10


@pytest.fixture(autouse=True)
def _sound(world: World) -> Iterator[None]:
    yield
    assert check(world.service) == []


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Call all at one instant, each in a thread of its own; what each gave or raised."""
    barrier = threading.Barrier(min(len(calls), WORKERS))
    first = set(range(barrier.parties))

    def ready(number: int, call: Callable[[], Any]) -> Any:
        if number in first:
            barrier.wait(20)
        try:
            return call()
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(ready, range(len(calls)), calls))


def sending(world: World, request_id: int, event: str, who: str, **more: Any) -> Callable[[], Fired]:
    actor, version = world.actor(who), world.request(request_id).version
    return lambda: fire(world.service, request_id, event, actor, version=version, **more)


def one_won(results: list[Any], *losing: type[Exception]) -> bool:
    """Whether exactly one came through and all others were refused in one of these ways."""
    won = [r for r in results if not isinstance(r, Exception)]
    return len(won) == 1 and all(isinstance(r, losing) for r in results if isinstance(r, Exception))


def test_what_was_gathered_before_somebody_else_acted_is_read_anew(world: World) -> None:
    request_id, actor = submitted(world), world.actor("school201.principal")
    found = gather(world.service, request_id, actor)
    fire(world.service, request_id, "approve", actor, version=None)
    with pytest.raises(Blocked):
        fire(world.service, request_id, "approve", actor, version=None, found=found)
    assert world.request(request_id).version == found[0]["version"] + 1


@ROUNDS
def test_of_two_approving_at_once_one_wins_and_the_other_is_told_who(world: World, rounds: int) -> None:
    for _ in range(rounds):
        request_id = submitted(world)
        results = at_once(*[sending(world, request_id, "approve", "school201.principal") for _ in range(2)])
        assert one_won(results, Stale)
        stale = next(r for r in results if isinstance(r, Stale))
        assert stale.current["event"] == "approve"
        assert [h.event for h in history(world, request_id)].count("approve") == 1


@ROUNDS
def test_approval_and_recall_never_both_happen(world: World, rounds: int) -> None:
    for _ in range(rounds):
        request_id = submitted(world)
        results = at_once(
            sending(world, request_id, "approve", "school201.principal"),
            sending(world, request_id, "recall", "school201"),
        )
        assert one_won(results, Stale)
        assert len(history(world, request_id)) == world.request(request_id).version


@ROUNDS
def test_an_approval_and_the_end_of_time_never_both_happen(world: World, rounds: int) -> None:
    for _ in range(rounds):
        request_id = submitted(world)
        with db.begin(world.service.engine) as connection:
            connection.execute(update(Request).where(Request.id == request_id).values(wipe_at=world.at))
        approved, expired = at_once(
            sending(world, request_id, "approve", "school201.principal", received=world.at - 1),
            lambda: expire_due(world.service, world.at),
        )
        # The sweep skips a row that is locked, and takes it the next time; the approval finds that it has ended.
        if expired == 0:
            assert isinstance(approved, Fired)
            expired = expire_due(world.service, world.at)
        assert expired == 1
        events = [h.event for h in history(world, request_id)]
        assert events[-1] == "expire"
        assert events.count("expire") == 1


@ROUNDS
def test_a_resubmission_and_its_expiry_never_both_happen(world: World, rounds: int) -> None:
    for _ in range(rounds):
        request_id = returned(world)
        due = world.request(request_id).wake_at
        sent, expired = at_once(
            sending(world, request_id, "resubmit", "school201"), partial(expire_due, world.service, due)
        )
        assert (expired == 1) == isinstance(sent, (Stale, Blocked))
        expire_due(world.service, due)


@ROUNDS
def test_two_sweeps_share_the_work_and_do_nothing_twice(world: World, rounds: int) -> None:
    for _ in range(rounds):
        ids = [world.draft("school201", world.student("202", name=f"生{n}"), "201", **GROUND) for n in range(6)]
        end = world.at + 70 * 86_400_000_000
        counts = at_once(*[partial(expire_due, world.service, end, limit=4) for _ in range(4)])
        assert sum(counts) + expire_due(world.service, end) == 6
        assert all(len(history(world, id_)) == 2 for id_ in ids)


def test_of_fifty_at_once_for_the_last_place_exactly_one_gets_it(world: World) -> None:
    fill(world, 54)
    drafts = [
        world.draft("school102", world.student("102", name=f"生{n}"), "101", ground="register_and_home_moved")
        for n in range(50)
    ]
    results = at_once(*[sending(world, draft, "submit", "school102") for draft in drafts])
    assert one_won(results, Blocked)
    assert world.seats(world.school_class("101", 3)) == (54, 1)


def fill(world: World, count: int) -> None:
    school, place = world.organization("101").id, world.school_class("101", 3)
    new = [
        NewStudent(
            name=f"同学{n}", sex="2", birth_date=date(2017, 5, 1), identity_type="1", identity_number=None,
            student_number=f"L{n:018}", status="attending", school_id=school, class_id=place, stage="primary",
            valid_from=date(2023, 9, 1),
        ) for n in range(count)
    ]  # fmt: skip
    with db.begin(world.service.engine) as connection:
        register(connection, world.service, new, None)


@ROUNDS
def test_of_two_who_ask_at_once_to_repeat_one_is_within_the_share_of_the_grade(world: World, rounds: int) -> None:
    pupils = [senior(world, 11) for _ in range(50)]  # two in a hundred: one
    world.school_class("205", 10, stage="senior")
    for number in range(rounds):
        pair = pupils[2 * number % 50 : 2 * number % 50 + 2]
        drafts = [world.start("school205", "repeat_grade", pupil, grade=10) for pupil in pair]
        for draft in drafts:
            world.upload_all(draft, "school205")
        results = at_once(*[sending(world, draft, "submit", "school205") for draft in drafts])
        assert one_won(results, Blocked), results
        for draft in drafts:
            world.fire(draft, "recall", "school205")


@ROUNDS
def test_of_two_schools_that_ask_for_one_student_one_gets_to_ask(world: World, rounds: int) -> None:
    for _ in range(rounds):
        pupil = world.student("202")
        calls = []
        for code in ("201", "203"):
            world.school_class(code, 3)
            calls.append(sending(world, world.draft(f"school{code}", pupil, code, **GROUND), "submit", f"school{code}"))
        assert one_won(at_once(*calls), Blocked)


@ROUNDS
def test_students_who_change_places_between_two_schools_do_not_wait_for_each_other(world: World, rounds: int) -> None:
    for _ in range(rounds):
        arriving = []
        for code, other in (("201", "202"), ("202", "201"), ("201", "202"), ("202", "201")):
            world.school_class(code, 3)
            request_id = world.draft(f"school{code}", world.student(other), code, **GROUND)
            world.upload(request_id, f"school{code}", *D0)
            world.fire(request_id, "submit", f"school{code}")
            for who in (f"school{code}.principal", f"school{other}.principal", "county2"):
                world.fire(request_id, "approve", who)
            arriving.append(sending(world, request_id, "confirm_arrival", f"school{code}"))
        assert all(isinstance(result, Fired) for result in at_once(*arriving))
    if world.service.engine.dialect.name == "postgresql":
        with db.reading(world.service.engine) as connection:
            connection.execute(text("SELECT pg_stat_force_next_flush()"))
            deadlocks = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            assert connection.execute(deadlocks).scalar_one() == 0


@ROUNDS
def test_one_key_has_one_effect_however_often_it_comes(world: World, rounds: int) -> None:
    for number in range(rounds):
        request_id = submitted(world)
        key = Key("events", f"key-{number}", b"body")
        actor = world.actor("school201.principal")

        def note(actor: Any = actor, key: Key = key, request_id: int = request_id) -> Any:
            try:
                return fire(world.service, request_id, "note", actor, version=None, comment="在办", key=key)
            except psycopg.errors.UniqueViolation as error:
                return str(error)
            except Exception as error:
                if "UNIQUE" not in str(error):
                    raise
                return str(error)

        results = at_once(*[note for _ in range(6)])
        assert len([r for r in results if isinstance(r, Fired)]) == 1
        assert [h.event for h in history(world, request_id)].count("note") == 1


def just_before_writing(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Let `action` happen between the first decision and its write: there a row lock would be waited for."""
    decided: list[bool] = []
    decide = transitions.decide

    def and_then(*arguments: Any) -> Any:
        outcome = decide(*arguments)
        if not decided:
            decided.append(True)
            action()
        return outcome

    monkeypatch.setattr(transitions, "decide", and_then)


def test_a_role_revoked_after_the_decision_stops_the_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = submitted(world)
    approve = sending(world, request_id, "approve", "school201.principal")
    account = world.actor("school201.principal").account_id

    def revoke() -> None:
        with db.begin(world.service.engine) as connection:
            assert revoke_role(connection, world.service, account, "principal")

    just_before_writing(monkeypatch, revoke)
    with pytest.raises((Forbidden, NotFound)):
        approve()
    assert world.request(request_id).state == "awaiting_destination_principal"


def test_a_document_removed_after_the_decision_stops_the_write(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = submitted(world)
    actor = world.actor("school201.principal")
    just_before_writing(monkeypatch, lambda: remove_one(world, request_id))
    with pytest.raises(Blocked) as blocked:
        fire(world.service, request_id, "approve", actor, version=None)
    assert any(reason.no.pending for reason in blocked.value.reasons)


def remove_one(world: World, request_id: int, connection: Any = None) -> None:
    if connection is None:
        with db.begin(world.service.engine) as own:
            return remove_one(world, request_id, own)
    row = world.request(request_id)._mapping
    document = select(func.min(RequestDocument.id)).where(RequestDocument.request_id == request_id).scalar_subquery()
    assert bump(world.service, connection, dict(row), world.actor("school201"), "remove_document", world.at, {})
    connection.execute(update(RequestDocument).where(RequestDocument.id == document).values(removed_at=world.at))
    return None


@pytest.mark.parametrize("what", ["role", "document"])
def test_what_changes_while_an_approval_waits_for_the_row_is_seen(world: World, what: str) -> None:
    if world.service.engine.dialect.name == "sqlite":
        return  # There is no row to wait for: the two tests above are the same moment.
    request_id = submitted(world)
    actor = world.actor("school201.principal")
    with ThreadPoolExecutor(1) as pool:
        with db.begin(world.service.engine) as connection:
            connection.execute(select(Request.id).where(Request.id == request_id).with_for_update())
            waiting = pool.submit(fire, world.service, request_id, "approve", actor, version=None)
            until(lambda: locked_out(world))
            if what == "role":
                with db.begin(world.service.engine) as other:
                    assert revoke_role(other, world.service, actor.account_id, "principal")
            else:
                remove_one(world, request_id, connection)
        with pytest.raises((Forbidden, NotFound, Blocked)):
            waiting.result(20)
    assert world.request(request_id).state == "awaiting_destination_principal"


def locked_out(world: World) -> bool:
    with db.reading(world.service.engine) as connection:
        return connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() > 0


@ROUNDS
def test_a_process_killed_in_the_middle_of_transitions_leaves_nothing_half(
    world: World, database_url: Database, rounds: int
) -> None:
    requests = [submitted(world, name) for name in ("甲", "乙")]
    for _ in range(max(1, rounds // 3)):
        before = sum(world.request(id_).version for id_ in requests)
        process = start(world, database_url, "firing", "school201.principal", *map(str, requests))
        try:
            until(partial(grown, world, requests, before + 20))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert check(world.service) == []


def grown(world: World, requests: list[int], versions: int) -> bool:
    return sum(world.request(id_).version for id_ in requests) > versions


@ROUNDS
def test_lost_connections_lose_nothing_and_repeat_nothing(world: World, database_url: Database, rounds: int) -> None:
    if database_url.dialect == "sqlite":
        return  # A file has no connection that somebody else could cut.
    request_id = submitted(world)
    actor = world.actor("school201.principal")
    stop = threading.Event()

    def cut() -> None:
        with psycopg.connect(database_url.owner_url.replace("+psycopg", "").replace("owner@", "app@"),
                             autocommit=True) as own:  # fmt: skip
            pauses = cycle(range(1, 25))  # 5 to 120 ms: whatever a connection takes on this machine, some are cut in
            while not stop.wait(0.005 * next(pauses)):  # the middle and some live long enough to write.
                own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                            " AND pid <> pg_backend_pid() AND usename = current_user")  # fmt: skip

    cutter = threading.Thread(target=cut)
    cutter.start()
    try:
        for number in range(rounds * 6):
            insist(world, request_id, actor, Key("events", f"lost-{number}", b"body"))
    finally:
        stop.set()
        cutter.join()
    world.service.engine.dispose()  # Its waiting connections were cut as well, and cold reads are not asked twice.
    with db.reading(world.service.engine) as connection:
        notes = connection.execute(
            select(func.count()).where(History.object_id == request_id, History.event == "note")
        ).scalar_one()
    assert notes == rounds * 6


def insist(world: World, request_id: int, actor: Any, key: Key) -> None:
    """Send one event under one key until it is known to be done, as a program does after an unknown answer."""
    while True:
        try:
            fire(world.service, request_id, "note", actor, version=None, comment="在办", key=key)
        except psycopg.errors.UniqueViolation:
            return
        except (psycopg.OperationalError, Contended):
            continue
        except Exception as error:
            if not getattr(error, "connection_invalidated", False):
                raise
            continue
        return
