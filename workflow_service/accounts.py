"""Signing in (登录): tokens for programs and pages, in real time; only hashes are kept, and a token can end at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import func, insert, select, update

from workflow_service.actors import Actor, Grant
from workflow_service.db import begin, reading
from workflow_service.errors import ServiceError
from workflow_service.ids import BUCKETS
from workflow_service.keys import COLUMNS
from workflow_service.models import AccessLog, Account, Token
from workflow_service.passwords import new_token, token_hash
from workflow_service.sql import query

if TYPE_CHECKING:
    from workflow_service.service import Service

Purpose = Literal["api", "page"]
LIFETIME = {"api": 12 * 3600, "page": 12 * 3600}
"""Seconds of real time until a token expires, by purpose."""

FAILURES_ALLOWED = 10
FAILURE_WINDOW = 600
"""More wrong passwords for one name in so many seconds are answered with 429; the right one always signs in."""

_SECOND = 1_000_000

SEALED_AFTER = 184 * 86_400 * _SECOND
"""Real time without a sign-in after which an account is sealed (封存): more than half a year (N25-19)."""


class WrongPassword(ServiceError):
    """The name or the password is wrong, or the account is closed or sealed: no difference is shown (401)."""


@dataclass
class TooManyAttempts(ServiceError):
    """Too many wrong passwords for this name (429); `retry_after` in seconds."""

    retry_after: int


def sign_in(service: Service, username: str, password: str, purpose: Purpose) -> tuple[str, int]:
    """A new token and when it expires (real time, microseconds). Raises WrongPassword, TooManyAttempts."""
    with reading(service.engine) as connection:
        account = connection.execute(
            select(Account.id, Account.password, Account.active, Account.created_at, Account.last_used_at).where(
                Account.username == username
            )
        ).one_or_none()
    # Verified before anything is said about the account: a missing one costs the same time.
    right = service.passwords.verify(account.password if account else None, password)
    now = service.clocks.real()
    if account is None or not right or not account.active or is_sealed(account.created_at, account.last_used_at, now):
        raise _refused(service, username)
    plain, hashed = new_token()
    expires = now + LIFETIME[purpose] * _SECOND
    row = {"hash": hashed, "account_id": account.id, "purpose": purpose, "created_at": now, "expires_at": expires}
    with begin(service.engine) as connection:
        connection.execute(insert(Token), row)
        connection.execute(update(Account).where(Account.id == account.id).values(last_used_at=now))
        connection.execute(insert(AccessLog), _entry(service, "sign_in", account.id, account.id))
    return plain, expires


def is_sealed(created_at: int, last_used_at: int | None, now: int) -> bool:
    """Whether nobody signed in to an account for so long that it is sealed (N25-19); a new password opens it again."""
    return now - (last_used_at or created_at) > SEALED_AFTER


def actor_of_token(service: Service, plain: str) -> Actor | None:
    """Who a token signs in, read in one statement; None for an unknown, expired or revoked one."""
    return _actor(_ACTOR.rows(service.hot, {"hash": token_hash(plain), "now": service.clocks.real()}))


def actor_and_answer(
    service: Service, plain: str, route: str, key: str
) -> tuple[Actor | None, tuple[Any, ...] | None]:  # fmt: skip
    """The same, and in the same statement what the actor's idempotency key has led to (`keys.answer_in`)."""
    asked = {"hash": token_hash(plain), "now": service.clocks.real(), "route": route, "key": key}
    rows = _ACTOR_AND_ANSWER.rows(service.hot, asked)
    return _actor(rows), rows[0][12:] if rows and rows[0][12] is not None else None


def _actor(rows: list[tuple[Any, ...]]) -> Actor | None:
    if not rows:
        return None
    account_id, person_id, username, name, organization_id, code, path, kind, level, *_ = rows[0]
    grants = tuple(Grant(*row[9:12]) for row in rows if row[9] is not None)
    return Actor(account_id, person_id, username, name, organization_id, code, path, kind, level, grants)


_SIGNED_IN = """
SELECT a.id, a.person_id, a.username, a.name, o.id, o.code, o.path, o.kind, o.level, g.id, g.role, g.version{columns}
FROM token t
JOIN account a ON a.id = t.account_id AND a.active
JOIN organization o ON o.id = a.organization_id
LEFT JOIN role_grant g ON g.account_id = a.id AND g.revoked_at IS NULL AND g.organization_id = o.id{tables}
WHERE t.hash = :hash AND t.revoked_at IS NULL AND t.expires_at > :now
"""
_ACTOR = query(_SIGNED_IN.format(columns="", tables=""))
_ACTOR_AND_ANSWER = query(
    _SIGNED_IN.format(
        columns="".join(f", k.{column}" for column in COLUMNS),
        tables="\nLEFT JOIN request_key k ON k.account_id = a.id AND k.route = :route AND k.key = :key",
    )
)


def revoke_token(service: Service, plain: str) -> None:
    """End a token at once; one that is unknown or ended already stays so."""
    with begin(service.engine) as connection:
        connection.execute(
            update(Token)
            .where(Token.hash == token_hash(plain), Token.revoked_at.is_(None))
            .values(revoked_at=service.clocks.real())
        )


def log_access(
    service: Service, actor: Actor, action: str, object_id: int | None, *, purpose: str | None = None
) -> None:
    """Write down that somebody looked at something protected, before it is shown (访问日志)."""
    with begin(service.engine) as connection:
        connection.execute(insert(AccessLog), _entry(service, action, actor.account_id, object_id, purpose))


def _refused(service: Service, username: str) -> ServiceError:
    """Count a wrong password by the name's hash, known or not; what to refuse it with."""
    mark = int.from_bytes(hashlib.sha256(username.encode("utf-8", "surrogatepass")).digest()[:8]) >> 1
    since = service.clocks.real() - FAILURE_WINDOW * _SECOND
    with begin(service.engine) as connection:
        connection.execute(insert(AccessLog), _entry(service, "sign_in_refused", None, mark))
        failures = connection.execute(
            select(func.count())
            .select_from(AccessLog)
            .where(AccessLog.object_id == mark, AccessLog.action == "sign_in_refused", AccessLog.recorded_at > since)
        ).scalar_one()
    if failures > FAILURES_ALLOWED:
        return TooManyAttempts(60)
    return WrongPassword()


def _entry(
    service: Service, action: str, account_id: int | None, object_id: int | None, purpose: str | None = None
) -> dict[str, object]:
    bucket = (object_id or 0) % BUCKETS
    return {
        "id": service.ids.new(bucket), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
        "account_id": account_id, "action": action, "object_id": object_id, "purpose": purpose,
    }  # fmt: skip
