"""Goals 7, 8 and 9: a bureau's work, any page, and two characters of a name, among ten million students.

The data come from `workflow-service generate`. Two databases differ in size by ten and have as many schools and as
much pending, so that only what is finished and who is enrolled differs. Every figure is the median of calls of the
functions that the pages call; the calls of the pairs alternate.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from tests import postgres
from tests.bench.goal import Goal, Note, Parts, Size
from workflow_service import db
from workflow_service.boxes import Wanted, desk, list_requests
from workflow_service.config import load
from workflow_service.db import reading
from workflow_service.generate import Sizes, generate
from workflow_service.generate.rehearsal import rehearse
from workflow_service.grants import actor_named
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.service import Service, build_service
from workflow_service.views.students import WantedStudents, list_students

FULL = Sizes()
TODAY = date(2026, 8, 24)
ROWS = 20
DEEP = 50_000
CALLS = 41
BUSIEST = """
SELECT o.code FROM request_party p JOIN organization o ON o.id = p.organization_id
WHERE p.duty = 'hold' AND p.to_at IS NULL AND o.kind = 'bureau' GROUP BY o.code ORDER BY count(*) DESC, o.code"""
INSIDE = """
SELECT substr(name, 2, 2) FROM student TABLESAMPLE SYSTEM (1) REPEATABLE (1) WHERE length(name) = 3
GROUP BY 1 HAVING count(*) BETWEEN 1 AND 3 ORDER BY count(*), 1 LIMIT 1"""
SCAN = "SELECT id, name FROM student WHERE name LIKE :inside ORDER BY id LIMIT 20"
"""What a service without an index does: the same twenty, read from the table."""


def pages(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Two databases of two sizes, and what is asked of them."""
    large = replace(FULL, students=size.of(FULL.students), schools=max(500, size.of(FULL.schools)),
                    requests=size.of(FULL.requests), pending=size.of(FULL.pending))  # fmt: skip
    small = replace(large, students=max(large.students // 10, 20 * large.schools), requests=large.requests // 10,
                    pending=min(large.pending, large.requests // 10))  # fmt: skip
    large = replace(large, pending=small.pending)
    rehearsed = rehearse(TODAY)
    services = []
    for name, sizes in (("pages_small", small), ("pages_large", large)):
        service = _service(place, name, folder)
        started = time.monotonic()
        rows = generate(service, sizes, folder, lambda *_: None, today=TODAY, rehearsed=rehearsed)
        _settle(place, name)
        with reading(service.engine) as connection:
            taken = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        note(f"generate: {sizes.students} students, {sizes.requests} requests, {rows} rows in "
             f"{time.monotonic() - started:.0f} s, {taken / 1e9:.2f} GB")  # fmt: skip
        services.append(service)
    try:
        return [*_bureau(*services, note), *_deep(services[1], size, note), _names(services[1], note)]
    finally:
        for service in services:
            service.engine.dispose()
            service.hot.dispose()


def _service(place: Path, name: str, folder: Path) -> Service:
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {postgres.OWNER}")
    url = postgres.url(place, name, postgres.OWNER)
    db.upgrade(url)
    settings = load({"WORKFLOW_ENV": "demo", "DATA": str(folder / name), "DATABASE_URL": url,
                     "DATABASE_OWNER_URL": url})  # fmt: skip
    return build_service(settings, passwords=Passwords(CHEAP))


def _settle(place: Path, name: str) -> None:
    """What autovacuum does in the hours after a load; it must not do it while something is measured."""
    with postgres.connect(place, name) as connection:
        connection.execute("VACUUM ANALYZE")


def _medians(*calls: Callable[[], Any]) -> list[float]:
    """Milliseconds of each, in turns."""
    spent: list[list[float]] = [[] for _ in calls]
    for turn in range(CALLS + 3):
        for call, times in zip(calls, spent, strict=True):
            started = time.perf_counter()
            call()
            if turn >= 3:
                times.append((time.perf_counter() - started) * 1000)
    return [statistics.median(times) for times in spent]


def _one(service: Service) -> None:
    with reading(service.engine) as connection:
        connection.execute(text("SELECT 1")).scalar_one()


def _bureau(small: Service, large: Service, note: Note) -> list[Goal]:
    actors = []
    for service in (small, large):
        with reading(service.engine) as connection:
            codes = connection.execute(text(BUSIEST)).scalars().all()
        actors.append(actor_named(service, codes[len(codes) // 2]))
    waits = [desk(service, actor, ROWS)[0] for service, actor in zip((small, large), actors, strict=True)]
    little, much, one = _medians(
        lambda: desk(small, actors[0], ROWS), lambda: desk(large, actors[1], ROWS), lambda: _one(large)
    )  # fmt: skip
    note(f"a bureau's count and first page: {little:.2f} ms and {much:.2f} ms with {waits[0]} and {waits[1]} waiting, "
         f"select 1 {one:.2f} ms")  # fmt: skip
    return [
        Goal("7", "a bureau's count and first page, ten times the students and requests", much / little, 1.3,
             at_most=True, large=True),
        Goal("7b", "the same against a select 1", much / one, 3.0, at_most=True, large=True),
    ]  # fmt: skip


def _deep(service: Service, size: Size, note: Note) -> list[Goal]:
    """Page 50,000 of the longest lists there are: a province's students, and its requests."""
    province = actor_named(service, "province")
    goals = []
    page = size.of(DEEP)
    for letter, name, walk in (
        ("", "students", lambda cursor, rows: list_students(service, province, WantedStudents(), rows, cursor)),
        ("b", "requests", lambda cursor, rows: list_requests(service, province, Wanted(), rows, cursor)),
    ):
        reached, cursor = 0, None
        while reached < page:  # in long strides, each of them a page by its cursor
            stride = min(page - reached, 500)
            _, following = walk(cursor, stride * ROWS)
            if following is None:
                break
            reached, cursor = reached + stride, following
        first, deep = _medians(lambda walk=walk: walk(None, ROWS), lambda walk=walk, at=cursor: walk(at, ROWS))
        note(f"page 1 and page {reached + 1} of a province's {name}: {first:.2f} and {deep:.2f} ms")
        goals.append(Goal(f"8{letter}", f"page {reached + 1} of a province's {name} against page 1", deep / first, 1.3,
                          at_most=True, large=True))  # fmt: skip
    return goals


def _names(service: Service, note: Note) -> Goal:
    province = actor_named(service, "province")
    with reading(service.engine) as connection:
        inside = connection.execute(text(INSIDE)).scalar_one()
        wanted = WantedStudents(q=inside)
        found = list_students(service, province, wanted, ROWS)[0]
        scan = _scan(connection, inside)
    (indexed,) = _medians(lambda: list_students(service, province, wanted, ROWS))
    note(f"two characters inside a name, first {len(found)}: {indexed:.2f} ms, a scan {scan:.1f} ms")
    return Goal("9", "two characters inside a name, first 20, against a scan", scan / indexed, 150, large=True)


def _scan(connection: Connection, inside: str) -> float:
    """Milliseconds of the same twenty without an index, one process, warm."""
    for setting in ("enable_indexscan", "enable_bitmapscan", "enable_indexonlyscan"):
        connection.execute(text(f"SET {setting} = off"))
    connection.execute(text("SET max_parallel_workers_per_gather = 0"))
    times = []
    for _ in range(4):
        started = time.perf_counter()
        connection.execute(text(SCAN), {"inside": f"%{inside}%"}).all()
        times.append((time.perf_counter() - started) * 1000)
    connection.execute(text("RESET ALL"))
    return statistics.median(times[1:])


PARTS: Parts = {(7, 8, 9): pages}
