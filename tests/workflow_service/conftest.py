"""The world that the service's tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Database
from tests.workflow_service.world import World, make_world


@pytest.fixture
def world(database_url: Database, tmp_path: Path) -> Iterator[World]:
    """Give a test its own world, once on SQLite and once on PostgreSQL."""
    world = make_world(database_url.url, database_url.owner_url, tmp_path / "data")
    yield world
    world.service.engine.dispose()
    world.service.hot.dispose()
