"""Goal 10: what keeping the counters of boxes costs when all that happens lies with one bureau."""

from __future__ import annotations

import contextlib
import pickle
import threading
import time
from pathlib import Path

from tests import postgres
from tests.bench import world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import TURN, WARM, Side, dispose, fire_command, interleaved, rate, ratio
from tests.bench.transitions import assert_all_there, assert_sound, drafts, paths
from workflow_service.check import findings
from workflow_service.db import reading
from workflow_service.service import Service
from workflow_service.sql.counters import HOLDS, TRIGGERS
from workflow_service.sweeps import fold_counts

CLIENTS = 8
HOT = "county2"
"""The bureau of every school that the drafts move between: each step waits with it, or with a school below it."""


class Folding(Side):
    """The service with its counters: in every turn the scheduler's tick folds what was written, ten times as often."""

    service: Service
    folded = 0

    def turn(self, clients: int, length: float = TURN) -> float:
        folding = threading.Thread(target=self._fold)
        folding.start()
        found = super().turn(clients, length)
        folding.join()
        return found

    def _fold(self) -> None:
        self.folded += fold_counts(self.service)


def one_hot_bureau(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """`fire` of eight clients with the triggers and the folding, by the same with the triggers disabled."""
    data = drafts(place, folder, size, note)
    for number, path in enumerate(paths(folder)):
        for half in range(2):
            work = world.Work(path.requests[half::2], path.steps)
            (folder / f"hot{2 * number + half}").write_bytes(pickle.dumps(work))
    for name in ("counted", "uncounted"):
        world.copy(place, name, "drafts")
    with postgres.connect(place, "uncounted") as connection:
        for trigger in TRIGGERS:
            connection.execute(f"ALTER TABLE request_party DISABLE TRIGGER {trigger}")
    counting = world.open_on(place, "counted", data)
    with contextlib.ExitStack() as stack:
        sides = [
            kind(name, [fire_command("fire", place, name, data, folder / f"hot{n}") for n in range(CLIENTS)])
            for name, kind in (("counted", Folding), ("uncounted", Side))
        ]
        assert isinstance(sides[0], Folding)
        sides[0].service = counting.service
        for side in sides:
            stack.callback(side.end)
        note("turn by turn …")
        for side in sides:
            side.turn(CLIENTS, WARM)
        for side in sides:
            side.start_measuring(place)
        rates = interleaved(sides, CLIENTS, size.rounds)
        spent = {side.name: side.cpu(place) for side in sides}
    for side in sides:
        assert_all_there(place, side)
        note(f"{side.name}: {rate(rates, side.name)} of {CLIENTS} clients, {spent[side.name]:.2f} ms of CPU each")
    wrong = compared(place, data, note)
    note(f"{sides[0].folded} differences were folded meanwhile")
    return [
        Goal(
            "10", f"counters on by off, one hot bureau, {CLIENTS} clients", ratio(rates, "counted", "uncounted"), 0.92
        ),
        Goal("10b", "counters that differ from their list afterwards", wrong, 0, at_most=True),
    ]


def compared(place: Path, data: Path, note: Note) -> int:
    """How many counters differ from their lists, with what waits to be folded and without; the rest must be sound."""
    counted = world.open_on(place, "counted", data)
    with reading(counted.service.engine) as connection:
        wrong = sum(finding.code == "K13" for finding in findings(counted.service, connection))
        started = time.perf_counter()
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM ({HOLDS}) held").scalar_one()
        listed = time.perf_counter() - started
    fold_counts(counted.service)
    with postgres.connect(place, "counted") as connection:
        [(left, pending)] = connection.execute(
            "SELECT (SELECT count(*) FROM box_delta), (SELECT COALESCE(sum(pending), 0) FROM box_count c"
            " JOIN organization o ON o.path = c.path WHERE o.code = %s)", [HOT]
        ).fetchall()  # fmt: skip
    note(f"{HOT}: {pending} pending by its counter, {rows} in the list ({listed * 1000:.1f} ms to count them)")
    if not wrong:
        assert_sound(place, "counted", data)
    dispose(counted)
    return wrong + (left != 0) + (pending != rows)


PARTS: Parts = {(10,): one_hot_bureau}
