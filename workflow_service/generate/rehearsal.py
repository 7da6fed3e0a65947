"""The rehearsal (排演): requests are played once through the service's own functions, and taken down.

The generator knows nothing of routes, rules or trails. The demo is played in a database of its own that is thrown
away; whatever a request left in the tables becomes a recording, which can be repeated for other people in other places.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count

from sqlalchemy import Connection, select

from workflow_service import db, demo
from workflow_service.config import load
from workflow_service.demo.stories import COUNTY_STORIES, Story
from workflow_service.documents.store import FolderStore
from workflow_service.generate.recording import Names, Recording, take_down
from workflow_service.models import Account, Organization, PackVersion, Request, RoleGrant, Student
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.service import Clocks, build_service

OWN = ("hardship_recognition", "suspension")
SHIFTS = (3, 6, 10, 15)
"""Days by which finished stories of the demo are also played earlier, so that not everybody finishes on one day."""
START_OF_REAL = 1_785_000_000_000_000
"""Where real time stands in the rehearsal: fixed, or two rehearsals would not be the same."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What the rehearsal gives: the recordings, and the papers that they hang on by their SHA-256."""

    recordings: tuple[Recording, ...]
    papers: tuple[bytes, ...]


def stories(shifts: Sequence[int] = SHIFTS) -> Iterator[Story]:
    """The demo's stories, finished ones also on other days, and a school's own matters in every county."""
    yield from COUNTY_STORIES
    for story in COUNTY_STORIES:
        if story.state in ("completed", "rejected", "recalled"):
            yield from (replace(story, age=story.age + days) for days in shifts)
    for county in "12349":
        for number, story in enumerate(_own_models()):
            school = f"{county}0{number % 3 + 1}"
            ages = (4, *(4 + days for days in shifts)) if story.state == "completed" else (2,)
            yield from (replace(story, origin=school, destination=school, age=age, grade=3) for age in ages)


def _own_models() -> list[Story]:
    """A finished and a pending story of every kind that is a school's own."""
    found = {(story.kind, story.state == "completed"): story for story in COUNTY_STORIES
             if story.kind in OWN and story.state.startswith(("awaiting_", "completed"))}  # fmt: skip
    return [story for _, story in sorted(found.items())]


def rehearse(today: date, shifts: Sequence[int] = SHIFTS) -> Rehearsed:
    """Play everything up to `today` in a folder of its own, and take it down. Fewer `shifts` take less time."""
    with tempfile.TemporaryDirectory(prefix="wfs-rehearsal-") as folder:
        url = f"sqlite:///{folder}/rehearsal.sqlite3"
        settings = load({"WORKFLOW_ENV": "demo", "DATA": folder, "DATABASE_URL": url, "DATABASE_OWNER_URL": url})
        db.upgrade(url)
        ticks = count(START_OF_REAL, 997)
        service = build_service(settings, clocks=Clocks(lambda: next(ticks)), passwords=Passwords(CHEAP))
        try:
            demo.prepare(service, today, lambda _line: None, tuple(stories(shifts)))
            with db.reading(service.engine) as connection:
                recordings = tuple(_recordings(connection))
            return Rehearsed(recordings, tuple(_papers(service.store)))
        finally:
            service.engine.dispose()
            service.hot.dispose()


def _recordings(connection: Connection) -> Iterator[Recording]:
    """A recording of every request of a plain student who has no other."""
    names = _names(connection)
    alone = select(Student.id).where(Student.problem.is_(None)).subquery()
    query = select(Request.id).where(Request.student_id.in_(select(alone.c.id))).order_by(Request.id)
    for request_id in connection.execute(query).scalars().all():
        recording = take_down(connection, names, request_id)
        if recording is not None:
            yield recording


def _names(connection: Connection) -> Names:
    """What the ids of the rehearsal stand for."""
    organizations = {row.id: row for row in connection.execute(
        select(Organization.id, Organization.code, Organization.path))}  # fmt: skip
    slots = {str(id_): f"org:{row.code}" for id_, row in organizations.items()}
    accounts = select(Account.id, Account.person_id, Account.organization_id, RoleGrant.role).join(
        RoleGrant, RoleGrant.account_id == Account.id
    )
    for account, person, organization_id, role in connection.execute(accounts):
        code = organizations[organization_id].code
        slots |= {str(account): f"account:{code}:{role}", str(person): f"person:{code}:{role}"}
    packs = select(PackVersion.id, PackVersion.pack, PackVersion.kind, PackVersion.version)
    for id_, pack, kind, version in connection.execute(packs):
        slots[str(id_)] = f"pack:{pack}:{kind}:{version}"
    slots |= {row.path: f"path:{row.code}" for row in organizations.values() if row.path != "/"}
    return Names(slots, {id_: row.code for id_, row in organizations.items()})


def _papers(store: FolderStore) -> Iterator[bytes]:
    for stored, _since in store.iter_all():
        with store.open(stored.sha256) as file:
            yield file.read()
