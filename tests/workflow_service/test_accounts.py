"""Signing in: the right password always does, a wrong one never tells why."""

from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.accounts import (
    FAILURES_ALLOWED,
    LIFETIME,
    SEALED_AFTER,
    TooManyAttempts,
    WrongPassword,
    actor_of_token,
    revoke_token,
    sign_in,
)
from workflow_service.demo.accounts import PASSWORD
from workflow_service.grants import revoke_role
from workflow_service.models import AccessLog, Account, Token
from workflow_service.passwords import token_hash


def test_the_right_password_opens_a_session_whose_token_is_not_stored(world: World) -> None:
    token, expires = sign_in(world.service, "school201", PASSWORD, "api")
    assert expires == world.at + LIFETIME["api"] * 1_000_000
    actor = actor_of_token(world.service, token)
    assert actor is not None
    assert (actor.username, actor.organization_code, actor.roles) == ("school201", "201", {"registrar"})
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(Token.hash)).scalar_one() == token_hash(token) != token.encode()


def test_an_unknown_name_costs_the_same_statements_and_the_same_hash_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[list[str]] = []
    verified: list[bool] = []
    real = world.service.passwords.verify

    def counted(stored: str | None, plain: str) -> bool:
        verified.append(stored is None)
        return real(stored, plain)

    monkeypatch.setattr(world.service.passwords, "verify", counted)
    for username in ("school201", "nobody"):
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_rest: Any, seen: list[str] = seen) -> None:
            seen.append(statement)

        event.listen(world.service.engine, "before_cursor_execute", note)
        with pytest.raises(WrongPassword):
            sign_in(world.service, username, "wrong", "api")
        event.remove(world.service.engine, "before_cursor_execute", note)
        done.append(seen)
    assert done[0] == done[1]
    assert verified == [False, True]


@pytest.mark.parametrize("username", ["school201", "nobody"])
def test_many_wrong_passwords_are_slowed_down_and_the_right_one_never_is(world: World, username: str) -> None:
    for _ in range(FAILURES_ALLOWED):
        with pytest.raises(WrongPassword):
            sign_in(world.service, username, "wrong", "api")
    with pytest.raises(TooManyAttempts) as slowed:
        sign_in(world.service, username, "wrong", "api")
    assert slowed.value.retry_after > 0
    token, _ = sign_in(world.service, "school201", PASSWORD, "page")
    assert actor_of_token(world.service, token) is not None


def test_a_token_ends_when_it_is_revoked_or_too_old_or_the_account_is_closed(world: World) -> None:
    service = world.service
    first, second, third = (sign_in(service, "school201", PASSWORD, "api")[0] for _ in range(3))
    revoke_token(service, first)
    assert actor_of_token(service, first) is None
    assert actor_of_token(service, second) is not None
    world.at += LIFETIME["api"] * 1_000_000
    assert actor_of_token(service, second) is None
    world.at -= LIFETIME["api"] * 1_000_000
    with db.begin(service.engine) as connection:
        connection.execute(update(Account).where(Account.username == "school201").values(active=False))
    assert actor_of_token(service, third) is None
    with pytest.raises(WrongPassword):
        sign_in(service, "school201", PASSWORD, "api")


def test_a_revoked_role_is_gone_from_the_next_request_on(world: World) -> None:
    token, _ = sign_in(world.service, "county1.viewer", PASSWORD, "api")
    before = actor_of_token(world.service, token)
    assert before is not None
    assert before.works_on_requests
    with db.begin(world.service.engine) as connection:
        revoke_role(connection, world.service, before.account_id, "viewer")
    after = actor_of_token(world.service, token)
    assert after is not None
    assert not after.works_on_requests


def test_every_sign_in_and_every_failure_leaves_its_trace(world: World) -> None:
    sign_in(world.service, "school201", PASSWORD, "api")
    with pytest.raises(WrongPassword):
        sign_in(world.service, "school201", "wrong", "api")
    with db.reading(world.service.engine) as connection:
        traces = dict(connection.execute(select(AccessLog.action, func.count()).group_by(AccessLog.action)).all())
    assert traces == {"sign_in": 1, "sign_in_refused": 1}


def test_an_account_that_nobody_used_for_half_a_year_is_sealed_until_it_gets_a_new_password(world: World) -> None:
    sign_in(world.service, "school201", PASSWORD, "page")
    world.at += SEALED_AFTER
    sign_in(world.service, "school201", PASSWORD, "page")
    world.at += SEALED_AFTER + 1
    for username in ("school201", "school202"):
        with pytest.raises(WrongPassword):
            sign_in(world.service, username, PASSWORD, "page")
