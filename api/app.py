"""The web application: it wires the service to the resources and the pages, and hangs the headers on every answer."""

from __future__ import annotations

import logging

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from api import (
    admissions,
    audit,
    batches,
    codes,
    dashboard,
    documents,
    duplicates,
    errors,
    health,
    me,
    newcomers,
    openapi,
    organizations,
    policies,
    promotion,
    quality,
    requests,
    students,
    tokens,
    verify,
    windows,
)
from api.shedding import Shedding
from workflow_service.config import Settings
from workflow_service.db import db, engine_options
from workflow_service.service import Service, build_service

RESOURCES = (
    tokens, me, organizations, students, requests, documents, dashboard, windows, policies, codes, audit, verify,
    openapi,
    duplicates, quality, batches, promotion, newcomers, admissions,
)  # fmt: skip

log = logging.getLogger(__name__)

BODY_MOST = 8 * 1024 * 1024
"""Bytes that any body may have; a call's own, smaller limit is set where the call is known."""
READ_OUT_MOST = 64 * 1024 * 1024
"""Bytes of a refused body that are still taken in, and thrown away; whoever announces more is cut off."""

CSP = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
    )
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class _Sessions(SecureCookieSessionInterface):
    """Whoever sends no cookie, as every program with a token, has an empty session without a signature looked at."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()


def create_app(settings: Settings, service: Service | None = None) -> Flask:
    """The application. `service` is handed in by tests and the demo; else one is built on Flask-SQLAlchemy's engine."""
    app = Flask("api", static_folder=None)
    app.session_interface = _Sessions()
    app.url_map.strict_slashes = False
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=BODY_MOST,
    )
    logging.getLogger("workflow_service").setLevel(settings.log_level)
    db.init_app(app)
    if service is None:
        with app.app_context():
            service = build_service(settings, engine=db.engine)
    app.extensions["service"] = service
    errors.install(app)
    for resource in RESOURCES:
        app.register_blueprint(resource.bp, url_prefix=openapi.PREFIX)
    app.register_blueprint(health.bp)
    _add_pages(app)
    app.before_request(_received)
    app.after_request(_secured)
    app.after_request(_read_out)
    app.wsgi_app = Shedding(app.wsgi_app, HEADERS)  # type: ignore[method-assign]
    return app


def _received() -> None:
    """Stamp the legal instant at which the call came in: windows are judged by it, not by who got the row first."""
    g.received = current_app.extensions["service"].clocks.legal()
    if request.content_length is not None:
        # gunicorn ends a body that was cut off as if it were whole; without this mark its length is counted.
        g.body_ends = request.environ.pop("wsgi.input_terminated", False)


def _read_out(response: Response) -> Response:
    """Take in what nobody has read of the body: who is still sending would meet a reset instead of the answer.

    Only what was announced: whoever sends without an end gets the answer at once.
    """
    left = request.content_length or 0
    if left > READ_OUT_MOST or not g.get("body_ends"):
        return response  # A server that does not end the body itself would wait for more of it forever.
    try:
        while left > 0 and (data := request.environ["wsgi.input"].read(min(left, 65_536))):
            left -= len(data)
    except (OSError, ValueError):
        log.info("the body was cut off")
    return response


def _add_pages(app: Flask) -> None:
    from api import pages

    pages.install(app)


def _secured(response: Response) -> Response:
    """No answer leaves without these; whatever is not a static file may hold somebody's data and is not kept."""
    set_already = {name.lower() for name, _ in response.headers}
    for name, value in HEADERS.items():
        if name.lower() not in set_already:
            response.headers.add(name, value)
    if not request.path.startswith(("/static/", f"{openapi.PREFIX}/docs/")):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
