"""The command line (命令行): it wires, and sits on top of everything.

Errors go to stderr with exit status 1; a long task says how far it is; every command has an example in its help.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click
import sqlalchemy.exc
from flask import Flask

from api import (
    cli_bureau,
    cli_calendar,
    cli_codes,
    cli_data,
    cli_doctor,
    cli_export,
    cli_generate,
    cli_policy,
    cli_users,
)
from api import demo as demo_processes
from api.app import create_app
from api.cli_wiring import built_service, say, settings, start_log
from api.errors import problem_of
from states.cases.table import CaseError
from states.pack_source import PackError
from workflow_service import db, scheduler
from workflow_service.config import BadSetting
from workflow_service.db import begin
from workflow_service.errors import ServiceError
from workflow_service.legal_time import EarlierToday, seed_calendar
from workflow_service.pack_files import NoSuchPack
from workflow_service.packs import PackChanged, publish_shipped
from workflow_service.service import build_service

REFUSALS = (BadSetting, CaseError, NoSuchPack, PackError, PackChanged, EarlierToday, OSError)
"""What a user can mend; anything else is a defect and keeps its traceback."""


def wsgi() -> Flask:
    """The application for gunicorn: `gunicorn 'api.cli:wsgi()'`."""
    found = settings()
    start_log(found.log_level)
    return create_app(found)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="workflow-service")
def cli() -> None:
    """学籍业务流转: student status workflows for schools and education bureaus.

    Settings come from the environment (deploy/env.example lists them all).

    \b
    Example:
      workflow-service demo --port 8000
    """


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port on 127.0.0.1.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path("var/demo"), show_default=True,
              help="Folder for everything that the demo writes.")  # fmt: skip
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), help="Legal date to start from; never an earlier one.")
def demo(port: int, data: Path, today: datetime | None) -> None:
    """Prepare and serve a living example: pages, API and scheduler.

    \b
    Example:
      workflow-service demo --port 8123 --data var/x --today 2026-09-01
    """
    sys.exit(demo_processes.run(dict(os.environ), port, data, today.date() if today else None))


@cli.command()
@click.option("--bind", help="Address, e.g. 127.0.0.1:8000 (default: gunicorn's settings).")
def serve(bind: str | None) -> None:
    """Serve pages and API with gunicorn, in the foreground.

    \b
    Example:
      workflow-service serve --bind 127.0.0.1:8000
    """
    built_service()
    shipped = Path(__file__).resolve().parents[1] / "deploy" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", *(["-c", str(shipped)] if shipped.exists() else [])]
    command += [*(["--bind", bind] if bind else []), "api.cli:wsgi()"]
    os.execv(sys.executable, command)  # noqa: S606  (no shell: systemd's signals reach gunicorn itself)


@cli.command("scheduler")
def run_scheduler() -> None:
    """Run deadlines, reminders and deliveries until SIGTERM; any number may run side by side.

    \b
    Example:
      workflow-service scheduler
    """
    start_log(settings().log_level)
    scheduler.run(built_service())


@cli.group("db")
def database() -> None:
    """Look after the database."""


@database.command()
def upgrade() -> None:
    """Migrate to the newest schema; store the shipped rules and working days that are not there yet.

    \b
    Example:
      DATABASE_OWNER_URL=postgresql+psycopg://owner@/workflow workflow-service db upgrade
    """
    found = settings()
    say("migrating …")
    db.upgrade(found.database_owner_url, found.database_url)
    service = build_service(found)
    with begin(service.engine) as connection:
        publish_shipped(connection, service.ids, service.clocks.real())
        seed_calendar(connection)
    say("the database is up to date")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit status."""
    try:
        status = cli.main(None if arguments is None else list(arguments), standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except sqlalchemy.exc.DBAPIError as error:
        click.echo(f"error: the database refuses: {str(error.orig).splitlines()[0]}", err=True)
        sys.exit(1)
    except ServiceError as error:
        click.echo(f"error: {str(error) or problem_of(error).detail}", err=True)
        sys.exit(1)
    except REFUSALS as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


for _command in (
    cli_doctor.doctor, cli_data.check, cli_data.import_file, cli_data.audit, cli_policy.policy, cli_users.user,
    cli_calendar.calendar, cli_codes.codes, cli_bureau.outage, cli_bureau.school, cli_generate.generate,
    cli_export.export,
):  # fmt: skip
    cli.add_command(_command)

if __name__ == "__main__":
    main()
