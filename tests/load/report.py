"""What a load run has shown: one table by phase and class, kept in `tests/bench/load_results.md`, the newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.load.client import Phase, Seen

RESULTS = Path(__file__).parents[1] / "bench" / "load_results.md"
HEAD = """# Results of `make load`

The newest run is first. Requests go out on schedule (open loop); latencies, in milliseconds, count from the scheduled
instant; p50/p95/p99 are of requests that were answered. *Shed* is 429 or 503 with Retry-After, *errors* anything else
that was not answered, *unsent* what the generator could not send. The generator shares the machine with the service.
"""
READERS = ("box", "view", "students", "dashboard", "explain")
"""What staff read; `verify` is the public's, `transition` the approvals."""


def merged(parts: Iterable[Phase]) -> Phase:
    """What all processes saw together."""
    whole = Phase({})
    for part in parts:
        whole.late += part.late
        whole.done += part.done
        for kind, seen in part.seen.items():
            add(whole.seen.setdefault(kind, Seen()), seen)
    return whole


def add(to: Seen, seen: Seen) -> None:
    """Add what was seen of more requests."""
    to.answered += seen.answered
    to.shed += seen.shed
    to.how += seen.how
    to.errors += seen.errors
    to.unsent += seen.unsent


def together(phase: Phase, kinds: Iterable[str]) -> Seen:
    """Several classes as one."""
    whole = Seen()
    for kind in kinds:
        if kind in phase.seen:
            add(whole, phase.seen[kind])
    return whole


def quantile(values: Sequence[float], share: float) -> float:
    """In milliseconds; NaN where there is nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def shown(values: Sequence[float], share: float) -> str:
    """A quantile in a cell of the table."""
    return f"{quantile(values, share):.0f}" if values else "–"


def latencies(seen: Seen) -> list[float]:
    """Of the answered requests, seconds."""
    return [latency for _, latency in seen.answered]


def offered(seen: Seen) -> int:
    """Requests that the schedule had."""
    return len(seen.answered) + len(seen.shed) + sum(seen.errors.values()) + seen.unsent


def bears(phase: Phase) -> bool:
    """Whether a load is borne: no error, nothing shed but a stray one, p95 under half a second for all who work."""
    staff, public = together(phase, (*READERS, "transition")), together(phase, ("verify",))
    whole = offered(staff) + offered(public)
    lost = len(staff.shed) + len(public.shed) + staff.unsent + public.unsent
    return (
        not staff.errors
        and not public.errors
        and lost <= whole / 1000
        and quantile(latencies(staff), 0.95) <= 500
        and quantile(latencies(public), 0.95) <= 500
    )


def recovered_after(phase: Phase, worst: float, running: int = 3) -> int | None:
    """The second from which on staff and approvals are served as before: so many seconds running without anything shed
    or lost, p95 at most `worst` milliseconds. None where that did not come.
    """
    staff = together(phase, (*READERS, "transition"))
    bad = {second for second, _ in staff.shed}
    found: dict[int, list[float]] = {}
    for second, latency in staff.answered:
        found.setdefault(second, []).append(latency)
    good = 0
    for second in range(max(found, default=-1) + 1):
        fine = second in found and second not in bad and quantile(found[second], 0.95) <= worst
        good = good + 1 if fine else 0
        if good == running:
            return second - running + 1
    return None


@dataclass(frozen=True)
class Ran:
    """A phase: its name, how long and at which rates it was offered, what was seen, and the CPUs it took."""

    name: str
    seconds: float
    phase: Phase
    busy: float
    own: float
    service: float


def rows(ran: Ran) -> list[str]:
    """The table's rows of a phase: approvals, what staff read, the public."""
    found = []
    groups = {"approvals (transition)": ("transition",), "staff reading, all": READERS,
              **{f"  {kind}": (kind,) for kind in READERS}, "public (verify)": ("verify",)}  # fmt: skip
    for title, kinds in groups.items():
        seen = together(ran.phase, kinds)
        whole, taken = offered(seen), latencies(seen)
        times = " | ".join(shown(taken, share) for share in (0.5, 0.95, 0.99))
        found.append(
            f"| {ran.name} | {title.strip()} | {whole / ran.seconds:.0f} | {len(taken) / ran.seconds:.0f} | {times} | "
            f"{sum(seen.errors.values())} | {len(seen.shed)} ({100 * len(seen.shed) / max(1, whole):.1f} %) | "
            f"{shown([latency for _, latency in seen.shed], 0.95)} | {seen.unsent} |"
        )
    return found


TABLE = (
    "| phase | class | offered/s | answered/s | p50 | p95 | p99 | errors | shed | p95 of a refusal | unsent |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def remarks(ran: Ran) -> list[str]:
    """What else is worth knowing of a phase."""
    how, errors = Counter[str](), Counter[str]()
    for seen in ran.phase.seen.values():
        how += seen.how
        errors += seen.errors
    late = quantile(ran.phase.late, 0.99)
    answered = sum(len(seen.answered) for seen in ran.phase.seen.values())
    lines = [
        f"{ran.name}: {ran.seconds:.0f} s; {ran.busy:.2f} CPUs busy, {ran.service:.2f} of them nginx, gunicorn and "
        f"PostgreSQL ({1000 * ran.service * ran.seconds / max(1, answered):.1f} ms for each answered), {ran.own:.2f} "
        f"the generator, whose requests went out {late:.0f} ms late (p99)"
    ]
    if how:
        lines.append(f"{ran.name}, shed: " + ", ".join(f"{count} x {what}" for what, count in how.most_common(8)))
    if errors:
        lines.append(f"{ran.name}, errors: " + ", ".join(f"{count} x {what}" for what, count in errors.most_common(8)))
    return lines


def keep(title: str, machine: str, ran: Sequence[Ran], notes: Sequence[str]) -> str:
    """Add the run to the results; gives its text."""
    old = RESULTS.read_text(encoding="utf-8").removeprefix(HEAD) if RESULTS.exists() else ""
    lines = [f"\n## {datetime.now(UTC):%Y-%m-%d}, {title}\n", machine, "", *TABLE]
    for one in ran:
        lines += rows(one)
    lines += ["", *[f"- {note}" for note in notes], *[f"- {line}" for one in ran for line in remarks(one)]]
    text = "\n".join(lines) + "\n"
    RESULTS.write_text(HEAD + text + old, encoding="utf-8")
    return text
