"""A client of the bench in a process of its own: works for as long as it is told, and says how much it did.

`python -m tests.bench.client fire|floor URL DATA FILE`; on its input "turn SECONDS", on its output "COUNT SECONDS".
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg

from states.calendar import SHANGHAI
from tests.workflow_service.world import TODAY


def transitions(url: str, data: str, file: str) -> Iterator[None]:
    """The product's own `fire`, on the clock of the day on which the window is open."""
    from tests.bench.world import step
    from workflow_service.config import load
    from workflow_service.grants import actor_named
    from workflow_service.models.columns import to_micros
    from workflow_service.service import Clocks, build_service

    settings = load({"WORKFLOW_ENV": "development", "DATA": data, "DATABASE_URL": url})
    offset = to_micros(TODAY) - to_micros(datetime.now(SHANGHAI))
    service = build_service(settings, clocks=Clocks(offset=offset))
    work = pickle.loads(Path(file).read_bytes())
    actors = {who: actor_named(service, who) for _, who, _ in work.steps}
    for request_id in work.requests:
        for event, who, comment in work.steps:
            step(service, actors, request_id, event, who, comment)
            yield


def floor(url: str, _data: str, file: str) -> Iterator[None]:
    """One psycopg statement per transition, prepared by the driver, with parameters that are there already."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement, parameters in pickle.loads(Path(file).read_bytes()):
            assert connection.execute(statement, parameters).fetchone() is not None
            yield


def answer(work: Iterator[None]) -> None:
    """Take turns until the input ends; a turn that runs out of work ends early and says when."""
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, count = float(line.split()[1]), 0
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            if next(work, True):
                break
            count += 1
        print(count, time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    answer({"fire": transitions, "floor": floor}[sys.argv[1]](*sys.argv[2:]))
