"""The trail of an object (留痕): rows that hang on each other by their hashes, over the exact text that is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_service.actors import Actor
from workflow_service.db import chain_hash
from workflow_service.models.columns import dumps

PAYLOAD_VERSION = 1


def salted(comment: str) -> tuple[str, str]:
    """(salt, hash): the opinion itself can be erased later, the chain keeps proving what it was."""
    salt = secrets.token_hex(8)
    return salt, salted_hash(salt, comment)


def salted_hash(salt: str, comment: str) -> str:
    """The hash of an opinion as it stands in a payload."""
    return hashlib.sha256((salt + comment).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Trail:
    """An object's trail up to now: its id, its version, the hash of its last row (b"" before the first)."""

    object_id: int
    version: int
    last: bytes

    def link(
        self, event: str, before: str | None, after: str, at: int, actor: Actor | None, details: Mapping[str, Any]
    ) -> tuple[str, bytes]:
        """The payload of the next row, exactly as it is hashed, and its hash. `at`: legal time, microseconds.

        `details` must hold what replay needs, and no personal data: a payload can never be erased.
        """
        payload = dumps({
            "v": PAYLOAD_VERSION, "o": str(self.object_id), "s": self.version + 1, "e": event, "f": before, "t": after,
            "at": at, "by": str(actor.account_id) if actor else "", "org": str(actor.organization_id) if actor else "",
            "d": dict(details),
        })  # fmt: skip
        return payload, chain_hash(self.last, payload)


def history_row(
    *, object_type: str, object_id: int, bucket: int, seq: int, event: str, from_state: str | None, to_state: str,
    at: int, recorded_at: int, actor: Actor | None, details: Mapping[str, Any], previous: bytes, row_id: int,
) -> dict[str, Any]:  # fmt: skip
    """A row of `history` for an INSERT outside a transition (imports, drafts, documents); `hash` is the new chain.

    `previous` is b"" for the first of an object; `at` is legal, `recorded_at` real time; `actor` None is the system.
    """
    payload, chain = Trail(object_id, seq - 1, previous).link(event, from_state, to_state, at, actor, details)
    return {
        "object_id": object_id, "seq": seq, "id": row_id, "bucket": bucket, "object_type": object_type, "at": at,
        "recorded_at": recorded_at, "event": event, "from_state": from_state, "to_state": to_state,
        "account_id": actor.account_id if actor else None, "person_id": actor.person_id if actor else None,
        "organization_id": actor.organization_id if actor else None, "payload": payload, "hash": chain,
    }  # fmt: skip
