"""`workflow-service doctor`: whether this installation can work, one line per matter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import click
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from api.cli_wiring import MOST_SKEW, settings, skew
from workflow_service.config import BadSetting
from workflow_service.db import alembic_config, reading
from workflow_service.models import Account, Heartbeat, PackVersion
from workflow_service.packs import shipped_definitions
from workflow_service.service import Service, build_service


@click.command()
def doctor() -> None:
    """Check settings, database, schema, rules, clock, document store, scheduler and disk.

    \b
    Example:
      workflow-service doctor
    """
    try:
        found = settings()
    except BadSetting as error:
        raise click.ClickException(str(error)) from error
    service = build_service(found)
    wrong = 0
    for name, outcome in findings(service):
        wrong += outcome is not None
        click.echo(f"{'ok  ' if outcome is None else 'BAD '} {name}{'' if outcome is None else f': {outcome}'}")
    if wrong:
        raise click.ClickException(f"{wrong} matter(s) need attention")


def findings(service: Service) -> Iterator[tuple[str, str | None]]:
    """Every matter with what is wrong about it, None when it is well."""
    matters: dict[str, Callable[[Service], str | None]] = {
        "database": _database, "schema": _schema, "rules": _rules, "accounts": _accounts, "clock": _clock,
        "document store": _store, "scheduler": _scheduler, "disk": _disk,
    }  # fmt: skip
    for name, matter in matters.items():
        try:
            yield name, matter(service)
        except Exception as error:  # noqa: BLE001  (whatever fails is the finding; the others are still asked)
            yield name, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def _database(service: Service) -> str | None:
    with reading(service.engine) as connection:
        connection.execute(select(1))
    return None


def _schema(service: Service) -> str | None:
    head = ScriptDirectory.from_config(alembic_config(service.settings.database_owner_url)).get_current_head()
    with reading(service.engine) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return None if current == head else f"is at {current}, the newest is {head}: workflow-service db upgrade"


def _rules(service: Service) -> str | None:
    columns = (PackVersion.pack, PackVersion.kind, PackVersion.version, PackVersion.sha256)
    with reading(service.engine) as connection:
        stored = {(row.pack, row.kind, row.version): row.sha256 for row in connection.execute(select(*columns))}
    wrong = [
        f"{d.pack} {d.kind} {d.version}"
        for d in shipped_definitions()
        if stored.get((d.pack, d.kind, d.version)) != d.sha256
    ]
    return f"not stored or differing: {', '.join(wrong)}" if wrong else None


def _accounts(service: Service) -> str | None:
    with reading(service.engine) as connection:
        count = connection.execute(select(func.count()).select_from(Account).where(Account.active)).scalar_one()
    return None if count else "nobody can sign in: workflow-service user add"


def _clock(service: Service) -> str | None:
    seconds = skew(service)
    return None if abs(seconds) <= MOST_SKEW else f"{seconds:+.1f} s off the database's"


def _store(service: Service) -> str | None:
    service.store.probe()
    return None


def _scheduler(service: Service) -> str | None:
    with reading(service.engine) as connection:
        beat = connection.execute(select(func.max(Heartbeat.at)).where(Heartbeat.name.like("scheduler%"))).scalar()
    silent = None if beat is None else (service.clocks.real() - beat) // 1_000_000
    if silent is not None and silent <= 90:
        return None
    return "has never run" if silent is None else f"silent for {silent} s: workflow-service scheduler"


def _disk(service: Service) -> str | None:
    usage = shutil.disk_usage(service.settings.data)
    return None if usage.free > 500_000_000 else f"{usage.free // 1_000_000} MB left"
