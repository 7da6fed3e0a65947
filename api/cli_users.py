"""`user`: opening and closing accounts, granting roles (账号与岗位)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy import Update, select, update
from sqlalchemy.exc import IntegrityError

from api.cli_wiring import built_service, signed_in
from workflow_service.accounts import is_sealed
from workflow_service.actors import Actor
from workflow_service.db import begin, reading
from workflow_service.grants import ROLES, assign_account, assign_role, create_account, grant_role, revoke_role
from workflow_service.models import Account, Organization, RoleGrant, Token
from workflow_service.posts import check_unasked
from workflow_service.service import Service

SHORTEST = 10
F = TypeVar("F", bound=Callable[..., Any])


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


def _assigned(command: F) -> F:
    """The options of what a bureau's two administrators do together (CD-05)."""
    for option in reversed((
        click.option("--by", "network", help="A bureau's network administrator, who assigns it; needs --asked-by."),
        click.option("--by-password", help="That account's password; asked for where not given."),
        click.option("--asked-by", help="The registrar of that bureau who asks for it (CD-05)."),
        click.option("--asked-by-password", help="That account's password; asked for where not given."),
    )):  # fmt: skip
        command = option(command)
    return command


def _both(
    service: Service, network: str | None, by_password: str | None, asked_by: str | None, asked_by_password: str | None
) -> tuple[Actor, Actor] | None:  # fmt: skip
    """Who assigns and who asks, each by his own password; None where nobody is named. Raises WrongPassword."""
    if network is None and asked_by is None:
        return None
    if network is None or asked_by is None:
        raise click.UsageError("--by and --asked-by go together")
    by = signed_in(service, network, by_password or click.prompt(f"Password of {network}", hide_input=True, err=True))
    asks = signed_in(
        service, asked_by, asked_by_password or click.prompt(f"Password of {asked_by}", hide_input=True, err=True)
    )
    return by, asks


@user.command()
@click.argument("username")
@click.option("--organization", required=True, help="Code of the organization.")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option("--same-person-as", help="Another account of the same person: four eyes is about persons.")
@_assigned
@click.password_option()
def add(
    username: str, organization: str, name: str, roles: tuple[str, ...], same_person_as: str | None,
    network: str | None, by_password: str | None, asked_by: str | None, asked_by_password: str | None, password: str,
) -> None:  # fmt: skip
    """Open an account; the password is asked for, or comes from --password.

    Where a bureau at or above the organization has a network administrator and a registrar, they do it: --by and
    --asked-by, each with the own password. The command alone opens the first accounts only.

    \b
    Example:
      workflow-service user add zhang --organization 201 --name 张老师 --role registrar
      workflow-service user add li --organization 101 --name 李老师 --role teacher \\
        --by county1.network --asked-by county1
    """
    service = _service()
    both = _both(service, network, by_password, asked_by, asked_by_password)
    hashed = service.passwords.hash(_checked(password))
    try:
        if both is None:
            _open(service, username, name, organization, roles, same_person_as, hashed)
        else:
            assign_account(service, both[0], asked_by=both[1], username=username, name=name,
                           organization=organization, password_hash=hashed, roles=roles)  # fmt: skip
    except IntegrityError as error:
        raise click.ClickException(f"there is an account {username} already") from error
    click.echo(f"{username}: opened" + (f" by {network}, as {asked_by} asked" if both else ""))


def _open(
    service: Service, username: str, name: str, organization: str, roles: tuple[str, ...], same_person_as: str | None,
    hashed: str,
) -> None:  # fmt: skip
    """Open an account by the command alone. Raises Blocked where a bureau's administrators do it (CD-05)."""
    person = None
    with begin(service.engine) as connection:
        organization_id = connection.execute(select(Organization.id).where(Organization.code == organization)).scalar()
        if same_person_as is not None:
            person = connection.execute(select(Account.person_id).where(Account.username == same_person_as)).scalar()
        if organization_id is None or (same_person_as is not None and person is None):
            raise click.ClickException("there is no such organization, or no such other account")
        check_unasked(connection, organization_id)
        create_account(
            connection, service, username=username, name=name, organization_id=organization_id, password_hash=hashed,
            roles=roles, person_id=person,
        )  # fmt: skip


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
@_assigned
def grant(
    username: str, role: str, network: str | None, by_password: str | None, asked_by: str | None,
    asked_by_password: str | None,
) -> None:  # fmt: skip
    """Grant a role at the account's organization; by a bureau's two administrators where it has both, as `user add`.

    \b
    Example:
      workflow-service user grant zhang principal
      workflow-service user grant li teacher --by county1.network --asked-by county1
    """
    service = _service()
    account = _account_id(service, username)
    both = _both(service, network, by_password, asked_by, asked_by_password)
    if both is not None:
        assign_role(service, both[0], asked_by=both[1], account_id=account, role=role)
    else:
        with begin(service.engine) as connection:
            organization = select(Account.organization_id).where(Account.id == account)
            check_unasked(connection, connection.execute(organization).scalar_one())
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
