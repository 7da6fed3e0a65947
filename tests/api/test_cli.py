"""The command line: each command works, says what is wrong on stderr, and leaves nothing running."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from api import cli_wiring
from api.cli import cli
from tests.api.conftest import Run
from tests.conftest import Database
from tests.workflow_service.world import World, make_world
from workflow_service.accounts import SEALED_AFTER, sign_in
from workflow_service.roster.workbook import write_roster


@pytest.fixture
def world(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = make_world(sqlite_database.url, sqlite_database.owner_url, tmp_path / "data")
    monkeypatch.setattr(cli_wiring, "build_service", lambda _settings: world.service)
    monkeypatch.setattr(
        os,
        "environ",
        {"WORKFLOW_ENV": "development", "DATA": str(tmp_path / "data"), "DATABASE_URL": sqlite_database.url},
    )
    yield world
    world.service.engine.dispose()
    world.service.hot.dispose()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(commands(cli)), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], run: Run) -> None:
    status, out, _ = run(*path, "--help")
    assert status == 0
    assert f"workflow-service {' '.join(path)}" in out.partition("Example:")[2]


def test_what_is_wrong_is_said_on_stderr_with_a_status(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("nonsense")[0] == 2
    monkeypatch.setattr(os, "environ", {"WORKFLOW_ENV": "production"})
    status, out, err = run("check")
    assert (status, out) == (1, "")
    assert "SECRET_KEY" in err
    assert "Traceback" not in err


def test_check_and_audit_find_nothing_in_a_sound_world(world: World, run: Run) -> None:
    request = world.draft("school201", world.student("202"), "201", ground="moved_house")
    world.school_class("201", 3)
    world.fire(request, "submit", "school201")
    status, out, err = run("check")
    assert (status, out) == (0, "check: 0 findings\n")
    assert "[0/" in err
    status, out, _ = run("audit", "verify", "--json")
    assert (status, json.loads(out)) == (0, [])


def test_policy_explains_a_request_for_a_person(world: World, run: Run) -> None:
    world.school_class("201", 3)
    request = world.draft("school201", world.student("202"), "201", ground="moved_house")
    world.fire(request, "submit", "school201")
    number = world.request(request).number
    status, out, _ = run("policy", "explain", number, "school202.principal")
    assert status == 0
    assert "不可 approve" in out
    assert "可以" in out
    status, _, err = run("policy", "explain", number, "school301")
    assert status == 1
    assert "404" not in err
    assert err.strip()
    assert run("policy", "explain", "x", "school201")[0] == 1


def test_policy_explains_in_depth(world: World, run: Run) -> None:
    world.school_class("201", 3)
    request = world.draft("school201", world.student("202"), "201", ground="moved_house")
    world.fire(request, "submit", "school201")
    number = world.request(request).number
    out = run("policy", "explain", number, "school201.principal", "--event", "approve", "--all")[1]
    assert "缺少材料：转学登记表（已签章）（TR-01）" in out
    assert "办法：转入学校：补交转学登记表（已签章）（2026-09-07 24:00 前）" in out
    assert "全部办妥即可办理" in out
    assert "· TR-G2 《电子学籍管理办法有关规定》问1(2)：不适用（ground=moved_house）" in out
    assert "· SYS-08 全国学籍系统：学校申请、学校审核、教育局审核分设 ※推定：符合（own=False）" in out
    assert "reject" not in out
    assert run("policy", "explain", number, "school201", "--event", "submit")[0] == 1


def test_policy_lists_every_rule_with_what_shows_it(run: Run) -> None:
    status, out, _ = run("policy", "rules", "--json")
    rules = json.loads(out)
    assert status == 0
    assert {rule["pack"] for rule in rules} >= {"national-k12", "catchment-k12", "nenjiang-k12", "higher-education"}
    assert None not in {rule["pack"] for rule in rules}, "a rule of the catalogue that no pack answers for"
    ids = {rule["rule"] for rule in rules}
    assert {f"TR-{number:02}" for number in range(1, 16)} | {f"TR-G{number}" for number in range(1, 6)} <= ids
    assert {f"NJ-{number:02}" for number in range(1, 16)} | {f"BJ-{number:02}" for number in range(1, 16)} <= ids
    for rule in rules:
        assert rule["article"]
        assert rule["basis"] in ("read", "inferred", "decided", "unseen")
        assert rule["scenario"] or rule["not_software"], rule
    out = run("policy", "rules", "catchment-k12")[1]
    assert "  TR-G4 [TR-G4-year]  《电子学籍管理办法有关规定》问1(4)  〔有原文〕\n      见：经商差一天" in out
    assert "不由软件执行：补录是另一项业务" in out
    assert "N25-09" in run("policy", "rules", "catchment-k12", "--inherited")[1]
    assert run("policy", "rules", "catchment")[0] == 1


def test_policy_checks_the_shipped_packs_and_refuses_a_typo(run: Run, tmp_path: Path) -> None:
    from workflow_service.packs import shipped_texts

    assert run("policy", "check")[0] == 0
    folder = tmp_path / "national-k12"
    folder.mkdir()
    wrong = shipped_texts()["national-k12/transfer.toml"].replace('role = "principal"', 'role = "principle"', 1)
    (folder / "transfer.toml").write_text(wrong)
    status, out, _ = run("policy", "check", str(folder / "transfer.toml"))
    assert status == 1
    assert "principal" in out
    assert "national-k12/transfer.toml:" in out


def test_policy_compares_two_packs_in_words_and_as_texts(run: Run, tmp_path: Path) -> None:
    from workflow_service.packs import shipped_texts

    folder = tmp_path / "nenjiang-k12"
    folder.mkdir()
    changed = shipped_texts()["nenjiang-k12/transfer.toml"].replace("primary = 55", "primary = 50", 1)
    (folder / "transfer.toml").write_text(changed)
    status, out, _ = run("policy", "diff", "nenjiang-k12", str(folder / "transfer.toml"))
    assert status == 0
    assert "更严 stricter  [check] NJ-07 with.cap.primary：55 → 50" in out
    assert "+with = { cap = { primary = 50," in out
    [one] = json.loads(run("policy", "diff", "nenjiang-k12", str(folder / "transfer.toml"), "--json")[1])
    assert (one["word"], one["id"], one["before"], one["after"]) == ("stricter", "NJ-07", 55, 50)
    assert "新增 added  [check] BJ-03" in run("policy", "diff", "national-k12", "beijing-k12")[1]
    assert run("policy", "diff", "national-k12", "nowhere")[0] == 1


def test_policy_draws_routes_and_statuses(run: Run) -> None:
    status, out, _ = run("policy", "diagram", "nenjiang-k12", "--route", "NJ-13")
    assert status == 0
    assert out.count("stateDiagram-v2") == 1
    assert "stateDiagram-v2" in run("policy", "diagram", "--status")[1]
    assert run("policy", "diagram", "nenjiang")[0] == 1


def test_an_account_lives_and_ends(world: World, run: Run) -> None:
    who = ("--organization", "201", "--name", "张老师", "--role", "registrar", "--password", "a-long-password")
    assert run("user", "add", "zhang", *who)[0] == 0
    assert run("user", "add", "zhang", *who)[0] == 1
    assert run("user", "add", "li", *who[:-1], "short")[0] == 1
    assert run("user", "grant", "zhang", "viewer")[0] == 0
    assert "zhang\t201\t张老师\tregistrar,viewer" in run("user", "list", "--organization", "201")[1]
    assert run("user", "revoke", "zhang", "viewer")[0] == 0
    assert run("user", "revoke", "zhang", "viewer")[0] == 1
    assert run("user", "password", "zhang", "--password", "another-password")[0] == 0
    assert run("user", "close", "zhang")[0] == 0
    assert "closed" in run("user", "list", "--organization", "201")[1]
    assert run("user", "close", "nobody")[0] == 1


def test_where_a_bureau_has_both_administrators_they_open_accounts_each_by_his_password(world: World, run: Run) -> None:
    new = ("--organization", "101", "--name", "李老师", "--role", "teacher", "--password", "a-long-password")
    by = ("--by", "county1.network", "--by-password", "demo-2026")
    asked = ("--asked-by", "county1", "--asked-by-password", "demo-2026")
    # Neither the machine's operator alone, nor one of the two with the other's name.
    for wrong in ((), (*by, *asked[:-1], "guessed"), (*by[:-1], "guessed", *asked), by, asked):
        status, _, err = run("user", "add", "li", *new, *wrong)
        assert status != 0, wrong
        assert err
    assert "CD-05" in run("user", "add", "li", *new)[2]
    assert run("user", "add", "li", *new, *by, *asked)[0] == 0
    assert "CD-05" in run("user", "grant", "li", "doctor")[2]
    assert run("user", "grant", "li", "doctor", *by, *asked[:-1], "guessed")[0] == 1
    assert run("user", "grant", "li", "doctor", *by, *asked)[0] == 0
    assert "li\t101\t李老师\tdoctor,teacher" in run("user", "list", "--organization", "101")[1]


def test_import_says_what_came_in_and_refuses_what_is_no_workbook(world: World, run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "roster.xlsx"
    write_roster(empty, [])
    status, out, _ = run("import", str(empty), "--check")
    assert status in (0, 1)
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"nothing")
    status, out, err = run("import", str(broken))
    assert (status, out) == (1, "")
    assert err.strip()
    assert run("import", str(tmp_path / "absent.xlsx"))[0] == 2


def test_doctor_names_what_is_wrong(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.cli_doctor.build_service", lambda _settings: world.service)
    status, out, err = run("doctor")
    assert status == 1
    assert "ok   database" in out
    assert "BAD  scheduler: has never run" in out
    assert "1 matter(s)" in err


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def children(pid: int) -> set[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = {child for child, parent in pairs if parent == pid}
    return found | {grandchild for child in found for grandchild in children(child)}


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()}


def readme_lines_on(port: int) -> str:
    """What the README's curl lines print when they are typed in as they stand, at this port."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    lines = re.search(r"```sh\n(API=.*?)```", readme, re.DOTALL)
    assert lines
    script = lines[1].replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    typed = subprocess.run(["bash", "-e"], input=script, capture_output=True, text=True, timeout=120)
    assert typed.returncode == 0, typed.stderr
    return typed.stdout


def test_the_demo_is_ready_within_a_minute_and_leaves_no_process_behind(tmp_path: Path) -> None:
    port, started = free_port(), time.monotonic()
    command = [sys.executable, "-m", "api.cli", "demo", "--port", str(port), "--data", str(tmp_path / "demo")]
    demo: Any = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl+C" in line:
                break
        assert time.monotonic() - started < 60, "".join(lines)
        assert any(f"http://127.0.0.1:{port}" in line for line in lines), "".join(lines)
        assert any("demo-2026" in line for line in lines)
        assert status_of(port, "/readyz") == 200
        assert status_of(port, "/login") == 200
        assert readme_lines_on(port).splitlines()[-1] == "completed"
        family = children(demo.pid)
        assert len(family) >= 4  # gunicorn, its two workers, the scheduler
        second = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert second.returncode == 1
        assert "is taken" in second.stderr
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()
        assert demo.wait(30) == 0
        assert alive(family) == set()
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()


def test_an_account_that_was_sealed_is_listed_so_and_a_new_password_opens_it(world: World, run: Run) -> None:
    world.at += SEALED_AFTER + 1
    assert "school201\t201" in run("user", "list", "--organization", "201")[1]
    assert "sealed" in run("user", "list", "--organization", "201")[1].split("school201\t")[1].splitlines()[0]
    assert run("user", "password", "school201", "--password", "another-password")[0] == 0
    assert "sealed" not in run("user", "list", "--organization", "201")[1].split("school201\t")[1].splitlines()[0]
    assert sign_in(world.service, "school201", "another-password", "page")
