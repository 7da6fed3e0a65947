"""Hot queries at 100,000 rows: each uses its index on both databases, and a list takes a known number of statements.

The data are generated once a run for all workers; no test here writes.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tests import postgres
from workflow_service.actors import Actor
from workflow_service.boxes import MANY, Wanted, count_requests, desk, list_requests
from workflow_service.config import load
from workflow_service.db import reading
from workflow_service.generate import Sizes, generate
from workflow_service.generate.rehearsal import Rehearsed
from workflow_service.grants import actor_named
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.service import Service, build_service
from workflow_service.sql import Query
from workflow_service.views.newcomers import count_newcomers, list_newcomers
from workflow_service.views.students import WantedStudents, find_student, list_students

SIZES = Sizes(students=24_000, schools=120, requests=6_000, pending=1_500)
"""With what hangs on them more than 250,000 rows."""
LARGE = ("student", "enrolment", "history", "register_entry", "request", "request_party", "student_number")
"""Tables that no hot query may read from end to end, unless in the order of an index."""
READS_LARGE = re.compile(rf"(FROM|JOIN) ({'|'.join(LARGE)})\b")

TODAY = date(2026, 8, 24)
PROVINCE, COUNTY, SCHOOL = "province", "county", "school"


@dataclass
class Plans:
    """A generated database, who looks at it, and the statements that a call sent with their plans."""

    service: Service
    actors: dict[str, Actor]
    student: int
    number: str
    name: str
    sent: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Take down what is sent meanwhile."""

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            self.sent.append((statement, parameters))

        ask = Query._ask

        def note_hot(query: Query, engine: Any, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
            named = re.sub(r"\$(\d+)", lambda number: f"%({query.postgresql.names[int(number[1]) - 1]})s",
                           query.postgresql.sql)  # fmt: skip
            self.sent.append((query.sqlite if engine.dialect.name == "sqlite" else named, parameters))
            return ask(query, engine, parameters)

        self.sent.clear()
        event.listen(self.service.engine, "before_cursor_execute", note)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Query, "_ask", note_hot)
            yield
        event.remove(self.service.engine, "before_cursor_execute", note)

    def plan(self, statement: str, parameters: Any) -> tuple[set[str], set[str]]:
        """The indexes that a statement uses, and the tables that it reads from end to end."""
        with reading(self.service.engine) as connection:
            if connection.dialect.name == "postgresql":
                rows = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
                nodes = list(_nodes((rows if isinstance(rows, list) else json.loads(rows))[0]["Plan"]))
                indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
                return indexes, {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
            lines = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        indexes = {word for line in lines for word in line.split() if word.startswith(("ix_", "uq_", "sqlite_auto"))}
        indexes |= {"name_part" for line in lines if "SEARCH name_part USING PRIMARY KEY" in line}
        return indexes, {line.split()[1] for line in lines if line.startswith("SCAN") and "INDEX" not in line}


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _service(url: str, owner_url: str, folder: Path) -> Service:
    settings = load({"WORKFLOW_ENV": "demo", "DATA": str(folder), "DATABASE_URL": url, "DATABASE_OWNER_URL": owner_url})
    return build_service(settings, passwords=Passwords(CHEAP))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def plans(request: pytest.FixtureRequest, run_dir: Path, rehearsed: Rehearsed) -> Iterator[Plans]:
    """Give all tests the generated province, made by whoever comes first."""
    dialect: str = request.param
    folder = run_dir / f"plans-{dialect}"
    with postgres.locked(run_dir / f"plans-{dialect}.lock"):
        url, owner_url, new = _place(request, dialect, folder)
        service = _service(url, owner_url, folder)
        if new:
            generate(service, SIZES, run_dir, today=TODAY, rehearsed=rehearsed, workers=1)
    with reading(service.engine) as connection:
        county = connection.execute(text("SELECT code FROM organization WHERE level = 'county' ORDER BY id")).scalars()
        school = connection.execute(text("SELECT code FROM organization WHERE kind = 'school' ORDER BY id LIMIT 1"))
        student, name, number = connection.execute(
            text("SELECT id, name, student_number FROM student WHERE length(name) = 3 ORDER BY id LIMIT 1 OFFSET 9000")
        ).one()
        codes = {PROVINCE: "province", COUNTY: county.all()[1], SCHOOL: f"school{school.scalar_one()}"}
    whole = service.cipher.decrypt(number, "student.student_number")
    actors = {level: actor_named(service, code) for level, code in codes.items()}
    yield Plans(service, actors, student, whole, name)
    service.engine.dispose()
    service.hot.dispose()


def _place(request: pytest.FixtureRequest, dialect: str, folder: Path) -> tuple[str, str, bool]:
    """Where the database is, for the service and for its owner, and whether it is new."""
    new = not folder.exists()
    folder.mkdir(exist_ok=True)
    if dialect == "sqlite":
        if new:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "plans.sqlite")
        return f"sqlite:///{folder}/plans.sqlite", f"sqlite:///{folder}/plans.sqlite", new
    place, template = request.getfixturevalue("postgres_place"), request.getfixturevalue("postgres_template")
    if new:
        with postgres.connect(place) as connection:
            connection.execute(f"CREATE DATABASE plans TEMPLATE {template} OWNER {postgres.OWNER}")
    return (*(postgres.url(place, "plans", role) for role in (postgres.SERVICE, postgres.OWNER)), new)


def todo(plans: Plans, level: str, cursor: str | None = None) -> str | None:
    """A page of what waits for somebody."""
    return list_requests(plans.service, plans.actors[level], Wanted(box="todo"), 20, cursor)[1]


def requests(plans: Plans, level: str, cursor: str | None = None) -> str | None:
    """A page of everything in scope."""
    return list_requests(plans.service, plans.actors[level], Wanted(), 20, cursor)[1]


def students(plans: Plans, level: str, cursor: str | None = None, q: str | None = None) -> str | None:
    """A page of the students in scope."""
    return list_students(plans.service, plans.actors[level], WantedStudents(q=q), 20, cursor)[1]


Call = Callable[[Plans], Any]
HOT: dict[str, tuple[Call, int, set[str], set[str]]] = {
    # what is called, the most statements it may send, the indexes on SQLite and on PostgreSQL one of which each needs
    "how much waits for a county": (
        lambda p: count_requests(p.service, p.actors[COUNTY], Wanted(box="todo")), 1,
        {"ix_request_party_hold"}, {"ix_request_party_hold"}),
    "a county's first page of what waits": (lambda p: todo(p, COUNTY), 1, {"ix_request_party_hold"},
                                            {"ix_request_party_hold"}),
    "a county's next page of what waits": (lambda p: todo(p, COUNTY, todo(p, COUNTY)), 2, {"ix_request_party_hold"},
                                           {"ix_request_party_hold"}),
    "how much waits for a county and the first page of it": (
        lambda p: desk(p.service, p.actors[COUNTY], 20), 1, {"ix_request_party_hold"}, {"ix_request_party_hold"}),
    "how many a school asked for": (
        lambda p: count_requests(p.service, p.actors[SCHOOL], Wanted(box="mine")), 1,
        {"ix_request_party_path"}, {"ix_request_party_path"}),
    "the province's first page of requests": (lambda p: requests(p, PROVINCE), 1, {"ix_request_due"},
                                              {"ix_request_due"}),
    "a later page of the province's requests": (
        lambda p: requests(p, PROVINCE, f"{2**63 - 1}-{p.student}"), 1,
        {"sqlite_autoindex_request_1", "ix_request_due"}, {"pk_request"}),
    # PostgreSQL may also walk the requests by id and ask each for its parties: it has only a few thousand here.
    "a school's requests": (lambda p: requests(p, SCHOOL), 2, {"ix_request_party_path"},
                            {"ix_request_party_path", "pk_request_party"}),
    "the province's first page of students": (lambda p: students(p, PROVINCE), 1, {"ix_enrolment_school_current"},
                                              {"ix_enrolment_school_current"}),
    "a county's students": (lambda p: students(p, COUNTY), 1, {"ix_enrolment_school_current"},
                            {"ix_enrolment_school_current"}),
    "a county's next page of students": (lambda p: students(p, COUNTY, students(p, COUNTY)), 3,
                                         {"ix_enrolment_school_current"},
                                         {"ix_enrolment_school_current"}),
    "a school's students": (lambda p: students(p, SCHOOL), 1, {"ix_enrolment_school_current"},
                            {"ix_enrolment_school_current"}),
    "how many newcomers a county has": (
        lambda p: count_newcomers(p.service, p.actors[COUNTY]), 1, {"ix_register_entry_open"},
        {"ix_register_entry_open"}),
    "the province's newcomers": (
        lambda p: list_newcomers(p.service, p.actors[PROVINCE], 20), 2,
        {"ix_register_entry_open", "ix_request_student"}, {"ix_register_entry_open", "ix_request_student"}),
    "two characters inside a name": (lambda p: students(p, PROVINCE, q=p.name[1:]), 1, {"name_part"},
                                     {"ix_student_name_parts"}),
    "a whole number": (lambda p: students(p, PROVINCE, q=p.number), 1, {"sqlite_autoindex_student_number_1"},
                       {"pk_student_number"}),
    "one student": (lambda p: find_student(p.service, p.actors[PROVINCE], p.student), 1, {"sqlite_autoindex_student_1"},
                    {"pk_student"}),
}  # fmt: skip


BY_READING = """
SELECT count(*) FROM student s JOIN enrolment e ON e.student_id = s.id AND e.ended_at IS NULL
    JOIN organization o ON o.id = e.school_id AND o.path LIKE '/province/%'
WHERE s.name LIKE :sought"""


@pytest.mark.parametrize("what", HOT)
def test_a_hot_query_uses_its_index_and_sends_few_statements(plans: Plans, what: str) -> None:
    call, most, on_sqlite, on_postgresql = HOT[what]
    with plans.recorded():
        call(plans)
    sent = list(plans.sent)
    assert 1 <= len(sent) <= most
    wanted = on_sqlite if plans.service.engine.dialect.name == "sqlite" else on_postgresql
    for statement, parameters in sent:
        indexes, scanned = plans.plan(statement, parameters)
        assert scanned.isdisjoint(LARGE), (what, scanned, statement)
        # A few thousand schools may be read as the planner likes.
        assert indexes & wanted or not READS_LARGE.search(statement), (what, indexes, statement)


def test_every_page_of_a_list_is_shown_once(plans: Plans) -> None:
    """Walk a county's students and requests to the end: nobody twice, nobody left out."""
    actor = plans.actors[COUNTY]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        rows, cursor = list_students(plans.service, actor, WantedStudents(), 200, cursor)
        seen += [row["id"] for row in rows]
        if cursor is None:
            break
    with reading(plans.service.engine) as connection:
        whole = connection.execute(
            text("SELECT count(*) FROM enrolment e JOIN organization o ON o.id = e.school_id"
                 " WHERE e.ended_at IS NULL AND o.path LIKE :below"), {"below": f"{actor.path}%"}
        ).scalar_one()  # fmt: skip
    assert len(seen) == len(set(seen)) == whole
    found: list[int] = []
    while True:
        rows, cursor = list_requests(plans.service, actor, Wanted(), 200, cursor)
        found += [row.id for row in rows]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == count_requests(plans.service, actor, Wanted())
    assert count_requests(plans.service, actor, Wanted(), MANY) == min(len(found), MANY)


def test_what_waits_is_walked_as_it_was_counted(plans: Plans) -> None:
    """Soonest due first, what has no due date last, and nobody else's work."""
    actor = plans.actors[COUNTY]
    with reading(plans.service.engine) as connection:
        held = connection.execute(
            text("SELECT request_id FROM request_party WHERE organization_id = :unit AND duty = 'hold'"
                 " AND to_at IS NULL AND role IN ('registrar', 'principal')"
                 " ORDER BY due_at IS NULL, due_at, request_id"),
            {"unit": actor.organization_id},
        ).scalars().all()  # fmt: skip
    roles = {grant.role for grant in actor.grants}
    assert {"registrar", "principal"} >= roles
    found: list[int] = []
    cursor: str | None = None
    while True:
        count, rows, cursor = desk(plans.service, actor, 7, cursor)
        assert count == min(count_requests(plans.service, actor, Wanted(box="todo")), MANY)
        found += [row.id for row in rows]
        if cursor is None:
            break
    assert len(found) == count_requests(plans.service, actor, Wanted(box="todo")) > 0
    assert found == [id_ for id_ in held if id_ in set(found)]


def test_a_name_is_found_by_any_of_its_characters_and_by_its_reading(plans: Plans) -> None:
    """What the index finds is what reading every name would find."""
    with reading(plans.service.engine) as connection:
        for sought in (plans.name[1:], plans.name[:2], plans.name, plans.name[2]):
            every = connection.execute(text(BY_READING), {"sought": f"%{sought}%"}).scalar_one()
            wanted = WantedStudents(q=sought)
            found, _ = list_students(plans.service, plans.actors[PROVINCE], wanted, SIZES.students)
            assert len(found) == every > 0
        pinyin = connection.execute(
            text("SELECT pinyin FROM student WHERE id = :id"), {"id": plans.student}
        ).scalar_one()  # fmt: skip
    *syllables, initials = pinyin.split()
    for sought in (" ".join(syllables), " ".join(syllables)[:-1], syllables[-1], initials):
        found, _ = list_students(plans.service, plans.actors[PROVINCE], WantedStudents(q=sought), SIZES.students)
        assert str(plans.student) in {row["id"] for row in found}, sought
