"""`policy diff`, `replay`, `publish` at the command line, on a world with requests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import cli_wiring
from tests.api.conftest import Run
from tests.conftest import Database
from tests.workflow_service.test_publication import CASES, EDITS, drafted
from tests.workflow_service.test_replay import FACTS
from tests.workflow_service.world import World, make_world
from workflow_service.demo.accounts import PASSWORD

PACK = "nenjiang-k12/transfer"


@pytest.fixture
def world(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = make_world(sqlite_database.url, sqlite_database.owner_url, tmp_path / "data")
    monkeypatch.setattr(cli_wiring, "build_service", lambda _settings: world.service)
    environment = {"WORKFLOW_ENV": "development", "DATA": str(tmp_path / "data"), "DATABASE_URL": sqlite_database.url}
    monkeypatch.setattr(os, "environ", environment)
    yield world
    world.service.engine.dispose()
    world.service.hot.dispose()


@pytest.fixture
def run(world: World, run: Run) -> Run:
    """Only the commands of `policy`, on the world."""
    return lambda *arguments: run("policy", *arguments)


def submitted(world: World) -> str:
    world.school_class("101", 3)
    request = world.draft("school102", world.student("102"), "101", ground="register_and_home_moved", data=FACTS)
    world.fire(request, "submit", "school102")
    return str(world.request(request).number)


def test_a_stored_version_is_compared_with_a_draft_and_with_what_ships(run: Run, tmp_path: Path) -> None:
    path = str(drafted(tmp_path)[1].path)
    status, out, _ = run("diff", "nenjiang-k12@1", path)
    assert status == 0
    assert "更严 stricter  [check] NJ-07 with.cap.primary：55 → 50" in out
    assert '+     "primary": 50' in out or '"primary": 50' in out
    assert json.loads(run("diff", "nenjiang-k12/transfer@1", PACK, "--json")[1]) == []
    assert "no version 9 of nenjiang-k12 is stored" in run("diff", "nenjiang-k12@9", PACK)[2]
    assert run("diff", "national-k12/suspension", PACK)[0] == 1


def test_a_replay_tells_whom_a_draft_would_have_met(world: World, run: Run, tmp_path: Path) -> None:
    submitted(world)
    second = submitted(world)
    path = str(drafted(tmp_path, (*EDITS, ("primary = 50", "primary = 1")))[1].path)
    status, out, err = run("replay", PACK, "--since", "2026-08-01", "--file", path)
    assert status == 0
    assert "裁决 decisions 2（当时不通过 refused then 0）：相同 same 1，通过→不通过 yes → no 1" in out
    assert f"通过→不通过 yes → no  +NJ-07  1 件；例 e.g. {second}：班额已满" in out
    assert "在办 open 2" in out
    assert "[2/2] judged again" in err
    [line] = run("replay", PACK, "--since", "2026-08-01", "--json")[1].splitlines()
    assert json.loads(line)["counts"] == {"same": 2}
    assert run("replay", "beijing-k12", "--since", "2026-08-01", "--file", path)[0] == 1


def test_one_person_proposes_and_another_one_publishes(world: World, run: Run, tmp_path: Path) -> None:
    submitted(world)
    path = str(drafted(tmp_path)[1].path)
    who = ("--password", PASSWORD, "--as")
    assert run("publish", PACK, path, *who, "county2")[0] == 1
    status, out, err = run("publish", PACK, path, *who, "county1")
    assert status == 0, err
    assert "与 v1 相比 compared with v1：\n  不同 different  [pack] in_force" in out
    assert "裁决 decisions 1（当时不通过 refused then 0）：相同 same 1" in out
    assert "mutants" in err
    assert out.endswith("another person publishes it with --sign\n")
    assert "another person adds --sign" in run("publish", PACK, path, *who, "admin")[2]
    assert "another person does" in run("publish", PACK, path, *who, "county1", "--sign")[2]
    assert run("publish", PACK, path, "--as", "admin", "--password", "wrong", "--sign")[0] == 1
    status, out, err = run("publish", PACK, path, *who, "admin", "--sign")
    assert status == 0, err
    assert "已发布 published：nenjiang-k12/transfer v2，2026-09-01 起施行" in out
    assert "NJ-07 with.cap.primary：55 → 50" in run("diff", "nenjiang-k12@1", "nenjiang-k12@2")[1]
    assert "another person adds --sign" in run("publish", PACK, path, *who, "admin")[2]
    assert "signed already" in run("publish", PACK, path, *who, "admin", "--sign")[2]


def test_the_gate_tells_all_that_stands_in_the_way(run: Run, tmp_path: Path) -> None:
    path = str(drafted(tmp_path, EDITS, CASES[:1])[1].path)
    status, out, err = run("publish", PACK, path, "--as", "county1", "--password", PASSWORD)
    assert (status, out) == (1, "")
    assert "小学班额 54 人 不符 failed" in err
    assert "lies in the past" in run("publish", PACK, "shipped", "--as", "admin", "--password", PASSWORD)[2]
