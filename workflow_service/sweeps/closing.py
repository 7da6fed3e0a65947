"""Ends that follow from another end (随之终止): what a process that died in between left open (WS-19, N13-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflow_service.closing import close_requests, close_requests_of_schools

if TYPE_CHECKING:
    from workflow_service.service import Service

BATCH = 500
"""Requests of one round: each is a transaction of its own, and usually there is none at all."""


def close_ended(service: Service, limit: int = BATCH) -> int:
    """Close open requests of students whose record has ended, and about schools that have; how many."""
    return close_requests(service, limit=limit) + close_requests_of_schools(service, limit)
