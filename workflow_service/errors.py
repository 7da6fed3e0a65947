"""What can go wrong, as the service says it; `api/errors.py` is the one table that turns these into answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from states.verdict import Reason


class ServiceError(Exception):
    """Anything a caller can be told; nothing was written."""


class NotFound(ServiceError):
    """It is not there, or not in the asker's scope: no difference is shown (404)."""


@dataclass
class Forbidden(ServiceError):
    """The asker may see it, but not do this (403)."""

    detail: str
    reasons: tuple[Reason, ...] = ()


@dataclass
class Invalid(ServiceError):
    """A value is wrong (422). `errors`: [{"field", "message"}], with "rule" where a rule names it."""

    errors: list[dict[str, str]]


@dataclass
class Stale(ServiceError):
    """An older version was named (412); `current` is the state, version and who decided."""

    current: Mapping[str, Any]


@dataclass
class Blocked(ServiceError):
    """The event does not fit the state, or rules block it (409): all reasons at once.

    `existing`: id and number of the request that is there already, where that is what blocks.
    """

    detail: str
    reasons: tuple[Reason, ...] = ()
    existing: Mapping[str, str] | None = None


class KeyReused(ServiceError):
    """The idempotency key was used before, with another body (422)."""


class Contended(ServiceError):
    """Something kept moving while the event was decided; nothing was written, try again (503)."""
