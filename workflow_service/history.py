"""Rows of the trail (留痕): one shape for requests and students, hashed over the exact text that is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_service.actors import Actor
from workflow_service.db import chain_hash
from workflow_service.models.columns import dumps

PAYLOAD_VERSION = 1


def history_row(
    *,
    object_type: str,
    object_id: int,
    bucket: int,
    seq: int,
    event: str,
    from_state: str | None,
    to_state: str,
    at: int,
    recorded_at: int,
    actor: Actor | None,
    details: Mapping[str, Any],
    previous: bytes,
    row_id: int,
) -> dict[str, Any]:
    """A row of `history` with its payload and chained hash; `previous` is b"" for the first of an object.

    `at` is legal, `recorded_at` real time, microseconds. `actor` is None for the system. `details` must hold what
    replay needs, and no personal data: a payload can never be erased.
    """
    by, organization = (actor.account_id, actor.organization_id) if actor else (None, None)
    payload = dumps(
        {
            "v": PAYLOAD_VERSION,
            "o": str(object_id),
            "s": seq,
            "e": event,
            "f": from_state,
            "t": to_state,
            "at": at,
            "by": "" if by is None else str(by),
            "org": "" if organization is None else str(organization),
            "d": dict(details),
        }
    )
    return {
        "id": row_id,
        "object_id": object_id,
        "seq": seq,
        "bucket": bucket,
        "object_type": object_type,
        "at": at,
        "recorded_at": recorded_at,
        "event": event,
        "from_state": from_state,
        "to_state": to_state,
        "account_id": by,
        "person_id": actor.person_id if actor else None,
        "organization_id": organization,
        "payload": payload,
        "hash": chain_hash(previous, payload),
    }
