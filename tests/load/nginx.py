"""A real nginx with the shipped `deploy/nginx.conf`: from PATH, or from Debian's package, unpacked into .cache."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "nginx"
SHIPPED = ROOT / "deploy" / "nginx.conf"
_MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log error;
{user}
events {{ worker_connections 4096; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    include {folder}/workflow.conf;
}}
"""


class NoNginx(RuntimeError):
    """There is none and none can be had; the message says what to do."""


def find() -> str:
    """The path of an nginx that starts. Raises `NoNginx`."""
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    found = shutil.which("nginx", path=places) or _unpacked()
    started = subprocess.run([found, "-v"], capture_output=True, text=True)
    if started.returncode != 0:
        raise NoNginx(f"{found} does not start: {started.stderr.strip()}. Install nginx, e.g. apt-get install nginx.")
    return found


def version(nginx: str) -> str:
    """`nginx 1.22.1`."""
    said = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return said.strip().rpartition(": ")[2].replace("/", " ")


def _unpacked() -> str:
    """Debian's package in .cache; needs no root, and installs nothing."""
    program = CACHE / "usr" / "sbin" / "nginx"
    if program.exists():
        return str(program)
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["apt-get", "-q", "download", "nginx"], cwd=CACHE, check=True, capture_output=True, timeout=120)
        for package in CACHE.glob("nginx_*.deb"):
            subprocess.run(["dpkg", "-x", package, CACHE], check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        raise NoNginx(
            "the load run needs nginx: there is none in PATH, and Debian's package could not be had "
            f"({error} {said.decode(errors='replace').strip()[-300:]}). Install it: apt-get install nginx."
        ) from error
    if not program.exists():
        raise NoNginx("Debian's package of nginx has no usr/sbin/nginx. Install it: apt-get install nginx.")
    return str(program)


def configuration(port: int, service: int, folder: Path, buffered: bool = True) -> str:
    """The shipped file with this run's ports and folder, without TLS; its log at once where it is not buffered."""
    text = SHIPPED.read_text(encoding="utf-8")
    for pattern, instead in (
        (r"listen 443 ssl", f"listen 127.0.0.1:{port}"), (r"127\.0\.0\.1:8000", f"127.0.0.1:{service}"),
        (r"(?m)^ *ssl_.*\n", ""), (r"/var/log/nginx/", f"{folder}/"),
        (r" buffer=64k flush=5s;", " buffer=64k flush=5s;" if buffered else ";"),
    ):  # fmt: skip
        text, count = re.subn(pattern, instead, text)
        assert count, f"deploy/nginx.conf has no {pattern} any more"
    return text


@contextlib.contextmanager
def running(nginx: str, service: int, folder: Path, *, buffered: bool = True) -> Iterator[tuple[int, int]]:
    """(port, PID) of an nginx before the service on port `service`; its logs lie in `folder`."""
    folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "workflow.conf").write_text(configuration(port, service, folder, buffered), encoding="utf-8")
    user = "user root root;" if os.geteuid() == 0 else ""  # Its folder is closed to others.
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
    command = [nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            if process.poll() is not None:
                raise NoNginx((folder / "error.log").read_text() or "nginx did not start; its words stand above")
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)
