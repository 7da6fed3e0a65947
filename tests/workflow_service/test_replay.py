"""Replaying a pack: past decisions under another version in words, and what would become of what is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import func, select, update

from states.definition import Definition
from states.pack_reader import read_pack
from tests.workflow_service.world import World
from workflow_service.db import begin, reading
from workflow_service.errors import Blocked
from workflow_service.models import Judgement, SchoolClass
from workflow_service.packs import shipped_texts
from workflow_service.replay import replay

SINCE = date(2026, 8, 1)
FACTS = {"register_moved": "family", "home_moved": True, "moved_across": "township"}


def changed(pack: str, *edits: tuple[str, str]) -> Definition:
    texts = shipped_texts()
    text = texts[f"{pack}/transfer.toml"]
    for old, new in edits:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    return read_pack(text, f"{pack}/transfer.toml", texts.__getitem__)


@pytest.fixture
def submitted(world: World) -> Callable[[], int]:
    def submit() -> int:
        world.school_class("101", 3)
        request = world.draft("school102", world.student("102"), "101", ground="register_and_home_moved", data=FACTS)
        world.fire(request, "submit", "school102")
        return request

    return submit


def test_every_decision_has_left_the_facts_that_it_was_made_on(world: World, submitted: Callable[[], int]) -> None:
    submitted()
    with reading(world.service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Judgement)).scalar_one() == 1


def test_the_same_pack_decides_the_same(world: World, submitted: Callable[[], int]) -> None:
    submitted()
    seen: list[tuple[int, int]] = []
    report = replay(world.service, changed("nenjiang-k12"), SINCE, lambda done, total: seen.append((done, total)))
    assert (report.judged, dict(report.counts), report.open_requests, report.open) == (1, {"same": 1}, 1, {})
    assert seen == [(1, 1)]
    assert replay(world.service, changed("nenjiang-k12"), date(2026, 8, 25)).judged == 0
    assert replay(world.service, changed("beijing-k12"), SINCE).judged == 0


def test_what_a_stricter_rule_refuses_is_grouped_by_the_rule_with_an_example(
    world: World, submitted: Callable[[], int]
) -> None:
    numbers = sorted(world.request(submitted()).number for _ in range(2))
    report = replay(world.service, changed("nenjiang-k12", ("primary = 55", "primary = 1")), SINCE)
    group = report.groups["yes_no", "+NJ-07"]
    assert (report.counts["yes_no"], report.counts["same"]) == (1, 1)  # the first still found the class empty
    assert group.count == 1
    assert group.example in numbers
    assert "班额已满" in group.why
    assert report.as_json()["groups"][0]["rules"] == "+NJ-07"


def test_what_a_looser_rule_lets_through_is_grouped_by_the_rule_too(world: World) -> None:
    full = world.school_class("101", 3)
    request, suspended = (
        world.draft("school102", pupil, "101", ground="register_and_home_moved", data=FACTS)
        for pupil in (world.student("102"), world.student("102", status="suspended"))
    )
    with begin(world.service.engine) as connection:
        connection.execute(update(SchoolClass).where(SchoolClass.id == full).values(attending=55))
    for one in (request, suspended):
        with pytest.raises(Blocked):
            world.fire(one, "submit", "school102")
    same = replay(world.service, changed("nenjiang-k12"), SINCE)
    assert (same.judged, same.refused, same.counts) == (2, 2, {"same": 2})
    seen: list[tuple[int, int]] = []
    looser = changed("nenjiang-k12", ("primary = 55", "primary = 60"))
    report = replay(world.service, looser, SINCE, lambda done, total: seen.append((done, total)))
    assert report.counts == {"no_yes": 1, "reasons": 1}
    assert report.groups["no_yes", "−NJ-07"].example == world.request(request).number
    assert "班额已满" in report.groups["no_yes", "−NJ-07"].why
    [(outcome, rules)] = set(report.groups) - {("no_yes", "−NJ-07")}
    assert (outcome, rules) == ("reasons", "−NJ-07")
    assert report.groups[outcome, rules].example == world.request(suspended).number
    assert seen == [(2, 2)]
    assert report.as_json()["refused"] == 2
    assert replay(world.service, looser, date(2026, 8, 25)).judged == 0


def test_a_fact_that_nobody_was_asked_for_cannot_be_judged_again(world: World, submitted: Callable[[], int]) -> None:
    request = submitted()
    world.upload(request, "school102", "transfer_certificate", "transfer_certificate_receipt")
    world.fire(request, "approve", "school102.principal")
    asks = '[check.NJ-99]\ndoes = "months_since"\nwith = { fact = "business_since", at_least = 12 }\n' \
           'on = ["approve"]\narticle = "nj 三(三)"\nbasis = "read"\n\n[check.NJ-12]'  # fmt: skip
    report = replay(world.service, changed("nenjiang-k12", ("[check.NJ-12]", asks)), SINCE)
    assert report.counts == {"same": 1, "unjudged": 1}
    assert "business_since" in report.groups["unjudged", ""].why


def test_what_is_open_is_told_apart(world: World, submitted: Callable[[], int]) -> None:
    request = submitted()
    days = changed("nenjiang-k12", ("[limit.NJ-13-acceptance]", '[limit.NJ-98]\nchanges = "N25-09"\nsteps = '
                   '["awaiting_origin_school"]\nworking_days = 3\narticle = "nj 三(四)"\nbasis = "read"\n\n'
                   "[limit.NJ-13-acceptance]"))  # fmt: skip
    report = replay(world.service, days, SINCE)
    assert set(report.open) == {"due"}
    assert report.open["due"].example == world.request(request).number
    gone = changed("nenjiang-k12", ('steps = ["awaiting_origin_school", "awaiting_shared_bureau", "awaiting_arrival"]',
                                    'steps = ["awaiting_shared_bureau", "awaiting_arrival"]'),
                   ('when = { same_bureau = true }\nat = "awaiting_origin_school"',
                    'when = { same_bureau = true }\nat = "awaiting_shared_bureau"'))  # fmt: skip
    assert set(replay(world.service, gone, SINCE).open) == {"stuck"}


def test_a_returned_request_that_would_lapse_and_a_step_with_another_holder(
    world: World, submitted: Callable[[], int]
) -> None:
    request = submitted()
    held = changed("nenjiang-k12", ("[step.awaiting_arrival]", '[step.awaiting_origin_school]\nchanges = '
                   '"awaiting_origin_school"\nrole = "registrar"\narticle = "nj 三(四)"\nbasis = "read"\n\n'
                   "[step.awaiting_arrival]"))  # fmt: skip
    assert "holder" in replay(world.service, held, SINCE).open
    world.fire(request, "return", "school102.principal", comment="补材料")
    world.go(2026, 9, 2)
    short = changed("nenjiang-k12", ("[limit.NJ-13-acceptance]", '[limit.NJ-97]\nchanges = "WS-01"\nsteps = '
                    '["returned"]\nworking_days = 2\narticle = "nj 三(四)"\nbasis = "decided"\n\n'
                    "[limit.NJ-13-acceptance]"))  # fmt: skip
    report = replay(world.service, short, SINCE)
    assert set(report.open) == {"lapse"}
