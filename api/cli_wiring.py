"""What the commands share: the settings of the environment, the service built on them, progress and logs."""

from __future__ import annotations

import logging
import os
import sys

import click
from sqlalchemy import text

from workflow_service.accounts import actor_of_token, revoke_token, sign_in
from workflow_service.actors import Actor
from workflow_service.config import Settings, load
from workflow_service.db import reading
from workflow_service.service import Service, build_service

MOST_SKEW = 2.0
"""Seconds that the clock of this process and the database's may lie apart: windows are judged by the former."""


def settings() -> Settings:
    """The settings in the environment. Raises BadSetting."""
    return load(os.environ)


def built_service() -> Service:
    """The service on the settings in the environment, its clock compared with the database's."""
    service = build_service(settings())
    seconds = skew(service)
    if abs(seconds) > MOST_SKEW:
        # Every date on every paper would be wrong.
        raise click.ClickException(
            f"this machine's clock is {seconds:+.1f} s off the database's, at most {MOST_SKEW:g} s are allowed; set it"
        )
    return service


def skew(service: Service) -> float:
    """Seconds by which this process's real time is ahead of the database's; 0 on SQLite, which has no clock."""
    if service.engine.dialect.name == "sqlite":
        return 0.0
    with reading(service.engine) as connection:
        before = service.clocks.real()
        theirs = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        ours = (before + service.clocks.real()) / 2 / 1_000_000
    return ours - float(theirs)


def signed_in(service: Service, username: str, password: str) -> Actor:
    """Who that is, by password: two names typed by one person are no two persons. Raises WrongPassword."""
    token, _ = sign_in(service, username, password, "api")
    actor = actor_of_token(service, token)
    revoke_token(service, token)
    assert actor is not None  # The token was made a moment ago.
    return actor


def start_log(level: str) -> None:
    """Logs of a long-running process, to stderr."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel("WARNING")


def say(line: str) -> None:
    """A line about how far a long task is; stderr, so that a command's answer stays clean."""
    click.echo(line, err=True)
