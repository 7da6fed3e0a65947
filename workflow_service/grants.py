"""Opening accounts (账号) and granting roles (岗位).

An organization counts its active registrars and principals, so that an empty office is seen without a join; the two
counts are written here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select, update

from workflow_service.actors import Actor, Grant
from workflow_service.db import reading, run_tx
from workflow_service.errors import NotFound
from workflow_service.models import AccessLog, Account, Organization, RoleGrant
from workflow_service.posts import check_post, may_assign

if TYPE_CHECKING:
    from workflow_service.service import Service

ROLES = (
    "registrar",
    "principal",
    "class_teacher",
    "teacher",
    "doctor",
    "viewer",
    "network",
    "admin",
    "security",
    "auditor",
)

_COUNTED = {"registrar": Organization.registrars, "principal": Organization.principals}


def create_account(
    connection: Connection,
    service: Service,
    *,
    username: str,
    name: str,
    organization_id: int,
    password_hash: str,
    roles: tuple[str, ...] = (),
    person_id: int | None = None,
) -> int:
    """Open an account with its roles; returns its id. `password_hash` is `Passwords.hash`'s text.

    `person_id` is given where the person has another account already: four eyes is about persons.
    Raises IntegrityError where the name is taken.
    """
    id_ = service.ids.new_subject()
    row = {
        "id": id_, "username": username, "name": name, "person_id": person_id or service.ids.new_subject(),
        "password": password_hash, "organization_id": organization_id, "active": True,
        "created_at": service.clocks.real(), "last_used_at": None,
    }  # fmt: skip
    connection.execute(insert(Account), row)
    for role in roles:
        grant_role(connection, service, id_, role)
    return id_


def grant_role(connection: Connection, service: Service, account_id: int, role: str) -> int:
    """Grant a role at the account's organization; returns the grant's id, the same one when it is held already.

    Raises Blocked for a post that the organization does not have, or that another one of the person excludes (CD-05).
    """
    if role not in ROLES:
        raise ValueError(f"unknown role {role}")
    held = _active_grant(connection, account_id, role)
    if held is not None:
        return held
    check_post(connection, account_id, role)
    id_, organization_id = service.ids.new_subject(), _organization_of(connection, account_id)
    row = {
        "id": id_, "account_id": account_id, "organization_id": organization_id, "role": role, "version": 1,
        "granted_at": service.clocks.real(), "revoked_at": None,
    }  # fmt: skip
    connection.execute(insert(RoleGrant), row)
    _count(connection, organization_id, role, 1)
    return id_


def revoke_role(connection: Connection, service: Service, account_id: int, role: str) -> bool:
    """Revoke a role; False when it is not held. A transition that read the grant before fails by its version."""
    held = _active_grant(connection, account_id, role)
    if held is None:
        return False
    revoked = connection.execute(
        update(RoleGrant)
        .where(RoleGrant.id == held, RoleGrant.revoked_at.is_(None))
        .values(revoked_at=service.clocks.real(), version=RoleGrant.version + 1)
    )
    if revoked.rowcount != 1:  # another one revoked it first, and counted it
        return False
    _count(connection, _organization_of(connection, account_id), role, -1)
    return True


def assign_account(
    service: Service, network: Actor, *, asked_by: Actor, username: str, name: str, organization: str,
    password_hash: str, roles: tuple[str, ...],
) -> int:  # fmt: skip
    """Open an account as the network administrator of a bureau; its id. Who asked for it stands in the access log.

    Raises NotFound for an unknown organization, Forbidden, Blocked; IntegrityError where the name is taken.
    """

    def write(connection: Connection) -> int:
        id_ = connection.execute(select(Organization.id).where(Organization.code == organization)).scalar()
        if id_ is None:
            raise NotFound(f"no organization {organization}")
        may_assign(connection, network, asked_by, id_)
        account = create_account(
            connection, service, username=username, name=name, organization_id=id_, password_hash=password_hash,
            roles=roles,
        )  # fmt: skip
        _log_assigned(connection, service, network, asked_by, account, roles)
        return account

    return run_tx(service.engine, write)


def assign_role(service: Service, network: Actor, *, asked_by: Actor, account_id: int, role: str) -> int:
    """Grant a role as the network administrator of a bureau; the grant's id. Raises Forbidden, Blocked (CD-05)."""

    def write(connection: Connection) -> int:
        may_assign(connection, network, asked_by, _organization_of(connection, account_id))
        granted = grant_role(connection, service, account_id, role)
        _log_assigned(connection, service, network, asked_by, account_id, (role,))
        return granted

    return run_tx(service.engine, write)


def _log_assigned(
    connection: Connection, service: Service, network: Actor, asked_by: Actor, account_id: int, roles: tuple[str, ...]
) -> None:  # fmt: skip
    connection.execute(insert(AccessLog), {
        "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
        "account_id": network.account_id, "action": "assign_account", "object_id": account_id,
        "purpose": f"CD-05 {asked_by.username}", "detail": ",".join(roles),
    })  # fmt: skip


def actor_named(service: Service, username: str) -> Actor:
    """The actor of an active account, for the command line and the demo. Raises `NotFound`."""
    with reading(service.engine) as connection:
        found = connection.execute(
            select(
                Account.id, Account.person_id, Account.username, Account.name,
                Organization.id, Organization.code, Organization.path, Organization.kind, Organization.level,
            )
            .join(Organization, Organization.id == Account.organization_id)
            .where(Account.username == username, Account.active)
        ).one_or_none()  # fmt: skip
        if found is None:
            raise NotFound(f"no active account {username}")
        held = connection.execute(
            select(RoleGrant.id, RoleGrant.role, RoleGrant.version).where(
                RoleGrant.account_id == found[0], RoleGrant.revoked_at.is_(None)
            )
        )
        return Actor(*found, grants=tuple(Grant(*row) for row in held))


def _active_grant(connection: Connection, account_id: int, role: str) -> int | None:
    return connection.execute(
        select(RoleGrant.id).where(
            RoleGrant.account_id == account_id, RoleGrant.role == role, RoleGrant.revoked_at.is_(None)
        )
    ).scalar()


def _organization_of(connection: Connection, account_id: int) -> int:
    found = connection.execute(select(Account.organization_id).where(Account.id == account_id)).scalar()
    if found is None:
        raise NotFound(f"no account {account_id}")
    return found


def _count(connection: Connection, organization_id: int, role: str, change: int) -> None:
    column = _COUNTED.get(role)
    if column is not None:
        connection.execute(
            update(Organization).where(Organization.id == organization_id).values({column.key: column + change})
        )
