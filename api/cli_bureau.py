"""`outage` and `school`: what a bureau's registrar keeps in order, from the command line (本局事务)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import click

from api.cli_wiring import built_service
from states.calendar import SHANGHAI
from workflow_service.actors import Actor
from workflow_service.errors import Invalid, NotFound
from workflow_service.grants import actor_named
from workflow_service.holders import add_holder
from workflow_service.outages import declare_outage
from workflow_service.schools import mark_city_powers, mark_single_handed
from workflow_service.service import Service
from workflow_service.views.organizations import organization_coded

MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.group()
def outage() -> None:
    """Hours in which the service could not be reached."""


@outage.command()
@click.option("--as", "username", required=True, help="Account of a bureau's registrar: it holds below the bureau.")
@click.option("--from", "starts", type=MOMENT, required=True, help="First minute, Asia/Shanghai: 2026-11-24T08:00.")
@click.option("--to", "ends", type=MOMENT, required=True, help="When the service was back, Asia/Shanghai.")
@click.option("--reason", required=True, help="Why; everybody below the bureau sees it.")
def declare(username: str, starts: datetime, ends: datetime, reason: str) -> None:
    """Declare hours of outage that are over: the close of a window moves by them. It cannot be taken back.

    \b
    Example:
      workflow-service outage declare --as county2 --from 2026-08-31T20:00 --to 2026-08-31T23:30 --reason 机房停电
    """
    service = built_service()
    try:
        declare_outage(service, actor_named(service, username), starts.replace(tzinfo=SHANGHAI),
                       ends.replace(tzinfo=SHANGHAI), reason)  # fmt: skip
    except Invalid as error:
        raise click.ClickException("; ".join(f"{e['field']}: {e['message']}" for e in error.errors)) from error
    click.echo(f"declared: {starts:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M}")


@click.group()
def school() -> None:
    """Schools as their bureau keeps them."""


@school.command()
@click.argument("code")
@click.option("--name", required=True, help="What people call it.")
@click.option("--above", required=True, help="Code of the bureau of its area, which sees what it does.")
@click.option("--policy", help="Pack that its schools follow; default that of the bureau above.")
def holder(code: str, name: str, above: str, policy: str | None) -> None:
    """Add a unit that is no bureau and manages schools (主管单位为其他单位, ZJ-06): a farm, a university.

    \b
    Example:
      workflow-service school holder farm9 --name 国营农场 --above county9
    """
    try:
        add_holder(built_service(), code=code, name=name, above=above, policy=policy)
    except Invalid as error:
        raise click.ClickException("; ".join(e["message"] for e in error.errors)) from error
    click.echo(f"{code} {name}: added below {above}")


@school.command("single-handed")
@click.argument("code")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--as", "username", required=True, help="Account of a registrar of a bureau above the school.")
def single_handed(code: str, state: str, username: str) -> None:
    """Mark a school single-handed: its bureau's decision then replaces the principal's step, visibly.

    It holds for what is submitted from now on; a request that is under way keeps its steps.

    \b
    Example:
      workflow-service school single-handed 203 on --as county2
    """
    click.echo(f"{code} {_marked(mark_single_handed, username, code, state)}: single-handed {state}")


@school.command("city-powers")
@click.argument("code")
@click.argument("state", type=click.Choice(["on", "off"]))
@click.option("--as", "username", required=True, help="Account of a registrar of the province.")
def city_powers(code: str, state: str, username: str) -> None:
    """Give a county's bureau the powers of a city's (扩权县, HN08-04), or take them back.

    It holds for what is submitted from now on; a request that is under way keeps its steps.

    \b
    Example:
      workflow-service school city-powers county4 on --as province2
    """
    click.echo(f"{code} {_marked(mark_city_powers, username, code, state)}: city powers {state}")


def _marked(mark: Callable[[Service, Actor, int, bool, int], object], username: str, code: str, state: str) -> str:
    """Mark an organization as somebody says; its name. Raises NotFound where he sees none of that code."""
    service = built_service()
    actor = actor_named(service, username)
    row = organization_coded(service, actor, code)
    if row is None:
        raise NotFound(f"there is no organization {code}")
    mark(service, actor, row.id, state == "on", row.version)
    return str(row.name)
