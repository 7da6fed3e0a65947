"""One call, in the contract's order: 401 · 404 · 403 · 413/415 · 400 · 422 · key replay · 428 · 412 · 409.

A resource declares its calls with `operation`; this module runs the checks, so that no resource can run them in
another order or forget one. What was declared also feeds the OpenAPI document and the test that every route has auth.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, current_app, request
from marshmallow import Schema
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from api.errors import Problem, invalid, unauthorized
from api.shapes import Shape, read
from workflow_service.accounts import actor_and_answer, actor_of_token
from workflow_service.actors import Actor
from workflow_service.errors import NotFound
from workflow_service.keys import Key, StoredAnswer, answer_in, find_answer, finish_key
from workflow_service.models.columns import dumps
from workflow_service.service import Service
from workflow_service.sql import driver_of

JSON_MOST = 256 * 1024
FORM_MOST = 64 * 1024
"""Bytes that the fields of a multipart upload may take beside the file itself."""

_NOTHING = re.compile(r"\bq\s*=\s*0*(\.0*)?\s*(;|$)")
"""The quality that an Accept header gives to what is not wanted at all."""

Found = Any
Finder = Callable[..., Found]


@dataclass(frozen=True)
class Answer:
    """What a call answers. `version` becomes the ETag of a request, student or organization."""

    body: Any = None
    status: int = 200
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """A call that passed the checks so far: what a resource's function works on."""

    service: Service
    signed_in: Actor | None = None
    known: Sequence[Any] | None = None
    """The row of the call's idempotency key, as it was when the caller signed in."""
    found: Found = None
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    file: FileStorage | None = None
    versions: frozenset[int] = frozenset()
    key: Key | None = None

    @property
    def actor(self) -> Actor:
        """Who calls; only public calls have nobody."""
        assert self.signed_in is not None
        return self.signed_in

    def version_for(self, current: int) -> int:
        """The version that `If-Match` names: the current one if it is among them, else the newest of the older."""
        return current if current in self.versions else max(self.versions, default=0)


@dataclass(frozen=True)
class Operation:
    """What a call declares. `roles` () means every account; `public` that nobody needs to be signed in."""

    method: str
    path: str
    summary: str
    answers: type[Schema] | None
    status: int = 200
    body: type[Schema] | None = None
    form: type[Schema] | None = None
    query: type[Schema] | None = None
    find: Finder | None = None
    location: str | None = None
    may: Callable[[Call], None] | None = None
    inspect: Callable[[Call], None] | None = None
    fits: Callable[[Call], None] | None = None
    roles: frozenset[str] = frozenset()
    public: bool = False
    needs_version: bool = False
    show: Callable[[Call, int], Answer] | None = None
    many: bool = False
    produces: str = "application/json"
    responses: tuple[int, ...] = ()


def operation(
    blueprint: Blueprint, method: str, path: str, *, roles: Iterable[str] = (), **declared: Any
) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    """Declare a call. With `show` it is keyed: the function returns the object's id, `show` makes the answer from it.

    `find(service, actor, **path)` locates the object or raises NotFound; `may(call)` raises a 403;
    `inspect(call)` looks at an uploaded file and raises 413 or 415; `fits(call)` holds a body of the right shape
    against what was found and raises 422. `location` is where the created object is found,
    without its id, when that is not below the call's own address.
    """
    declared_operation = Operation(method, path, roles=frozenset(roles), **declared)

    def register(function: Callable[[Call], Any]) -> Callable[[Call], Any]:
        @functools.wraps(function)
        def view(**arguments: str) -> Response:
            return _run(declared_operation, function, arguments)

        view.operation = declared_operation  # type: ignore[attr-defined]
        blueprint.add_url_rule(path, function.__name__, view, methods=[method])
        return function

    return register


def service() -> Service:
    """The service of this app."""
    found: Service = current_app.extensions["service"]
    return found


def _run(op: Operation, function: Callable[[Call], Any], arguments: dict[str, str]) -> Response:
    call = Call(service())
    with driver_of(call.service.hot):
        if not op.public:
            _sign_in(op, call)
        _accepts(op)
        if op.find is not None:
            call.found = op.find(call.service, call.signed_in, **arguments)
    if op.roles and not op.roles & call.actor.roles:
        raise Problem(403, "forbidden", "您的岗位不办理此项业务 / Your role does not do this.")
    if op.may is not None:
        op.may(call)
    raw = _take_in(op, call)  # While it comes in, which may take long, no connection is held.
    if not op.public:
        call.query = _read_query(op.query or Shape)
    if op.body is not None or op.form is not None:
        call.body = read(op.body or op.form, raw)  # type: ignore[arg-type]
    if op.fits is not None:
        op.fits(call)
    with driver_of(call.service.hot):
        return _carried_out(op, function, call, raw)


def _carried_out(op: Operation, function: Callable[[Call], Any], call: Call, raw: Any) -> Response:
    """From the key's replay on: everything before has been found in order."""
    if op.show is not None and (replay := _replay(op, call, raw)) is not None:
        return replay
    if op.needs_version:
        call.versions = _named_versions()
    try:
        result = function(call)
    except Exception:
        # Two calls with one key at the same time: the other one was first, which looks like a taken key, a version
        # that moved or a second draft. This one then answers what that one did.
        done = None if call.key is None else find_answer(call.service, call.actor, call.key)
        if done is None:
            raise
        return _answer_once(op, call, done.object_id, done)
    if op.show is not None:
        return _answer_once(op, call, result)
    return result if isinstance(result, Response) else send(result if isinstance(result, Answer) else Answer(result))


def _sign_in(op: Operation, call: Call) -> None:
    """Whose bearer token this is, read anew for every call: a revoked token or role ends at once.

    What the key of a keyed call has led to is read in the same statement, and looked at when it is its turn.
    """
    scheme, _, plain = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not plain.strip():
        raise unauthorized("请先登录：POST /api/v1/tokens / Sign in first and send the token as Authorization: Bearer.")
    sent = request.headers.get("Idempotency-Key", "") if op.show is not None else ""
    if _is_key(sent):
        call.signed_in, call.known = actor_and_answer(call.service, plain.strip(), _route(op), sent)
    else:
        call.signed_in = actor_of_token(call.service, plain.strip())
    if call.signed_in is None:
        raise unauthorized("登录已失效，请重新登录 / The token is unknown, expired or revoked.")


def _is_key(sent: str) -> bool:
    return 1 <= len(sent) <= 200 and sent.isprintable() and sent.isascii()


def _route(op: Operation) -> str:
    return f"{op.method} {request.path.rstrip('/')}"


def _accepts(op: Operation) -> None:
    """406 where the caller wants anything but JSON. `; charset=utf-8`, `*` and `q=.2` are what some clients send."""
    header = request.headers.get("Accept", "")
    if op.produces != "application/json" or not header.strip():
        return
    wanted = {}
    for part in header.lower().split(","):
        kind, _, parameters = part.partition(";")
        wanted[kind.strip()] = _NOTHING.search(parameters) is None
    exact = [wanted[kind] for kind in ("application/json", "application/problem+json") if kind in wanted]
    if not any(exact or [wanted.get(kind, False) for kind in ("application/*", "*/*", "*")]):
        raise Problem(406, "not-acceptable", "只提供 application/json / Only application/json is offered.")


def _take_in(op: Operation, call: Call) -> Any:
    """The body as it came: 413 and 415 first, then 400 for what cannot be read. A form gives its fields."""
    if op.form is not None:
        return _take_form(op, call)
    if op.body is None:
        return None
    if (request.content_length or 0) > JSON_MOST:
        raise RequestEntityTooLarge
    request.max_content_length = JSON_MOST
    kind = request.mimetype
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "media-type", "请以 application/json 发送 / Send it as application/json.")
    text = request.get_data(cache=False)
    if request.content_length is None and len(text) >= JSON_MOST:
        raise RequestEntityTooLarge  # It was sent in chunks and cut off at the limit.
    try:
        return json.loads(text.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "not-json", "请求体不是 JSON / The body is not JSON.") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _take_form(op: Operation, call: Call) -> dict[str, Any]:
    if request.mimetype != "multipart/form-data":
        raise Problem(415, "media-type", "请以 multipart/form-data 发送 / Send it as multipart/form-data.")
    if not request.mimetype_params.get("boundary"):
        raise Problem(400, "not-multipart", "缺少 boundary / The boundary is missing.")
    fields = request.form.to_dict()
    files = request.files.to_dict()
    call.file = files.get("file")
    if call.file is not None and op.inspect is not None:
        op.inspect(call)
    return {**fields, **files}


def _read_query(schema: type[Schema]) -> dict[str, Any]:
    """The query, every name once; `lang` is everybody's, and a name without a value was not given (`?kind=&q=`)."""
    if not request.query_string:
        return read(schema, {})
    given = {name: [value for value in values if value] for name, values in request.args.lists() if name != "lang"}
    for name, values in given.items():
        if len(values) > 1:
            raise invalid(name, "只能给出一次", "may be given only once")
    return read(schema, {name: values[0] for name, values in given.items() if values})


def _replay(op: Operation, call: Call, raw: Any) -> Response | None:
    """The stored answer of an idempotency key that was used before; sets `call.key` where one was sent."""
    sent = request.headers.get("Idempotency-Key")
    if sent is None:
        return None
    if not _is_key(sent):
        raise invalid("Idempotency-Key", "应为 1 至 200 个可见字符", "1 to 200 printable ASCII characters")
    call.key = Key(_route(op), sent, _body_hash(raw, call.file))
    stored = answer_in(call.known, call.key)
    return None if stored is None else _answer_once(op, call, stored.object_id, stored)


def _body_hash(raw: Any, file: FileStorage | None) -> bytes:
    """SHA-256 of a body's meaning: JSON with sorted keys; of a form, its fields and the file's own hash."""
    if file is None:
        return hashlib.sha256(_canonical(raw)).digest()
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    fields = {name: value for name, value in raw.items() if not isinstance(value, FileStorage)}
    return hashlib.sha256(_canonical({**fields, "file": digest})).digest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _named_versions() -> frozenset[int]:
    """The versions that `If-Match` names; a weak or foreign tag matches nothing (412), `*` names none (428)."""
    tags = request.if_match
    if not tags:
        raise Problem(
            428, "version-missing", "请以 If-Match 指明您看到的版本（ETag） / Name the version you saw with If-Match."
        )
    if tags.star_tag:
        raise Problem(428, "version-missing", "If-Match: * 不指明版本 / If-Match: * names no version.")
    return frozenset(int(tag) for tag in tags.as_set() if tag and tag.isascii() and tag.isdecimal() and len(tag) < 10)


def _answer_once(op: Operation, call: Call, object_id: int, stored: StoredAnswer | None = None) -> Response:
    """The answer for an object; with a key the first one that was stored, byte for byte."""
    assert op.show is not None
    if stored is None or stored.answer is None:
        answer = op.show(call, object_id)
        text = dumps(answer.body)
        fresh = StoredAnswer(object_id, answer.status, None if answer.version is None else f'"{answer.version}"', text)
        stored = fresh if call.key is None else finish_key(call.service, call.actor, call.key, fresh)
    response = Response(stored.answer, stored.status, content_type="application/json")
    if stored.etag is not None:
        response.headers["ETag"] = stored.etag
    if stored.status == 201:
        response.headers["Location"] = f"{op.location or request.path.rstrip('/')}/{object_id}"
    return response


def send(answer: Answer) -> Response:
    """An answer as JSON with its ETag."""
    if answer.status == 204:
        response = Response(status=204)
        response.headers.pop("Content-Type", None)
    else:
        response = Response(dumps(answer.body), answer.status, content_type="application/json")
    if answer.version is not None:
        response.headers["ETag"] = f'"{answer.version}"'
    response.headers.update(answer.headers)
    return response


def located(found: Found | None) -> Found:
    """`found`, or the 404 that shows no difference between missing and foreign."""
    if found is None:
        raise NotFound
    return found
