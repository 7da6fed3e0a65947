"""`workflow-service demo`: the web server and the scheduler as children of one process that takes both with it.

Whoever stops this process stops all of it: a signal is passed on, a child that ends takes the other with it, and if
this process is killed outright the kernel ends the children.
"""

from __future__ import annotations

import ctypes
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import FrameType

import click

from workflow_service import db
from workflow_service.config import load
from workflow_service.demo import prepare
from workflow_service.demo.accounts import PASSWORD
from workflow_service.service import build_service

HOST = "127.0.0.1"
READY_WITHIN, STOP_WITHIN = 60.0, 15.0
"""Seconds until the pages must answer, and that a child has to end by itself."""

ACCOUNTS = (
    ("school201", "学校学籍管理员 / registrar of school 201 (county 2, by catchment)"),
    ("school201.principal", "校长 / its principal"),
    ("school202", "转出学校 / registrar of school 202; school401, school102, school901 likewise"),
    ("county2", "县教育局学籍管理员 / registrar of county 2; county1, county3, county4, county9 likewise"),
    (
        "school506, school606, school706",
        "十堰规则的小学、中职、高校 / a school under Shiyan's rules, a vocational one, a university",
    ),
    ("city1", "市教育局 / city; province, province2"),
    ("admin, security, auditor", "系统、安全、审计 / system, security, audit"),
)


def run(environ: Mapping[str, str], port: int, data: Path, today: date | None) -> int:
    """Prepare and serve until a signal comes; the exit status."""
    data = data.absolute()
    (data / "tmp").mkdir(parents=True, exist_ok=True)
    wanted = {"WORKFLOW_ENV": "demo", "DATA": str(data), "PUBLIC_URL": f"http://{HOST}:{port}"}
    environ = {**environ, **wanted, "TMPDIR": str(data / "tmp"), "TODAY": today.isoformat() if today else ""}
    _check_port(port)
    _prepare(environ)
    return _Children(environ).serve(port)


def _check_port(port: int) -> None:
    """Before anything long: a taken port would otherwise be found a minute later."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise click.ClickException(f"port {port} is taken ({error.strerror}); choose another: PORT=8123") from error


def _prepare(environ: Mapping[str, str]) -> None:
    settings = load(environ)
    db.upgrade(settings.database_owner_url, settings.database_url)
    service = build_service(settings)
    try:
        prepare(service, settings.today, click.echo)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    finally:
        service.engine.dispose()
        service.hot.dispose()


class _Children:
    """The two processes, and the promise that neither outlives this one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopping = False

    def serve(self, port: int) -> int:
        """Start both, say where they are, wait for a signal or for one of them to end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._signalled)
        try:
            self._start(_web(port))
            self._start([sys.executable, "-m", "api.cli", "scheduler"])
            if self._wait_until_ready(port):
                _announce(port)
            while not self._stopping and all(child.poll() is None for child in self._running):
                time.sleep(0.2)
        finally:
            ended = [child for child in self._running if child.poll() is not None]
            self._stop()
        if self._stopping:
            return 0
        click.echo(f"error: a process ended by itself with status {ended[0].returncode if ended else '?'}", err=True)
        return 1

    def _start(self, command: Sequence[str]) -> None:
        if not self._stopping:
            child = subprocess.Popen(command, env=self._environ, preexec_fn=_die_with_parent)  # noqa: S603
            self._running.append(child)

    def _signalled(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _wait_until_ready(self, port: int) -> bool:
        deadline = time.monotonic() + READY_WITHIN
        while not self._stopping and all(child.poll() is None for child in self._running):
            if _answers(port):
                return True
            if time.monotonic() > deadline:
                click.echo("error: not ready within a minute; see the lines above", err=True)
                return False
            time.sleep(0.1)
        return False

    def _stop(self) -> None:
        for child in self._running:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_WITHIN
        for child in self._running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _web(port: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers", "2", "--worker-class", "gthread",
        "--threads", "4", "--no-control-socket", "--log-level", "warning", "--graceful-timeout", "10",
        "api.cli:wsgi()",
    ]  # fmt: skip


def _die_with_parent() -> None:
    """Linux: SIGTERM from the kernel when the parent is gone, also by SIGKILL. Elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(port: int) -> None:
    click.echo(f"\n  http://{HOST}:{port}   （API：/api/v1/docs）\n")
    click.echo(f"  示例账号，密码都是 {PASSWORD} / accounts, all with the password {PASSWORD}:")
    for name, what in ACCOUNTS:
        click.echo(f"    {name:<26}{what}")
    click.echo("\n  Ctrl+C 停止 / to stop\n")
