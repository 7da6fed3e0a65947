"""A bureau marks a school single-handed, sees its empty offices and its outages, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Forbidden, Invalid, NotFound, Stale
from workflow_service.grants import revoke_role
from workflow_service.keys import Key, find_answer
from workflow_service.models import AccessLog, Account
from workflow_service.models.columns import from_micros
from workflow_service.outages import LONGEST, declare_outage
from workflow_service.schools import mark_single_handed
from workflow_service.views.bureau import WantedSchools, count_schools, empty_offices, outages_view, schools_page

FACTS = {"handed_over_on": "2026-08-01", "guardian_register_in_catchment": False}
PAPERS = ("transfer_form_stamped", "household_register_head_page", "household_register_student_page",
          "property_certificate")  # fmt: skip


def mark(world: World, username: str, code: str = "201", on: bool = True, **more: Any) -> int:
    school = world.organization(code)
    version = more.pop("version", school.version)
    return mark_single_handed(world.service, world.actor(username), school.id, on, version, **more)


def logged(world: World, action: str) -> list[tuple[str, str | None]]:
    query = select(Account.username, AccessLog.detail).join(Account, Account.id == AccessLog.account_id)
    query = query.where(AccessLog.action == action).order_by(AccessLog.at)
    with db.reading(world.service.engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def leave(world: World, username: str, role: str) -> None:
    with db.begin(world.service.engine) as connection:
        assert revoke_role(connection, world.service, world.actor(username).account_id, role)


def submitted(world: World) -> int:
    request_id = world.draft("school201", world.student("202"), "201", ground="moved_house", data=FACTS)
    world.school_class("201", 3)
    world.upload(request_id, "school201", *PAPERS)
    world.fire(request_id, "submit", "school201")
    return request_id


@pytest.mark.parametrize("username", ["county2", "city1", "province"])
def test_a_registrar_of_any_bureau_above_marks_a_school_and_takes_it_back(world: World, username: str) -> None:
    before = world.organization("201")
    assert mark(world, username) == before.version + 1
    assert world.organization("201").single_handed
    world.at += 1
    assert mark(world, username, on=False) == before.version + 2
    assert not world.organization("201").single_handed
    assert logged(world, "mark_single_handed") == [(username, "on"), (username, "off")]


@pytest.mark.parametrize(
    ("username", "code", "refusal"),
    [
        ("county1", "201", NotFound), ("school202", "201", NotFound), ("county2", "county2", NotFound),
        ("school201", "201", Forbidden), ("school201.principal", "201", Forbidden), ("admin", "201", Forbidden),
        ("county1.viewer", "101", Forbidden), ("county1.network", "101", Forbidden),
    ],
)  # fmt: skip
def test_nobody_else_marks_it(world: World, username: str, code: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        mark(world, username, code)
    assert not world.organization(code).single_handed
    assert logged(world, "mark_single_handed") == []


def test_whoever_saw_an_older_version_is_told_what_stands_now_and_by_whom(world: World) -> None:
    seen = world.organization("201").version
    mark(world, "county2")
    with pytest.raises(Stale) as stale:
        mark(world, "city1", on=False, version=seen)
    assert stale.value.current["single_handed"] is True
    assert stale.value.current["version"] == seen + 1
    assert stale.value.current["decided_by"]["organization"] == world.organization("county2").name
    assert mark(world, "city1", on=True) == seen + 1, "it is so already: nothing is written"
    assert len(logged(world, "mark_single_handed")) == 1


def test_the_key_of_a_form_is_kept_with_its_effect(world: World) -> None:
    key = Key("POST /bureau", "k", b"body")
    mark(world, "county2", key=key)
    found = find_answer(world.service, world.actor("county2"), key)
    assert found is not None
    assert found.object_id == world.organization("201").id


def test_the_bureau_then_decides_in_place_of_the_principal_and_what_is_under_way_keeps_its_steps(world: World) -> None:
    before = submitted(world)
    mark(world, "county2")
    assert world.request(before).state == "awaiting_destination_principal"
    after = submitted(world)
    assert world.request(after).state == "awaiting_origin_school"
    assert "awaiting_destination_principal" not in world.request(after).route
    assert world.fire(after, "approve", "school202.principal").state == "awaiting_shared_bureau"
    assert world.fire(after, "approve", "county2").state == "awaiting_arrival"
    assert world.fire(before, "approve", "school201.principal").state == "awaiting_origin_school"


def test_a_bureau_sees_its_own_schools_with_who_works_there_and_what_waits(world: World) -> None:
    submitted(world)
    mark(world, "county2", "203")
    county = world.actor("county2")
    rows, following = schools_page(world.service, county, WantedSchools(), 3)
    assert [row["code"] for row in rows] == ["201", "202", "203"]
    assert [row["waiting"] for row in rows] == [1, 0, 0]
    assert rows[0]["marked"] is None
    assert rows[2]["marked"]["organization"] == world.organization("county2").name
    rest, end = schools_page(world.service, county, WantedSchools(), 3, following or "")
    assert ([row["code"] for row in rest], end) == (["204", "205"], None)
    assert count_schools(world.service, county, WantedSchools()) == 5
    assert count_schools(world.service, world.actor("city1"), WantedSchools()) == 12
    for wanted, codes in {
        WantedSchools(single_handed=True): ["203"], WantedSchools(q="朝阳"): ["202"], WantedSchools(q="205"): ["205"],
        WantedSchools(q="%"): [], WantedSchools(q="101"): [],
    }.items():  # fmt: skip
        found, _ = schools_page(world.service, county, wanted, 9)
        assert [row["code"] for row in found] == codes
        assert count_schools(world.service, county, wanted) == len(codes)


def test_an_office_without_an_account_is_shown_with_what_waits_for_it(world: World) -> None:
    submitted(world)
    assert empty_offices(world.service, world.actor("county2")) == []
    leave(world, "school201.principal", "principal")
    leave(world, "school203", "registrar")
    leave(world, "county2", "registrar")
    shown = empty_offices(world.service, world.actor("city1"))
    assert [(row["code"], row["missing"], row["waiting"]) for row in shown] == [
        ("county2", ["registrar"], 0), ("201", ["principal"], 1), ("203", ["registrar"], 0),
    ]  # fmt: skip
    mark(world, "city1")
    assert [row["code"] for row in empty_offices(world.service, world.actor("city1"))] == ["county2", "203"]
    assert empty_offices(world.service, world.actor("county1")) == []


def test_outages_are_shown_to_whom_they_touch(world: World) -> None:
    now = from_micros(world.at)
    for username, hours in (("county2", 3), ("city1", 5), ("province2", 7)):
        starts = now - timedelta(hours=hours)
        declare_outage(world.service, world.actor(username), starts, starts + timedelta(minutes=90), f"{username} 停电")
    for username, seen in (("county2", 2), ("city1", 2), ("county1", 1), ("county9", 1), ("province2", 1)):
        assert len(outages_view(world.service, world.actor(username), 9)) == seen, username
    [newest, older] = outages_view(world.service, world.actor("county2"), 9)
    assert (newest["reason"], newest["minutes"]) == ("county2 停电", 90)
    assert newest["organization"] == world.organization("county2").name
    assert older["organization"] == world.organization("city1").name


def test_an_outage_that_a_mistyped_year_made_long_is_refused(world: World) -> None:
    now = from_micros(world.at)
    with pytest.raises(Invalid) as invalid:
        declare_outage(world.service, world.actor("county2"), now - LONGEST - timedelta(minutes=1), now, "停电")
    assert invalid.value.errors[0]["field"] == "ends"
    assert outages_view(world.service, world.actor("county2"), 9) == []
