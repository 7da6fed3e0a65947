"""A request's definition (业务定义): what a pack says of one kind of request, compiled and flattened.

`states.pack_reader` reads these strictly from TOML; `states.machine` builds a StateChart from them. Every part that
can say no carries a `Citation`, so that a refusal always names its rule, its article and how well that is founded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from states.windows import Freeze, WindowRule

Basis = Literal["read", "inferred", "decided", "unseen"]
"""How a rule is founded: read in the text, inferred from it, decided by us, or its text was not seen (未见原文)."""

FINALS = ("completed", "rejected", "recalled", "expired")
WAITING = "awaiting_effective_day"
"""待生效: decided to the end, and counting only from a day that has not come; on that day the system completes it."""


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule comes from: its id in the catalogue, the article, the basis, and the pack that states it."""

    rule: str
    article: str
    basis: Basis
    pack: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception to a check (但书): one level, with an id and an article of its own."""

    cite: Citation
    when: Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Check:
    """A row of data that names a check in `states.rules`, its parameters, and when it is asked.

    `id` is the row's own; several rows may carry out one rule of the catalogue and cite it.
    `when`: AND of "this field of Facts is one of these values". `on`: the events it may refuse. `at`: the states in
    which it is asked, () for all. `side`: whose pack brings it in when two counties meet.
    """

    id: str
    cite: Citation
    does: str
    with_: Mapping[str, Any] = field(default_factory=dict)
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    on: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    side: Literal["destination", "origin", "both"] = "destination"
    except_: tuple[Waiver, ...] = ()

    @property
    def row(self) -> str:
        """Where it stands: nenjiang-k12/check.NJ-07."""
        return f"{self.cite.pack}/check.{self.id}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A document requirement (材料): satisfied when every kind of any one bundle is there.

    `at`: the first state whose `approve` it blocks; `by`: the unit that uploads it, in its own steps.
    `optional` (可附): it may lie with the request and blocks nothing.
    """

    id: str
    cite: Citation
    any_of: tuple[tuple[str, ...], ...]
    at: str
    by: str
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    side: Literal["destination", "origin"] = "destination"
    optional: bool = False
    row: str = ""  # where it stands: nenjiang-k12/also.NJ-15


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground of a transfer (转学理由)."""

    name: str
    cite: Citation
    label: str
    label_en: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step (环节): its state, the units that decide it (all of them), the role, and what the events are called.

    `silence`: `escalate` (an official's silence reminds and escalates) or `expire` (waits for the family or the
    applying school). `events`: those the holder has. `working_days` with `limit` is its clock.
    """

    state: str
    holders: tuple[str, ...]
    role: str
    events: tuple[str, ...]
    label: str
    label_en: str
    approve_label: str
    approve_label_en: str
    working_days: int
    limit: Citation
    silence: Literal["escalate", "expire"]
    brings: tuple[str, ...] = ()  # facts of `data` that the holder gives with the event that moves on


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """One total of working days for several steps together (TR-08), where `when` fits."""

    cite: Citation
    steps: tuple[str, ...]
    working_days: int
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A route (流程): exactly one fits a request; the starter and the steps in order."""

    cite: Citation
    when: Mapping[str, tuple[Any, ...]]
    starter: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A coded reason for refusing (不予通过的理由, SYS-T6); `units` are those who may give it."""

    code: str
    label: str
    label_en: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """What one version of a pack says of one kind of request, its base flattened in.

    `canonical` is the exact text that is hashed and stored; two definitions with the same hash are the same rules.
    """

    pack: str
    version: int
    kind: str
    title: str
    title_en: str
    sha256: str
    canonical: str
    valid_from: str
    valid_to: str | None
    sources: Mapping[str, Mapping[str, Any]]
    routes: tuple[Route, ...]
    steps: Mapping[str, Step]
    shared_limits: tuple[SharedLimit, ...]
    returned_days: int  # working days the applicant has after a return
    returned_limit: Citation
    draft_days: int  # calendar days after the last change
    draft_limit: Citation
    windows: tuple[WindowRule, ...]
    freezes: tuple[Freeze, ...]
    checks: tuple[Check, ...]
    grounds: tuple[Ground, ...]
    requirements: tuple[Requirement, ...]
    reasons: tuple[Reason, ...]
    facts: tuple[str, ...]  # names of `data` that some rule may ask for this kind
    missing_papers: Citation  # the rule that nothing incomplete is approved (TR-03)
    document_limit: int  # bytes of one file, SYS-09
    papers_block: tuple[str, ...] = ("approve", "file", "confirm_arrival")  # the events that a missing paper stops
    document_types: tuple[str, ...] = ("image/jpeg", "image/png", "application/pdf")
    graduating_wipe: tuple[Citation, str] | None = None  # MM-DD 00:00 on which their open requests end (SYS-46)
    parameters: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # contradictory or blank text: value, basis, other reading
