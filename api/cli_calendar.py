"""`calendar`: a new year's working days, and which years are known (工作日历)."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from api.cli_wiring import built_service, say
from workflow_service.calendar_update import load_notice, recompute_clocks
from workflow_service.calendars import CalendarFault, year_of_notice
from workflow_service.grants import actor_named
from workflow_service.views.calendars import Year, years_view


@click.group()
def calendar() -> None:
    """Working days: load a year's notice, see which years are published."""


@calendar.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "username", help="Load in the name of this account; it must be a system administrator's.")
def load(file: Path, username: str | None) -> None:
    """Load the State Council's notice of a year's holidays and make-up days, and recompute provisional clocks.

    FILE is written like workflow_service/calendars/2026.toml. Loading it again adds nothing; a day that is stored
    otherwise is refused. Each recomputed clock is an event in its request's history.

    \b
    Example:
      workflow-service calendar load 2027.toml
      workflow-service calendar load 2027.toml --as admin
    """
    service = built_service()
    actor = actor_named(service, username) if username else None
    try:
        text = file.read_text(encoding="utf-8")
        year = year_of_notice(text)
        new = load_notice(service, actor, year, text)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not written in UTF-8") from error
    except CalendarFault as error:
        raise click.ClickException(str(error)) from error
    say(f"{year}: {new} new days; recomputing provisional clocks …")
    done = 0
    while count := recompute_clocks(service, service.clocks.legal()):
        done += count
        say(f"recomputed {done}")
    click.echo(f"{year}: {new} new days loaded, {done} clocks recomputed")


@calendar.command()
@click.option("--json", "as_json", is_flag=True, help="The years as JSON.")
def show(as_json: bool) -> None:
    """List the years with their source documents, and which of them are provisional.

    \b
    Example:
      workflow-service calendar show
    """
    years = years_view(built_service())
    if as_json:
        click.echo(json.dumps([asdict(year) for year in years], ensure_ascii=False))
    else:
        for year in years:
            click.echo(_line(year))


def _line(year: Year) -> str:
    clocks = f"; {year.clocks} open clocks reach into it" if year.clocks else ""
    if not year.published:
        known = f" ({year.off + year.working} days of it named by {', '.join(year.sources)})" if year.sources else ""
        return f"{year.year}  provisional  no notice loaded{known}{clocks}"
    waiting = f"; {year.clocks} clocks still provisional" if year.clocks else ""
    return (f"{year.year}  published    {', '.join(year.sources)}; "
            f"{year.off} days off, {year.working} make-up days{waiting}")  # fmt: skip
