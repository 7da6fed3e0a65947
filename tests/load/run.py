"""`make load`: the real service behind nginx under the load of a province's peak, under ten times that, and after it.

`python -m tests.load.run [--quick] [--duration SECONDS]`. Everything runs on this machine, on 127.0.0.1, and ends with
this process.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import pickle
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests import postgres
from tests.bench.http import served
from tests.bench.sides import ROOT, own_server
from tests.load import nginx, province
from tests.load.client import Phase, Work
from tests.load.report import READERS, Ran, bears, keep, latencies, merged, quantile, recovered_after, together
from workflow_service.generate import Sizes

RATES = {"box": 150.0, "view": 150.0, "students": 60.0, "dashboard": 40.0, "explain": 40.0, "verify": 60.0,
         "transition": 60.0}  # fmt: skip
"""A second: 500 of mixed reading and 60 transitions."""
FACTORS = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)
"""What is tried, until the machine bears it."""
MARGIN = 0.8
"""A load at the brink is borne for some seconds and not for minutes."""
TIMES = 10
PROCESSES = 2


@dataclass(frozen=True)
class Size:
    """How long the phases are, in seconds, and how much is generated."""

    duration: float
    trial: float
    overload: float
    recovery: float
    data: Sizes
    label: str

    @property
    def drafts(self) -> int:
        """Enough for all phases: an overload is not borne in full, so it takes far less than it offers."""
        seconds = self.duration + self.recovery + self.trial * (1 + sum(FACTORS))
        return round((seconds * RATES["transition"] + self.overload * 250) / 5 * 1.1) + 300


WHOLE = Size(300, 15, 45, 60, Sizes(100_000, 200, 20_000, 3_000), "")
QUICK = Size(30, 8, 20, 20, Sizes(20_000, 60, 4_000, 800), "quick, ")


def say(line: str) -> None:
    """How far it is."""
    print(f"{time.monotonic() - STARTED:5.0f} s  {line}", file=sys.stderr, flush=True)


STARTED = time.monotonic()


class Generator:
    """The processes that make the load."""

    def __init__(self, port: int, made: province.Made, folder: Path, service: Sequence[int]) -> None:
        self._service, self._clients = service, []
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        for number in range(PROCESSES):
            file = folder / f"work{number}"
            file.write_bytes(pickle.dumps(Work(made.reads, made.drafts[number::PROCESSES], number)))
            command = [sys.executable, "-m", "tests.load.client", str(port), str(file)]
            self._clients.append(subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
            ))  # fmt: skip
        for client in self._clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"
        self.done: list[tuple[int, int, str]] = []

    def run(self, name: str, seconds: float, factor: float) -> Ran:
        """A phase at so many times the rates."""
        say(f"{name}: {sum(RATES.values()) * factor:.0f}/s for {seconds:g} s …")
        rates = {kind: rate * factor / PROCESSES for kind, rate in RATES.items()}
        before, started = self._cpu(), time.monotonic()
        for client in self._clients:
            assert client.stdin is not None
            client.stdin.write(json.dumps({"seconds": seconds, "rates": rates}) + "\n")
            client.stdin.flush()
        parts: list[Phase] = []
        for client in self._clients:
            assert client.stdout is not None
            parts.append(pickle.loads(base64.b64decode(client.stdout.readline())))
        passed, after = time.monotonic() - started, self._cpu()
        phase = merged(parts)
        self.done += phase.done
        busy, own, service = ((now - then) / passed for now, then in zip(after, before, strict=True))
        return Ran(name, seconds, phase, busy, own, service)

    def _cpu(self) -> tuple[float, float, float]:
        """Seconds of CPU that the machine, this generator and the service have used."""
        ticks = os.sysconf("SC_CLK_TCK")
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        machine = sum(map(int, fields[1:4])) + sum(map(int, fields[6:8]))
        own = sum(used(client.pid) for client in self._clients)
        service = sum(used(pid) for root in self._service for pid in tree(root))
        return machine / ticks, own / ticks, service / ticks

    def end(self) -> None:
        """Close the processes' input, which ends them."""
        for client in self._clients:
            client.communicate()


def tree(pid: int) -> Iterator[int]:
    """A process and those that come from it."""
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError):
            yield from tree(int(child))


def used(pid: int) -> int:
    """Ticks of CPU of a process, with those of its children that have ended."""
    with contextlib.suppress(FileNotFoundError):
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
    return 0


@contextlib.contextmanager
def serving(made: province.Made, program: str, folder: Path) -> Iterator[tuple[int, list[int]]]:
    """The port of nginx before gunicorn, both with the shipped configuration, and their PIDs."""
    with (
        served(sys.executable, "api.cli:wsgi()", made.environment) as (behind, gunicorn),
        nginx.running(program, behind, folder / "nginx") as (port, proxy),
    ):
        yield port, [gunicorn, proxy]


def measure(generator: Generator, size: Size, notes: list[str]) -> list[Ran]:
    """All phases; what is remarkable goes into `notes`."""
    generator.run("warming up", size.trial, 0.15)
    for factor in FACTORS:
        tried = generator.run("trial", size.trial, factor)
        if bears(tried.phase):
            break
        staff, public = together(tried.phase, (*READERS, "transition")), together(tried.phase, ("verify",))
        notes.append(f"{sum(RATES.values()) * factor:.0f}/s are not borne: p95 {quantile(latencies(staff), 0.95):.0f} "
                     f"ms, shed {len(staff.shed)} of the staff's and {len(public.shed)} of the public's, "
                     f"{sum(staff.errors.values()) + sum(public.errors.values())} errors")  # fmt: skip
    else:
        notes.append("not even the smallest load that was tried is borne")
    factor *= 1 if factor == 1 else MARGIN
    whole = sum(RATES.values())
    notes.append(f"nominal is {whole * factor:.0f}/s, {factor:.2f} of the {whole:.0f}/s that are wanted" + (
        "" if factor == 1 else f": {MARGIN:g} of what this machine bore for {size.trial:g} s with the generator on it"
    ))  # fmt: skip
    nominal = generator.run("nominal", size.duration, factor)
    if not bears(nominal.phase):
        notes.append("the nominal load was NOT borne as long as that")
    overload = generator.run("ten times", size.overload, factor * TIMES)
    recovery = generator.run("afterwards", size.recovery, factor)
    usual = quantile(latencies(together(nominal.phase, (*READERS, "transition"))), 0.95)
    worst = min(max(2 * usual, 100.0), 500.0)  # Else a bad nominal phase would make every recovery a good one.
    after = recovered_after(recovery.phase, worst)
    if after is None:
        notes.append(f"NOT recovered within {size.recovery:g} s")
    else:
        notes.append(f"recovered {after} s after the overload ended: nothing shed, p95 of the staff at most "
                     f"{worst:.0f} ms, three seconds running")  # fmt: skip
    notes.append(order(overload.phase))
    return [nominal, overload, recovery]


def order(phase: Phase) -> str:
    """Who was shed how much."""
    shares = []
    for title, kinds in (("approvals", ("transition",)), ("staff reading", READERS), ("public", ("verify",))):
        seen = together(phase, kinds)
        sent = len(seen.answered) + len(seen.shed) + sum(seen.errors.values())
        shares.append((title, 100 * len(seen.shed) / max(1, sent)))
    held = shares[0][1] <= shares[1][1] <= shares[2][1]
    text = ", ".join(f"{title} {share:.1f} %" for title, share in shares)
    return f"shed under overload: {text}{'' if held else ' (NOT in the order that is wanted)'}"


def proved(place: Path, made: province.Made, done: Sequence[tuple[int, int, str]]) -> list[str]:
    """What the tables say afterwards."""
    missing = province.not_there(place, list(done))
    say("workflow-service check …")
    command = [sys.executable, "-m", "api.cli", "check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **made.environment}
    checked = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    said = (checked.stdout.strip() or checked.stderr.strip()).splitlines()[-1:]
    return [
        f"{len(done)} transitions were answered 200; {'all are' if not missing else f'{missing} are NOT'} in the trail",
        f"`workflow-service check`: {'passed' if checked.returncode == 0 else 'FAILED'} ({' '.join(said)})",
    ]


def machine(place: Path, program: str) -> str:
    """Where it was measured, and with which versions."""
    with postgres.connect(place) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    described = [
        f"{os.cpu_count()} cores", platform.machine(), f"Python {platform.python_version()}",
        f"PostgreSQL {row[0] if row else '?'}", nginx.version(program), f"gunicorn {version('gunicorn')}",
    ]  # fmt: skip
    return f"{', '.join(described)}; load {os.getloadavg()[0]:.1f} before it began, the generator on the same machine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 s instead of five minutes, and less data")
    parser.add_argument("--duration", type=float, help="seconds of the nominal phase")
    asked = parser.parse_args()
    size = QUICK if asked.quick else WHOLE
    if asked.duration:
        size = Size(asked.duration, size.trial, size.overload, size.recovery, size.data, size.label)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        program = nginx.find()
    except nginx.NoNginx as error:
        sys.exit(str(error))
    folder = Path(tempfile.mkdtemp(prefix="wfs-load-"))
    notes: list[str] = []
    try:
        with own_server() as place:
            described = machine(place, program)
            made = province.make(place, folder, size.data, size.drafts, say)
            with serving(made, program, folder) as (port, pids):
                pids.append(int((place / "data" / "postmaster.pid").read_text().split()[0]))
                generator = Generator(port, made, folder, pids)
                try:
                    ran = measure(generator, size, notes)
                finally:
                    generator.end()
            notes += proved(place, made, generator.done)
    finally:
        shutil.rmtree(folder)
    data = f"{size.data.students} students, {size.data.requests} requests"
    print(keep(f"{size.label}{size.duration:g} s, {data}", described, ran, notes))
    if any(word in note for note in notes for word in (" NOT ", "FAILED")):
        sys.exit(1)


if __name__ == "__main__":
    main()
