"""Under overload what matters least is refused first, at once and before any work; approvals go on."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from api.app import HEADERS
from api.shedding import PUBLIC, Shedding, rank_of
from tests.api.conftest import Api, _api
from tests.api.test_real_server import Server, server
from tests.conftest import Database
from tests.load import nginx as proxies

__all__ = ["server"]

RANKED = [
    ("POST", "/api/v1/requests/1/events", True, "write"),
    ("POST", "/requests/1/events", True, "write"),
    ("POST", "/api/v1/requests/check", True, "read"),
    ("POST", "/api/v1/tokens", False, "write"),
    ("POST", "/login", False, "write"),
    ("GET", "/login", False, "read"),
    ("GET", "/api/v1/requests", True, "read"),
    ("GET", "/api/v1/requests", False, "public"),
    ("GET", "/verify/abc", True, "public"),
    ("GET", "/api/v1/verify/abc", False, "public"),
    ("GET", "/api/v1/docs/", True, "public"),
    ("GET", "/api/v1/openapi.json", False, "public"),
    ("GET", "/static/pages.css", True, "public"),
    ("GET", "/healthz", False, "probe"),
    ("GET", "/readyz/", False, "probe"),
]


@pytest.mark.parametrize(("method", "path", "signed_in", "rank"), RANKED)
def test_a_request_is_ranked_by_what_can_be_seen_of_it(method: str, path: str, signed_in: bool, rank: str) -> None:
    assert rank_of(method, path, signed_in).name == rank


def asked(server: Server, method: str, path: str, waited: float, *, token: str = "", **more: str) -> tuple[int, Any]:
    """(status, headers) of a request that a proxy took in so many seconds ago."""
    body = more.pop("body", "")
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"X-Request-Start: t={time.time() - waited:.3f}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    return exchanged(server.port, "\r\n".join(lines) + f"\r\n\r\n{body}")


def exchanged(port: int, content: str) -> tuple[int, dict[str, str]]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(content.encode())
        return answered(connection)


def answered(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """(status, headers with the body as `body`)."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += (data := connection.recv(65_536))
        assert data, received
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536)
    return int(lines[0].split()[1]), {**headers, "body": body.decode()}


def test_gunicorn_refuses_the_public_first_then_readers_and_approvals_last(server: Server) -> None:
    pupil = server.api.world.student("202")
    draft = server.api.draft(pupil)
    body = json.dumps({"event": "recall"})
    path = f"/api/v1/requests/{draft['id']}/events"

    status, headers = asked(server, "GET", "/api/v1/verify/none", 0.5)
    assert status == 503
    assert headers["content-type"] == "application/problem+json"
    assert 5 <= int(headers["retry-after"]) <= 15
    assert json.loads(headers["body"])["type"] == "urn:workflow-service:problem:overloaded"
    assert {name.lower() for name in HEADERS} <= set(headers)
    status, headers = asked(server, "GET", "/verify/none", 0.5, Accept="text/html")
    assert (status, headers["content-type"]) == (503, "text/html; charset=utf-8")

    assert asked(server, "GET", "/api/v1/me", 0.5, token=server.token)[0] == 200
    assert asked(server, "GET", "/api/v1/me", 2.0, token=server.token)[0] == 503
    # A refused transition has done nothing, and the same key does it afterwards.
    key = {"token": server.token, "If_Match": '"1"', "Idempotency_Key": "one", "body": body}
    assert asked(server, "POST", path, 10.0, **key)[0] == 503
    assert server.api.world.request(int(draft["id"])).version == 1
    assert asked(server, "POST", path, 2.0, **key)[0] == 200
    assert asked(server, "GET", "/healthz", 30.0)[0] == 200


@pytest.mark.parametrize("header", ["", "t=", "t=nan", "t=never", "t=1.0", "t=99999999999", "-inf"])
def test_a_clock_that_is_wrong_refuses_nobody(server_less: Callable[[str], int], header: str) -> None:
    assert server_less(header) == 404


@pytest.fixture
def server_less(sqlite_api: Api) -> Callable[[str], int]:
    """Ask the application itself, with an X-Request-Start."""
    client = sqlite_api.app.test_client()
    return lambda header: client.get("/api/v1/verify/none", headers={"X-Request-Start": header}).status_code


def test_nothing_is_read_at_the_cost_of_an_approval_that_waits() -> None:
    clock = [1000.0]

    def quick(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    app = Shedding(quick, {}, lambda: clock[0])

    def ask(method: str, waited: float) -> str:
        said: list[str] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": "/requests/1/events", "HTTP_COOKIE": "session=x",
                   "HTTP_X_REQUEST_START": f"t={clock[0] - waited:.3f}"}  # fmt: skip
        list(app(environ, lambda status, _headers: said.append(status)))  # type: ignore[arg-type]
        return said[0][:3]

    assert ask("GET", 0.4) == "200"
    assert ask("POST", 0.6) == "200"
    assert ask("GET", 0.4) == "503"
    assert ask("GET", 0.05) == "200"
    clock[0] += 1.5
    assert ask("GET", 0.4) == "200"


def test_slow_public_queries_leave_threads_to_the_staff() -> None:
    release, entered = threading.Event(), threading.Semaphore(0)

    def slow(environ: Any, start_response: Any) -> list[bytes]:
        entered.release()
        if environ["PATH_INFO"].startswith("/verify"):
            release.wait(20)
        start_response("200 OK", [])
        return [b""]

    app = Shedding(slow, {})

    def ask(path: str) -> str:
        said: list[str] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_COOKIE": "session=x"}
        list(app(environ, lambda status, _headers: said.append(status)))  # type: ignore[arg-type]
        return said[0][:3]

    assert PUBLIC.at_once is not None
    with ThreadPoolExecutor(PUBLIC.at_once) as pool:
        held = [pool.submit(ask, "/verify/x") for _ in range(PUBLIC.at_once)]
        for _ in held:
            assert entered.acquire(timeout=20)
        assert ask("/verify/x") == "503"
        assert ask("/requests") == "200"
        release.set()
        assert [one.result() for one in held] == ["200"] * len(held)
    assert ask("/verify/x") == "200"


@pytest.fixture
def postgres_api(postgresql_database: Database, tmp_path: Path) -> Iterator[Api]:
    """Give a test the application on PostgreSQL, whose connections are counted."""
    yield from _api(postgresql_database, tmp_path)


def test_a_pool_that_is_used_up_answers_503_within_two_seconds_and_recovers(postgres_api: Api) -> None:
    assert postgres_api.get("school201", "/me").status_code == 200
    with ExitStack() as held:
        for engine in (postgres_api.world.service.engine, postgres_api.world.service.hot):
            for _ in range(engine.pool.size() + 4):  # type: ignore[attr-defined]
                held.enter_context(engine.connect())
        before = time.monotonic()
        answer = postgres_api.get("school201", "/me")
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert time.monotonic() - before < 2
        assert postgres_api.client.get("/healthz").status_code == 200
    assert postgres_api.get("school201", "/me").status_code == 200


class Upstream:
    """What stands behind nginx: it answers each request, unless it is told to keep it waiting."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.hold = threading.Event()
        self.release = threading.Event()
        self.heads: list[str] = []
        self.arrived = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def end(self) -> None:
        """Answer who waits, and listen no more."""
        self.release.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # A close alone would not wake who accepts.
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                if not (data := connection.recv(65_536)):
                    return
                received += data
            self.heads.append(received.decode())
            self.arrived.release()
            if self.hold.is_set():
                self.release.wait(20)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@contextmanager
def proxied(folder: Path) -> Iterator[tuple[Upstream, int, int]]:
    """(what is behind it, port of nginx, its PID), with the configuration that is shipped."""
    try:
        program = proxies.find()
    except proxies.NoNginx as error:
        pytest.skip(str(error))
    upstream = Upstream()
    try:
        with proxies.running(program, upstream.port, folder / "nginx", buffered=False) as (port, pid):
            yield upstream, port, pid
    finally:
        upstream.end()


def get(path: str, *more: str, method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *more]) + "\r\n\r\n"


SIGNED = "Authorization: Bearer x"


def test_nginx_keeps_the_public_from_taking_the_place_of_approvals(tmp_path: Path) -> None:
    with ExitStack() as stack, proxied(tmp_path) as (upstream, port, _):
        upstream.hold.set()
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(6)]
        for one in held:
            one.sendall(get("/verify/x").encode())
            assert upstream.arrived.acquire(timeout=20)
        status, headers = exchanged(port, get("/verify/x"))
        assert (status, headers["content-type"]) == (503, "application/problem+json")
        assert 5 <= int(headers["retry-after"]) <= 15
        assert json.loads(headers["body"])["status"] == 503
        status, headers = exchanged(port, get("/verify/x", "Accept: text/html"))
        assert (status, headers["content-type"]) == (503, "text/html; charset=utf-8")
        upstream.hold.clear()
        assert exchanged(port, get("/api/v1/requests/1/events", SIGNED, "Content-Length: 0", method="POST"))[0] == 200
        assert exchanged(port, get("/requests", SIGNED))[0] == 200
        upstream.release.set()
        assert {answered(one)[0] for one in held} == {200}


def test_nginx_limits_the_public_by_address_and_nobody_who_signs_in(tmp_path: Path) -> None:
    with proxied(tmp_path) as (_, port, _):
        public = [exchanged(port, get("/verify/x")) for _ in range(80)]
        assert {status for status, _ in public} == {200, 429}
        refused = next(headers for status, headers in public if status == 429)
        assert int(refused["retry-after"]) >= 5
        assert json.loads(refused["body"])["type"] == "urn:workflow-service:problem:too-many-requests"
        for method, path in (("POST", "/login"), ("POST", "/api/v1/tokens"), ("GET", "/login")):
            assert {exchanged(port, get(path, "Content-Length: 0", method=method))[0] for _ in range(80)} == {200}
        assert {exchanged(port, get("/requests", SIGNED))[0] for _ in range(80)} == {200}


def test_nginx_says_where_a_request_comes_from_and_when_whatever_the_client_says(tmp_path: Path) -> None:
    with proxied(tmp_path) as (upstream, port, _):
        before = time.time()
        exchanged(port, get("/requests?q=林小满", SIGNED, "X-Request-Start: t=1", "X-Forwarded-For: 6.6.6.6"))
        sent = dict(line.split(": ", 1) for line in upstream.heads[0].split("\r\n")[1:] if line)
        assert before - 0.01 <= float(sent["X-Request-Start"].removeprefix("t=")) <= time.time()
        assert sent["X-Forwarded-For"] == "127.0.0.1"
        upstream.end()
        status, headers = exchanged(port, get("/requests", SIGNED))
        assert status == 503  # a service that restarts
        assert "retry-after" in headers
    log = (tmp_path / "nginx" / "workflow-service.log").read_text()
    assert "/requests 200" in log
    assert "q=" not in log


@pytest.mark.parametrize(("method", "path", "signed_in", "rank"), RANKED)
def test_nginx_ranks_as_the_service_does(
    method: str, path: str, signed_in: bool, rank: str, ranking: Callable[..., str]
) -> None:
    assert ranking(method, path, signed_in) == rank


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """The rank that nginx writes into its log."""
    folder = tmp_path_factory.mktemp("ranking")
    with proxied(folder) as (_, port, _):
        log, seen = folder / "nginx" / "workflow-service.log", [0]

        def rank(method: str, path: str, signed_in: bool) -> str:
            seen[0] += 1
            exchanged(port, get(f"{path}?n={seen[0]}", *([SIGNED] if signed_in else []), "Content-Length: 0",
                                "Connection: close", method=method))  # fmt: skip
            until = time.monotonic() + 20
            while time.monotonic() < until:
                lines = log.read_text().splitlines()
                if len(lines) >= seen[0]:
                    return lines[-1].split()[-1]
            raise AssertionError("nothing in the log")

        yield rank
