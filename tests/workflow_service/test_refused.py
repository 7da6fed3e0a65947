"""Refused decisions on both databases: their facts are kept, few of them, and nobody is answered worse for it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy import select, text

from states.definition import Citation
from states.verdict import No, Reason
from tests.conftest import Database
from tests.workflow_service.test_check import owning
from tests.workflow_service.test_sweeps import GROUND
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.check import check
from workflow_service.errors import Blocked, Forbidden
from workflow_service.facts import gather
from workflow_service.models import Judgement, RefusedJudgement
from workflow_service.models.columns import loads
from workflow_service.refused import MOST, keep


def kept(world: World) -> list[Any]:
    with db.reading(world.service.engine) as connection:
        table = RefusedJudgement.__table__
        return list(connection.execute(select(table).order_by(table.c.id)))


@pytest.fixture
def draft(world: World) -> int:
    """Give a transfer for which there is no class: nothing but this speaks against submitting it."""
    return world.draft("school201", world.student("202"), "201", **GROUND)


def refused(world: World, request: int, event: str, who: str) -> set[str]:
    with pytest.raises(Blocked) as told:
        world.fire(request, event, who)
    return {reason.cite.rule for reason in told.value.reasons}


def test_a_refusal_leaves_the_facts_that_it_was_made_on_once_for_the_same_rules(world: World, draft: int) -> None:
    rules = refused(world, draft, "submit", "school201")
    [first] = kept(world)
    assert (first.request_id, first.event, set(first.rules.split())) == (draft, "submit", rules)
    facts = loads(first.facts)
    assert (facts["state"], facts["class_name"], facts["data"]) == ("draft", None, GROUND["data"])
    world.go(2026, 8, 25)
    refused(world, draft, "submit", "school201")
    [again] = kept(world)
    assert (again.id, again.at) == (first.id, world.at)  # the newest facts in the same row
    world.school_class("201", 3)
    world.fire(draft, "submit", "school201")
    papers = refused(world, draft, "approve", "school201.principal")
    assert [(row.event, set(row.rules.split())) for row in kept(world)] == [("submit", rules), ("approve", papers)]
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(Judgement.event)).scalars().all() == ["submit"]
    assert check(world.service) == []


def test_only_what_a_rule_may_let_through_is_kept(world: World, draft: int) -> None:
    refused(world, draft, "confirm_arrival", "school201")  # no event of a draft: no rule was asked
    with pytest.raises(Forbidden):
        world.fire(draft, "approve", "school201")
    world.school_class("201", 3)
    world.fire(draft, "submit", "school201")
    with pytest.raises(Blocked):
        world.fire(draft, "reject", "school201.principal")  # without a reason
    assert kept(world) == []


def test_whoever_tries_for_ever_leaves_no_more_than_a_few_rows(world: World, draft: int) -> None:
    row, _, facts = gather(world.service, draft, None)
    for number in range(MOST + 5):
        reason = Reason(Citation(f"X-{number:02}", "示例", "decided", "example"), No("不行", "No"))
        keep(world.service, row, facts, "submit", world.at + number, (reason,))
    assert [row.rules for row in kept(world)] == [f"X-{number:02}" for number in range(MOST)]
    first = Reason(Citation("X-00", "示例", "decided", "example"), No("不行", "No"))
    keep(world.service, row, facts, "submit", world.at + 99, (first,))
    assert kept(world)[0].at == world.at + 99  # what stands there is still brought up to date


def test_a_refusal_is_answered_although_its_facts_cannot_be_kept(
    world: World, draft: int, database_url: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with owning(database_url) as connection, connection.begin():
        connection.execute(text("DROP TABLE refused_judgement"))
    with caplog.at_level(logging.ERROR, "workflow_service.refused"):
        assert refused(world, draft, "submit", "school201")
    assert f"the facts of a refusal of request {draft} were not kept" in caplog.text
