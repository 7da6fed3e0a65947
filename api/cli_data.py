"""`check`, `audit verify`, `import`: what is stored, proved and filled."""

from __future__ import annotations

import json
from pathlib import Path

import click

from api.cli_wiring import built_service, say
from workflow_service import admissions
from workflow_service.actors import Actor
from workflow_service.check import CODES, Finding
from workflow_service.check import check as find_faults
from workflow_service.grants import actor_named
from workflow_service.roster.importer import import_workbook
from workflow_service.service import Service


def _progress(done: int, total: int, title: str) -> None:
    say(f"[{done}/{total}] {title}")


def _report(found: list[Finding], what: str, *, as_json: bool) -> None:
    """Every finding on stdout; exit status 1 when there is one."""
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in found], ensure_ascii=False))
    else:
        for finding in found:
            click.echo(f"{finding.code} {finding.object}: {finding.message}  ({CODES[finding.code]})")
    if found:
        raise click.ClickException(f"{what}: {len(found)} finding(s)")
    if not as_json:
        click.echo(f"{what}: 0 findings")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
def check(as_json: bool) -> None:
    """Prove the invariants on everything that is stored; exit status 1 if one is broken.

    \b
    Example:
      workflow-service check
    """
    _report(find_faults(built_service(), _progress), "check", as_json=as_json)


@click.group()
def audit() -> None:
    """The trail of every object."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
def verify(as_json: bool) -> None:
    """Replay every trail and verify its chained hashes; exit status 1 if one was altered.

    \b
    Example:
      workflow-service audit verify
    """
    found = [finding for finding in find_faults(built_service(), _progress) if finding.code in ("K1", "K2")]
    _report(found, "audit verify", as_json=as_json)


def _import_admissions(service: Service, workbook: Path, actor: Actor | None, check_only: bool) -> None:
    """Import an admission list; a line for every row that needs somebody's eye."""
    report = admissions.import_admissions(service, workbook, actor, say, check_only=check_only)
    for row in report.attention:
        click.echo(f"{row.sheet} {row.row}: {row.text}")
    click.echo(report.summary)
    if report.refused:
        raise click.ClickException(f"{report.refused} row(s) were not taken in: {report.workbook}")


@click.command("import")
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", "check_only", is_flag=True, help="Only check; write nothing.")
@click.option("--as", "username", help="Import in the name of this account, into the schools in its scope.")
@click.option(
    "--admissions",
    "as_admissions",
    is_flag=True,
    help="An admission list: newcomers await registration, leavers go on.",
)
def import_file(workbook: Path, check_only: bool, username: str | None, as_admissions: bool) -> None:
    """Import students from a workbook with the national roster's headings: all of it, or nothing.

    An admission list has the same headings; numbers and classes may be missing. There every row has its own verdict,
    written beside the list, and the exit status is 1 where a row was not taken in.

    \b
    Example:
      workflow-service import roster.xlsx --check
      workflow-service import roster.xlsx --as county2
      workflow-service import admitted.xlsx --admissions --as county4
    """
    service = built_service()
    actor = actor_named(service, username) if username else None
    if as_admissions:
        _import_admissions(service, workbook, actor, check_only)
        return
    report = import_workbook(service, workbook, actor, say, check_only=check_only)
    for remark in report.remarks:
        say(remark)
    if report.errors:
        for error in report.errors[:20]:
            click.echo(str(error), err=True)
        where = f"; all of them: {report.error_workbook}" if report.error_workbook else ""
        raise click.ClickException(f"{len(report.errors)} error(s), nothing was imported{where}")
    click.echo(report.summary)
