"""The scheduler as real processes: side by side, killed in the middle, ended in order."""

import random
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import func, insert, select

from tests.conftest import Database
from tests.workflow_service.processes import start
from tests.workflow_service.test_sweeps import GROUND
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.check import check
from workflow_service.models import Heartbeat, History, LegalClock, Outbox, Request
from workflow_service.scheduler import NAME, build_scheduler, ticks

DRAFTS = 150


def overdue(world: World, drafts: int) -> None:
    """Drafts of long ago, and a legal clock in which all their 60 days are over."""
    now = time.time_ns() // 1000
    world.at = now
    for number in range(drafts):
        world.draft("school201", world.student("202", name=f"学生{number}"), "201", **GROUND)
    with db.begin(world.service.engine) as connection:
        connection.execute(insert(LegalClock), {"id": 1, "today": None, "offset": 70 * 86_400_000_000})


def expiries(world: World) -> tuple[int, int]:
    """(history rows, requests) that expired."""
    rows = select(func.count()).where(History.event == "expire").scalar_subquery()
    ended = select(func.count()).where(Request.state == "expired").scalar_subquery()
    with db.reading(world.service.engine) as connection:
        there = connection.execute(select(rows, ended)).one()
    return there[0], there[1]


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for other processes, not for a time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_two_side_by_side_and_one_killed_in_the_middle_do_everything_exactly_once(
    world: World, database_url: Database
) -> None:
    overdue(world, DRAFTS)
    running = [start(world, database_url, "scheduler", "3") for _ in range(2)]
    try:
        until(lambda: expiries(world)[0] >= 9)
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()
        until(lambda: expiries(world)[0] >= DRAFTS)
        until(lambda: _undelivered(world) == 0)
        running[1].send_signal(signal.SIGTERM)
        assert running[1].wait(20) == 0
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert expiries(world) == (DRAFTS, DRAFTS)
    assert check(world.service) == []


@pytest.mark.parametrize("deaths", [4, pytest.param(24, marks=pytest.mark.long)])
def test_four_that_are_killed_at_random_lose_nothing_and_double_nothing(
    world: World, database_url: Database, deaths: int
) -> None:
    overdue(world, drafts := 15 * deaths)
    chance = random.Random(deaths)
    running = [start(world, database_url, "scheduler", "3") for _ in range(4)]
    try:
        for _ in range(deaths):
            # Killed when a random part of what is left was done: in the middle of a batch, of a message, of a start.
            until(partial(_done_or, world, expiries(world)[0] + chance.randint(1, 1 + drafts // (2 * deaths)), drafts))
            victim = chance.randrange(4)
            running[victim].send_signal(signal.SIGKILL)
            running[victim].wait()
            trails, ended = expiries(world)
            assert trails == ended  # Nothing half, at every death.
            running[victim] = start(world, database_url, "scheduler", "3")
        until(lambda: expiries(world)[0] >= drafts)
        until(lambda: _undelivered(world) == 0)
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert expiries(world) == (drafts, drafts)
    with db.reading(world.service.engine) as connection:
        messages = select(func.count()).where(Outbox.topic.like("%.expire"))
        assert connection.execute(messages).scalar_one() == drafts
    assert check(world.service) == []


def _done_or(world: World, count: int, drafts: int) -> bool:
    return expiries(world)[0] >= min(count, drafts)


def _undelivered(world: World) -> int:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(func.count()).where(Outbox.delivered_at.is_(None))).scalar_one()


def test_it_says_that_it_lives_and_ends_in_order_on_sigterm(world: World, database_url: Database) -> None:
    process = start(world, database_url, "scheduler", "100")
    try:
        until(lambda: _pulse(world))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def _pulse(world: World) -> bool:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(Heartbeat.at).where(Heartbeat.name == NAME)).scalar() is not None


def test_a_tick_that_came_late_just_runs_and_never_overlaps_itself(world: World) -> None:
    jobs = build_scheduler(world.service).get_jobs()
    assert {job.id for job in jobs} == set(ticks(world.service))
    assert {(job.coalesce, job.misfire_grace_time, job.max_instances) for job in jobs} == {(True, None, 1)}
    for _, work in ticks(world.service).values():
        work()
