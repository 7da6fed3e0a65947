"""Goal 13: what a finished transfer keeps in PostgreSQL once all that is short-lived is gone."""

from __future__ import annotations

from pathlib import Path

from tests import postgres
from tests.bench import world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import dispose
from tests.workflow_service.world import World
from workflow_service.check import check
from workflow_service.outbox import deliver_outbox
from workflow_service.sweeps import clean, expire_due, fold_counts
from workflow_service.sweeps.cleaning import DAY, KEY_KEPT, NOTICE_KEPT

TRANSFERS = 2_000
"""Transfers that are counted: enough for every index to have its usual shape."""
FEW, FEWEST = 50, 450

TABLES = """
SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1
"""
Bytes = dict[str, tuple[int, int]]
"""Of each table: (itself, its indexes)."""


def kept(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goal 13: requests led to their end, cleaned, packed; the growth from few of them to many.

    The pupils are equally many in both, so that what is kept of a pupil anyway is no transfer's.
    """
    many = max(size.of(TRANSFERS), FEWEST)
    note(f"leading {many} transfers from draft to completion …")
    before = measured(place, "few", finished(place, folder, "few", FEW, many - FEW, note))
    after = measured(place, "many", finished(place, folder, "many", many, 0, note))
    total, told = 0.0, []
    for table in after:
        rows, indexes = ((now - then) / (many - FEW) for now, then in zip(after[table], before[table], strict=True))
        total += rows + indexes
        if rows + indexes >= 16:
            told.append((rows + indexes, f"{table} {rows:.0f} + {indexes:.0f}"))
    note(f"bytes kept of a transfer (rows + indexes): {', '.join(text for _, text in sorted(told, reverse=True))}")
    return [Goal("13", f"KB kept of each of {many - FEW} finished transfers", total / 1024, 9, at_most=True)]


def finished(place: Path, folder: Path, name: str, transfers: int, others: int, note: Note) -> World:
    """A world in which so many have arrived, everybody was told, and the short-lived has gone by its own sweeps."""
    made = world.make(place, name, folder / name)
    [path] = world.drafts(made, 1, transfers + 1, note)
    if others:
        made.school_class(world.PAIRS[1][1], world.GRADE + 1)
        world._pupils(made, world.PAIRS[1][1], 1, others)
    actors = {who: made.actor(who) for _, who, _ in path.steps}
    for request_id in path.requests[:-1]:
        for event, who, comment in path.steps:
            world.step(made.service, actors, request_id, event, who, comment)
    deliver_outbox(made.service, 100 * transfers)
    made.at += max(KEY_KEPT, NOTICE_KEPT) + DAY
    # Older messages are only forgotten when newer ones were delivered: of the draft that nobody sent.
    assert expire_due(made.service, made.at) == 1
    deliver_outbox(made.service)
    done = clean(made.service)
    fold_counts(made.service)
    assert done.messages == done.keys == transfers * len(path.steps), done
    assert check(made.service) == []
    return made


def measured(place: Path, database: str, made: World) -> Bytes:
    """Bytes of all tables, packed as if they had been written in one go."""
    dispose(made)
    with postgres.connect(place, database) as connection:
        connection.execute("VACUUM FULL")
        return {str(name): (int(rows), int(indexes)) for name, rows, indexes in connection.execute(TABLES).fetchall()}  # type: ignore[call-overload]


PARTS: Parts = {(13,): kept}
