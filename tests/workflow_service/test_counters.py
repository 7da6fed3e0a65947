"""Counters of what waits: true after every writer, whoever folds them, and whoever is killed over it."""

from __future__ import annotations

import signal
import threading
from typing import Any

from sqlalchemy import func, select, text

from tests.conftest import Database
from tests.workflow_service.processes import start
from tests.workflow_service.test_scheduler import until
from tests.workflow_service.test_sweeps import returned, submitted
from tests.workflow_service.world import World
from workflow_service import boxes, db
from workflow_service.check import check
from workflow_service.models import BOX_DELTA, BoxCount, RequestParty
from workflow_service.sql import counters
from workflow_service.sql.counters import FOLD, FOLD_SQLITE, LAST
from workflow_service.sweeps import catch_up, fold_counts
from workflow_service.views.roll_up import below_view


def below(world: World, who: str) -> dict[str, tuple[int, int]]:
    """Give {code: (pending, overdue)} of the organizations directly below."""
    view = below_view(world.service, world.actor(who))
    found = {row["organization"]["code"]: (row["pending"], row["overdue"]) for row in view["organizations"]}
    assert (view["pending"], view["overdue"]) == tuple(map(sum, zip(*found.values(), strict=True))) or not found
    return found


def counted(world: World, top: str, now: int) -> tuple[int, int]:
    """Count the rows themselves: (pending, overdue)."""
    held = (RequestParty.duty == "hold", RequestParty.to_at.is_(None), boxes.below(RequestParty.path, top))
    with db.reading(world.service.engine) as connection:
        counts = (connection.execute(select(func.count()).where(*held, *more)).scalar_one()
                  for more in ((), (RequestParty.due_at <= now,)))  # fmt: skip
        return next(counts), next(counts)


def deltas(world: World) -> int:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(func.count()).select_from(BOX_DELTA)).scalar_one()


def run(world: World, *statements: str) -> None:
    with db.begin(world.service.engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_bureau_sees_what_waits_below_it_and_how_late_it_is(world: World) -> None:
    assert below(world, "city1") == {}
    first, _ = submitted(world, "甲"), submitted(world, "乙")
    assert below(world, "county2") == {"201": (2, 0)}
    assert below(world, "city1") == {"county2": (2, 0)}
    assert below(world, "province") == {"city1": (2, 0)}
    assert below(world, "school201") == below(world, "county1") == {}
    fold_counts(world.service)
    assert deltas(world) == 0
    world.fire(first, "approve", "school201.principal")  # one is in the counter, the other in the differences
    assert below(world, "county2") == {"201": (1, 0), "202": (1, 0)}
    world.fire(first, "approve", "school202.principal")
    assert below(world, "county2") == {"201": (1, 0)}  # the other one waits for the county itself
    assert below(world, "city1") == {"county2": (2, 0)}
    world.at = world.request(first).due_at
    overdue = counted(world, world.organization("county2").path, world.at)
    assert overdue[1] >= 1
    assert below(world, "city1") == {"county2": overdue}
    fold_counts(world.service)
    assert below(world, "city1") == {"county2": overdue}
    world.complete(first)
    fold_counts(world.service)
    assert check(world.service) == []


def test_no_writer_is_forgotten(world: World) -> None:
    request, gone = submitted(world, "甲"), returned(world)
    catch_up(world.service, world.request(gone).wake_at)
    where = f"WHERE request_id = {request} AND duty = 'hold'"
    for statement in (
        f"UPDATE request_party SET due_at = due_at + 86400000000 {where}",
        f"UPDATE request_party SET due_at = NULL {where}",
        f"UPDATE request_party SET path = (SELECT path FROM organization WHERE code = '301') {where}",
        f"UPDATE request_party SET to_at = 1 {where}",
        f"UPDATE request_party SET to_at = NULL {where}",
        f"UPDATE request_party SET from_at = 1, role = 'registrar' {where}",
        f"DELETE FROM request_party {where}",
    ):
        run(world, statement)
        for fold in (lambda: 0, lambda: fold_counts(world.service)):
            fold()
            assert [finding for finding in check(world.service) if finding.code == "K13"] == []
    assert below(world, "province") == {}
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(BoxCount)).scalar_one() == 0  # nothing is left over


def test_what_stays_as_it_is_costs_nothing(world: World) -> None:
    submitted(world, "甲")
    fold_counts(world.service)
    run(world, "UPDATE request_party SET role = role, due_at = due_at, path = path",
        "UPDATE request_party SET to_at = 1 WHERE duty <> 'hold'")  # fmt: skip
    assert deltas(world) == 0
    assert fold_counts(world.service) == 0


def test_a_fold_that_is_broken_off_loses_and_doubles_nothing(world: World) -> None:
    for name in "甲乙丙":
        submitted(world, name)
    waiting, before = deltas(world), below(world, "province")
    with db.begin(world.service.engine) as connection:
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "postgresql":
            assert driver.execute(FOLD, {"limit": 2}).fetchone()[0] == 2
        else:
            last, _ = driver.execute(LAST, {"limit": 2}).fetchone()
            for statement in FOLD_SQLITE:
                driver.execute(statement, {"last": last})
        assert connection.execute(select(func.count()).select_from(BOX_DELTA)).scalar_one() == waiting - 2
        connection.rollback()
    assert deltas(world) == waiting
    assert below(world, "province") == before
    assert fold_counts(world.service, limit=2) == waiting
    assert below(world, "province") == before
    assert check(world.service) == []


def test_two_who_fold_while_others_write_and_one_is_killed(world: World, database_url: Database) -> None:
    requests = [submitted(world, name) for name in "甲乙丙丁戊己"]
    schedulers = [start(world, database_url, "scheduler", "10") for _ in range(2)]
    stop = threading.Event()

    def fold() -> None:
        while not stop.is_set():
            fold_counts(world.service, limit=3)

    folding = [threading.Thread(target=fold) for _ in range(2)]
    try:
        for thread in folding:
            thread.start()
        for turn, request in enumerate(requests):
            if turn == 3:
                schedulers[0].send_signal(signal.SIGKILL)
            world.fire(request, "approve", "school201.principal")
            world.fire(request, "return", "school202.principal", comment="请补材料")
            if turn % 2:
                world.fire(request, "recall", "school201")
            assert [finding for finding in check(world.service) if finding.code == "K13"] == []
        until(lambda: deltas(world) == 0)
    finally:
        stop.set()
        for thread in folding:
            thread.join()
        for process in schedulers:
            process.kill()
            process.wait()
    assert below(world, "city1") == {"county2": (3, 0)}
    assert check(world.service) == []


def test_without_a_due_date_means_the_same_everywhere() -> None:
    assert counters.NEVER == boxes.NEVER
