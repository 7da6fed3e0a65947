"""Who asks (操作人): an account with its organization and the roles it holds there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

SUPERVISORS: Final = ("bureau", "holder")
"""Kinds of organizations that manage schools: a bureau, or a holder that is none (主管单位, ZJ-06)."""


@dataclass(frozen=True)
class Grant:
    """A role as it was read; `version` is named by the transition that uses it."""

    id: int
    role: str
    version: int


@dataclass(frozen=True)
class Actor:
    """An account, signed in. `path` is its organization's; scope is that path as a prefix."""

    account_id: int
    person_id: int
    username: str
    name: str
    organization_id: int
    organization_code: str
    path: str
    kind: str  # school | bureau | holder | system
    level: str
    grants: tuple[Grant, ...]

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles held at the organization."""
        return frozenset(grant.role for grant in self.grants)

    @property
    def supervises(self) -> bool:
        """Whether schools are managed from here."""
        return self.kind in SUPERVISORS

    @cached_property
    def works_on_requests(self) -> bool:
        """Whether this account has any business with requests and students: network and system posts have none."""
        return bool(self.roles & {"registrar", "principal", "viewer", "auditor"})
