"""A client of the bench in a process of its own: works for as long as it is told, and says how much it did.

`python -m tests.bench.client fire|floor|write URL DATA FILE`; how it takes turns stands in `turns.py`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg

from states.calendar import SHANGHAI
from tests.bench.turns import answer
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


def floor(url: str, file: str, reads: bool) -> Iterator[None]:
    """The recorded statements of one transition after the other by psycopg alone, with parameters that are there.

    The connection has the settings of the service's hot pool; every statement is prepared at its first use.
    """
    settings = "-c plan_cache_mode=force_generic_plan -c jit=off"
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True, prepare_threshold=0, options=settings) as connection:
        for statements in pickle.loads(Path(file).read_bytes()):
            for writes, kind, statement, parameters in statements:
                if writes:
                    assert kind(connection).execute(statement, parameters).fetchone() is not None
                elif reads:
                    kind(connection).execute(statement, parameters).fetchall()
            yield


if __name__ == "__main__":
    what, url, data, file = sys.argv[1:]
    answer(transitions(url, data, file) if what == "fire" else floor(url, file, what == "floor"))
