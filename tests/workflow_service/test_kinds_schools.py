"""School matters on both engines: a total is changed, a school is founded, changed, merged and closed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked, Forbidden
from workflow_service.grants import create_account
from workflow_service.holders import add_holder
from workflow_service.models import SchoolStage, Supervision
from workflow_service.requests import amend_request, create_request
from workflow_service.sweeps.mergers import move_merged


def stage_row(world: World, code: str, stage: str = "primary") -> Any:
    with db.reading(world.service.engine) as connection:
        return connection.execute(
            select(SchoolStage.__table__).where(
                SchoolStage.school_id == world.organization(code).id, SchoolStage.stage == stage
            )
        ).one()


def supervision(world: World, code: str) -> dict[str, tuple[int, Any]]:
    """Stage → (bureau, last day)."""
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(
            select(Supervision.__table__).where(Supervision.school_id == world.organization(code).id)
        )
        return {row.stage: (row.bureau_id, row.valid_to) for row in rows}


def about(world: World, username: str, kind: str, code: str, **more: Any) -> int:
    """A draft about a school, by its school or its bureau."""
    body = NewRequest(kind=kind, destination_school_id=world.organization(code).id, **more)
    return create_request(world.service, world.actor(username), body)


def amend(world: World, request_id: int, username: str, data: dict[str, Any]) -> None:
    version = world.request(request_id).version
    amend_request(world.service, request_id, world.actor(username), version, {"data": data})


def refused(world: World, request_id: int, event: str, username: str, **more: Any) -> set[str]:
    with pytest.raises(Blocked) as blocked:
        world.fire(request_id, event, username, **more)
    return {reason.cite.rule for reason in blocked.value.reasons}


def test_in_beijing_the_district_decides_a_total_and_the_city_files_it(world: World) -> None:
    world.student("301"), world.student("301", name="赵一")
    data = {"for_stage": "primary", "plans_total": 240, "quota": 241}
    request_id = about(world, "school301", "quota_change", "301", ground="quota_by_plan", data=data)
    assert refused(world, request_id, "submit", "school301") == {"BJ-03"}
    amend(world, request_id, "school301", {**data, "quota": 1})
    assert refused(world, request_id, "submit", "school301") == {"WS-182"}
    amend(world, request_id, "school301", {**data, "quota": 240})
    world.upload_all(request_id, "school301")
    assert world.fire(request_id, "submit", "school301").state == "awaiting_bureau"
    assert world.fire(request_id, "approve", "county3").state == "awaiting_city_filing"
    with pytest.raises(Forbidden):
        world.fire(request_id, "reject", "city2", reason="data_wrong")
    assert stage_row(world, "301").quota is None
    assert world.fire(request_id, "file", "city2").state == "completed"
    assert stage_row(world, "301").quota == 240
    sound(world)


def test_a_total_falls_back_to_be_decided_where_places_were_taken_meanwhile(world: World) -> None:
    request_id = about(world, "school201", "quota_change", "201", ground="quota_by_plan",
                       data={"for_stage": "primary", "plans_total": 200, "quota": 1})  # fmt: skip
    world.upload_all(request_id, "school201")
    world.fire(request_id, "submit", "school201")
    world.fire(request_id, "approve", "school201.principal")
    world.student("201"), world.student("201", name="赵一")
    assert refused(world, request_id, "approve", "county2") == {"WS-182"}
    sound(world)


FOUNDING = {
    "school_code": "399", "school_name": "示例新城小学", "school_type": "小学", "school_nature": "普通学校",
    "run_by": "government", "campuses": "一校区", "years_primary": 6,
}  # fmt: skip


def test_a_school_is_founded_by_the_city_on_the_districts_document(world: World) -> None:
    request_id = about(world, "county3", "organization_change", "county3", ground="founding", data=FOUNDING)
    other = about(world, "county3", "organization_change", "county3", ground="founding",
                  data={**FOUNDING, "school_code": "301"})  # fmt: skip
    assert refused(world, other, "submit", "county3") == {"WS-189"}
    done = world.complete(request_id)
    assert (done.state, done.route) == ("completed", ["awaiting_operation"])
    school, county = world.organization("399"), world.organization("county3")
    assert (school.id, school.parent_id, school.path) == (done.subject_id, county.id, f"{county.path}399/")
    assert (school.schooling, school.particulars["run_by"]) == ({"primary": 6}, "government")
    assert supervision(world, "399") == {"primary": (county.id, None)}
    assert stage_row(world, "399").quota is None
    pupil = world.student("399", 2)
    assert world.enrolment(pupil.id).school_id == school.id
    sound(world)


def test_a_schools_key_data_change_and_a_stage_is_added(world: World) -> None:
    data = {"school_name": "示例光华路学校", "years_junior": 3, "run_by": "private"}
    request_id = about(world, "county3", "organization_change", "301", ground="school_data", data=data)
    world.complete(request_id)
    school = world.organization("301")
    assert (school.name, school.stages, school.version) == ("示例光华路学校", ["primary", "junior"], 2)
    assert supervision(world, "301")["junior"] == (world.organization("county3").id, None)
    sound(world)


def test_a_school_that_is_renamed_twice_keeps_every_name_that_it_had(world: World) -> None:
    was = world.organization("301").name
    first = {"school_name": "示例新名小学", "run_by": "private", "school_type": "小学", "school_nature": "普通学校",
             "campuses": "两个校区"}  # fmt: skip
    by = []
    for data in (first, {"school_name": "示例再名小学", "run_by": "enterprise"}):
        by.append(str(about(world, "county3", "organization_change", "301", ground="school_data", data=data)))
        assert world.complete(int(by[-1])).state == "completed"
    school = world.organization("301")
    day = "2026-08-24"
    changed = {name: school.particulars[name] for name in ("run_by", "school_type", "school_nature", "campuses")}
    assert school.name == "示例再名小学"
    assert changed == {**{name: first[name] for name in changed}, "run_by": "enterprise"}
    new = dict.fromkeys(("run_by", "school_type", "school_nature", "campuses"))
    assert school.particulars["former"] == [
        {"until": day, "by": by[0], "school_name": was, **new},
        {"until": day, "by": by[1], "school_name": "示例新名小学", "run_by": "private"},
    ]
    sound(world)


def test_a_change_of_a_school_that_says_nothing_is_not_carried_out(world: World) -> None:
    empty = about(world, "county3", "organization_change", "301", ground="school_data", data={})
    world.upload_all(empty, "county3")
    world.fire(empty, "submit", "county3")
    assert refused(world, empty, "approve", "city2") == {"WS-204"}
    world.fire(empty, "return", "city2", comment="未写变更内容")
    amend(world, empty, "county3", {"school_name": "示例新名小学"})
    world.fire(empty, "resubmit", "county3")
    assert world.fire(empty, "approve", "city2").state == "completed"
    assert world.organization("301").name == "示例新名小学"


def test_a_founding_is_asked_at_the_bureau_and_a_merger_about_a_school(world: World) -> None:
    wrong = about(world, "county3", "organization_change", "301", ground="founding", data=FOUNDING)
    assert refused(world, wrong, "submit", "county3") == {"WS-187"}
    merger = about(world, "county3", "organization_change", "301", ground="merging", data={"successor_code": "304"})
    assert refused(world, merger, "submit", "county3") == {"N13-12"}


def merge(world: World, code: str, successor: str, bureau: str, city: str) -> int:
    """Merge a school; its pupils and requests have not followed yet."""
    request_id = about(world, bureau, "organization_change", code, ground="merging", data={"successor_code": successor})
    world.upload_all(request_id, bureau)
    world.fire(request_id, "submit", bureau)
    assert world.fire(request_id, "approve", city).state == "completed"
    return request_id


def follow(world: World, limit: int = 2) -> int:
    """Let everybody follow, in small batches; how many there were."""
    total = 0
    while moved := move_merged(world.service, world.at, limit):
        total += moved
    return total


def test_a_merged_schools_pupils_and_open_requests_go_to_its_successor(world: World) -> None:
    pupils = [world.student("301", 2, f"学生{n}") for n in "甲乙丙"]
    away = world.student("301", 3, "休学生")
    world.complete(world.start("school301", "suspension", away, ground="other", data={"until": "2027-02-01"}))
    leaving = world.start("school301", "suspension", pupils[0], ground="other", data={"until": "2027-02-01"})
    world.upload_all(leaving, "school301")
    world.fire(leaving, "submit", "school301")
    request_id = merge(world, "301", "302", "county3", "city2")
    assert world.enrolment(pupils[2].id).school_id == world.organization("301").id
    assert follow(world) >= 5
    school, successor = world.organization("301"), world.organization("302")
    assert (school.active, school.successor_id) == (False, successor.id)
    assert supervision(world, "301")["primary"][1] is not None
    for pupil in (*pupils, away):
        assert world.enrolment(pupil.id).school_id == successor.id
        assert world.enrolment(pupil.id).start_request_id == request_id
    row = world.request(leaving)
    assert (row.state, row.holder_id, row.units["school"][0]) == ("awaiting_principal", successor.id, successor.id)
    sound(world)
    assert world.complete(leaving).state == "completed"
    assert (stage_row(world, "301").attending, stage_row(world, "302").attending) == (0, 2)
    sound(world)


def test_a_place_that_is_held_at_a_merged_school_is_held_at_its_successor(world: World) -> None:
    world.school_class("401", 3)
    pupil = world.student("402", 3)
    transfer = world.draft("school401", pupil, "401", ground="other", data={"ground_text": "随父母迁居"})
    world.fire(transfer, "submit", "school401")
    merge(world, "401", "403", "county4", "city2")
    follow(world)
    row = world.request(transfer)
    assert (row.destination_school_id, world.seats(row.class_id)) == (world.organization("403").id, (0, 1))
    sound(world)
    assert world.complete(transfer).state == "completed"
    assert world.enrolment(pupil.id).school_id == world.organization("403").id
    sound(world)


def test_a_school_is_closed_only_when_nobody_is_left_and_its_archives_have_a_keeper(world: World) -> None:
    world.student("401", 3)
    closing = about(world, "county4", "organization_change", "401", ground="closing", data={"archive_unit": "县档案馆"})
    assert refused(world, closing, "submit", "county4") == {"N13-12"}
    world.fire(closing, "recall", "county4")
    empty = about(world, "county4", "organization_change", "403", ground="closing")
    world.upload_all(empty, "county4")
    world.fire(empty, "submit", "county4")
    assert refused(world, empty, "approve", "city2") == {"N13-12"}
    world.fire(empty, "recall", "county4")
    named = about(world, "county4", "organization_change", "403", ground="closing", data={"archive_unit": "县档案馆"})
    world.complete(named)
    school = world.organization("403")
    assert (school.active, school.successor_id, school.particulars["archive_unit"]) == (False, None, "县档案馆")
    assert follow(world) == 0
    sound(world)


def test_a_farm_holds_its_own_schools_in_zhejiang_kindergartens_among_them(world: World) -> None:
    add_holder(world.service, code="farm9", name="示例国营农场", above="county9", policy="zhejiang-k12")
    with db.begin(world.service.engine) as connection:
        create_account(connection, world.service, username="farm9", name="农场学籍员",
                       organization_id=world.organization("farm9").id, password_hash="x",
                       roles=("registrar",))  # fmt: skip
    data = {"school_code": "991", "school_name": "示例农场幼儿园", "years_kindergarten": 3}
    request_id = about(world, "farm9", "organization_change", "farm9", ground="founding", data=data)
    outside = about(world, "farm9", "organization_change", "farm9", ground="founding",
                    data={**data, "school_code": "992", "years_vocational": 3})  # fmt: skip
    assert refused(world, outside, "submit", "farm9") == {"ZJ-02"}
    world.complete(request_id)
    farm = world.organization("farm9")
    assert (farm.kind, supervision(world, "991")) == ("holder", {"kindergarten": (farm.id, None)})
    sound(world)
