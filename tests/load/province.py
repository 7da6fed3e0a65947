"""What the load falls on: a generated province, drafts of transfers ready to be led to their end, and who asks what."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, insert, text

from tests import postgres
from tests.bench.world import DATA, PAPERS
from tests.load.client import Draft
from tests.workflow_service.world import picture
from workflow_service import db
from workflow_service.actors import Actor
from workflow_service.config import load
from workflow_service.draft_rows import NewRequest
from workflow_service.generate import Sizes, generate
from workflow_service.grants import actor_named
from workflow_service.models import RequestDocument, Token
from workflow_service.papers import issue_paper
from workflow_service.passwords import CHEAP, Passwords, new_token
from workflow_service.requests import create_request
from workflow_service.service import Service, build_service
from workflow_service.students import NewStudent, register

DATABASE = "load"
POLICY = "catchment-k12"
"""The rules of the counties whose schools send each other the transfers: five steps from draft to end."""
MOST_PAIRS = 20
STAFF = 60
PRINTED = 20
"""Drafts of each pair whose form was printed, so that its code can be verified."""
_SYLLABLES = "安博晨丹恩方刚海健凯磊明宁鹏强瑞诗涛伟星雅哲"
_GIVEN = "晗彤婷芳娜静敏慧"
"""Given names of different sound: pupils of one birth date must not look like doubles of each other."""
_SCHOOLS = text("""
    SELECT s.code, b.code AS county FROM organization s JOIN organization b ON b.id = s.parent_id
    WHERE b.policy = :policy AND s.level = 'school' AND s.stages::text LIKE '%primary%' ORDER BY b.code, s.code
""")
_CLASSES = text("""
    SELECT c.id, c.school_id, :year - c.entered_year + c.first_grade AS grade FROM school_class c
    JOIN organization o ON o.id = c.school_id WHERE o.code = :code AND c.stage = 'primary'
    AND :year - c.entered_year + c.first_grade = :grade ORDER BY c.sequence LIMIT 1
""")


@dataclass(frozen=True)
class Made:
    """The database's own folder, the environment of the service, the requests of every class, the drafts."""

    environment: dict[str, str]
    reads: dict[str, list[bytes]]
    drafts: list[Draft]


def environment(place: Path, folder: Path) -> dict[str, str]:
    """The service's settings."""
    return {
        "WORKFLOW_ENV": "demo", "DATA": str(folder / "data"), "LOG_LEVEL": "WARNING",
        "DATABASE_URL": postgres.url(place, DATABASE, postgres.SERVICE),
        "DATABASE_OWNER_URL": postgres.url(place, DATABASE, postgres.OWNER),
    }  # fmt: skip


def make(place: Path, folder: Path, sizes: Sizes, count: int, say: Callable[[str], None]) -> Made:
    """Generate it, with `count` drafts."""
    with postgres.connect(place) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} OWNER {postgres.OWNER}")
    given = environment(place, folder)
    settings = load(given)
    db.upgrade(settings.database_owner_url, settings.database_url)
    service = build_service(settings, passwords=Passwords(CHEAP))
    generate(service, sizes, folder, lambda done, total, title: say(f"[{done}/{total}] {title}"))
    tokens = Tokens(service)
    drafts, checks = _drafts(service, tokens, count, say)
    with db.reading(service.engine) as connection:
        reads = {**_staff(service, connection, tokens), "explain": checks, "verify": _verify(connection)}
    with postgres.connect(place, DATABASE) as connection:
        connection.execute("ANALYZE")
    service.engine.dispose()
    service.hot.dispose()
    return Made(given, reads, drafts)


class Tokens:
    """A bearer token for every account that is asked for, made once."""

    def __init__(self, service: Service) -> None:
        self._service, self._made = service, dict[str, str]()

    def of(self, username: str) -> str:
        if username not in self._made:
            now = time.time_ns() // 1000
            plain, hashed = new_token()
            with db.begin(self._service.engine) as connection:
                connection.execute(insert(Token), {
                    "hash": hashed, "account_id": actor_named(self._service, username).account_id, "purpose": "api",
                    "created_at": now, "expires_at": now + 7_200_000_000,
                })  # fmt: skip
            self._made[username] = plain
        return self._made[username]


def _pairs(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """(destination, origin, county): neighbours in a county."""
    found = connection.execute(_SCHOOLS, {"policy": POLICY}).all()
    for one, other in pairwise(found):
        if one.county == other.county:
            yield one.code, other.code, one.county


def _drafts(
    service: Service, tokens: Tokens, count: int, say: Callable[[str], None]
) -> tuple[list[Draft], list[bytes]]:  # fmt: skip
    """Drafts with their papers, spread over pairs of schools; and checks of such a request before it is made."""
    stored = service.store.put(io.BytesIO(picture()), 10_000)
    with db.reading(service.engine) as connection:
        pairs = list(_pairs(connection))[:MOST_PAIRS]
    made: list[Draft] = []
    checks: list[bytes] = []
    each = -(-count // len(pairs))
    for number, (to, origin, county) in enumerate(pairs):
        steps = [
            ("submit", tokens.of(f"school{to}"), None),
            ("approve", tokens.of(f"school{to}.principal"), "材料齐全，同意接收"),
            ("approve", tokens.of(f"school{origin}.principal"), "同意转出"),
            ("approve", tokens.of(county), "同意"), ("confirm_arrival", tokens.of(f"school{to}"), None),
        ]  # fmt: skip
        actor = actor_named(service, f"school{to}")
        pupils = _pupils(service, origin, number, each + 10)
        ids = []
        for position, (name, whole) in enumerate(pupils[:each]):
            grade = 2 + position % 4
            wanted = NewRequest("transfer", actor.organization_id, grade, ground="return_to_registered_home",
                                student_name=name, student_number=whole, data=DATA)  # fmt: skip
            ids.append(create_request(service, actor, wanted))
        _papers(service, ids, stored, actor)
        for id_ in ids[:PRINTED]:
            issue_paper(service, id_, actor, "transfer_application_form")
        made += [Draft(id_, steps) for id_ in ids]
        checks += [_check(tokens.of(f"school{to}"), actor, *pupils[each + n], 2 + (each + n) % 4) for n in range(10)]
        say(f"{len(made)} of {each * len(pairs)} drafts with their papers")
    # Pairs in turn, or the first schools would be asked for everything at the beginning.
    made.sort(key=lambda draft: draft.request_id % 9973)
    return made, checks


def _pupils(service: Service, origin: str, pair: int, count: int) -> list[tuple[str, str]]:
    """(name, whole number) of new students of a school, in four of its grades by turns."""
    year = service.clocks.now().year if service.clocks.now().month >= 8 else service.clocks.now().year - 1
    with db.reading(service.engine) as connection:
        rooms = [connection.execute(_CLASSES, {"year": year, "code": origin, "grade": 2 + n}).one() for n in range(4)]
    new = [
        NewStudent(
            name=f"王{_SYLLABLES[n // 365]}{_GIVEN[pair % 8]}{_SYLLABLES[pair]}", sex="2", identity_type="1",
            identity_number=None,
            birth_date=date(2016, 9, 1) + timedelta(days=n % 365), student_number=f"L{pair:03}{n:015}",
            status="attending", school_id=rooms[n % 4].school_id, class_id=rooms[n % 4].id, stage="primary",
            valid_from=date(2023, 9, 1),
        ) for n in range(count)
    ]  # fmt: skip
    with db.begin(service.engine) as connection:
        register(connection, service, new, None)
    return [(student.name, student.student_number) for student in new]


def _papers(service: Service, requests: list[int], stored: Any, actor: Actor) -> None:
    at = service.clocks.legal()
    rows = [
        {"id": service.ids.new(id_ >> 12 & 1023), "bucket": id_ >> 12 & 1023, "request_id": id_, "kind": kind,
         "name": f"{kind}.png", "media_type": "image/png", "size": stored.size, "sha256": stored.sha256,
         "organization_id": actor.organization_id, "account_id": actor.account_id, "uploaded_at": at}
        for id_ in requests for kind in PAPERS
    ]  # fmt: skip
    with db.begin(service.engine) as connection:
        connection.execute(insert(RequestDocument), rows)


def _check(token: str, actor: Actor, name: str, number: str, grade: int) -> bytes:
    body = {"kind": "transfer", "student": {"name": name, "student_number": number},
            "destination_school_id": str(actor.organization_id), "grade": grade,
            "ground": "return_to_registered_home", "data": DATA}  # fmt: skip
    content = json.dumps(body).encode()
    head = (f"POST /api/v1/requests/check HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n")  # fmt: skip
    return head.encode() + content


def _get(path: str, token: str | None = None) -> bytes:
    signed = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{signed}\r\n".encode()


def _staff(service: Service, connection: Connection, tokens: Tokens) -> dict[str, list[bytes]]:
    """What registrars, principals and bureaus look at: those with most to do among the staff of the province."""
    # TABLESAMPLE would do, but the same staff every time makes two runs comparable.
    usernames = connection.execute(text("""
        SELECT a.username FROM account a JOIN organization o ON o.id = a.organization_id
        WHERE o.level IN ('school', 'county') ORDER BY (o.level = 'county') DESC, md5(a.username) LIMIT :most
    """), {"most": STAFF}).scalars().all()  # fmt: skip
    found: dict[str, list[bytes]] = {"box": [], "view": [], "students": [], "dashboard": []}
    for username in usernames:
        token, actor = tokens.of(username), actor_named(service, username)
        found["dashboard"].append(_get("/api/v1/dashboard", token))
        found["box"] += [
            _get(f"/api/v1/requests?box={box}&limit=20", token) for box in ("todo", "todo", "mine", "done")
        ]
        ids = connection.execute(
            text("SELECT DISTINCT request_id FROM request_party WHERE path = :path LIMIT 40"), {"path": actor.path}
        ).scalars()
        found["view"] += [_get(f"/api/v1/requests/{id_}", token) for id_ in ids]
        names = connection.execute(
            text("SELECT s.name FROM student s JOIN enrolment e ON e.student_id = s.id AND e.ended_at IS NULL"
                 " JOIN organization o ON o.id = e.school_id WHERE o.path LIKE :path LIMIT 10"),
            {"path": f"{actor.path}%"},
        ).scalars()  # fmt: skip
        found["students"] += [_get(f"/api/v1/students?q={quote(name[:2])}&limit=20", token) for name in names]
    return found


def _verify(connection: Connection) -> list[bytes]:
    """Papers that are there, every second as a page."""
    codes = connection.execute(text("SELECT code FROM paper ORDER BY id LIMIT 1000")).scalars().all()
    return [_get(f"/verify/{code}" if n % 2 else f"/api/v1/verify/{code}") for n, code in enumerate(codes)]


def not_there(place: Path, done: list[tuple[int, int, str]]) -> int:
    """How many of the transitions that were answered 200 have no row in the trail."""
    with postgres.connect(place, DATABASE) as connection:
        found = connection.execute(
            "SELECT object_id, seq, event FROM history WHERE object_id = ANY(%s)", [list({id_ for id_, _, _ in done})]
        ).fetchall()
    return len(set(done) - {(int(str(id_)), int(str(seq)), str(event)) for id_, seq, event in found})
