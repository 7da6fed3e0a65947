"""Who sits before the page (会话): a cookie with a revocable token, and proof that a form is one of ours.

The cookie is HttpOnly and SameSite=Lax and holds a token of purpose `page`, read anew for every request, so that a
revoked role ends at once. An unsafe request needs a token bound to that session, and an Origin that is ours.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Request, Response, g, redirect, request, url_for

from api.errors import Problem
from workflow_service.accounts import actor_of_token
from workflow_service.actors import Actor
from workflow_service.service import Service

COOKIE = "session"
PUBLIC = {"pages.login", "pages.sign_in_page", "pages.verify", "pages.static"}
"""Pages that need nobody to be signed in; every other one does, also one that is added tomorrow."""


def csrf_token(service: Service, session: str) -> str:
    """The token that a form of this session carries: useless in any other session, and nothing to store."""
    return hmac.new(service.settings.secret_key.encode(), f"csrf:{session}".encode(), hashlib.sha256).hexdigest()


def new_key() -> str:
    """An idempotency key for one showing of a form: a double click has one effect."""
    return secrets.token_urlsafe(18)


def know_actor(service: Service) -> str:
    """Settle who is signed in, if anybody; gives the cookie's token."""
    token = request.cookies.get(COOKIE, "")
    g.actor = actor_of_token(service, token) if token else None
    g.csrf = "" if g.actor is None else csrf_token(service, token)
    return token


def require_actor(service: Service) -> Response | None:
    """Settle `g.actor`; the way to the sign-in page where nobody is signed in. Raises a 403 for a foreign form."""
    token = know_actor(service)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _check_origin(service, request)
    _check_text(request)
    if request.endpoint in PUBLIC:
        return None
    if g.actor is None:
        return _to_login(had_session=bool(token))
    if request.method == "POST" and not hmac.compare_digest(request.form.get("csrf", ""), g.csrf):
        raise Problem(
            403, "csrf", "表单已失效，请刷新页面后重试 / The form is no longer valid; reload the page and try again."
        )
    return None


def _check_text(sent: Request) -> None:
    """No database text can carry a NUL; without this PostgreSQL would answer for us, with an error."""
    texts = (*sent.args.values(), *sent.form.values(), *(sent.view_args or {}).values())
    if any("\0" in str(text) for text in texts):
        raise Problem(422, "invalid", "含有无法保存的字符 / It holds a character that cannot be stored.")


def _check_origin(service: Service, sent: Request) -> None:
    """A browser names where a form came from; what came from elsewhere is refused before it is read."""
    origin = sent.headers.get("Origin")
    site = sent.headers.get("Sec-Fetch-Site")
    ours = {urlsplit(sent.host_url).netloc}
    if service.settings.public_url:
        ours.add(urlsplit(service.settings.public_url).netloc)
    if (origin is not None and urlsplit(origin).netloc not in ours) or site == "cross-site":
        raise Problem(403, "origin", "请求来自其他网站 / The request came from another site.")


def _to_login(had_session: bool) -> Response:
    """To the sign-in page and back; after a post back to the page that it was sent from, not into the post."""
    back = request.full_path.rstrip("?")
    if request.method != "GET":
        back = urlsplit(request.referrer or "/")._replace(scheme="", netloc="").geturl()
    ended = "1" if had_session else None
    answer: Response = redirect(url_for("pages.login", next=back if back != "/" else None, ended=ended), 303)  # type: ignore[assignment]
    return answer


def safe_next(target: str | None) -> str:
    """Where to go after signing in: a path of this site, never another address."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable():
        return "/"
    return target


def keep_session(answer: Response, token: str, seconds: int) -> Response:
    """Set the session's cookie on an answer."""
    answer.set_cookie(COOKIE, token, max_age=seconds, httponly=True, samesite="Lax", secure=request.is_secure, path="/")
    return answer


def drop_session(answer: Response) -> Response:
    """End the session's cookie on an answer."""
    answer.delete_cookie(COOKIE, httponly=True, samesite="Lax", path="/")
    return answer


def actor() -> Actor:
    """Who is signed in; only for pages that need somebody."""
    found: Actor = g.actor
    assert found is not None
    return found
