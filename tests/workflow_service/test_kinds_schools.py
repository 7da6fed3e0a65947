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
from workflow_service.models import SchoolStage, Supervision
from workflow_service.requests import amend_request, create_request


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
    assert refused(world, request_id, "submit", "school301") == {"WS-82"}
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
    assert refused(world, request_id, "approve", "county2") == {"WS-82"}
    sound(world)


FOUNDING = {
    "school_code": "399", "school_name": "示例新城小学", "school_type": "小学", "school_nature": "普通学校",
    "run_by": "government", "campuses": "一校区", "years_primary": 6,
}  # fmt: skip


def test_a_school_is_founded_by_the_city_on_the_districts_document(world: World) -> None:
    request_id = about(world, "county3", "organization_change", "county3", ground="founding", data=FOUNDING)
    other = about(world, "county3", "organization_change", "county3", ground="founding",
                  data={**FOUNDING, "school_code": "301"})  # fmt: skip
    assert refused(world, other, "submit", "county3") == {"WS-89"}
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


def test_a_founding_is_asked_at_the_bureau_and_a_merger_about_a_school(world: World) -> None:
    wrong = about(world, "county3", "organization_change", "301", ground="founding", data=FOUNDING)
    assert refused(world, wrong, "submit", "county3") == {"WS-87"}
    merger = about(world, "county3", "organization_change", "301", ground="merging", data={"successor_code": "304"})
    assert refused(world, merger, "submit", "county3") == {"N13-12"}
