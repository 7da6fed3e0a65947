"""Newcomers who are neither registered nor deferred: a list for school and bureau, counted as it is listed (BJ-11)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import Api
from tests.api.test_bureau_page import sign_in
from tests.workflow_service.test_admissions import child
from tests.workflow_service.test_kinds_admission import graduate
from tests.workflow_service.world import Pupil
from workflow_service.admissions import import_admissions
from workflow_service.roster.workbook import write_roster
from workflow_service.views.newcomers import count_newcomers


@pytest.fixture
def admitted(api: Api, tmp_path: Path) -> Api:
    """Three newcomers of school 401, and one whom 402 admitted as well."""
    for number, rows in enumerate((
        [child(1, name="甲子涵"), child(2, name="乙子涵"), child(3, name="丙子涵")],
        [child(3, name="丙子涵", school_code="402", school_name=api.world.organization("402").name)],
    )):  # fmt: skip
        path = tmp_path / f"{number}.xlsx"
        write_roster(path, rows)
        import_admissions(api.world.service, path, None)
    return api


def names(api: Api, who: str) -> list[str]:
    """Every page of the list, one row each, as many as are counted."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = api.get(who, f"/newcomers?limit=1&cursor={cursor}" if cursor else "/newcomers?limit=1").json
        found += [item["name"] for item in answer["items"]]
        cursor = answer["next"]
    assert len(found) == count_newcomers(api.world.service, api.world.actor(who))
    return found


def test_school_and_bureau_see_whom_they_admitted_and_a_second_school_sees_him_too(admitted: Api) -> None:
    assert sorted(names(admitted, "school401")) == ["丙子涵", "乙子涵", "甲子涵"]
    assert names(admitted, "school402") == ["丙子涵"]
    assert len(names(admitted, "county4")) == len(names(admitted, "province")) == 4
    assert names(admitted, "county1") == names(admitted, "school403") == []
    assert admitted.get("admin", "/newcomers").status_code == 403
    assert admitted.get("county4", "/newcomers?cursor=x").status_code == 422


def test_whoever_is_registered_or_deferred_is_listed_no_more_and_what_is_under_way_is_named(admitted: Api) -> None:
    world = admitted.world
    world.go(2026, 9, 1)
    ids = {item["name"]: int(item["id"]) for item in admitted.get("school401", "/newcomers").json["items"]}
    enrolled = world.start("school401", "enrolment", Pupil(ids["甲子涵"], "", "", 1), grade=1,
                           ground="catchment_admission", data={"reported_on": "2026-09-01"})  # fmt: skip
    world.complete(enrolled)
    deferral = world.start("school401", "registration_deferral", Pupil(ids["乙子涵"], "", "", 1), grade=1,
                           ground="cannot_report_in_time", data={"until": "2026-09-20"})  # fmt: skip
    world.upload_all(deferral, "school401")
    world.fire(deferral, "submit", "school401")
    rows = {item["name"]: item for item in admitted.get("school401", "/newcomers").json["items"]}
    assert set(rows) == {"乙子涵", "丙子涵"}
    assert rows["乙子涵"]["open_request"]["kind"] == "registration_deferral"
    assert (rows["丙子涵"]["open_request"], rows["丙子涵"]["compulsory"], rows["丙子涵"]["stage"]) == (
        None, True, "primary")  # fmt: skip
    world.complete(deferral)
    assert names(admitted, "school401") == ["丙子涵"]


def test_a_leaver_who_goes_on_is_a_newcomer_of_the_next_school_until_he_is_promoted(api: Api, tmp_path: Path) -> None:
    leaver = graduate(api.world, "403")
    api.world.go(2026, 9, 1)
    name = api.world.organization("404").name
    row = child(1, name=leaver.name, sex="男", birth_date="20170501", identity_number=leaver.number[1:],
                student_number=leaver.number, grade="七年级", school_code="404", school_name=name)  # fmt: skip
    path = tmp_path / "leavers.xlsx"
    write_roster(path, [row])
    import_admissions(api.world.service, path, None)
    [shown] = api.get("school404", "/newcomers").json["items"]
    assert (shown["name"], shown["stage"], shown["status"]) == (leaver.name, "junior", "graduated")
    assert leaver.number not in str(shown)


def test_the_page_says_how_many_whom_and_what_is_done_about_them(admitted: Api) -> None:
    sign_in(admitted, "county4")
    assert 'href="/newcomers"' in admitted.client.get("/students").text
    shown = admitted.client.get("/newcomers").text
    assert "4 人" in shown
    assert "责令监护人送读" in shown
    assert shown.count("丙子涵") == 2
    assert "Unregistered newcomers" in admitted.client.get("/newcomers?lang=en").text
    assert admitted.client.get("/newcomers?after=x").status_code == 404
