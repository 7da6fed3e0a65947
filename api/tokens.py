"""`/tokens`: signing in and out (登录、退出)."""

from __future__ import annotations

from flask import Blueprint, request
from marshmallow import fields

from api.endpoint import Answer, Call, operation
from api.shapes import Shape, Shown, Text
from workflow_service.accounts import revoke_token, sign_in
from workflow_service.models.columns import iso

bp = Blueprint("tokens", __name__)


class SignIn(Shape):
    """A name and a password."""

    username = Text(required=True, least=1, most=100)
    password = Text(required=True, least=1, most=1024)


class TokenShown(Shown):
    """A token, shown once, and when it expires (real time)."""

    token = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


@operation(
    bp, "POST", "/tokens", summary="Sign in / 登录", body=SignIn, answers=TokenShown, status=201, public=True,
    responses=(401, 429),
)  # fmt: skip
def create_token(call: Call) -> Answer:
    """A new token. Signing in correctly is never throttled; wrong passwords are, by name."""
    token, expires_at = sign_in(call.service, call.body["username"], call.body["password"], "api")
    return Answer({"token": token, "expires_at": iso(expires_at)}, 201, headers={"Cache-Control": "no-store"})


@operation(bp, "DELETE", "/tokens/current", summary="Sign out / 退出", answers=None, status=204)
def delete_token(call: Call) -> Answer:
    """The token that was sent with this call ends at once."""
    revoke_token(call.service, request.headers["Authorization"].partition(" ")[2].strip())
    return Answer(status=204)
