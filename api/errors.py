"""The one table from what can go wrong to RFC 9457 problems; the pages show the same problems as HTML."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
import sqlalchemy.exc
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from workflow_service import errors
from workflow_service.accounts import TooManyAttempts, WrongPassword
from workflow_service.documents.content import Unacceptable
from workflow_service.documents.store import Damaged, NotKept, StoreFull
from workflow_service.models.columns import dumps
from workflow_service.roster.reader import BadWorkbook
from workflow_service.views.reasons import reason_view

log = logging.getLogger(__name__)

RETRY_AFTER = "1"

_TITLES = {
    400: ("请求无法读取", "The request cannot be read"),
    401: ("未登录或登录已失效", "Not signed in"),
    403: ("无权办理", "Not yours to do"),
    404: ("不存在", "Not found"),
    405: ("不支持的方法", "Method not allowed"),
    406: ("不提供所要的格式", "Not acceptable"),
    409: ("当前不能办理", "Blocked"),
    412: ("版本已变化", "An older version was named"),
    413: ("文件或请求过大", "Too large"),
    415: ("不接受的类型", "A kind that is not accepted"),
    422: ("内容有误", "A value is wrong"),
    428: ("须指明版本", "A version must be named"),
    429: ("尝试过于频繁", "Too many attempts"),
    500: ("服务内部错误", "Internal error"),
    503: ("暂时无法服务，请稍后重试", "Not available just now, try again"),
    507: ("存储空间不足", "No space left"),
}


@dataclass(eq=False)
class Problem(Exception):
    """A refusal on its way out. `code` names its kind in `type`; `members` are `errors`, `blocked_by`, `current`, …"""

    status: int
    code: str
    detail: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Chinese first, then English."""
        return " / ".join(_TITLES.get(self.status, ("请求被拒绝", "Refused")))

    def as_json(self) -> dict[str, Any]:
        """The members of `application/problem+json`."""
        shown = {"type": f"urn:workflow-service:problem:{self.code}", "title": self.title, "status": self.status}
        return {**shown, "detail": self.detail or self.title, **self.members}


def replaced(problem: Problem, **members: Any) -> Problem:
    """The problem with more members."""
    return Problem(problem.status, problem.code, problem.detail, {**problem.members, **members}, problem.headers)


def invalid(field_: str, message: str, message_en: str) -> Problem:
    """A 422 about one field."""
    error = {"field": field_, "message": message, "message_en": message_en}
    return Problem(422, "invalid", members={"errors": [error]})


def unauthorized(detail: str) -> Problem:
    """A 401 that says how to sign in."""
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="workflow-service"'})


_NOT_FOUND = Problem(404, "not-found", "没有这个对象，或不在您的管理范围内 / It is not there, or not in your scope.")


_DETAILS = {
    405: "此地址不支持该方法，可用的见 Allow / This address does not know the method; Allow names those it knows.",
    413: "内容超过上限，没有写入任何内容 / The body is larger than allowed; nothing was written.",
}
"""What is said where the libraries refuse; theirs is English only."""


def problem_of(error: Exception) -> Problem:
    """The problem that stands for an error; anything unknown is a defect of ours: logged here, 500 without detail."""
    for kind, make in _TABLE.items():
        if isinstance(error, kind):
            found: Problem = make(error)
            return found
    log.error("unexpected error", exc_info=error)
    return Problem(500, "internal", "已记录，请稍后重试 / It was logged; try again later.")


def _reasons(reasons: tuple[Any, ...]) -> dict[str, Any]:
    return {"blocked_by": [reason_view(reason) for reason in reasons]} if reasons else {}


def _of_http(error: HTTPException) -> Problem:
    if error.response is not None:
        return Problem(error.response.status_code, "http")
    status = error.code or 500
    if status == 404:
        return _NOT_FOUND
    detail = _DETAILS.get(status, error.description or "")
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")}
    return Problem(status, "http", detail, headers=kept)


def _of_store(error: OSError) -> Problem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_space()
    log.error("the store cannot be used", exc_info=error)
    return Problem(503, "unavailable", headers={"Retry-After": RETRY_AFTER})


def _of_kept(error: Exception) -> Problem:
    """A kept file that was altered or is gone: nobody can mend that by trying again."""
    log.error("a kept file is damaged or missing: %s", error)
    detail = "文件与存档不符或已缺失，请联系系统管理员 / The kept file is altered or missing; tell the administrator."
    return Problem(500, "document-damaged", detail)


def _no_space() -> Problem:
    return Problem(507, "no-space", "没有写入任何内容 / Nothing was written; make room and try again.")


def _of_database(error: Exception, original: BaseException | None) -> Problem:
    """A driver's error, as it came from the hot path or wrapped by SQLAlchemy."""
    full = isinstance(original, sqlite3.Error) and getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    if full or isinstance(original, psycopg.errors.DiskFull):
        return _no_space()
    if isinstance(original, sqlite3.OperationalError | psycopg.OperationalError | psycopg.InterfaceError):
        log.warning("the database cannot be reached or is busy", exc_info=error)
        return _busy("数据库暂时不可用 / The database is not available just now.")
    log.error("unexpected database error", exc_info=error)
    return Problem(500, "internal")


def _of_workbook(error: BadWorkbook) -> Problem:
    halves = [part.partition("/ ") for part in error.detail.split("；")]
    zh, en = "；".join(half[0].strip() for half in halves), "; ".join(filter(None, (half[2] for half in halves)))
    errors = [{"field": "file", "message": zh, "message_en": en}]
    return Problem(422, "workbook-unreadable", f"{zh} / {en}", {"errors": errors})


def _busy(detail: str) -> Problem:
    return Problem(503, "unavailable", detail, headers={"Retry-After": RETRY_AFTER})


_TABLE: dict[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda e: e,
    errors.NotFound: lambda e: _NOT_FOUND,
    errors.Forbidden: lambda e: Problem(403, "forbidden", e.detail, _reasons(e.reasons)),
    errors.Invalid: lambda e: Problem(422, "invalid", members={"errors": e.errors}),
    errors.Stale: lambda e: Problem(
        412,
        "stale",
        "此件已被处理或更改，请按现状重新办理 / It has moved on since you read it.",
        {"current": e.current},
    ),
    errors.Blocked: lambda e: Problem(
        409,
        "blocked",
        e.detail,
        {"blocked_by": [], **_reasons(e.reasons), **({"existing": e.existing} if e.existing else {})},
    ),
    errors.KeyReused: lambda e: Problem(
        422,
        "key-reused",
        "此 Idempotency-Key 已用于另一内容 / This Idempotency-Key was used before, with another body.",
        {"errors": [{"field": "Idempotency-Key", "message": "已用于另一内容", "message_en": "used with another body"}]},
    ),
    errors.Contended: lambda e: _busy("有人同时在办理，未写入任何内容，请重试 / Nothing was written; try again."),
    Unacceptable: lambda e: Problem(
        e.status,
        e.code.replace("_", "-"),
        f"{e.message_zh} / {e.message_en}",
        {"errors": [{"field": "file", "message": e.message_zh, "message_en": e.message_en}]},
    ),
    BadWorkbook: _of_workbook,
    StoreFull: lambda e: Problem(507, "no-space", f"{e.message_zh} / {e.message_en}"),
    Damaged: _of_kept,
    NotKept: _of_kept,
    WrongPassword: lambda e: unauthorized(
        "用户名或密码不正确，或账号已停用、因半年未用已封存 / "
        "The name or the password is wrong, or the account is closed, or sealed as unused for half a year."
    ),
    TooManyAttempts: lambda e: Problem(
        429,
        "too-many-attempts",
        "密码错误次数过多，请稍后再试 / Too many wrong passwords; try again later.",
        headers={"Retry-After": str(e.retry_after)},
    ),
    HTTPException: _of_http,
    sqlalchemy.exc.TimeoutError: lambda e: _busy("连接数已满 / All connections are in use."),
    sqlalchemy.exc.DBAPIError: lambda e: _of_database(e, e.orig),
    psycopg.Error: lambda e: _of_database(e, e),
    sqlite3.Error: lambda e: _of_database(e, e),
    OSError: _of_store,
}


def respond(problem: Problem) -> Response:
    """The problem as an answer of the API."""
    answer = Response(dumps(problem.as_json()), problem.status, content_type="application/problem+json")
    answer.headers.update(problem.headers)
    return answer


def install(app: Flask) -> None:
    """Every error of the app goes through the table; outside `/api` the pages may show it as HTML.

    The pages hang a function `(Problem) -> Response` into `app.extensions["error_page"]`.
    """

    def handle(error: Exception) -> Response:
        problem = problem_of(error)
        page = current_app.extensions.get("error_page")
        if page is None or request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
            return respond(problem)
        shown: Response = page(problem)
        return shown

    app.register_error_handler(Exception, handle)
