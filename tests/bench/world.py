"""What the benches work on: drafts ready to be submitted, and overdue requests by the hundred thousand."""

from __future__ import annotations

import gc
import hashlib
import io
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
from sqlalchemy import insert

from states.decide import decide, marks_on
from tests import postgres
from tests.workflow_service.world import TODAY, World, make_world, picture
from workflow_service import db
from workflow_service.actors import Actor
from workflow_service.config import load
from workflow_service.draft_rows import NewRequest
from workflow_service.models import RequestDocument
from workflow_service.models.columns import to_micros
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.requests import create_request
from workflow_service.service import Clocks, Service, build_service
from workflow_service.sql import Raw
from workflow_service.students import NewStudent, register
from workflow_service.transitions import Key, check_capability, fire

PAIRS = (("201", "202"), ("202", "203"), ("203", "201"))
"""(destination, origin) of each client in turn, so that clients meet at the same rows as seldom as schools do."""
GRADE = 2  # of the first client; each has its own, and so its own class
PAPERS = (
    "transfer_form_stamped",
    "transfer_application_form",
    "household_register_head_page",
    "household_register_student_page",
)
DATA = {"guardian_register_in_catchment": True, "student_register": "with_guardian"}


@dataclass
class Work:
    """One client's work: its drafts, and who sends what to each of them."""

    requests: list[int] = field(default_factory=list)
    steps: list[tuple[str, str, str | None]] = field(default_factory=list)


def make(place: Path, name: str, folder: Path) -> World:
    """A migrated database of its own on the server in `place`, with the demo's organizations."""
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {postgres.OWNER}")
    owner, url = postgres.url(place, name, postgres.OWNER), postgres.url(place, name, postgres.SERVICE)
    db.upgrade(owner, url)
    return make_world(url, owner, folder)


def open_on(place: Path, name: str, folder: Path) -> World:
    """The world on a database that is there already; its keys lie in `folder`."""
    settings = load({"WORKFLOW_ENV": "development", "DATA": str(folder),
                     "DATABASE_URL": postgres.url(place, name, postgres.SERVICE)})  # fmt: skip
    world = World(None, to_micros(TODAY))  # type: ignore[arg-type]
    world.service = build_service(settings, clocks=Clocks(real=lambda: world.at), passwords=Passwords(CHEAP))
    return world


def copy(place: Path, name: str, template: str) -> None:
    """Copy a database to which nobody is connected."""
    with postgres.connect(place) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {postgres.OWNER} STRATEGY file_copy")
        connection.execute("CHECKPOINT")


def drafts(world: World, clients: int, each: int, say: Callable[[str], None]) -> list[Work]:
    """`each` drafts per client, complete with papers, and the five steps that lead each to its end."""
    stored = world.service.store.put(io.BytesIO(picture()), 10_000)
    paths = []
    for client in range(clients):
        to, origin = PAIRS[client % len(PAIRS)]
        path = Work(steps=[
            ("submit", f"school{to}", None), ("approve", f"school{to}.principal", "材料齐全，同意接收"),
            ("approve", f"school{origin}.principal", "同意转出"), ("approve", "county2", "同意"),
            ("confirm_arrival", f"school{to}", None),
        ])  # fmt: skip
        world.school_class(to, GRADE + client)
        actor, destination = world.actor(f"school{to}"), world.organization(to).id
        for number, (name, whole) in enumerate(_pupils(world, origin, client, each)):
            body = NewRequest(
                "transfer",
                destination,
                GRADE + client,
                ground="return_to_registered_home",
                student_name=name,
                student_number=whole,
                data=DATA,
            )
            path.requests.append(create_request(world.service, actor, body))
            if number % 200 == 199:
                say(f"client {client + 1}/{clients}: {number + 1}/{each} drafts")
        _papers(world, path.requests, stored, actor)
        paths.append(path)
    return paths


_SYLLABLES = "安博晨丹恩方刚海健凯磊明宁鹏强瑞诗涛伟星雅哲"
"""Given names of different sound: pupils of one birth date must not look like doubles of each other."""


def _pupils(world: World, origin: str, client: int, count: int) -> list[tuple[str, str]]:
    """(name, whole number) of `count` new students of one class."""
    school, place = world.organization(origin).id, world.school_class(origin, GRADE + client)
    new = [
        NewStudent(
            name=f"王{_SYLLABLES[n // 365]}{_SYLLABLES[client]}", sex="2", identity_type="1", identity_number=None,
            birth_date=date(2016, 9, 1) + timedelta(days=n % 365),
            student_number=f"L{client:03}{n:015}", status="attending", school_id=school, class_id=place,
            stage="primary", valid_from=date(2023, 9, 1),
        ) for n in range(count)
    ]  # fmt: skip
    with db.begin(world.service.engine) as connection:
        register(connection, world.service, new, None)
    return [(student.name, student.student_number) for student in new]


def _papers(world: World, requests: list[int], stored: Any, actor: Actor) -> None:
    rows = [
        {"id": world.service.ids.new(id_ >> 12 & 1023), "bucket": id_ >> 12 & 1023, "request_id": id_, "kind": kind,
         "name": f"{kind}.png", "media_type": "image/png", "size": stored.size, "sha256": stored.sha256,
         "organization_id": actor.organization_id, "account_id": actor.account_id, "uploaded_at": world.at}
        for id_ in requests for kind in PAPERS
    ]  # fmt: skip
    with db.begin(world.service.engine) as connection:
        connection.execute(insert(RequestDocument), rows)


def step(
    service: Service, actors: dict[str, Actor], request_id: int, event: str, who: str, comment: str | None
) -> None:
    """One transition with everything on: key, opinion, trail, parties, deadline, message, places."""
    key = Key("POST /requests/events", f"{request_id}-{event}-{who}", hashlib.sha256(b"body").digest())
    fire(service, request_id, event, actors[who], version=None, comment=comment, key=key)


@dataclass
class Recorded:
    """What was seen while paths were walked: how much was read, and what was decided."""

    transitions: int = 0
    reads: int = 0
    decided: list[tuple[Any, ...]] = field(default_factory=list)

    def milliseconds(self) -> float:
        """CPU of deciding one of the transitions once more: may they ever, plan, rules, marks for the trail."""
        started = time.process_time()
        for plan, facts, event in self.decided:
            check_capability(plan, facts, event)
            decide(plan, facts, event)
            marks_on(plan, facts)
        return (time.process_time() - started) * 1000 / len(self.decided)


def record(world: World, path: Work, to: Path, recorded: Recorded) -> None:
    """Walk a path once, keeping every statement with its parameters: what the floor replays on a copy."""
    kept: list[list[tuple[bool, type, Any, Any]]] = []
    execute, rows = psycopg.Cursor.execute, Raw.rows

    def keep(kind: type, statement: str, parameters: Any) -> None:
        writes = "INSERT INTO history" in statement
        recorded.reads += not writes
        kept[-1].append((writes, kind, statement, parameters))

    def keeping(self: Any, statement: Any, parameters: Any = None, **options: Any) -> Any:
        keep(type(self), statement, parameters)
        return execute(self, statement, parameters, **options)

    def hot(self: Raw, driver: Any, parameters: dict[str, Any]) -> Any:
        if driver.autocommit:  # Else it goes by psycopg's cursor, and is kept there.
            keep(psycopg.RawCursor, self.sql, [parameters[name] for name in self.names])
        return rows(self, driver, parameters)

    def deciding(plan: Any, facts: Any, event: str) -> Any:
        recorded.decided.append((plan, facts, event))
        return decide(plan, facts, event)

    actors = {who: world.actor(who) for _, who, _ in path.steps}
    gc.disable()  # All that is kept would be looked through again and again.
    with (
        mock.patch.object(psycopg.Cursor, "execute", keeping),
        mock.patch.object(Raw, "rows", hot),
        mock.patch("workflow_service.transitions.decide", deciding),
    ):
        for request_id in path.requests:
            for event, who, comment in path.steps:
                kept.append([])
                step(world.service, actors, request_id, event, who, comment)
                assert [writes for writes, *_ in kept[-1]].count(True) == 1
    gc.enable()
    recorded.transitions += len(kept)
    to.write_bytes(pickle.dumps(kept))


def overdue(world: World, count: int, owner_url: str) -> int:
    """`count` returned requests that hold a place and are due at one instant, cloned from a real one; that instant."""
    pupil = world.student("202")
    world.school_class("201", 3)
    request_id = world.draft("school201", pupil, "201", ground="return_to_registered_home", data=DATA)
    world.fire(request_id, "submit", "school201")
    world.fire(request_id, "return", "school201.principal", comment="请补材料")
    row = world.request(request_id)
    buckets = "((n % 1024) << 12)"
    new = f"(((SELECT id >> 22 FROM request WHERE id = {request_id}) + 1 + n / 4096) << 22 | {buckets} | (n % 4096))"
    with psycopg.connect(owner_url.replace("+psycopg", ""), autocommit=True) as connection:
        for table, own in (
            ("request", {"id": new, "bucket": "n % 1024", "number": "'B' || n", "lock_group": "NULL"}),
            ("history", {"object_id": new, "id": f"({new}) + (1::bigint << 50)", "bucket": "n % 1024"}),
            ("request_party", {"request_id": new, "bucket": "n % 1024"}),
            ("place_hold", {"request_id": new}),
        ):
            columns = [c.name for c in db.Base.metadata.tables[table].columns]
            values = ", ".join(f"({own[c]})" if c in own else f"t.{c}" for c in columns)
            where = {"request": "id", "history": "object_id"}.get(table, "request_id")
            latest = f"AND t.seq = {row.version}" if table == "history" else ""
            connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} t,"
                f" generate_series(1::bigint, {count - 1}) n WHERE t.{where} = {request_id} {latest}"
            )
        connection.execute(f"UPDATE school_class SET held = held + {count - 1} WHERE id = {row.class_id}")
        connection.execute(
            f"UPDATE school_stage SET held = held + {count - 1} WHERE school_id = {row.destination_school_id}"
            " AND stage = 'primary'"
        )
        connection.execute("VACUUM ANALYZE")
    return int(row.wake_at)


__all__ = ["Work", "copy", "drafts", "make", "overdue", "record", "step"]
