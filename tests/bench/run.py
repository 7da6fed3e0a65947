"""`make bench`: the service against what is possible and against a peer, side by side in one run.

Its own PostgreSQL, fsync and synchronous_commit on. Turns of 0.2 s take place one after the other, every side in every
round, so that what disturbs the machine disturbs all; a ratio is the median of the rounds'. Afterwards every counted
transition is looked for in the tables. A missed goal is printed as missed and does not fail the run; a lost one does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pickle
import platform
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg

from tests import postgres
from tests.bench import explain, sweep, world
from tests.states.definitions import all_plans
from workflow_service.check import check

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".venv-bench" / "bin" / "python"
RESULTS = Path(__file__).parent / "results.md"
TURN, WARM = 0.2, 1.0
CLIENTS = 4
ROWS = 100_000
_SEED = 20260824


@dataclass(frozen=True)
class Size:
    """How much is done: the whole, or quickly with the large parts at 1/50."""

    rounds: int
    drafts: int
    rows: int
    sweeps: int
    label: str


WHOLE = Size(25, 1000, ROWS, 3, "")
QUICK = Size(9, 350, ROWS // 50, 5, ", quick: 1/50")


@dataclass(frozen=True)
class Goal:
    """One line of the result: what was measured against what it should be."""

    number: int
    text: str
    found: float
    wanted: float
    at_most: bool = False

    def __str__(self) -> str:
        met = self.found <= self.wanted if self.at_most else self.found >= self.wanted
        sign = "≤" if self.at_most else "≥"
        result = f"{'met' if met else 'missed'} {self.found:.2f} ({sign} {self.wanted:.2f})"
        return f"goal {self.number}: {result} {self.text}"


class Side:
    """One contender: its clients, each a process that takes turns."""

    def __init__(self, name: str, commands: Sequence[Sequence[str]]) -> None:
        self.name, self.counted = name, 0
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._clients = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
            ) for command in commands
        ]  # fmt: skip
        for client in self._clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n"

    def turn(self, clients: int, length: float = TURN) -> float:
        """Transitions per second of the first `clients` clients together, for `length` seconds."""
        working = self._clients[:clients]
        for client in working:
            assert client.stdin is not None
            client.stdin.write(f"turn {length}\n")
            client.stdin.flush()
        rate = 0.0
        for client in working:
            assert client.stdout is not None
            count, seconds = client.stdout.readline().split()
            self.counted += int(count)
            rate += int(count) / float(seconds)
        return rate

    def cpu(self, place: Path) -> float:
        """Seconds of CPU so far, of the clients and of the server's processes that work for them."""
        with postgres.connect(place) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [self.name]).fetchall()
        pids = [client.pid for client in self._clients] + [int(str(pid)) for (pid,) in found]
        ticks = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        for client in self._clients:
            client.communicate()


def interleaved(sides: Sequence[Side], clients: int, rounds: int) -> dict[str, list[float]]:
    """The rates of every side, round by round."""
    rates: dict[str, list[float]] = {side.name: [] for side in sides}
    order = random.Random(_SEED + clients)
    for _ in range(rounds):
        for side in order.sample(list(sides), len(sides)):
            rates[side.name].append(side.turn(clients))
    return rates


def ratio(rates: dict[str, list[float]], ours: str, theirs: str) -> float:
    """The median over the rounds of ours by theirs; a round in which a side had run out of work does not count."""
    pairs = [(a, b) for a, b in zip(rates[ours], rates[theirs], strict=True) if a and b]
    return statistics.median(a / b for a, b in pairs) if pairs else float("nan")


def bench_transitions(place: Path, folder: Path, size: Size, note: Callable[[str], None]) -> list[Goal]:
    """Goals 1 and 2: `fire` against one statement with the same rows, and against django-fsm-2."""
    note(f"making {CLIENTS * size.drafts} drafts with their papers …")
    made = world.make(place, "fire", folder / "data")
    paths = world.drafts(made, CLIENTS, size.drafts, note)
    dispose(made)
    world.copy(place, "floor", "fire")
    note("walking them once, to know what the floor has to write …")
    recorder = world.open_on(place, "floor", folder / "data")
    for number, path in enumerate(paths):
        (folder / f"fire{number}").write_bytes(pickle.dumps(path))
        world.record(recorder, path, folder / f"floor{number}")
    dispose(recorder)
    world.copy(place, "floor", "fire")
    with contextlib.ExitStack() as stack:
        sides = [
            Side(name, [[sys.executable, "-m", "tests.bench.client", name, postgres.url(place, name, postgres.SERVICE),
                         str(folder / "data"), str(folder / f"{name}{n}")] for n in range(CLIENTS)])
            for name in ("fire", "floor")
        ]  # fmt: skip
        sides += peer(place, size)
        for side in sides:
            stack.callback(side.end)
        note("turn by turn …")
        for side in sides:
            side.turn(CLIENTS, WARM)  # Statements are prepared and caches filled before anything is compared.
        idle = {side.name: side.cpu(place) for side in sides}
        warm = {side.name: side.counted for side in sides}
        several = interleaved(sides, CLIENTS, size.rounds)
        single = interleaved(sides, 1, size.rounds)
        for side in sides:
            spent = (side.cpu(place) - idle[side.name]) / (side.counted - warm[side.name])
            note(f"{side.name}: {spent * 1000:.2f} ms of CPU per transition, client and server together")
    for side in sides:
        assert_all_there(place, side)
    checked = world.open_on(place, "fire", folder / "data")
    assert check(checked.service) == []
    dispose(checked)
    for rates, clients in ((single, 1), (several, CLIENTS)):
        for name, values in rates.items():
            found = [value for value in values if value]
            note(f"{clients} client(s) {name}: {statistics.median(found):.0f}/s" if found else f"{name}: no work left")
        note(f"{clients} client(s): {ratio(rates, 'fire', 'floor'):.2f} of the floor")
    goals = [Goal(1, "fire by one statement with the same rows, 4 clients", ratio(several, "fire", "floor"), 0.5)]
    if len(sides) > 2:
        note(f"1 client: {ratio(single, 'fire', 'django'):.1f} times django-fsm-2")
        goals.append(Goal(2, "times django-fsm-2, 4 clients", ratio(several, "fire", "django"), 6))
    return goals


def peer(place: Path, size: Size) -> list[Side]:
    """The peer's clients, none where its environment was not made."""
    if not PEER.exists():
        print("goal 2: not measured: .venv-bench is missing; `make bench` makes it")
        return []
    script = str(ROOT / "tests" / "bench" / "peer_django.py")
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE django OWNER {postgres.SERVICE}")
    each = size.drafts // 3
    subprocess.run([str(PEER), script, "setup", str(place), "django", "1", str(each * CLIENTS)], check=True)
    return [
        Side("django", [[str(PEER), script, "client", str(place), "django", str(1 + n * each), str(each)]
                        for n in range(CLIENTS)])
    ]  # fmt: skip


def assert_all_there(place: Path, side: Side) -> None:
    """Every counted transition has its history row, its message and its version: nothing was counted and lost."""
    tables = {"django": ("bench_history", "bench_outbox")}.get(side.name, ("history", "outbox"))
    only = "event <> 'transferred'" if side.name == "django" else "event IN ('submit', 'approve', 'confirm_arrival')"
    with postgres.connect(place, side.name) as connection:
        [(history,)] = connection.execute(f"SELECT count(*) FROM {tables[0]} WHERE {only}").fetchall()
        [(messages,)] = connection.execute(f"SELECT count(*) FROM {tables[1]}").fetchall()
    assert history == messages == side.counted, f"{side.name}: counted {side.counted}, found {history} and {messages}"


def bench_sweep(place: Path, folder: Path, size: Size, note: Callable[[str], None]) -> Goal:
    """Goal 3: the sweep against one statement that was written by hand."""
    note(f"making {size.rows} overdue requests …")
    made = world.make(place, "overdue", folder / "overdue")
    now = world.overdue(made, size.rows, postgres.url(place, "overdue", postgres.OWNER))
    dispose(made)
    ratios = []
    for number in range(size.sweeps):
        seconds: dict[str, float] = {}
        for side in random.Random(number).sample(["ours", "hand"], 2):
            world.copy(place, "swept", "overdue")
            seconds[side] = swept(place, folder, side, now, size.rows)
        ratios.append(seconds["hand"] / seconds["ours"])
        rates = {side: f"{size.rows / taken:.0f}/s" for side, taken in seconds.items()}
        note(f"sweep {number + 1}: {rates['ours']} against {rates['hand']}")
    return Goal(3, f"sweep of {size.rows} by one statement written by hand", statistics.median(ratios), 0.6)


def swept(place: Path, folder: Path, side: str, now: int, rows: int) -> float:
    """Seconds for all rows; a row that was not counted, or that was and is not there, ends the run."""
    if side == "hand":
        url = postgres.url(place, "swept", postgres.SERVICE)
        count, seconds = sweep.by_hand(url, now, (int(time.time()) - 1_577_836_800) * 1000)
    else:
        made = world.open_on(place, "swept", folder / "overdue")
        count, seconds = sweep.by_sweep(made.service, now)
        dispose(made)
    with psycopg.connect(host=str(place), dbname="swept", user=postgres.SUPERUSER) as connection:
        [(there,)] = connection.execute(sweep.LEFT).fetchall()
    assert count == there == rows, f"{side}: counted {count}, found {there} of {rows}"
    return seconds


def bench_explain(note: Callable[[str], None]) -> Goal:
    """Goal 4: CPU of explaining 200 rows of a list, under the slowest of all packs and routes."""
    spent = {f"{plan.definition.pack} {plan.route.cite.rule}": explain.milliseconds(plan)[1] for plan in all_plans()}
    slowest = max(spent, key=lambda name: spent[name])
    note(f"explaining under {slowest}: {spent[slowest]:.2f} ms")
    return Goal(4, f"ms of CPU to explain {explain.ROWS} rows", spent[slowest], explain.GOAL_MS, at_most=True)


def dispose(made: world.World) -> None:
    made.service.engine.dispose()
    made.service.hot.dispose()


@contextlib.contextmanager
def own_server() -> Iterator[Path]:
    """A PostgreSQL as in production: what is committed is on disk."""
    postgres.SETTINGS.update(fsync="on", synchronous_commit="on", full_page_writes="on", shared_buffers="512MB",
                             max_wal_size="4GB")  # fmt: skip
    with postgres.server() as place:
        yield place


def machine(place: Path) -> str:
    with postgres.connect(place) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    peers = ""
    if PEER.exists():
        command = [str(PEER), "-m", "pip", "list", "--format=freeze"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        peers = ", " + ", ".join(re.findall(r"(?mi)^(?:django|django-fsm-2)==.*$", listed.stdout))
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"PostgreSQL {row[0] if row else '?'}, psycopg {version('psycopg')}, SQLAlchemy {version('sqlalchemy')}, "
        f"python-statemachine {version('python-statemachine')}{peers}"
    )


def keep(size: Size, described: str, goals: Sequence[Goal], notes: Sequence[str]) -> None:
    """Add the run to the table of results, the newest first."""
    head = "# Results of `make bench`\n\nRatios count; the newest run is first. A miss stands here as a miss.\n"
    old = RESULTS.read_text(encoding="utf-8").removeprefix(head) if RESULTS.exists() else ""
    lines = [f"\n## {datetime.now(UTC):%Y-%m-%d}{size.label}\n", f"{described}; load {os.getloadavg()[0]:.1f}\n"]
    lines += ["| goal | result | wanted | what |", "|---|---|---|---|"]
    for goal in goals:
        met, sign = str(goal).split()[2], "≤" if goal.at_most else "≥"
        lines.append(f"| {goal.number} | {met} {goal.found:.2f} | {sign} {goal.wanted:.2f} | {goal.text} |")
    lines += ["", *[f"- {note}" for note in notes if "…" not in note and ":" in note and "drafts" not in note]]
    RESULTS.write_text(head + "\n".join(lines) + "\n" + old, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under five minutes, the large parts at 1/50")
    parser.add_argument("--only", choices=["transitions", "sweep", "explain"])
    asked = parser.parse_args()
    size, notes, goals = QUICK if asked.quick else WHOLE, [], []
    started = time.monotonic()

    def note(line: str) -> None:
        notes.append(line)
        print(f"{time.monotonic() - started:5.0f} s  {line}", file=sys.stderr, flush=True)

    folder = Path(tempfile.mkdtemp(prefix="wfs-bench-"))
    try:
        with own_server() as place:
            described = machine(place)
            if asked.only in (None, "explain"):
                goals.append(bench_explain(note))
            if asked.only in (None, "transitions"):
                goals += bench_transitions(place, folder, size, note)
            if asked.only in (None, "sweep"):
                goals.append(bench_sweep(place, folder, size, note))
    finally:
        shutil.rmtree(folder)
    goals.sort(key=lambda goal: goal.number)
    if asked.only is None:
        keep(size, described, goals, notes)
    for goal in goals:
        print(f"{goal}{size.label if goal.number == 3 else ''}")


if __name__ == "__main__":
    main()
