"""Overload (限流): what has waited too long is refused at once, what matters least first, before any work is done.

Where the queue is: a gthread worker accepts connections as fast as they come and lines them up for its threads, one
line for all. Nothing in the application can see that line, so it is judged by what it does: nginx writes into
`X-Request-Start` when a request came in, and a thread that takes it up sees how long it waited. Whoever waited longer
than the patience of its rank gets 503 with Retry-After for the price of a dictionary. The line then moves as fast as
refusals do, and what is left of the time goes to approvals (写), then to what staff read, then to the public. While
approvals themselves wait, the others have a tenth of their patience: nothing is read at the cost of an approval.

A bound on requests at once keeps half of a worker's threads free of public queries even where each of them is slow, and
no clock is needed for it.
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rank:
    """How much a kind of request bears: seconds in the line, requests of it at once in a process, when to come back."""

    name: str
    patience: float
    at_once: int | None
    come_back: tuple[int, int]
    """Retry-After in seconds, drawn between these: who was refused together must not come back together."""


WRITE = Rank("write", 4.0, None, (1, 3))
"""Approvals and all that staff send, signing in included: a correct password is never throttled."""
READ = Rank("read", 1.0, None, (2, 5))
"""What staff look at."""
PUBLIC = Rank("public", 0.25, 4, (5, 15))
"""Whatever needs nobody to be signed in: verifying a paper, the documentation, static files."""
PROBE = Rank("probe", float("inf"), None, (1, 1))
"""What machines watch this one by; it must answer while other things do not."""

NOT_BELIEVED = 60.0
"""Seconds of waiting that no proxy allows: such a header, or one from the future, comes from a clock that is wrong."""
SAY_EVERY = 10.0
HURRIED = 0.5
"""Seconds that an approval waits before the others must make room for it, for as long as `HURRIED_FOR` after it."""
HURRIED_FOR = 1.0
_PROBES = frozenset(("/healthz", "/readyz", "/metrics"))
_PUBLIC = re.compile(r"(/api/v1)?/verify(/|$)|/api/v1/(docs(/|$)|openapi\.json$)|/static/")
_SIGNING_IN = frozenset(("/login", "/api/v1/tokens"))
_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_ASKING = frozenset(("/requests/check", "/api/v1/requests/check"))
"""Sent like a write, but nothing is stored: the form asks it again and again while it is filled in."""


def rank_of(method: str, path: str, with_credentials: bool) -> Rank:
    """The rank of a request by what can be seen without the database; `deploy/nginx.conf` ranks in the same words."""
    path = path.rstrip("/") or "/"
    if path in _PROBES:
        return PROBE
    if path in _SIGNING_IN:
        return READ if method in _READING else WRITE
    if not with_credentials or _PUBLIC.match(path):
        return PUBLIC
    return READ if method in _READING or path in _ASKING else WRITE


class Shedding:
    """WSGI middleware around the whole application. `headers` go onto its refusals; `now` is real time in seconds."""

    def __init__(
        self, app: WSGIApplication, headers: Mapping[str, str], now: Callable[[], float] = time.time
    ) -> None:  # fmt: skip
        self._app, self._headers, self._now = app, [*headers.items(), ("Cache-Control", "no-store")], now
        self._lock = threading.Lock()
        self._at_once: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._said = self._hurried_until = 0.0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        rank = rank_of(
            environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""),
            "HTTP_AUTHORIZATION" in environ or "HTTP_COOKIE" in environ,
        )  # fmt: skip
        waited = self._waited(environ.get("HTTP_X_REQUEST_START", ""))
        if waited > self._patience(rank, waited):
            return self._refuse(rank, environ, start_response)
        if rank.at_once is None:
            return self._app(environ, start_response)
        with self._lock:
            full = self._at_once[rank.name] >= rank.at_once
            if not full:
                self._at_once[rank.name] += 1
        if full:
            return self._refuse(rank, environ, start_response)
        # What is counted is the work, which is done when the application returns; the answer may still be on its way.
        try:
            return self._app(environ, start_response)
        finally:
            with self._lock:
                self._at_once[rank.name] -= 1

    def _patience(self, rank: Rank, waited: float) -> float:
        """Seconds that a rank may wait now."""
        if rank is WRITE:
            if waited > HURRIED:
                self._hurried_until = self._now() + HURRIED_FOR
            return rank.patience
        return rank.patience / 10 if self._now() < self._hurried_until else rank.patience

    def _waited(self, header: str) -> float:
        """Seconds since the proxy took the request in; 0 without a proxy that says so."""
        try:
            waited = self._now() - float(header.removeprefix("t="))
        except ValueError:
            return 0.0
        return waited if 0.0 <= waited <= NOT_BELIEVED else 0.0

    def _refuse(self, rank: Rank, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self._count(rank)
        kind, body = _answer(environ)
        start_response("503 Service Unavailable", [
            ("Content-Type", kind), ("Content-Length", str(len(body))),
            ("Retry-After", str(random.randint(*rank.come_back))), *self._headers,  # noqa: S311 - spreads, hides nothing
        ])  # fmt: skip
        return [body]

    def _count(self, rank: Rank) -> None:
        """A line every few seconds: one for each refusal would be the next overload."""
        with self._lock:
            self._refused[rank.name] += 1
            if self._now() - self._said < SAY_EVERY:
                return
            refused, self._refused = self._refused, Counter()
            self._said = self._now()
        log.warning("overloaded, refused with 503 since the last line: %s",
                    ", ".join(f"{count} {name}" for name, count in sorted(refused.items())))  # fmt: skip


_PROBLEM = json.dumps({
    "type": "urn:workflow-service:problem:overloaded",
    "title": "暂时无法服务，请稍后重试 / Not available just now, try again",
    "status": 503,
    "detail": "办理的人太多，没有写入任何内容，请按 Retry-After 稍后重试 / "
    "Too many requests; nothing was written. Try again after Retry-After.",
}, ensure_ascii=False).encode()  # fmt: skip
_PAGE = (
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>请稍后重试</title><h1>办理的人太多，请稍后重试</h1><p>没有写入任何内容；稍等几秒再刷新本页。</p>"
    '<p lang="en">Too many requests just now; nothing was written. Wait a few seconds and reload.</p></html>'
).encode()


def _answer(environ: WSGIEnvironment) -> tuple[str, bytes]:
    """(content type, body): a page for who looks at pages."""
    if "text/html" in environ.get("HTTP_ACCEPT", "") and not environ.get("PATH_INFO", "").startswith("/api/"):
        return "text/html; charset=utf-8", _PAGE
    return "application/problem+json", _PROBLEM
