"""The checks (校验规则): one small function each, used by deciding and explaining alike.

A check takes `Facts` and its typed parameters, reads nothing else, and returns None or `No`. A pack names it with
`does`, its parameters with `with`; ids and articles are the pack's, so that one check serves many counties.
The meaning of a check is fixed once a published pack names it: what should mean something else gets a new name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from states.verdict import No

CheckFunction = Callable[..., No | None]
CHECKS: dict[str, CheckFunction] = {}
STRICT_DIRECTION: dict[str, dict[str, str]] = {}
"""For every parameter of a check which way is stricter (`lower`, `higher`, `subset`, `superset`), for `tighten`.

`same` is a parameter that names what is asked (a fact, a freeze) and may not be changed at all.
"""
OF_THE_RECORD: set[str] = set()
"""Checks that look at the student's record. They keep silent while name and number do not match it (2001): their
messages would show a stranger's status and grade to whoever tries numbers out."""
OF_THE_INPUT: set[str] = set()
"""Checks of what comes with the event itself (a coded reason). Explaining leaves them out until something came with
it: a button is not grey because its form has not been filled in yet."""

F = TypeVar("F", bound=CheckFunction)


def check(*, of_the_record: bool = False, of_the_input: bool = False, **directions: str) -> Callable[[F], F]:
    """Register a check under its function's name; the other keywords give each parameter's strict direction."""

    def register(function: F) -> F:
        name: Any = function.__name__
        if name in CHECKS:
            raise ValueError(f"check {name} is defined twice")
        CHECKS[name] = function
        STRICT_DIRECTION[name] = dict(directions)
        if of_the_record:
            OF_THE_RECORD.add(name)
        if of_the_input:
            OF_THE_INPUT.add(name)
        return function

    return register


from states.rules import (  # noqa: E402,F401  (each registers its checks)
    absence,
    admission,
    ground,
    intake,
    place,
    procedure,
    record,
    school,
    stage_end,
    student,
)
