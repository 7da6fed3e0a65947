"""Accounts and posts: what is granted counts at once, and is counted once."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import NotFound
from workflow_service.grants import actor_named, create_account, grant_role, revoke_role
from workflow_service.models import Account, Organization, RoleGrant


def offices(world: World, code: str) -> tuple[int, int]:
    row = world.organization(code)
    return row.registrars, row.principals


def account_id(world: World, username: str) -> int:
    return world.actor(username).account_id


def test_a_new_registrar_fills_the_office_and_a_revoked_one_empties_it(world: World) -> None:
    service = world.service
    assert offices(world, "201") == (1, 1)
    with db.begin(service.engine) as connection:
        id_ = create_account(
            connection,
            service,
            username="helper",
            name="周老师",
            organization_id=world.organization("201").id,
            password_hash="x",
            roles=("registrar", "teacher"),
        )
    assert offices(world, "201") == (2, 1)
    assert actor_named(service, "helper").roles == {"registrar", "teacher"}
    with db.begin(service.engine) as connection:
        assert revoke_role(connection, service, id_, "registrar")
        assert not revoke_role(connection, service, id_, "registrar")
    assert offices(world, "201") == (1, 1)
    assert actor_named(service, "helper").roles == {"teacher"}


def test_a_role_that_is_held_is_not_granted_twice_and_one_given_back_has_a_new_grant(world: World) -> None:
    id_ = account_id(world, "school201.principal")
    with db.begin(world.service.engine) as connection:
        first = grant_role(connection, world.service, id_, "principal")
        assert grant_role(connection, world.service, id_, "principal") == first
        revoke_role(connection, world.service, id_, "principal")
        second = grant_role(connection, world.service, id_, "principal")
        versions = dict(connection.execute(select(RoleGrant.id, RoleGrant.version)).all())
    assert second != first
    assert (versions[first], versions[second]) == (2, 1)  # whoever read the old one can no longer use it
    assert offices(world, "201") == (1, 1)


def test_unknown_roles_accounts_and_taken_names_are_refused(world: World) -> None:
    service = world.service
    with db.begin(service.engine) as connection:
        with pytest.raises(ValueError, match="unknown role"):
            grant_role(connection, service, account_id(world, "admin"), "king")
        with pytest.raises(NotFound):
            grant_role(connection, service, 1, "teacher")
    with pytest.raises(NotFound):
        actor_named(service, "nobody")
    with pytest.raises(IntegrityError), db.begin(service.engine) as connection:
        create_account(
            connection,
            service,
            username="admin",
            name="甲",
            organization_id=world.organization("201").id,
            password_hash="x",
        )


def test_every_account_is_a_person_of_its_own_unless_said_otherwise(world: World) -> None:
    with db.reading(world.service.engine) as connection:
        persons = connection.execute(select(Account.person_id)).scalars().all()
        levels = dict(connection.execute(select(Organization.code, Organization.level)).all())
    assert len(set(persons)) == len(persons)
    assert levels["system"] == "system"
