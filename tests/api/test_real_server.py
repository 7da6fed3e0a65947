"""What only a real server shows: large, cut-off and endless bodies, as gunicorn and a socket meet them."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_cli import free_port
from tests.conftest import Database
from tests.workflow_service.processes import ROOT, environment
from tests.workflow_service.world import picture


class Server:
    """gunicorn on a test's world; `send` writes a request byte for byte and gives (status, body)."""

    def __init__(self, api: Api, port: int) -> None:
        self.api, self.port = api, port
        self.token = api.token("school201")

    def head(self, method: str, path: str, token: str | None = None, **headers: str) -> bytes:
        lines = [f"{method} /api/v1{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token or self.token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def send(self, *parts: bytes) -> tuple[int, bytes]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            for part in parts:
                connection.sendall(part)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status, answer.read()

    def cut(self, content: bytes) -> None:
        """Send so much and hang up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(content)


@pytest.fixture
def server(sqlite_api: Api, sqlite_database: Database) -> Iterator[Server]:
    sqlite_api.world.at = time.time_ns() // 1000  # The server's clock is the real one.
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "deploy" / "gunicorn.conf.py"), "--workers", "1",
               "--bind", f"127.0.0.1:{port}", "--log-level", "error", "--access-logfile", "/dev/null",
               "api.cli:wsgi()"]  # fmt: skip
    process = subprocess.Popen(command, env=environment(sqlite_api.world, sqlite_database), cwd=ROOT)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Server(sqlite_api, port)
    finally:
        process.terminate()
        process.wait()


def form(content: bytes) -> tuple[bytes, str]:
    """A multipart body of one paper, and its content type."""
    head = 'form-data; name="kind"\r\n\r\nproperty_certificate', 'form-data; name="file"; filename="a.png"\r\n\r\n'
    first, second = (f"--b\r\nContent-Disposition: {part}".encode() for part in head)
    return first + b"\r\n" + second + content + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def test_bodies_that_are_too_large_cut_off_or_endless_are_answered_and_leave_nothing(server: Server) -> None:
    draft = server.api.draft(server.api.world.student("202"))
    path = f"/requests/{draft['id']}/documents"
    large, kind = form(b"x" * 50_000_000)

    def announced(content: bytes, token: str | None = None) -> bytes:
        return server.head("POST", path, token, Content_Type=kind, Content_Length=str(len(content)))

    # The client is still sending when it is decided: it must read the answer, not meet a reset.
    assert server.send(announced(large), large)[0] == 413
    assert server.send(announced(large[:1_500_000], "gone"), large[:1_500_000])[0] == 401
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    endless = server.head("POST", "/requests", Content_Type="application/json", Transfer_Encoding="chunked")
    assert server.send(endless, chunk * 8)[0] == 413
    assert server.send(b"GET /api/v1/students?q=\xe6\x9d\x8e HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 400

    good, kind = form(picture())
    whole = announced(good) + good
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        server.cut(whole[:length])
    assert server.send(server.head("GET", "/me"))[0] == 200  # after what the only worker had in hand
    assert list(server.api.world.service.store.iter_all()) == []
    assert server.api.world.request(int(draft["id"])).version == 1
    assert server.send(whole)[0] == 201


def test_a_body_that_ends_before_its_announced_length_is_none(sqlite_api: Api) -> None:
    draft = sqlite_api.draft(sqlite_api.world.student("202"))
    body = b'{"event":"recall"}'
    announced: dict[str, Any] = {"CONTENT_LENGTH": str(len(body) + 1), "wsgi.input_terminated": True}
    path = f"/requests/{draft['id']}/events"
    answer = sqlite_api.call(
        "school201", "POST", path, data=body, content_type="application/json", version=1, environ_overrides=announced
    )
    assert answer.status_code == 400
    assert sqlite_api.world.request(int(draft["id"])).version == 1
