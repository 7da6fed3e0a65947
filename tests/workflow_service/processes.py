"""Real processes for tests that kill them: `python -m tests.workflow_service.processes scheduler|firing …`."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import Database
from tests.workflow_service.world import World

ROOT = Path(__file__).parents[2]


def start(world: World, database: Database, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a process of its own on the world's database and data folder."""
    command = [sys.executable, "-m", "tests.workflow_service.processes", *arguments]
    return subprocess.Popen(command, env=environment(world, database), cwd=ROOT)


def environment(world: World, database: Database) -> dict[str, str]:
    """What a process needs to serve the world's database and data folder."""
    return {
        **os.environ, "WORKFLOW_ENV": "development", "DATA": str(world.service.settings.data),
        "DATABASE_URL": database.url, "DATABASE_OWNER_URL": database.owner_url, "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def main(what: str, *arguments: str) -> None:
    from workflow_service.config import load
    from workflow_service.grants import actor_named
    from workflow_service.scheduler import run
    from workflow_service.service import build_service
    from workflow_service.transitions import fire

    service = build_service(load(os.environ))
    if what == "scheduler":
        run(service, limit=int(arguments[0]))
    elif what == "firing":
        # Remarks without end, so that whoever kills this process kills it in the middle of one.
        actor = actor_named(service, arguments[0])
        while True:
            for request_id in map(int, arguments[1:]):
                fire(service, request_id, "note", actor, version=None, comment="在办")


if __name__ == "__main__":
    main(*sys.argv[1:])
