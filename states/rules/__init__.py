"""The checks (校验规则): one small function each, used by deciding and explaining alike.

A check takes `Facts` and its typed parameters, reads nothing else, and returns None or `No`. A pack names it with
`does`, its parameters with `with`; ids and articles are the pack's, so that one check serves many counties.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from states.verdict import No

CheckFunction = Callable[..., No | None]
CHECKS: dict[str, CheckFunction] = {}
STRICT_DIRECTION: dict[str, dict[str, str]] = {}
"""For every parameter of a check which way is stricter (`lower`, `higher`, `subset`, `superset`), for `tighten`."""

F = TypeVar("F", bound=CheckFunction)


def check(**directions: str) -> Callable[[F], F]:
    """Register a check under its function's name; keyword arguments give each parameter's strict direction."""

    def register(function: F) -> F:
        name: Any = function.__name__
        if name in CHECKS:
            raise ValueError(f"check {name} is defined twice")
        CHECKS[name] = function
        STRICT_DIRECTION[name] = dict(directions)
        return function

    return register


from states.rules import procedure  # noqa: E402,F401  (each module registers its checks when it is imported)
