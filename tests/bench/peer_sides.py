"""The same work as others would have written it with their libraries (goal 3), in an environment of their own.

Every peer works on the same tables, which Django's models make, and writes the same rows as the service does.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests import postgres
from tests.bench.goal import Note, Size
from tests.bench.sides import CLIENTS, PEER, ROOT, Side


@dataclass(frozen=True)
class Peer:
    """A contender: its module here, which goal it is and how many times it should be left behind."""

    name: str
    title: str
    goal: str
    wanted: float
    share: int
    """What the number of drafts is divided by: whoever is slower needs fewer."""


PEERS = (
    Peer("django_fsm", "django-fsm-2", "3", 7, 2),
    Peer("viewflow_flow", "Viewflow", "3b", 14, 5),
    Peer("spiff", "SpiffWorkflow", "3c", 2.5, 1),
    Peer("transitions_orm", "transitions with SQLAlchemy's ORM", "3d", 6, 2),
)


def command(peer: str, what: str, place: Path, database: str, first: int, count: int) -> list[str]:
    """A peer's command: `setup` makes `count` requests, `client` works on `count` from `first`."""
    return [str(PEER), "-m", "tests.bench.peers.work", peer, what, str(place), database, str(first), str(count)]


def set_up(place: Path, name: str, count: int) -> None:
    """The peer's database, with so many drafts."""
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {postgres.SERVICE}")
    subprocess.run(command(name, "setup", place, name, 1, count), check=True, cwd=ROOT)


def side(place: Path, peer: Peer, size: Size, note: Note) -> Side:
    """The peer's clients, each with requests of its own."""
    note(f"setting up {peer.title} …")
    each = size.drafts // peer.share
    set_up(place, peer.name, each * CLIENTS)
    commands = [command(peer.name, "client", place, peer.name, 1 + n * each, each) for n in range(CLIENTS)]
    return Side(peer.name, commands)


def assert_all_there(place: Path, side: Side) -> None:
    """Every counted transition has its history row and its message, and the requests' versions add up to it."""
    with postgres.connect(place, side.database) as connection:
        [(history, messages, versions)] = connection.execute(
            "SELECT (SELECT count(*) FROM bench_history WHERE event <> 'transferred'),"
            " (SELECT count(*) FROM bench_outbox), (SELECT sum(version - 1) FROM bench_request)"
        ).fetchall()
    assert history == messages == versions == side.counted, (
        f"{side.name}: counted {side.counted}, found {history}, {messages} and {versions}"
    )
