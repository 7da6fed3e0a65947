"""`make bench`: the service against what is possible and against peers, side by side in one run.

One line per goal, `goal 7: met 1.12 (≤ 1.30) what`. A missed goal is printed as missed and does not fail the run; a
transition that was counted and is not in the tables does. How it is measured stands in `method.md`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests import postgres
from tests.bench.goal import QUICK, WHOLE, Goal, Parts, Size
from tests.bench.sides import PEER, own_server

MODULES = ("transitions", "counters", "embedded", "http", "sweep", "pages", "sheets", "size", "explain")
"""Each names its parts; they run in this order."""
GOALS = range(1, 15)
RESULTS = Path(__file__).parent / "results.md"
HEAD = "# Results of `make bench`\n\nRatios count; the newest run is first. A miss stands here as a miss.\n"


def parts() -> Parts:
    """Every part of every module that is there."""
    found: Parts = {}
    for name in MODULES:
        if importlib.util.find_spec(f"tests.bench.{name}"):
            found |= importlib.import_module(f"tests.bench.{name}").PARTS
    return found


def machine(place: Path) -> str:
    """Where it was measured, and with which versions."""
    with postgres.connect(place) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    described = [
        f"{os.cpu_count()} cores", platform.machine(), f"Python {platform.python_version()}",
        f"PostgreSQL {row[0] if row else '?'}",
    ]  # fmt: skip
    described += [f"{name} {version(name)}" for name in ("psycopg", "sqlalchemy", "python-statemachine", "gunicorn")]
    if PEER.exists():
        command = [str(PEER), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        wanted = r"(?mi)^(django|django-fsm-2|django-viewflow|spiffworkflow|transitions)==(.*)$"
        described += [f"{name} {number}" for name, number in re.findall(wanted, listed)]
    return ", ".join(described)


def keep(size: Size, described: str, goals: Sequence[Goal], notes: Sequence[str]) -> None:
    """Add the run to the table of results, the newest first."""
    old = RESULTS.read_text(encoding="utf-8").removeprefix(HEAD) if RESULTS.exists() else ""
    lines = [f"\n## {datetime.now(UTC):%Y-%m-%d}{size.label}\n", f"{described}; load {os.getloadavg()[0]:.1f}\n"]
    lines += ["| goal | result | wanted | what |", "|---|---|---|---|"]
    for goal in goals:
        met, found, wanted = goal.figures
        label = size.label if goal.large else ""
        lines.append(f"| {goal.number} | {met} {found} | {wanted} | {goal.text}{label} |")
    lines += ["", *[f"- {note}" for note in notes]]
    RESULTS.write_text(HEAD + "\n".join(lines) + "\n" + old, encoding="utf-8")


def numbers(text: str) -> frozenset[int]:
    """`1,3` as the goals that are asked for; all when empty."""
    return frozenset(int(part) for part in text.split(",") if part) or frozenset(GOALS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under five minutes, the large parts at 1/50")
    parser.add_argument("--only", type=numbers, default=numbers(""), metavar="1,3", help="these goals alone")
    asked = parser.parse_args()
    size, started = QUICK if asked.quick else WHOLE, time.monotonic()
    goals: list[Goal] = []
    notes: list[str] = []

    def note(line: str) -> None:
        """Something measured goes into the results; a line that ends in … only tells how far it is."""
        if not line.endswith("…"):
            notes.append(line)
        print(f"{time.monotonic() - started:5.0f} s  {line}", file=sys.stderr, flush=True)

    folder = Path(tempfile.mkdtemp(prefix="wfs-bench-"))
    measured = set()
    try:
        with own_server() as place:
            described = machine(place)
            for covered, part in parts().items():
                if asked.only & set(covered):
                    measured |= set(covered)
                    goals += part(place, folder, size, note)
    finally:
        shutil.rmtree(folder)
    goals.sort(key=lambda goal: goal.order)
    if asked.only == frozenset(GOALS):
        keep(size, described, goals, notes)
    for goal in goals:
        print(goal.line(size))
    for number in sorted(asked.only - measured):
        print(f"goal {number}: not measured")


if __name__ == "__main__":
    main()
