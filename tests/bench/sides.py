"""Contenders, measured side by side: turns of 0.2 s one after the other, every side in every round.

What disturbs the machine disturbs all sides; a ratio is the median of the rounds' ratios. CPU is read from /proc, of
the clients and of the server's processes that work for them.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests import postgres
from tests.bench import world

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".venv-bench" / "bin" / "python"
"""The Python of the peers' own environment."""
TURN, WARM = 0.2, 1.0
CLIENTS = 4
_SEED = 20260824
_SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
             "max_wal_size": "4GB"}  # fmt: skip


@contextlib.contextmanager
def own_server() -> Iterator[Path]:
    """A PostgreSQL as in production: what is committed is on disk."""
    postgres.SETTINGS.update(_SETTINGS)
    with postgres.server() as place:
        yield place


class Side:
    """One contender: its clients, each a process that takes turns, and the database that they work in.

    `servers()` gives the processes that work for it, where these are not the clients themselves.
    """

    def __init__(
        self, name: str, commands: Sequence[Sequence[str]], database: str | None = None,
        servers: Callable[[], list[int]] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.database, self.servers = name, database or name, servers
        self.counted, self._measured, self._spent = 0, 0, 0.0
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._clients = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
            ) for command in commands
        ]  # fmt: skip
        for client in self._clients:
            assert client.stdout is not None
            assert client.stdout.readline() == "ready\n", name

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

    def start_measuring(self, place: Path) -> None:
        """From here on `cpu` counts: the statements are prepared, the caches filled."""
        self._spent, self._measured = self._used(place), self.counted

    def cpu(self, place: Path) -> float:
        """Milliseconds of CPU per transition since then, the contender's processes and PostgreSQL's together."""
        done = self.counted - self._measured
        return (self._used(place) - self._spent) * 1000 / done if done else float("nan")

    def _used(self, place: Path) -> float:
        with postgres.connect(place) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'",
                [self.database],
            ).fetchall()
        own = [client.pid for client in self._clients] if self.servers is None else self.servers()
        ticks = 0
        for pid in own + [int(str(pid)) for (pid,) in found]:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """Close the clients' input, which ends them, and wait."""
        for client in self._clients:
            client.communicate()


Rates = dict[str, list[float]]


def interleaved(sides: Sequence[Side], clients: int, rounds: int, length: float = TURN) -> Rates:
    """The rates of every side, round by round; the order is drawn anew in each."""
    rates: Rates = {side.name: [] for side in sides}
    order = random.Random(_SEED + clients)
    for _ in range(rounds):
        for side in order.sample(list(sides), len(sides)):
            rates[side.name].append(side.turn(clients, length))
    return rates


def ratio(rates: Rates, ours: str, theirs: str) -> float:
    """The median over the rounds of ours by theirs; a round in which a side had run out of work does not count."""
    pairs = [(a, b) for a, b in zip(rates[ours], rates[theirs], strict=True) if a and b]
    return statistics.median(a / b for a, b in pairs) if pairs else float("nan")


def rate(rates: Rates, name: str) -> str:
    """A side's median rate, as words."""
    found = [value for value in rates[name] if value]
    return f"{statistics.median(found):.0f}/s" if found else "no work left"


def warm(sides: Sequence[Side], place: Path, length: float = WARM) -> None:
    """One long turn of every client; what is measured starts after it."""
    for side in sides:
        side.turn(CLIENTS, length)
    for side in sides:
        side.start_measuring(place)


def fire_command(what: str, place: Path, database: str, data: Path, file: Path) -> list[str]:
    """The command of one of `tests.bench.client`'s contenders."""
    url = postgres.url(place, database, postgres.SERVICE)
    return [sys.executable, "-m", "tests.bench.client", what, url, str(data), str(file)]


def dispose(made: world.World) -> None:
    """Leave a database: a template can be copied only when nobody is connected."""
    made.service.engine.dispose()
    made.service.hot.dispose()
