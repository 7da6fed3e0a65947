"""Goal 2: durable transitions on SQLite, `synchronous=FULL` on both sides, against the sqlite3 module alone.

One client each: SQLite has one writer. The floor replays every statement that `fire` sent, in the same transactions.
"""

from __future__ import annotations

import contextlib
import pickle
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import event

from tests.bench import world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import Side, dispose, interleaved, rate, ratio
from tests.bench.turns import answer
from tests.workflow_service.world import make_world
from workflow_service import db
from workflow_service.check import check
from workflow_service.sql import Query
from workflow_service.sql.lines import driver_of

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")
Statements = list[tuple[str, Any]]


class _Keeping:
    """A connection that keeps what it is asked."""

    def __init__(self, driver: sqlite3.Connection, kept: list[Statements]) -> None:
        self._driver, self._kept = driver, kept

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        self._kept[-1].append((sql, parameters))
        return self._driver.execute(sql, parameters)

    @property
    def in_transaction(self) -> bool:
        return self._driver.in_transaction


def _walk(made: world.World, path: world.Work) -> list[Statements]:
    """Every transition of a path with all its statements, in order."""
    kept: list[Statements] = []
    enter, every = driver_of.__enter__, Query.all

    def keep_all(self: Query, connection: Any, parameters: dict[str, Any]) -> Any:
        kept[-1].append((self.sqlite, parameters))
        return every(self, connection, parameters)

    @event.listens_for(made.service.hot, "before_cursor_execute")
    def _asked(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        kept[-1].append((statement, parameters))

    actors = {who: made.actor(who) for _, who, _ in path.steps}
    with (
        mock.patch.object(driver_of, "__enter__", lambda self: _Keeping(enter(self), kept)),
        mock.patch.object(Query, "all", keep_all),
    ):
        for request_id in path.requests:
            for what, who, comment in path.steps:
                kept.append([])
                world.step(made.service, actors, request_id, what, who, comment)
    return kept


def _floor(file: str, recorded: str) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("chain_hash", 2, db.chain_hash, deterministic=True)
        for statements in pickle.loads(Path(recorded).read_bytes()):
            for sql, parameters in statements:
                connection.execute(sql, parameters).fetchall()
            yield


def against_sqlite(_place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """`fire` on an embedded database by the sqlite3 module doing the same reads and writes."""
    home = folder / "embedded"
    home.mkdir()
    url = f"sqlite:///{home / 'drafts.db'}"
    note(f"SQLite: making {2 * size.drafts} drafts …")
    db.upgrade(url)
    made = make_world(url, url, home / "data")
    [path] = world.drafts(made, 1, 2 * size.drafts, note)
    dispose(made)
    (home / "draft0").write_bytes(pickle.dumps(path))
    for name in ("fire", "floor", "walked"):
        shutil.copy(home / "drafts.db", home / f"{name}.db")
    walked = make_world(f"sqlite:///{home / 'walked.db'}", url, home / "data")
    recorded = _walk(walked, path)
    dispose(walked)
    (home / "floor0").write_bytes(pickle.dumps(recorded))
    fire = [sys.executable, "-m", "tests.bench.client", "fire", f"sqlite:///{home / 'fire.db'}", str(home / "data"),
            str(home / "draft0")]  # fmt: skip
    floor = [sys.executable, "-m", "tests.bench.embedded", str(home / "floor.db"), str(home / "floor0")]
    with contextlib.ExitStack() as stack:
        sides = [Side("fire", [fire]), Side("floor", [floor])]
        for side in sides:
            stack.callback(side.end)
            side.turn(1)
        rates = interleaved(sides, 1, size.rounds)
    for side in sides:
        with contextlib.closing(sqlite3.connect(home / f"{side.name}.db")) as connection:
            [found] = connection.execute(
                "SELECT count(*) FROM history WHERE event IN ('submit', 'approve', 'confirm_arrival')"
            ).fetchone()
        assert found == side.counted, f"{side.name}: counted {side.counted}, found {found}"
    checked = make_world(f"sqlite:///{home / 'fire.db'}", url, home / "data")
    assert check(checked.service) == []
    dispose(checked)
    statements = sum(map(len, recorded)) / len(recorded)
    note(f"SQLite: fire {rate(rates, 'fire')}, sqlite3 alone {rate(rates, 'floor')}, {statements:.1f} statements each")
    return [Goal("2", "fire on SQLite by sqlite3 alone, synchronous=FULL", ratio(rates, "fire", "floor"), 0.60)]


PARTS: Parts = {(2,): against_sqlite}


if __name__ == "__main__":
    answer(_floor(*sys.argv[1:]))
