"""Goal 4: transitions over HTTP behind gunicorn, the service's endpoint against Django's with the same duties."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, update

from states.calendar import SHANGHAI
from tests import postgres
from tests.bench import peer_sides, transitions, world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.peers import steps
from tests.bench.sides import CLIENTS, PEER, ROOT, WARM, Side, dispose, interleaved, rate, ratio
from tests.workflow_service.world import TODAY
from workflow_service import db
from workflow_service.models import LegalClock, Token
from workflow_service.models.columns import to_micros
from workflow_service.passwords import new_token

CONNECTIONS = 2 * CLIENTS
CONFIGURATION = ROOT / "deploy" / "gunicorn.conf.py"


def over_http(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goal 4: one loader each, eight connections, the same workers and threads as in production."""
    with contextlib.ExitStack() as stack:
        sides = [
            stack.enter_context(ours(place, folder, size, note)),
            stack.enter_context(theirs(place, folder, size, note)),
        ]
        note("turn by turn …")
        for side in sides:
            side.turn(1, 2 * WARM)
            side.start_measuring(place)
        rates = interleaved(sides, 1, size.rounds)
        spent = {side.name: side.cpu(place) for side in sides}
    transitions.assert_all_there(place, sides[0])
    transitions.assert_sound(place, "http", folder / "data")
    peer_sides.assert_all_there(place, sides[1])
    for side in sides:
        note(f"{side.name}: {rate(rates, side.name)}, {spent[side.name]:.2f} ms of CPU each, workers and PostgreSQL")
    times, share = ratio(rates, "http", "django_http"), spent["http"] / spent["django_http"]
    return [
        Goal("4", "times Django with django-fsm-2, HTTP behind gunicorn", times, 3.5),
        Goal("4b", "of its CPU a request, workers and PostgreSQL", share, 0.35, at_most=True),
    ]


@contextlib.contextmanager
def ours(place: Path, folder: Path, size: Size, note: Note) -> Iterator[Side]:
    """The service as `workflow-service serve` runs it, its legal clock on the day on which the window is open."""
    data = transitions.drafts(place, folder, size, note)
    world.copy(place, "http", "drafts")
    opened = world.open_on(place, "http", data)
    offset = to_micros(TODAY) - to_micros(datetime.now(SHANGHAI))
    paths, tokens = transitions.paths(folder), {}
    with db.begin(opened.service.engine) as connection:
        if connection.execute(update(LegalClock).values(offset=offset)).rowcount == 0:
            connection.execute(insert(LegalClock), {"id": 1, "offset": offset})
        for who in {who for path in paths for _, who, _ in path.steps}:
            now = time.time_ns() // 1000
            tokens[who], hashed = new_token()
            connection.execute(insert(Token), {"hash": hashed, "account_id": opened.actor(who).account_id,
                                               "purpose": "api", "created_at": now,
                                               "expires_at": now + 3_600_000_000})  # fmt: skip
    dispose(opened)
    requests: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for client, path in enumerate(paths):
        for number, request_id in enumerate(path.requests):
            for version, (event, who, comment) in enumerate(path.steps, 1):
                body = {"event": event} if comment is None else {"event": event, "comment": comment}
                requests[client + CLIENTS * (number % 2)].append(
                    sent(f"/api/v1/requests/{request_id}/events", tokens[who], f"{request_id}-{version}", version, body)
                )
    environment = {"WORKFLOW_ENV": "development", "DATA": str(data), "LOG_LEVEL": "WARNING",
                   "DATABASE_URL": postgres.url(place, "http", postgres.SERVICE)}  # fmt: skip
    with served(sys.executable, "api.cli:wsgi()", environment) as server:
        yield from loaded("http", server, requests, folder)


@contextlib.contextmanager
def theirs(place: Path, folder: Path, size: Size, note: Note) -> Iterator[Side]:
    """Django with django-fsm-2, under the same gunicorn with the same settings."""
    note("setting up Django …")
    count = size.drafts // 2 * CLIENTS
    peer_sides.set_up(place, "django_http", count)
    requests: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
    for request_id in range(1, count + 1):
        for version, event in enumerate(steps.EVENTS, 1):
            body = {"event": event, "comment": "同意"} if event.startswith("approve") else {"event": event}
            requests[request_id * CONNECTIONS // (count + 1)].append(
                sent(f"/requests/{request_id}/events", event, f"{request_id}-{version}", version, body)
            )
    application = f'tests.bench.peers.django_http:application("{place}", "django_http")'
    with served(str(PEER), application, {"BENCH_ROWS": "all"}) as server:
        yield from loaded("django_http", server, requests, folder)


def sent(path: str, token: str, key: str, version: int, body: dict[str, str]) -> bytes:
    """A request as it goes over the wire."""
    content = json.dumps(body).encode()
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}", f"Idempotency-Key: {key}",
            f'If-Match: "{version}"', "Content-Type: application/json", f"Content-Length: {len(content)}"]  # fmt: skip
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


@contextlib.contextmanager
def served(python: str, application: str, more: dict[str, str]) -> Iterator[tuple[int, int]]:
    """(port, PID) of a gunicorn with the settings of production."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [python, "-m", "gunicorn", "-c", str(CONFIGURATION), "--bind", f"127.0.0.1:{port}", "--log-level",
               "warning", application]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        _settled(process.pid, until)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(60)


def _settled(pid: int, until: float) -> None:
    """Wait until no worker starts up any more: the first one ready would take every connection and keep it."""
    before = -1
    while (spent := _ticks(pid)) != before and time.monotonic() < until:
        before = spent
        time.sleep(0.7)


def _ticks(pid: int) -> int:
    fields = [Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split() for child in children(pid)]
    return sum(int(each[11]) + int(each[12]) for each in fields)


def loaded(name: str, server: tuple[int, int], requests: list[list[bytes]], folder: Path) -> Iterator[Side]:
    """The side whose one client sends these requests; its CPU is gunicorn's, not the client's."""
    port, pid = server
    file = folder / f"{name}.requests"
    file.write_bytes(pickle.dumps(requests))
    command = [sys.executable, "-m", "tests.bench.loader", str(port), str(file)]
    side = Side(name, [command], servers=lambda: [pid, *children(pid)])
    try:
        yield side
    finally:
        side.end()


def children(pid: int) -> list[int]:
    """The workers of a gunicorn."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


PARTS: Parts = {(4,): over_http}
