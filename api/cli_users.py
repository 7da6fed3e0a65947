"""`user`: opening and closing accounts, granting roles (账号与岗位)."""

from __future__ import annotations

import click
from sqlalchemy import Update, select, update
from sqlalchemy.exc import IntegrityError

from api.cli_wiring import built_service
from workflow_service.accounts import is_sealed
from workflow_service.db import begin, reading
from workflow_service.grants import ROLES, actor_named, assign_account, create_account, grant_role, revoke_role
from workflow_service.models import Account, Organization, RoleGrant, Token
from workflow_service.service import Service

SHORTEST = 10


@click.group()
def user() -> None:
    """Open and close accounts, grant and revoke roles."""


def _service() -> Service:
    return built_service()


def _account_id(service: Service, username: str) -> int:
    with reading(service.engine) as connection:
        found = connection.execute(select(Account.id).where(Account.username == username)).scalar()
    if found is None:
        raise click.ClickException(f"there is no account {username}")
    return found


def _checked(password: str) -> str:
    if len(password) < SHORTEST:
        raise click.ClickException(f"a password has at least {SHORTEST} characters")
    return password


@user.command("list")
@click.option("--organization", help="Code of an organization; default all.")
def list_users(organization: str | None) -> None:
    """List accounts with organization and roles.

    \b
    Example:
      workflow-service user list --organization 201
    """
    query = (
        select(
            Account.username,
            Account.name,
            Account.active,
            Account.created_at,
            Account.last_used_at,
            Organization.code,
            RoleGrant.role,
        )
        .join(Organization, Organization.id == Account.organization_id)
        .outerjoin(RoleGrant, (RoleGrant.account_id == Account.id) & RoleGrant.revoked_at.is_(None))
        .order_by(Account.username, RoleGrant.role)
    )
    if organization is not None:
        query = query.where(Organization.code == organization)
    shown: dict[str, list[str]] = {}
    service = _service()
    now = service.clocks.real()
    with reading(service.engine) as connection:
        for row in connection.execute(query):
            sealed = "sealed" if is_sealed(row.created_at, row.last_used_at, now) else ""
            line = shown.setdefault(row.username, [row.code, row.name, sealed if row.active else "closed"])
            line.append(row.role or "")
    for username, (code, name, closed, *roles) in shown.items():
        click.echo("\t".join([username, code, name, ",".join(filter(None, roles)), closed]).rstrip())


@user.command()
@click.argument("username")
@click.option("--organization", required=True, help="Code of the organization.")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--same-person-as", help="Another account of the same person: four eyes is about persons.")
@click.option("--by", "network", help="A bureau's network administrator, who assigns it; needs --asked-by (CD-05).")
@click.option("--asked-by", help="The registrar of that bureau who asks for it.")
@click.password_option()
def add(
    username: str, organization: str, name: str, roles: tuple[str, ...], same_person_as: str | None,
    network: str | None, asked_by: str | None, password: str,
) -> None:  # fmt: skip
    """Open an account; the password is asked for, or comes from --password.

    \b
    Example:
      workflow-service user add zhang --organization 201 --name 张老师 --role registrar
      workflow-service user add li --organization 101 --name 李老师 --role teacher \\
        --by county1.network --asked-by county1
    """
    service = _service()
    if network is not None:
        _assign(service, network, asked_by or "", username, name, organization, roles, _checked(password))
        return
    person = None
    with reading(service.engine) as connection:
        organization_id = connection.execute(select(Organization.id).where(Organization.code == organization)).scalar()
        if same_person_as is not None:
            person = connection.execute(select(Account.person_id).where(Account.username == same_person_as)).scalar()
    if organization_id is None or (same_person_as is not None and person is None):
        raise click.ClickException("there is no such organization, or no such other account")
    hashed = service.passwords.hash(_checked(password))
    try:
        with begin(service.engine) as connection:
            create_account(
                connection, service, username=username, name=name, organization_id=organization_id,
                password_hash=hashed, roles=roles, person_id=person,
            )  # fmt: skip
    except IntegrityError as error:
        raise click.ClickException(f"there is an account {username} already") from error
    click.echo(f"{username}: opened")


def _assign(
    service: Service, network: str, asked_by: str, username: str, name: str, organization: str,
    roles: tuple[str, ...], password: str,
) -> None:  # fmt: skip
    """Open an account for a bureau's network administrator, as its education section asks."""
    try:
        assign_account(
            service, actor_named(service, network), asked_by=asked_by, username=username, name=name,
            organization=organization, password_hash=service.passwords.hash(password), roles=roles,
        )  # fmt: skip
    except IntegrityError as error:
        raise click.ClickException(f"there is an account {username} already") from error
    click.echo(f"{username}: opened by {network}, as {asked_by} asked")


@user.command()
@click.argument("username")
@click.password_option()
def password(username: str, password: str) -> None:
    """Set a new password and end all sessions of the account; one that was sealed (封存, N25-19) is open again.

    \b
    Example:
      workflow-service user password zhang
    """
    service = _service()
    account = _account_id(service, username)
    hashed = service.passwords.hash(_checked(password))
    with begin(service.engine) as connection:
        now = service.clocks.real()
        connection.execute(update(Account).where(Account.id == account).values(password=hashed, last_used_at=now))
        connection.execute(_sessions_of(account).values(revoked_at=now))
    click.echo(f"{username}: the password is changed, all sessions ended")


@user.command()
@click.argument("username")
@click.argument("role", type=click.Choice(ROLES))
def grant(username: str, role: str) -> None:
    """Grant a role at the account's organization.

    \b
    Example:
      workflow-service user grant zhang principal
    """
    service = _service()
    account = _account_id(service, username)
    with begin(service.engine) as connection:
        grant_role(connection, service, account, role)
    click.echo(f"{username}: {role} granted")


@user.command()
@click.argument("username")
@click.argument("role", type=click.Choice(ROLES))
def revoke(username: str, role: str) -> None:
    """Revoke a role; what is being decided with it right now fails.

    \b
    Example:
      workflow-service user revoke zhang principal
    """
    service = _service()
    account = _account_id(service, username)
    with begin(service.engine) as connection:
        held = revoke_role(connection, service, account, role)
    if not held:
        raise click.ClickException(f"{username} does not hold {role}")
    click.echo(f"{username}: {role} revoked")


@user.command()
@click.argument("username")
def close(username: str) -> None:
    """Close an account: no sign-in, all sessions ended, all roles revoked.

    \b
    Example:
      workflow-service user close zhang
    """
    service = _service()
    account = _account_id(service, username)
    with begin(service.engine) as connection:
        held = connection.execute(
            select(RoleGrant.role).where(RoleGrant.account_id == account, RoleGrant.revoked_at.is_(None))
        ).scalars().all()  # fmt: skip
        for role in held:
            revoke_role(connection, service, account, role)
        connection.execute(update(Account).where(Account.id == account).values(active=False))
        connection.execute(_sessions_of(account).values(revoked_at=service.clocks.real()))
    click.echo(f"{username}: closed")


def _sessions_of(account: int) -> Update:
    return update(Token).where(Token.account_id == account, Token.revoked_at.is_(None))
