"""Posts on both engines: CD-05 keeps two administrators apart, BJ-07 names the posts of a school."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Blocked, Forbidden, NotFound
from workflow_service.grants import assign_account, create_account, grant_role, revoke_role
from workflow_service.models import AccessLog, Account
from workflow_service.posts import POSTS


def account(world: World, username: str) -> Any:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(Account.__table__).where(Account.username == username)).one()


def grant(world: World, username: str, role: str) -> None:
    with db.begin(world.service.engine) as connection:
        grant_role(connection, world.service, account(world, username).id, role)


def rule(refused: pytest.ExceptionInfo[Blocked]) -> str:
    return refused.value.reasons[0].cite.rule


def test_nobody_is_network_and_status_administrator_at_once_not_even_with_two_accounts(world: World) -> None:
    with pytest.raises(Blocked) as refused:
        grant(world, "county1.network", "registrar")
    assert rule(refused) == "CD-05"
    with pytest.raises(Blocked):
        grant(world, "county1", "network")
    with pytest.raises(Blocked), db.begin(world.service.engine) as connection:
        create_account(
            connection, world.service, username="second", name="同一人", person_id=account(world, "county1").person_id,
            organization_id=world.organization("county1").id, password_hash="x", roles=("network",),
        )  # fmt: skip
    with db.begin(world.service.engine) as connection:
        revoke_role(connection, world.service, account(world, "county1").id, "registrar")
    grant(world, "county1", "network")  # whoever has laid one post down may take the other


def test_an_organization_has_the_posts_of_its_kind(world: World) -> None:
    for username, role in (("school201", "class_teacher"), ("school201", "doctor"), ("county1.viewer", "auditor")):
        grant(world, username, role)
    for username, role in (("county1", "principal"), ("school201", "admin"), ("admin", "registrar")):
        with pytest.raises(Blocked):
            grant(world, username, role)
    assert set(POSTS["school"]) >= {"network", "principal", "registrar", "class_teacher", "teacher", "doctor"}


def assign(world: World, network: str, asked_by: str, organization: str = "101", username: str = "new") -> int:
    return assign_account(
        world.service, world.actor(network), asked_by=world.actor(asked_by), username=username, name="新教师",
        organization=organization, password_hash="x", roles=("teacher",),
    )  # fmt: skip


def test_accounts_are_assigned_by_the_network_administrator_as_the_education_section_asks(world: World) -> None:
    id_ = assign(world, "county1.network", "county1")
    with db.reading(world.service.engine) as connection:
        [logged] = connection.execute(select(AccessLog.__table__).where(AccessLog.object_id == id_)).all()
    assert (logged.action, logged.purpose, logged.detail) == ("assign_account", "CD-05 county1", "teacher")
    for asked_by in ("county2", "county1.viewer", "county1.network"):
        with pytest.raises(Blocked) as refused:
            assign(world, "county1.network", asked_by, username=f"other{asked_by}")
        assert rule(refused) == "CD-05"
    with pytest.raises(Forbidden):
        assign(world, "county1", "county1")
    with pytest.raises(Forbidden):
        assign(world, "county1.network", "county1", organization="201")
    with pytest.raises(NotFound):
        assign(world, "county1.network", "county1", organization="nowhere")


def test_the_network_administrator_touches_no_request(world: World) -> None:
    pupil = world.student("101", 3)
    request_id = world.start("school101", "suspension", pupil, ground="other", data={"until": "2027-01-31"})
    world.fire(request_id, "submit", "school101")
    with pytest.raises(NotFound):
        world.fire(request_id, "approve", "county1.network")
