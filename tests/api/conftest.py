"""The real application on a real service, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.cli import main
from tests.conftest import Database
from tests.workflow_service.world import Pupil, World, make_world, picture

PASSWORD = "demo-2026"

Run = Callable[..., tuple[int, str, str]]
"""A command line run to its end: arguments in; status, stdout and stderr out."""


@dataclass
class Api:
    """A client that signs in by name; every call goes through the whole application."""

    app: Flask
    world: World
    client: FlaskClient = field(init=False)
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def call(self, who: str | None, method: str, path: str, **more: Any) -> TestResponse:
        """`path` without the prefix; `version` becomes If-Match, `key` the Idempotency-Key."""
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.token(who)}"
        if "version" in more:
            headers["If-Match"] = f'"{more.pop("version")}"'
        if "key" in more:
            headers["Idempotency-Key"] = more.pop("key")
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, buffered=True, **more)

    def get(self, who: str | None, path: str, **more: Any) -> TestResponse:
        return self.call(who, "GET", path, **more)

    def post(self, who: str | None, path: str, json: Any = None, **more: Any) -> TestResponse:
        return self.call(who, "POST", path, **({} if json is None else {"json": json}), **more)

    def token(self, who: str) -> str:
        if who not in self.tokens:
            self.world.goes_on_working(who)
            answer = self.client.post("/api/v1/tokens", json={"username": who, "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            self.tokens[who] = answer.json["token"]
        return self.tokens[who]

    def transfer(self, pupil: Pupil, to: str = "201", **more: Any) -> dict[str, Any]:
        """The body of a transfer of a pupil to a school."""
        return {
            "kind": "transfer",
            "student": {"name": pupil.name, "student_number": pupil.number},
            "destination_school_id": str(self.world.organization(to).id),
            "grade": pupil.grade,
            "ground": "moved_house",
            "data": {"handed_over_on": "2026-08-01"},
            **more,
        }

    def draft(self, pupil: Pupil, to: str = "201") -> dict[str, Any]:
        self.world.school_class(to, pupil.grade)
        answer = self.post(f"school{to}", "/requests", self.transfer(pupil, to))
        assert answer.status_code == 201, answer.text
        return answer.json

    def submitted(self, pupil: Pupil, to: str = "201") -> dict[str, Any]:
        draft = self.draft(pupil, to)
        answer = self.fire(f"school{to}", draft, "submit")
        assert answer.status_code == 200, answer.text
        return answer.json

    def fire(self, who: str, request: dict[str, Any], event: str, **more: Any) -> TestResponse:
        body = {"event": event, **{name: more.pop(name) for name in ("comment", "reason", "data") if name in more}}
        return self.post(who, f"/requests/{request['id']}/events", body, version=request["version"], **more)

    def upload(self, who: str, request: dict[str, Any], kind: str, content: bytes | None = None, **more: Any) -> Any:
        import io

        data = {"kind": kind, "file": (io.BytesIO(picture() if content is None else content), f"{kind}.png")}
        return self.call(who, "POST", f"/requests/{request['id']}/documents", data=data, **more)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process, as the shell would."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def api(database_url: Database, tmp_path: Path) -> Iterator[Api]:
    """Give a test the application on its own world, on each database."""
    yield from _api(database_url, tmp_path)


@pytest.fixture
def sqlite_api(sqlite_database: Database, tmp_path: Path) -> Iterator[Api]:
    """The same on SQLite only, for what cannot depend on the database."""
    yield from _api(sqlite_database, tmp_path)


def _api(database: Database, tmp_path: Path) -> Iterator[Api]:
    world = make_world(database.url, database.owner_url, tmp_path / "data")
    app = create_app(world.service.settings, world.service)
    yield Api(app, world)
    world.service.engine.dispose()
    world.service.hot.dispose()
    with app.app_context():
        from workflow_service.db import db

        db.engine.dispose()
