"""The data generator at a small size: what it writes is what the service could have written."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests.conftest import Database
from workflow_service.check import check
from workflow_service.config import load
from workflow_service.db import reading
from workflow_service.generate import NotHere, Sizes, generate
from workflow_service.generate.rehearsal import Rehearsed
from workflow_service.grants import actor_named
from workflow_service.models import History, Request, SchoolClass, Student
from workflow_service.names import search_text
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.service import Service, build_service
from workflow_service.views.requests import request_view

TODAY = date(2026, 8, 24)
SCHEMA = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1",
    "postgresql": """
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT conrelid::regclass || ' ' || conname || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1""",
}
SMALL = Sizes(students=1_500, schools=30, requests=300, pending=60)


@pytest.fixture
def service(empty_database_url: Database, tmp_path: Path) -> Iterator[Service]:
    """Give a test a service on an empty database, in an environment where generated data may be."""
    settings = load({
        "WORKFLOW_ENV": "demo", "DATA": str(tmp_path / "data"), "DATABASE_URL": empty_database_url.url,
        "DATABASE_OWNER_URL": empty_database_url.owner_url,
    })  # fmt: skip
    service = build_service(settings, passwords=Passwords(CHEAP))
    yield service
    service.engine.dispose()
    service.hot.dispose()


def test_what_is_generated_passes_the_check_and_is_generated_once(
    service: Service, rehearsed: Rehearsed, tmp_path: Path
) -> None:
    said: list[str] = []
    before = schema(service)
    rows = generate(service, SMALL, tmp_path, lambda *line: said.append(str(line)), rehearsed=rehearsed)
    assert schema(service) == before  # every index and key is back
    assert check(service) == []
    assert rows > 10_000
    assert len(said) > 10
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Student)).scalar_one() == SMALL.students
        states = dict(connection.execute(select(Request.final, func.count()).group_by(Request.final)).all())
        kinds = connection.execute(select(Request.kind, Request.state).distinct()).all()
        names = connection.execute(select(Student.name, Student.pinyin).limit(200)).all()
        fullest = connection.execute(select(func.max(SchoolClass.attending))).scalar_one()
    assert states == {True: SMALL.requests - SMALL.pending, False: SMALL.pending}
    assert len(kinds) > 12
    assert all(search_text(name) == pinyin for name, pinyin in names)
    assert 10 < fullest < 50
    with pytest.raises(NotHere, match="not empty"):
        generate(service, SMALL, tmp_path, rehearsed=rehearsed)


def test_people_of_the_tree_go_on_with_what_was_generated(
    service: Service, rehearsed: Rehearsed, tmp_path: Path
) -> None:
    generate(service, SMALL, tmp_path, rehearsed=rehearsed)
    with reading(service.engine) as connection:
        waiting = connection.execute(
            select(Request.id, Request.student_id).where(Request.state == "awaiting_shared_bureau").limit(1)
        ).one()
        county = connection.execute(
            text("SELECT o.code FROM request r JOIN organization o ON o.id = r.holder_id WHERE r.id = :id"),
            {"id": waiting.id},
        ).scalar_one()
    actor = actor_named(service, county)
    view = request_view(service, waiting.id, actor)
    assert {event["event"] for event in view["events"] if event["allowed"]} >= {"approve"}


def test_the_same_seed_gives_the_same_rows_and_another_one_others(
    empty_sqlite_database: Database, rehearsed: Rehearsed, tmp_path: Path
) -> None:
    seen = []
    for turn, seed in enumerate((1, 1, 2)):
        file = tmp_path / f"{turn}.sqlite"
        shutil.copyfile(empty_sqlite_database.url.removeprefix("sqlite:///"), file)
        service = build_service(load({
            "WORKFLOW_ENV": "demo", "DATA": str(tmp_path / "data"), "DATABASE_URL": f"sqlite:///{file}",
        }), passwords=Passwords(CHEAP))  # fmt: skip
        generate(service, replace(SMALL, seed=seed), tmp_path, rehearsed=rehearsed)
        with reading(service.engine) as connection:
            rows = connection.execute(select(Student.__table__).order_by(Student.id)).all()
            trails = connection.execute(select(History.hash).order_by(History.object_id, History.seq)).scalars().all()
        seen.append((rows, trails))
        service.engine.dispose()
        service.hot.dispose()
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_a_short_disk_and_production_are_refused_before_anything_is_written(
    service: Service, rehearsed: Rehearsed, tmp_path: Path
) -> None:
    with pytest.raises(NotHere, match="GiB"):
        generate(service, replace(SMALL, students=10**12, requests=10**10), tmp_path, rehearsed=rehearsed)
    with pytest.raises(ValueError, match="schools"):
        generate(service, replace(SMALL, schools=10), tmp_path, rehearsed=rehearsed)
    service.settings = replace(service.settings, environment="production")
    with pytest.raises(NotHere, match="production"):
        generate(service, SMALL, tmp_path, rehearsed=rehearsed)
    with reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(History)).scalar_one() == 0


def schema(service: Service) -> list[str]:
    """Every index and constraint by its definition."""
    with reading(service.engine) as connection:
        return list(connection.execute(text(SCHEMA[connection.dialect.name])).scalars())
