"""`policy`: checking packs, explaining a request, drawing a route (规则包)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from sqlalchemy import select

from api.cli_wiring import built_service
from states.decide import explain as explain_events
from states.diagram import route_diagram, status_diagram
from states.pack_linter import lint_all
from states.plan import compile_plan
from states.verdict import EventVerdict
from workflow_service.db import reading
from workflow_service.facts import gather
from workflow_service.grants import actor_named
from workflow_service.models import Request
from workflow_service.packs import shipped_definitions, shipped_texts


@click.group()
def policy() -> None:
    """The rules as data: check, explain, diagram."""


@policy.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings stop it as well.")
def check(files: tuple[Path, ...], strict: bool) -> None:
    """Check the shipped packs, or these files together with them; each finding with file, line and code.

    A file is named by its folder: my-county/transfer.toml.

    \b
    Example:
      workflow-service policy check
      workflow-service policy check drafts/my-county/transfer.toml
    """
    texts = shipped_texts()
    texts |= {f"{path.absolute().parent.name}/{path.name}": path.read_text(encoding="utf-8") for path in files}
    wanted = {f"{path.absolute().parent.name}/{path.name}" for path in files}
    # The time of a review is a matter of the real calendar, whatever day a demo stands at.
    found = [d for d in lint_all(texts, date.today()) if not wanted or d.file in wanted]  # noqa: DTZ011
    for finding in found:
        click.echo(str(finding))
    stopping = [d for d in found if d.severity == "error" or (strict and d.severity == "warning")]
    if stopping:
        raise click.ClickException(f"{len(stopping)} finding(s) stop these packs")
    click.echo(f"{len(wanted or texts)} pack(s), {len(found)} finding(s), none that stops them", err=True)


@policy.command()
@click.argument("number")
@click.argument("username")
def explain(number: str, username: str) -> None:
    """Say for a request (受理编号) and an account which events are allowed, and why the others are not.

    \b
    Example:
      workflow-service policy explain 20260824-E4JHYRFAB1 county2
    """
    service = built_service()
    actor = actor_named(service, username)
    with reading(service.engine) as connection:
        request_id = connection.execute(select(Request.id).where(Request.number == number)).scalar()
    if request_id is None:
        raise click.ClickException(f"there is no request {number}")
    row, plan, facts = gather(service, request_id, actor)
    click.echo(f"{row['number']}  {row['state']}  {plan.definition.pack} {plan.route.cite.rule}")
    for verdict in explain_events(plan, facts):
        _show(verdict)


def _show(verdict: EventVerdict) -> None:
    click.echo(f"{'可以' if verdict.allowed else '不可'} {verdict.event}  {verdict.label} / {verdict.label_en}")
    for reason in verdict.blocked_by:
        click.echo(f"    {reason.cite.rule} {reason.cite.article}: {reason.no.message} / {reason.no.message_en}")
        for cure in reason.no.cures:
            click.echo(f"        → {cure.text} / {cure.text_en}")


@policy.command()
@click.argument("pack", required=False)
@click.option("--route", "rule", help="Rule id of one route, e.g. SYS-T1; default all.")
@click.option("--status", is_flag=True, help="The statuses of a student instead.")
def diagram(pack: str | None, rule: str | None, status: bool) -> None:
    """Draw the routes of a pack, or the statuses of a student, as Mermaid.

    \b
    Example:
      workflow-service policy diagram nenjiang-k12 --route NJ-13
      workflow-service policy diagram --status
    """
    if status:
        click.echo(status_diagram())
        return
    definitions = {definition.pack: definition for definition in shipped_definitions()}
    if pack not in definitions:
        raise click.ClickException(f"name one of the packs: {', '.join(sorted(definitions))}")
    routes = [route for route in definitions[pack].routes if rule in (None, route.cite.rule)]
    if not routes:
        raise click.ClickException(f"{pack} has no route {rule}")
    for route in routes:
        click.echo(f"%% {pack} {route.cite.rule} {route.cite.article}")
        click.echo(route_diagram(compile_plan(definitions[pack], definitions[pack], route, route.steps)))
