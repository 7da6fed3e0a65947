"""Signing in and out (登录、退出)."""

from __future__ import annotations

from flask import Response, g, redirect, request

from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages.frame import page, pages
from api.pages.session import COOKIE, drop_session, keep_session, safe_next
from workflow_service.accounts import LIFETIME, TooManyAttempts, WrongPassword, revoke_token, sign_in


@pages.get("/login")
def login() -> Response:
    """The sign-in form."""
    if g.actor is not None:
        return _to(safe_next(request.args.get("next")))
    return _form(request.args.get("next", ""))


@pages.post("/login")
def sign_in_page() -> Response:
    """Sign in; a wrong password shows the form again with the name that was typed."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    try:
        token, _ = sign_in(service(), username.strip()[:100], password[:200], "page")
    except (WrongPassword, TooManyAttempts) as error:
        return _form(request.form.get("next", ""), username[:100], problem_of(error))
    return keep_session(_to(safe_next(request.form.get("next"))), token, LIFETIME["page"])


@pages.post("/logout")
def sign_out() -> Response:
    """End the session here and in the table."""
    revoke_token(service(), request.cookies.get(COOKIE, ""))
    return drop_session(_to("/login"))


def _form(next_: str, username: str = "", problem: Problem | None = None) -> Response:
    answer = page(
        "login.html", next=next_, username=username, problem=problem, ended="ended" in request.args,
        status=problem.status if problem else 200,
    )  # fmt: skip
    if problem:
        answer.headers.update({k: v for k, v in problem.headers.items() if k == "Retry-After"})
    return answer


def _to(target: str) -> Response:
    answer: Response = redirect(target, 303)  # type: ignore[assignment]
    return answer
