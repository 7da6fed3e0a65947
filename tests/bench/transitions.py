"""Goals 1, 3 and 5: durable transitions against what PostgreSQL can do, against peers, and what deciding costs."""

from __future__ import annotations

import contextlib
import pickle
from functools import cache
from pathlib import Path

from tests import postgres
from tests.bench import peer_sides, world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import CLIENTS, Side, dispose, fire_command, interleaved, rate, ratio, warm
from workflow_service.check import check

CONTENDERS = {"fire": "fire", "floor": "read and write", "write": "write alone"}
"""Database and client of each, and what it does."""


@cache
def drafts(place: Path, folder: Path, size: Size, note: Note) -> Path:
    """The database `drafts` with every client's drafts, made once a run, and the folder with its documents.

    The files draft0, draft1, … beside it say who sends what to each of them.
    """
    note(f"making {CLIENTS * size.drafts} drafts with their papers …")
    data = folder / "data"
    made = world.make(place, "drafts", data)
    for number, path in enumerate(world.drafts(made, CLIENTS, size.drafts, note)):
        (folder / f"draft{number}").write_bytes(pickle.dumps(path))
    dispose(made)
    return data


def paths(folder: Path) -> list[world.Work]:
    """Every client's drafts and steps."""
    return [pickle.loads((folder / f"draft{number}").read_bytes()) for number in range(CLIENTS)]


def fire_side(place: Path, folder: Path, data: Path, name: str = "fire") -> Side:
    """The service's own `fire` on a fresh copy of the drafts."""
    world.copy(place, name, "drafts")
    return Side(name, [fire_command("fire", place, name, data, folder / f"draft{n}") for n in range(CLIENTS)])


def against_the_floor(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goals 1 and 5: `fire` by psycopg with the same statements, and by the write statement alone."""
    data = drafts(place, folder, size, note)
    note("walking them once, to know what the floor has to read and to write …")
    world.copy(place, "floor", "drafts")
    recorder = world.open_on(place, "floor", data)
    recorded = world.Recorded()
    for number, path in enumerate(paths(folder)):
        world.record(recorder, path, folder / f"floor{number}", recorded)
    dispose(recorder)
    with contextlib.ExitStack() as stack:
        sides = [fire_side(place, folder, data)]
        for name in ("floor", "write"):
            world.copy(place, name, "drafts")
            files = [folder / f"floor{n}" for n in range(CLIENTS)]
            sides.append(Side(name, [fire_command(name, place, name, data, file) for file in files]))
        for side in sides:
            stack.callback(side.end)
        note("turn by turn …")
        warm(sides, place)
        several = interleaved(sides, CLIENTS, size.rounds)
        spent = {side.name: side.cpu(place) for side in sides}
        single = interleaved(sides, 1, size.rounds)
    for side in sides:
        assert_all_there(place, side)
    assert_sound(place, "fire", data)
    for name, what in CONTENDERS.items():
        note(f"{name} ({what}): {rate(several, name)}, alone {rate(single, name)}, {spent[name]:.2f} ms of CPU each")
    note(f"1 client: {ratio(single, 'fire', 'floor'):.2f} of read and write, {ratio(single, 'fire', 'write'):.2f} "
         f"of the write; {recorded.reads / recorded.transitions:.2f} reads a transition")  # fmt: skip
    deciding = recorded.milliseconds()
    note(f"deciding: {deciding * 1000:.0f} µs of {spent['fire'] * 1000:.0f} µs of a transition's CPU")
    return [
        Goal("1", "fire by psycopg with the same read and the same write, 4 clients",
             ratio(several, "fire", "floor"), 0.80),
        Goal("1b", "fire by the write statement alone, 4 clients", ratio(several, "fire", "write"), 0.55),
        Goal("5", "% of a transition's CPU is deciding", 100 * deciding / spent["fire"], 5, at_most=True),
    ]  # fmt: skip


def against_peers(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goal 3: `fire` by what others would have written with their libraries."""
    data = drafts(place, folder, size, note)
    with contextlib.ExitStack() as stack:
        sides = [fire_side(place, folder, data)]
        peers = (*peer_sides.PEERS, peer_sides.WITH_ALL_ROWS)
        sides += [peer_sides.side(place, peer, size, note) for peer in peers]
        for side in sides:
            stack.callback(side.end)
        note("turn by turn …")
        warm(sides, place)
        several = interleaved(sides, CLIENTS, size.rounds)
        spent = {side.name: side.cpu(place) for side in sides}
        single = interleaved(sides, 1, size.rounds)
    assert_all_there(place, sides[0])
    assert_sound(place, "fire", data)
    for side in sides[1:]:
        peer_sides.assert_all_there(place, side)
    for side in sides:
        note(f"{side.name}: {rate(several, side.name)}, alone {rate(single, side.name)}, "
             f"{spent[side.name]:.2f} ms of CPU each")  # fmt: skip
    for peer in peers:
        note(f"{peer.title}: {ratio(several, 'fire', peer.database):.1f} times, {CLIENTS} clients; "
             f"{ratio(single, 'fire', peer.database):.1f} times, 1 client; "
             f"CPU {spent['fire'] / spent[peer.database]:.2f} of its")  # fmt: skip
    return [
        Goal(peer.goal, f"times {peer.title}, 4 clients", ratio(several, "fire", peer.name), peer.wanted)
        for peer in peer_sides.PEERS
    ]


def assert_all_there(place: Path, side: Side) -> None:
    """Every counted transition has its history row, its message and its version: nothing was counted and lost."""
    with postgres.connect(place, side.database) as connection:
        [(history,)] = connection.execute(
            "SELECT count(*) FROM history WHERE event IN ('submit', 'approve', 'confirm_arrival')"
        ).fetchall()
        [(messages,)] = connection.execute("SELECT count(*) FROM outbox").fetchall()
    assert history == messages == side.counted, f"{side.name}: counted {side.counted}, found {history} and {messages}"


def assert_sound(place: Path, database: str, data: Path) -> None:
    """The service's own invariants hold for all that was written."""
    checked = world.open_on(place, database, data)
    assert check(checked.service) == []
    dispose(checked)


PARTS: Parts = {(1, 5): against_the_floor, (3,): against_peers}
