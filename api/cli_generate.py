"""`generate`: a database as large as a province, to measure on."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli_wiring import built_service, say
from workflow_service.generate import WORKERS, NotHere, Sizes
from workflow_service.generate import generate as fill

DEFAULT = Sizes()


def _progress(done: int, total: int, title: str) -> None:
    say(f"[{done}/{total}] {title}")


@click.command()
@click.option("--students", type=click.IntRange(min=500), default=DEFAULT.students, show_default=True)
@click.option("--schools", type=click.IntRange(min=25, max=20_000), default=DEFAULT.schools, show_default=True)
@click.option("--requests", type=click.IntRange(min=0), default=DEFAULT.requests, show_default=True)
@click.option("--pending", type=click.IntRange(min=0), help="Of these, how many are not finished (default: 3 %).")
@click.option("--seed", type=int, default=DEFAULT.seed, show_default=True, help="The same seed gives the same data.")
@click.option("--workers", type=click.IntRange(1, 64), default=WORKERS, show_default=True,
              help="Processes that write to PostgreSQL.")  # fmt: skip
@click.option("--disk", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="A folder on the disk of the database, to see how much room there is (default: DATA).")  # fmt: skip
def generate(
    students: int, schools: int, requests: int, pending: int | None, seed: int, workers: int, disk: Path | None
) -> None:
    """Fill an empty, migrated database with made-up students, schools and requests; never in production.

    Every account's password is the demo's. A million students took 3 GB and four minutes on two cores; the full
    size takes ten times that.

    \b
    Example:
      WORKFLOW_ENV=demo workflow-service generate --students 100000 --schools 200 --requests 20000
    """
    service = built_service()
    sizes = Sizes(students, schools, requests, requests * 3 // 100 if pending is None else pending, seed)
    try:
        rows = fill(service, sizes, disk or service.settings.data, _progress, workers=workers)
    except NotHere as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(f"generated: {students} students, {schools} schools, {requests} requests, {rows} rows")
