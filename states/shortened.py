"""The steps that a request really takes (实际环节): a route without those for which there is nobody of their own.

Fixed at submit and stored with the request; what is left out is told beside it, visibly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from states.definition import Definition, Route

STAND_IN: Final = "awaiting_bureau"
"""The step of the bureau that decides where a single-handed school leaves nobody else who does (代为审核)."""
_JUDGING: Final = {"reject", "file"}
"""A step with one of these judges the request; one without them carries out what others decided."""
_ABOVE: Final = {"city_bureau", "province_bureau"}


class Holder(Protocol):
    """A school or bureau, as far as it decides which steps there are."""

    @property
    def id(self) -> int: ...
    @property
    def single_handed(self) -> bool: ...


def steps_taken(
    definition: Definition, route: Route, units: Mapping[str, Holder]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps of a route with these units, and those left out.

    A single-handed school has no second person: a later step of its bureau replaces the principal's, and where none
    decides, its bureau does so first. A bureau that decided already does not decide again as the city or the province:
    a school that the province runs has one bureau, and one step.
    """
    steps, taken, skipped, seen = definition.steps, list[str](), list[str](), set[tuple[int, ...]]()
    for state in route.steps:
        step = steps[state]
        who = tuple(units[unit].id for unit in step.holders if unit in units)
        alone = step.role == "principal" and all(units[unit].single_handed for unit in step.holders)
        again = step.role == "registrar" and who in seen and set(step.holders) <= _ABOVE
        if not alone:
            seen.add(who)
        (skipped if alone or again else taken).append(state)
    decided = any(_JUDGING & set(steps[state].events) for state in taken)
    if skipped and not decided and "bureau" in units:
        taken.insert(0, STAND_IN)
    return tuple(taken), tuple(skipped)
