"""The world that the service's tests share."""

import pickle
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests import postgres
from tests.conftest import Database
from tests.workflow_service.world import World, make_world
from workflow_service.generate.rehearsal import Rehearsed, rehearse


@pytest.fixture
def world(database_url: Database, tmp_path: Path) -> Iterator[World]:
    """Give a test its own world, once on SQLite and once on PostgreSQL."""
    world = make_world(database_url.url, database_url.owner_url, tmp_path / "data")
    yield world
    world.service.engine.dispose()
    world.service.hot.dispose()


@pytest.fixture(scope="session")
def rehearsed(run_dir: Path) -> Rehearsed:
    """Give every worker the one rehearsal of this run, up to 24 August 2026, for the data generator to repeat."""
    path = run_dir / "rehearsed"
    with postgres.locked(run_dir / "rehearsed.lock"):
        if not path.exists():
            path.write_bytes(pickle.dumps(rehearse(date(2026, 8, 24), shifts=())))
    found: Rehearsed = pickle.loads(path.read_bytes())
    return found
