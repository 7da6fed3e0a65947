"""A whole request under each pack that no other test follows: from the draft to its completion, by its own articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from states.facts import Facts
from states.plan import Plan, fits
from tests.workflow_service.universities import found_university
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.draft_rows import NewRequest
from workflow_service.facts import gather
from workflow_service.models import Organization
from workflow_service.requests import create_request

READER = {"reader": "林父", "reader_is": "guardian", "access_purpose": "核对学籍信息"}
GUARDIAN = {"guardian_name": "林父", "guardian_relation": "父亲", "guardian_phone": "13800000000"}
SCHOOL = {
    "school_code": "399", "school_name": "示例新城小学", "school_type": "小学", "school_nature": "普通学校",
    "run_by": "government", "campuses": "一校区", "years_primary": 6,
}  # fmt: skip
GONE = {
    "absent_since": "2026-08-06", "family_contacted": True, "dropout_cause": "work", "township_told_on": "2026-09-03",
    "migrant_child": False,
}  # fmt: skip
AUTUMN = date(2026, 9, 3)
REQUESTS = [
    ("archive-rules", "archive_access", "ARC1-05", AUTUMN, {"data": {**READER, "copies_wanted": True}}),
    ("school-records", "archive_access", "SCH-07", AUTUMN, {"data": READER}),
    ("primary-records", "basic_data_change", "PRI-01", AUTUMN, {"ground": "by_school", "data": GUARDIAN}),
    ("student-archive-rules", "basic_data_change", "ARC2-01", AUTUMN,
     {"ground": "by_pupil", "data": {"talents": "古琴"}}),
    ("chengdu-k12", "organization_change", "CD-02", AUTUMN, {"ground": "founding", "data": SCHOOL}),
    ("national-k12-2013", "transfer", "N13-17", date(2024, 12, 20),
     {"ground": "other", "data": {"ground_text": "随父母迁居"}}),
    ("higher-education-2020", "annual_registration", "HE20-04", AUTUMN,
     {"data": {"application_received_on": "2026-09-01"}}),
    ("shiyan-k12", "hardship_recognition", "SY-10", AUTUMN,
     {"ground": "family_hardship", "data": {"hardship_level": "general"}}),
    ("shiyan-k12", "dropout_report", "SY-11", AUTUMN, {"data": GONE}),
]  # fmt: skip
"""(pack, kind, a rule of the pack's own, the day, what the draft says)."""


@pytest.mark.parametrize(
    ("pack", "kind", "rule", "day", "draft"), [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in REQUESTS]
)
def test_a_request_is_carried_through_by_the_articles_of_its_pack(
    world: World, pack: str, kind: str, rule: str, day: date, draft: dict[str, Any]
) -> None:
    found_university(world)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Organization).values(policy=pack))
    world.go(day.year, day.month, day.day)
    request_id = started(world, kind, draft)
    _, plan, facts = gather(world.service, request_id, None)
    assert plan.definition.pack == pack
    assert rule in {plan.route.cite.rule if plan.route.cite.pack == pack else "", *asked(plan, facts)}
    done = world.complete(request_id, brings={"copies_permitted": True})
    assert done.state == "completed"


def started(world: World, kind: str, draft: dict[str, Any]) -> int:
    """A draft by whoever starts this kind: about a pupil, about a pupil of another school, or by the bureau."""
    if kind == "organization_change":
        place = world.organization("county2").id
        return create_request(world.service, world.actor("county2"),
                              NewRequest(kind=kind, destination_school_id=place, **draft))  # fmt: skip
    if kind == "transfer":
        pupil = world.student("202", 5)  # Of grade 3 two years ago.
        world.school_class("201", 5)
        return world.draft("school201", replace(pupil, grade=3), "201", **draft)
    higher = kind == "annual_registration"
    code, stage = ("10001", "higher") if higher else ("201", "primary")
    return world.start(f"school{code}", kind, world.student(code, 2, stage=stage), **draft)


def asked(plan: Plan, facts: Facts) -> Iterator[str]:
    """The rules that a pack itself asks of this request on its way."""
    for state in ("draft", *plan.states):
        for cell in plan.cells[state]:
            for bound in cell.checks_for(facts.ground):
                if bound.cite.pack == plan.definition.pack and fits(bound.when, facts):
                    yield bound.cite.rule
