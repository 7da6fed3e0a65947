"""Four eyes on both databases: nobody decides what they submitted or decided before, whatever account they come with.

The rule asks one fact, whether it is the same person (`facts.own`); that fact is read from the trail, so the trail is
made here by people who send real events.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.workflow_service.test_kinds_admission import newcomer
from tests.workflow_service.test_routes import FORM, NATIONAL, sent
from tests.workflow_service.test_sweeps import submitted
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Blocked
from workflow_service.grants import create_account, grant_role

SAME = "不得再由本人审核"


def also(world: World, username: str, role: str) -> None:
    """One more post for the same account."""
    with db.begin(world.service.engine) as connection:
        grant_role(connection, world.service, world.actor(username).account_id, role)


def account(world: World, username: str, code: str, *roles: str, of: str | None = None) -> str:
    """One more account, a second one of the person `of` where it is named."""
    with db.begin(world.service.engine) as connection:
        create_account(
            connection, world.service, username=username, name=of or username, password_hash="x", roles=roles,
            organization_id=world.organization(code).id, person_id=world.actor(of).person_id if of else None,
        )  # fmt: skip
    return username


def refuses(world: World, request: int, username: str, rule: str = "SYS-08") -> None:
    """Whoever this is may neither approve nor send back nor refuse, and nothing moved."""
    before = world.request(request)
    for event in ("approve", "return", "reject"):
        with pytest.raises(Blocked) as refused:
            world.fire(request, event, username, comment="意见", reason="data_wrong")
        told = {(reason.cite.rule, reason.no.message) for reason in refused.value.reasons if SAME in reason.no.message}
        assert {rule for rule, _ in told} == {rule}, event
    assert world.request(request) == before


def test_a_registrar_who_is_the_principal_too_does_not_approve_the_own_submission(world: World) -> None:
    also(world, "school201", "principal")
    request = submitted(world)
    refuses(world, request, "school201")
    assert world.fire(request, "approve", "school201.principal").state == "awaiting_origin_school"


def test_a_second_account_does_not_make_a_second_person(world: World) -> None:
    account(world, "school201.deputy", "201", "principal", of="school201")
    account(world, "county2.also", "county2", "registrar", of="school201")
    account(world, "county2.principal", "county2", "registrar", of="school201.principal")
    request = submitted(world)
    refuses(world, request, "school201.deputy")
    world.fire(request, "approve", "school201.principal")
    world.fire(request, "approve", "school202.principal")
    refuses(world, request, "county2.also")  # submitted it
    refuses(world, request, "county2.principal")  # decided the step before
    assert world.fire(request, "approve", "county2").state == "awaiting_arrival"


def test_whoever_submitted_and_whoever_submitted_again_are_both_kept_from_it(world: World) -> None:
    account(world, "school201.second", "201", "registrar", "principal")
    also(world, "school201", "principal")
    request = submitted(world)
    world.fire(request, "return", "school201.principal", comment="请补户口簿")
    world.fire(request, "resubmit", "school201.second")
    refuses(world, request, "school201.second")
    refuses(world, request, "school201")
    world.fire(request, "approve", "school201.principal")  # who sent it back has decided nothing yet


def test_nobody_decides_one_step_for_two_provinces(world: World) -> None:
    account(world, "province.also", "province", "registrar", of="province2")
    pupil = world.student("901")
    world.school_class("401", 3)
    request = sent(world, "school401", pupil, "401", FORM, **NATIONAL)
    for username in ("school401.principal", "county4", "school901.principal", "county9", "province2"):
        world.fire(request, "approve", username)
    refuses(world, request, "province.also")
    world.fire(request, "return", "province", comment="请补表")
    world.fire(request, "resubmit", "school401")
    for username, state in (("province2", "awaiting_province_bureaus"), ("province", "awaiting_record")):
        assert world.fire(request, "approve", username).state == state  # the same step once more, after the return


def test_who_lets_a_pupil_be_entered_reviews_the_entry_unless_it_is_their_own(world: World) -> None:
    """TR-10: the bureau acts twice, and the one who said yes to entering is no judge of what is entered."""
    account(world, "county2.also", "county2", "registrar", of="school201")
    world.go(2026, 10, 12)
    world.school_class("201", 3)
    request = world.start("school201", "omitted_pupil_entry", person=newcomer("漏录", birth_date=date(2017, 5, 1)),
                          grade=3, ground="omitted_for_special_reason",
                          data={"omission_cause": "转入时未报送"})  # fmt: skip
    world.upload_all(request, "school201")
    world.fire(request, "submit", "school201")
    refuses(world, request, "county2.also", "WS-26")
    world.fire(request, "approve", "county2")
    world.fire(request, "approve", "school201", data={"entered_on": "2023-09-01"})  # carries out what was allowed
    refuses(world, request, "county2.also", "WS-26")
    assert world.fire(request, "approve", "county2").state == "completed"
