"""How many places may be taken for a decision to stand (名额): read from the same rows that the checks read."""

from __future__ import annotations

from states.definition import Definition
from states.facts import Facts
from states.plan import Plan, fits

UNLIMITED = 2**31 - 1
_CAPS = ("class_has_place", "school_has_place", "share_of_grade")


def most_taken(plan: Plan, facts: Facts) -> tuple[int, int]:
    """(class, stage): the most that may be taken, attending and held, when a place is held; one below each cap.

    The statement that writes compares with these while it holds the lock, so that fifty at once for the last place
    give exactly one, and a rule that sets no cap sets none there either.
    """
    classes, stages = UNLIMITED, UNLIMITED
    for check in plan.definition.checks:
        if check.does not in _CAPS:
            continue
        if not fits(tuple((key, frozenset(values)) for key, values in check.when.items()), facts):
            continue
        if any(fits(tuple((k, frozenset(v)) for k, v in waiver.when.items()), facts) for waiver in check.except_):
            continue
        if check.does == "class_has_place":
            classes = min(classes, check.with_["cap"].get(facts.stage, UNLIMITED) - 1)
        elif check.does == "school_has_place" and facts.school_quota is not None:
            stages = min(stages, facts.school_quota - 1)
        elif check.does == "share_of_grade" and facts.school_size is not None:
            # A share was counted from requests, which no lock covers: it stands while nobody else took a place in the
            # stage, as each of these requests does when it is submitted.
            stages = min(stages, facts.school_size)
    return classes, stages


def guests_count(definition: Definition) -> bool:
    """Whether a guest counts in the class size of the host (WS-157): a parameter, for no text says."""
    return bool(definition.parameters.get("WS-157", {}).get("value", True))
