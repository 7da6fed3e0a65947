"""Idempotency keys (幂等键): one person, route, key and body have one effect and one answer, kept as it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert

from workflow_service.actors import Actor
from workflow_service.errors import KeyReused
from workflow_service.models import RequestKey
from workflow_service.sql import Query, query, raw
from workflow_service.sql.errors import is_unique_violation

if TYPE_CHECKING:
    from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key as it came in; `body_hash` tells a repetition from another request."""

    route: str
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered. `answer` is None while only the effect is committed: it is then made from the object."""

    object_id: int
    status: int
    etag: str | None
    answer: str | None


def find_answer(service: Service, actor: Actor, key: Key) -> StoredAnswer | None:
    """What this key has led to, None if nothing yet. Raises KeyReused for another body."""
    return answer_in(_FIND.one(service.hot, _same(actor, key)), key)


def answer_in(row: Sequence[Any] | None, key: Key) -> StoredAnswer | None:
    """The same from the `COLUMNS` of a key's row, None where there is no such row."""
    if row is None:
        return None
    body_hash, object_id, status, etag, answer = row
    if body_hash != key.body_hash:
        raise KeyReused
    return StoredAnswer(object_id, status or 200, etag, answer)


def claim_key(connection: Connection, actor: Actor, key: Key, object_id: int, at: int) -> None:
    """Write the key's row inside the transaction of its effect; a second effect under it fails here.

    The unique index then refuses: see `key_was_taken`.
    """
    row = {"account_id": actor.account_id, "route": key.route, "key": key.key, "body_hash": key.body_hash}
    connection.execute(insert(RequestKey), {**row, "object_id": object_id, "created_at": at})


def key_was_taken(error: BaseException) -> bool:
    """Whether a write failed because a call with the same key was committed first."""
    return is_unique_violation(getattr(error, "orig", None) or error, "request_key")


def finish_key(service: Service, actor: Actor, key: Key, fresh: StoredAnswer) -> StoredAnswer:
    """Keep the answer; whoever comes first keeps his, and all others send that one, byte for byte.

    On PostgreSQL this commit waits for no disk: the effect, with the key's row, is durable already. An answer that a
    power cut takes away is made anew from the object by whoever repeats the call, as one that was never kept.
    """
    kept = {"status": fresh.status, "etag": fresh.etag, "answer": fresh.answer}
    if _FINISH.one(service.hot, {**_same(actor, key), **kept}) is not None:
        return fresh
    stored = find_answer(service, actor, key)
    return fresh if stored is None else stored


def _same(actor: Actor, key: Key) -> dict[str, object]:
    return {"account": actor.account_id, "route": key.route, "key": key.key}


COLUMNS = ("body_hash", "object_id", "status", "etag", "answer")
_FIND = query("""
SELECT body_hash, object_id, status, etag, answer FROM request_key
WHERE account_id = :account AND route = :route AND key = :key
""")
# Sent again after a lost connection it finds the answer there and changes nothing: one statement is enough.
_KEEP = """
UPDATE request_key SET status = :status, etag = :etag, answer = :answer
WHERE account_id = :account AND route = :route AND key = :key AND answer IS NULL RETURNING status"""
_FINISH = Query(_KEEP, raw(_KEEP + ", set_config('synchronous_commit', 'off', true)"))
