"""The demo's accounts (示例账号), all with one password: one hash serves them all, so that seeding is quick."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, func, select

from workflow_service.demo.organizations import BUREAUS, schools
from workflow_service.demo.people import grown_name
from workflow_service.grants import create_account
from workflow_service.models import Account, Organization

if TYPE_CHECKING:
    from workflow_service.service import Service

PASSWORD = "demo-2026"  # noqa: S105 - the contract prints it


class DemoAccount(NamedTuple):
    """An account: the organization's code, the name people see, the roles."""

    username: str
    organization: str
    name: str
    roles: tuple[str, ...]


def demo_accounts() -> Iterator[DemoAccount]:
    """Every account of the contract, the same names each time."""
    random = Random(2026)  # noqa: S311 - names of a demo, the same each time
    for bureau in BUREAUS:
        yield DemoAccount(bureau.code, bureau.code, grown_name(random), ("registrar",))
    yield DemoAccount("county1.viewer", "county1", grown_name(random), ("viewer",))
    yield DemoAccount("county1.network", "county1", grown_name(random), ("network",))
    for school in schools():
        yield DemoAccount(f"school{school.code}", school.code, grown_name(random), ("registrar",))
        yield DemoAccount(f"school{school.code}.principal", school.code, grown_name(random), ("principal",))
    yield DemoAccount("school201.teacher", "201", grown_name(random), ("teacher",))
    for role, name in (("admin", "系统管理员"), ("security", "安全管理员"), ("auditor", "审计员")):
        yield DemoAccount(role, "system", name, (role,))


def create_accounts(connection: Connection, service: Service) -> bool:
    """Create them all; False, and nothing written, when there are accounts already."""
    if connection.execute(select(func.count()).select_from(Account)).scalar_one():
        return False
    rows = connection.execute(select(Organization.code, Organization.id))
    organizations = {row.code: row.id for row in rows}
    password_hash = service.passwords.hash(PASSWORD)
    for account in demo_accounts():
        create_account(
            connection,
            service,
            username=account.username,
            name=account.name,
            organization_id=organizations[account.organization],
            password_hash=password_hash,
            roles=account.roles,
        )
    return True
