"""How a client takes turns: "turn SECONDS" on its input, "COUNT SECONDS" on its output. Any Python, any environment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator


def answer(work: Iterator[None]) -> None:
    """Take turns until the input ends; a turn that runs out of work ends early and says when."""
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, count = float(line.split()[1]), 0
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            if next(work, True):
                break
            count += 1
        print(count, time.perf_counter() - started, flush=True)
