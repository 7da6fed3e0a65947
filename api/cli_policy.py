"""`policy`: checking packs, listing their rules, explaining a request, drawing a route (规则包)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import click
from sqlalchemy import select

from api import cli_cases, cli_versions
from api.cli_wiring import built_service
from api.policy_words import explained, listed, rule_explained, rule_lines, unanswered
from states.diagram import route_diagram, status_diagram
from states.pack_linter import lint_all
from states.pack_rules import listed_rules
from states.pack_source import nearest
from states.plan import compile_plan
from workflow_service.db import reading
from workflow_service.facts import gather
from workflow_service.grants import actor_named
from workflow_service.models import Request
from workflow_service.pack_files import shipped_shelf
from workflow_service.packs import shipped_catalogue, shipped_definitions, shipped_texts


@click.group()
def policy() -> None:
    """The rules as data: check, rules, explain, cases, mutants, diff, replay, publish, diagram."""


for _command in (
    cli_cases.cases, cli_cases.fmt, cli_cases.list_mutants,
    cli_versions.diff, cli_versions.publish, cli_versions.replay,
):  # fmt: skip
    policy.add_command(_command)


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
@click.argument("packs", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="A list of objects instead of a table.")
@click.option("--inherited", is_flag=True, help="With each pack also what it takes over from its base.")
def rules(packs: tuple[str, ...], as_json: bool, inherited: bool) -> None:
    """List every rule: pack, rule, article, how it is founded, what shows it at work, or why software cannot.

    \b
    Example:
      workflow-service policy rules nenjiang-k12
      workflow-service policy rules --json
    """
    shelf = shipped_shelf()
    known = {file.partition("/")[0] for file in shelf.files()}
    for pack in packs:
        if pack not in known:
            raise click.ClickException(f"there is no pack {pack}; there are {', '.join(sorted(known))}")
    rows = [
        row
        for file in sorted(shelf.files())
        if not packs or file.partition("/")[0] in packs
        for row in listed(shelf, file)
        if inherited or row["stated_by"] == row["pack"]
    ]
    if not packs:
        every = (rule for file in shelf.files() for rule in listed_rules(shelf.definition(file)))
        rows += unanswered(shipped_catalogue(), every)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for line in rule_lines(rows):
        click.echo(line)


@policy.command()
@click.argument("rule_or_number")
@click.argument("username", required=False)
@click.option("--event", help="Of a request: this event only, e.g. approve.")
@click.option("--all", "everything", is_flag=True, help="Of a request: every rule that was asked, and what it saw.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Of a rule: language.")
def explain(rule_or_number: str, username: str | None, event: str | None, everything: bool, lang: str) -> None:
    """Explain a rule, or a request (受理编号) for an account.

    A rule: every pack and kind that states it, its article and how it is founded, what it asks, what replaces it where,
    and the cases that it refuses and lets by. A request: which events are allowed, and why the others are not.

    \b
    Example:
      workflow-service policy explain TR-G4
      workflow-service policy explain N25-09 --lang en
      workflow-service policy explain 20260824-E4JHYRFAB1 county2 --event approve --all
    """
    if username is None:
        _explain_rule(rule_or_number, lang)
    else:
        _explain_request(rule_or_number, username, event, everything)


def _explain_rule(rule: str, lang: str) -> None:
    shelf = shipped_shelf()
    lines = list(rule_explained(shelf, rule, lang))
    if not lines:
        ids = {one.id for file in shelf.files() for one in listed_rules(shelf.definition(file))}
        meant = nearest(rule, ids)
        raise click.ClickException(f"no pack states a rule {rule}{f'; did you mean {meant}?' if meant else ''}"
                                   "; a request is explained for an account: NUMBER USERNAME")  # fmt: skip
    for line in lines:
        click.echo(line)


def _explain_request(number: str, username: str, event: str | None, everything: bool) -> None:
    service = built_service()
    actor = actor_named(service, username)
    with reading(service.engine) as connection:
        request_id = connection.execute(select(Request.id).where(Request.number == number)).scalar()
    if request_id is None:
        raise click.ClickException(f"there is no request {number}")
    row, plan, facts = gather(service, request_id, actor)
    if event and (facts.state, event) not in plan.by_event:
        raise click.ClickException(f"{event} does not fit the state {facts.state}")
    click.echo(row["number"])
    for line in explained(plan, facts, event, everything):
        click.echo(line)


@policy.command()
@click.argument("pack", required=False)
@click.option("--kind", default="transfer", show_default=True, help="Kind of request.")
@click.option("--route", "rule", help="Rule id of one route, e.g. SYS-T1; default all.")
@click.option("--status", is_flag=True, help="The statuses of a student instead.")
def diagram(pack: str | None, kind: str, rule: str | None, status: bool) -> None:
    """Draw the routes of a pack, or the statuses of a student, as Mermaid.

    \b
    Example:
      workflow-service policy diagram nenjiang-k12 --route NJ-13
      workflow-service policy diagram national-k12 --kind suspension
      workflow-service policy diagram --status
    """
    if status:
        click.echo(status_diagram())
        return
    definitions = {definition.pack: definition for definition in shipped_definitions(kind)}
    if pack not in definitions:
        raise click.ClickException(f"name one of the packs for {kind}: {', '.join(sorted(definitions))}")
    routes = [route for route in definitions[pack].routes if rule in (None, route.cite.rule)]
    if not routes:
        raise click.ClickException(f"{pack} has no route {rule}")
    for route in routes:
        click.echo(f"%% {pack} {route.cite.rule} {route.cite.article}")
        click.echo(route_diagram(compile_plan(definitions[pack], definitions[pack], route, route.steps)))
