"""The same work as others would have written it with their libraries (goal 3), in an environment of their own.

Every peer works on the same tables, which Django's models make, and writes what the goal names: row lock, guard on
role, documents and window, state and version, history, deadline, outbox, one commit; the last step moves the student.
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
    rows: str = ""
    """"all": the parties, opinions, places, chains and keys too that the service writes."""

    @property
    def database(self) -> str:
        return f"{self.name}_{self.rows}" if self.rows else self.name


PEERS = (
    Peer("django_fsm", "django-fsm-2", "3", 7, 2),
    Peer("viewflow_flow", "Viewflow", "3b", 14, 5),
    Peer("spiff", "SpiffWorkflow", "3c", 2.5, 1),
    Peer("transitions_orm", "transitions with SQLAlchemy's ORM", "3d", 6, 2),
)
WITH_ALL_ROWS = Peer("django_fsm", "django-fsm-2 with all rows of the service", "", 0, 4, "all")
"""For a note: what the rows that the goal does not name cost a peer."""


def command(peer: str, what: str, place: Path, database: str, first: int, count: int) -> list[str]:
    """A peer's command: `setup` makes `count` requests, `client` works on `count` from `first`."""
    return [str(PEER), "-m", "tests.bench.peers.work", peer, what, str(place), database, str(first), str(count)]


def set_up(place: Path, name: str, count: int, database: str | None = None) -> None:
    """The peer's database, with so many drafts."""
    database = database or name
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE {database} OWNER {postgres.SERVICE}")
    subprocess.run(command(name, "setup", place, database, 1, count), check=True, cwd=ROOT)


def side(place: Path, peer: Peer, size: Size, note: Note) -> Side:
    """The peer's clients, each with requests of its own."""
    note(f"setting up {peer.title} …")
    each = size.drafts // peer.share
    set_up(place, peer.name, each * CLIENTS, peer.database)
    commands = [
        ["env", f"BENCH_ROWS={peer.rows}", *command(peer.name, "client", place, peer.database, 1 + n * each, each)]
        for n in range(CLIENTS)
    ]
    return Side(peer.database, commands)


def assert_all_there(place: Path, side: Side) -> None:
    """Every counted transition has its history row and its message, the requests' versions add up to it, each request
    that was begun has its deadline, and each that is completed has moved its student."""
    with postgres.connect(place, side.database) as connection:
        [(history, messages, versions, due, begun, moved, completed)] = connection.execute(
            "SELECT (SELECT count(*) FROM bench_history WHERE event <> 'transferred'),"
            " (SELECT count(*) FROM bench_outbox), (SELECT sum(version - 1) FROM bench_request),"
            " (SELECT count(*) FROM bench_deadline), (SELECT count(*) FROM bench_request WHERE version > 1),"
            " (SELECT count(*) FROM bench_enrolment WHERE ended_at IS NOT NULL),"
            " (SELECT count(*) FROM bench_request WHERE state = 'completed')"
        ).fetchall()
    assert history == messages == versions == side.counted, (
        f"{side.name}: counted {side.counted}, found {history}, {messages} and {versions}"
    )
    assert (due, moved) == (begun, completed), (
        f"{side.name}: {due} deadlines of {begun} requests, {moved} students moved of {completed}"
    )
