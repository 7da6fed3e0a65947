"""How a client takes turns: "turn SECONDS" on its input, "COUNT SECONDS" on its output. Any Python, any environment."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator


def answer(work: Iterator[None]) -> None:
    """Take turns at `work` until the input ends; a turn that runs out of work ends early and says when."""

    def turn(seconds: float) -> int:
        count, until = 0, time.perf_counter() + seconds
        while time.perf_counter() < until:
            if next(work, True):
                break
            count += 1
        return count

    serve(turn)


def serve(turn: Callable[[float], int]) -> None:
    """Take turns until the input ends; `turn(seconds)` says how much it did."""
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        count = turn(float(line.split()[1]))
        print(count, time.perf_counter() - started, flush=True)
