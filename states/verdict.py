"""What a rule answers (裁决): nothing when it is content, else `No` with what would clear it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from states.definition import Citation

Action = Literal["supply", "correct", "settle", "choose", "wait", "tell", "ask"]


@dataclass(frozen=True, slots=True)
class Cure:
    """One way to clear a reason (补救): who does what, and the patch of the facts it amounts to.

    `until`: for `wait` the first instant at which it helps, else the last instant at which it still does.
    """

    do: Action
    who: str  # a unit of `states.facts.UNITS`, "guardian", "applicant" or "nobody"
    text: str
    text_en: str
    set: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class No:
    """A rule's refusal: any one of `cures` clears it; none means that nobody can.

    `pending`: something is missing (a paper, a fact) rather than wrong. It never blocks `submit`; it is listed there
    and blocks every `approve`, so that nothing incomplete leaves the school.

    `other_kinds`: what may be asked for instead (改办), each kind with its rule; it clears nothing of this request.
    """

    message: str
    message_en: str
    cures: tuple[Cure, ...] = ()
    pending: bool = False
    other_kinds: tuple[tuple[str, str], ...] = ()


class Reason(NamedTuple):
    """A refusal with the rule that gave it. A tuple, like `EventVerdict`: a list of 200 rows makes thousands."""

    cite: Citation
    no: No


class EventVerdict(NamedTuple):
    """One event of the current state for the one who asks: allowed, or every reason why not."""

    event: str
    label: str
    label_en: str
    allowed: bool
    blocked_by: tuple[Reason, ...]
