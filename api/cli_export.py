"""`export`: what lies in a scope, as a workbook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from api.cli_wiring import built_service, say
from workflow_service.export import CannotExport
from workflow_service.export import export as write
from workflow_service.grants import actor_named

WIDTH = 30


class Bar:
    """How far an export is: a bar on a terminal, a line now and then elsewhere. On stderr."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int, total: int, title: str) -> None:
        """Show it. `total` may be 0."""
        if not self._terminal:
            say(f"[{done}/{total}] {title}")
            return
        filled = WIDTH * done // total if total else WIDTH
        end = done >= total
        click.echo(f"\r{title} [{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{total}", err=True, nl=end)


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--what", type=click.Choice(["students", "requests", "all"]), default="students", show_default=True,
              help="all: students and requests, a sheet each.")  # fmt: skip
@click.option("--as", "username", help="Export what this account sees; without it, everything.")
@click.option("--reveal", is_flag=True, help="Whole numbers and guardians; only a school's registrar, and logged.")
@click.option("--purpose", help="What the whole numbers are for; written to the access log.")
def export(file: Path, what: Any, username: str | None, reveal: bool, purpose: str | None) -> None:
    """Export students and requests to a new .xlsx or .csv, under the national roster's headings.

    Identity and student numbers are masked and guardians left out, unless --reveal is given with a --purpose; such a
    workbook can be imported again.

    \b
    Example:
      workflow-service export students.xlsx --as county2
      workflow-service export all.xlsx --what all
      workflow-service export roster.xlsx --as school201 --reveal --purpose "核对学籍"
    """
    if reveal != (purpose is not None):
        raise click.UsageError("--reveal 与 --purpose 须同时给出 / --reveal and --purpose go together")
    service = built_service()
    actor = actor_named(service, username) if username else None
    try:
        done = write(service, file, actor, what, purpose=purpose, progress=Bar())
    except CannotExport as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{file}：学生 {done.students} 名，申请 {done.requests} 件 / "
               f"{done.students} students, {done.requests} requests")  # fmt: skip
