"""A peer's process: `python -m tests.bench.peers.work PEER setup|client SOCKET DATABASE FIRST COUNT`.

`setup` makes tables and COUNT drafts, `client` takes turns to lead COUNT of them, from FIRST, to completion.
"""

import importlib
import sys

import django
from django.conf import settings

from tests.bench.peers.steps import EVENTS
from tests.bench.turns import answer

APPLICATIONS = ("django.contrib.contenttypes", "django.contrib.auth", "viewflow", "viewflow.workflow")


def configure(socket, database, applications=APPLICATIONS, **more):
    """Django's settings; the tables of all peers are made by it."""
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": database, "USER": "app",
                               "HOST": socket, "CONN_MAX_AGE": None}},
        INSTALLED_APPS=[*applications, "tests.bench.peers"], USE_TZ=True,
        # The tables are made from the models: a database that is new needs nobody's history of changes.
        MIGRATION_MODULES={name.split(".")[-1]: None for name in applications},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", **more,
    )  # fmt: skip
    django.setup()


def work(fire, first, count):
    for request_id in range(first, first + count):
        for event in EVENTS:
            fire(request_id, event)
            yield None


def main():
    peer, what, socket, database, first, count = sys.argv[1:]
    configure(socket, database)
    found = importlib.import_module(f"tests.bench.peers.{peer}")
    if hasattr(found, "connect"):
        found.connect(socket, database)
    if what == "setup":
        found.prepare(int(count))
    else:
        answer(work(found.fire, int(first), int(count)))


if __name__ == "__main__":
    main()
