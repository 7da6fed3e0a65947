"""Working days, outages and single-handed schools from the command line, on both databases."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from api import cli_wiring
from tests.api.conftest import Run
from tests.conftest import Database
from tests.workflow_service.world import World, make_world
from workflow_service.db import begin, reading
from workflow_service.models import History, WorkingDay

NOTICE = """
title = "国务院办公厅关于2027年部分节假日安排的通知"
source = "国办发明电〔2026〕测试"
published = 2026-11-01
holidays = [
  { name = "元旦", from = 2026-12-31, to = 2027-01-03, working = [] },
  { name = "春节", from = 2027-02-05, to = 2027-02-11, working = [2027-01-30] },
]
"""


@pytest.fixture
def world(database_url: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = make_world(database_url.url, database_url.owner_url, tmp_path / "data")
    monkeypatch.setattr(cli_wiring, "build_service", lambda _settings: world.service)
    monkeypatch.setattr(cli_wiring, "skew", lambda _service: 0.0)
    monkeypatch.setattr(
        os, "environ", {"WORKFLOW_ENV": "development", "DATA": str(tmp_path), "DATABASE_URL": database_url.url}
    )
    yield world
    world.service.engine.dispose()
    world.service.hot.dispose()


def notice(tmp_path: Path, text: str = NOTICE) -> str:
    (tmp_path / "notice.toml").write_text(text, encoding="utf-8")
    return str(tmp_path / "notice.toml")


def submitted(world: World, day: int) -> int:
    """A request submitted in December 2026, in a county that has no windows."""
    world.go(2026, 12, day)
    world.school_class("401", 3)
    pupil = world.student("402")
    request_id = world.draft("school401", pupil, "401", ground="other", data={"ground_text": "随父母工作变动迁入"})
    world.fire(request_id, "submit", "school401")
    return request_id


def test_a_years_notice_is_loaded_and_the_clocks_that_reach_into_it_are_recomputed(
    world: World, run: Run, tmp_path: Path
) -> None:
    request_id = submitted(world, 28)
    old = world.request(request_id)
    assert old.provisional
    assert "2027  provisional  no notice loaded; 1 open clocks reach into it" in run("calendar", "show")[1]
    status, out, err = run("calendar", "load", notice(tmp_path), "--as", "admin")
    assert (status, out) == (0, "2027: 12 new days loaded, 1 clocks recomputed\n")
    assert "recomputed 1" in err
    new = world.request(request_id)
    assert (new.provisional, new.version, new.due_at > old.due_at) == (False, old.version + 1, True)
    with reading(world.service.engine) as connection:
        events = connection.execute(
            select(History.event).where(History.object_id == request_id).order_by(History.seq)
        ).scalars()  # fmt: skip
        assert list(events)[-1] == "recompute_clock"
    assert run("calendar", "load", notice(tmp_path))[:2] == (0, "2027: 0 new days loaded, 0 clocks recomputed\n")
    shown = run("calendar", "show")[1]
    assert "2027  published    国办发明电〔2026〕测试; 10 days off, 1 make-up days\n" in shown
    assert "2028  provisional" not in shown


def test_a_clock_that_ends_on_a_day_the_next_years_notice_takes_away_moves_too(
    world: World, run: Run, tmp_path: Path
) -> None:
    request_id = submitted(world, 17)
    old = world.request(request_id)
    assert (old.clock["due"], old.provisional) == ("2026-12-31", False)
    assert "1 clocks recomputed" in run("calendar", "load", notice(tmp_path))[1]
    new = world.request(request_id)
    assert (new.clock["due"], new.provisional) == ("2027-01-04", False)
    assert run("check")[1] == "check: 0 findings\n"


def test_show_names_the_documents_of_each_year(world: World, run: Run) -> None:
    status, out, _ = run("calendar", "show")
    assert status == 0
    assert "2026  published    国办发明电〔2025〕7号; " in out
    assert out.splitlines()[-1].startswith("2027  provisional")
    years = json.loads(run("calendar", "show", "--json")[1])
    assert [year["year"] for year in years] == [2023, 2024, 2025, 2026, 2027]
    assert [year["published"] for year in years] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source", "sourse", "expected"), ("2027-01-03", "2026-12-31", "元旦"),
        ("2027-02-05", '"2027-02-05"', "is no date"), ("[2027-01-30]", "2027-01-30", "expected a list"),
        ("[2027-01-30]", "[2027-01-29]", "no Saturday or Sunday"), ("title = ", "title ", "line 2"),
        ("2027-02-11", "2028-02-11", "not a holiday of 2027"),
    ],
)  # fmt: skip
def test_a_notice_that_cannot_be_one_is_refused_in_one_line(
    world: World, run: Run, tmp_path: Path, old: str, new: str, said: str
) -> None:
    status, out, err = run("calendar", "load", notice(tmp_path, NOTICE.replace(old, new, 1)))
    assert (status, out) == (1, "")
    assert said in err
    assert "Traceback" not in err
    with reading(world.service.engine) as connection:
        assert 2027 not in {day.year for day in connection.execute(select(WorkingDay.day)).scalars()}


def test_a_notice_is_the_administrators_and_never_against_a_stored_day(world: World, run: Run, tmp_path: Path) -> None:
    status, _, err = run("calendar", "load", notice(tmp_path), "--as", "county2")
    assert status == 1
    assert "system administrator" in err
    with begin(world.service.engine) as connection:
        row = {"day": world.service.clocks.now().date().replace(year=2027, month=1, day=2), "working": True}
        connection.execute(WorkingDay.__table__.insert(), {**row, "source": "另一通知"})
    status, _, err = run("calendar", "load", notice(tmp_path))
    assert status == 1
    assert "2027-01-02" in err


def test_an_outage_is_declared_and_refused_with_the_reason(world: World, run: Run) -> None:
    hours = ("--from", "2026-08-23T20:00", "--to", "2026-08-23 23:30")
    assert run("outage", "declare", "--as", "county2", *hours, "--reason", "机房停电")[0] == 0
    [outage] = world.service.calendars.current().outages
    assert (outage.starts.isoformat(), outage.reason) == ("2026-08-23T20:00:00+08:00", "机房停电")
    status, _, err = run("outage", "declare", "--as", "school201", *hours, "--reason", "机房停电")
    assert status == 1
    assert "bureau's registrar" in err
    status, _, err = run("outage", "declare", "--as", "county2", *hours[:3], "2026-08-25T01:00", "--reason", " ")
    assert status == 1
    assert "ends: " in err
    assert "reason: " in err
    assert run("outage", "declare", "--as", "nobody", *hours, "--reason", "x")[0] == 1
    assert run("outage", "declare", "--as", "county2", "--from", "yesterday")[0] == 2
    assert len(world.service.calendars.current().outages) == 1


def test_the_province_gives_a_county_the_powers_of_a_city(world: World, run: Run) -> None:
    for who, code in (("city2", "county4"), ("county4", "county4"), ("province", "city2"), ("school401", "county4")):
        assert run("school", "city-powers", code, "on", "--as", who)[0] == 1
        assert not world.organization(code).city_powers
    assert run("school", "city-powers", "county4", "on", "--as", "province") == (
        0, f"county4 {world.organization('county4').name}: city powers on\n", "")  # fmt: skip
    assert world.organization("county4").city_powers
    assert run("school", "city-powers", "county4", "off", "--as", "province")[0] == 0
    assert not world.organization("county4").city_powers


def test_a_school_is_marked_single_handed_by_its_code(world: World, run: Run) -> None:
    assert run("school", "single-handed", "203", "on", "--as", "county2")[0] == 0
    assert world.organization("203").single_handed
    assert run("school", "single-handed", "203", "off", "--as", "city1")[0] == 0
    assert not world.organization("203").single_handed
    for code, who in (("203", "county1"), ("203", "school203"), ("999", "county2"), ("county2", "city1")):
        status, out, err = run("school", "single-handed", code, "on", "--as", who)
        assert (status, out) == (1, ""), (code, who)
        assert err.startswith("error: ")
        assert err.strip() != "error:"
