"""`/openapi.json` and `/docs`: the API described by what the calls declare, and browsable without the internet."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, current_app
from marshmallow import Schema, fields
from werkzeug.exceptions import NotFound

from api.documents import Upload
from api.endpoint import Answer, Call, Operation, operation
from api.shapes import Shown

bp = Blueprint("openapi", __name__)

PREFIX = "/api/v1"
FILES = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
PAGE = f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>学籍业务流转 API</title>
<link rel="stylesheet" href="{PREFIX}/docs/swagger-ui.css"><link rel="icon" href="{PREFIX}/docs/favicon-32x32.png">
</head><body><div id="ui"></div><script src="{PREFIX}/docs/swagger-ui-bundle.js"></script>
<script src="{PREFIX}/docs/start.js"></script></body>
</html>
"""
START = f'SwaggerUIBundle({{url: "{PREFIX}/openapi.json", dom_id: "#ui", validatorUrl: null, deepLinking: true}});\n'
DESCRIPTION = """Errors are RFC 9457, checked in this order: 401, 404, 403, 413/415, 400, 422, key replay, 428, 412,
409. A name that a call does not know is refused (422), in a body as in a query; a query name without a value counts
as not given, one that comes twice is refused; `lang` is taken by every call. Lists take `limit` (1 to 200) and the
`cursor` that the page before gave as `next`. A slash at the end of an address makes no difference. The events that a
request's state has are its `events`: whether you may send each, every reason why not, and for a refusal the coded
`reasons` that you may give."""
_ARGUMENT = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")


class ErrorShown(Shown):
    """A field at fault."""

    field = fields.String(required=True)
    message = fields.String(required=True)


class ReasonShown(Shown):
    """A rule that says no, with the article and what would clear it."""

    rule = fields.String(required=True)
    article = fields.String(required=True)
    message = fields.String(required=True)
    cure = fields.String(required=True, allow_none=True)


class ProblemShown(Shown):
    """RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    errors = fields.List(fields.Nested(ErrorShown))
    blocked_by = fields.List(fields.Nested(ReasonShown))
    current = fields.Dict()
    difference = fields.List(fields.Dict())
    existing = fields.Dict()


class DocumentShownHere(Shown):
    """An OpenAPI 3.1 document."""

    openapi = fields.String(required=True)
    paths = fields.Dict(required=True)


def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of every call that the app has."""
    marshmallow = MarshmallowPlugin(schema_name_resolver=_schema_name)
    spec = APISpec(
        title="学籍业务流转 / Student status workflows", version="1", openapi_version="3.1.0", plugins=[marshmallow],
        info={"description": DESCRIPTION},
    )  # fmt: skip
    assert marshmallow.converter is not None
    marshmallow.converter.field_mapping[Upload] = ("string", "binary")
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    spec.components.schema("Problem", schema=ProblemShown)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        found: Operation | None = getattr(app.view_functions[rule.endpoint], "operation", None)
        if found is not None:
            path = _ARGUMENT.sub(r"{\1}", rule.rule)
            spec.path(path=path, operations={found.method.lower(): _operation(rule.endpoint, found, rule.rule, app)})
    return spec.to_dict()


def _schema_name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__).removesuffix("Shown")


def _operation(endpoint: str, op: Operation, rule: str, app: Flask) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": endpoint.rpartition(".")[2],
        "tags": [endpoint.partition(".")[0]],
        "summary": op.summary,
        "description": app.view_functions[endpoint].__doc__ or "",
        "parameters": _parameters(op, rule),
        "responses": _responses(op),
        "security": [] if op.public else [{"bearer": []}],
    }
    if op.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": op.body}}}
    if op.form is not None:
        described["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": op.form}}}
    return described


def _parameters(op: Operation, rule: str) -> list[Any]:
    found: list[Any] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _ARGUMENT.findall(rule)
    ]
    if op.query is not None:
        found.append({"in": "query", "schema": op.query})
    if op.needs_version:
        found.append(_header("If-Match", "The version that you saw, as its ETag.", required=True))
    if op.method == "POST":
        found.append(_header("Idempotency-Key", "The same key and body have one effect and one answer.", maxLength=200,
                             pattern="^[!-~]+$"))  # fmt: skip
    return found


def _header(name: str, description: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description,
            "schema": {"type": "string", **schema}}  # fmt: skip


def _responses(op: Operation) -> dict[str, Any]:
    if op.answers is None:
        content: dict[str, Any] = {} if op.status == 204 else {op.produces: {}}
    else:
        content = {"application/json": {"schema": _many(op.answers) if op.many else op.answers}}
    problems = {406, 500, 503, *op.responses}
    problems |= set() if op.public else {401, 403}
    problems |= {404} if op.find else set()
    problems |= {400, 413, 415, 422} if op.body or op.form else set()
    problems |= {422} if not op.public or op.method == "POST" else set()
    problems |= {412, 428} if op.needs_version else set()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    found: dict[str, Any] = {str(op.status): {"description": op.summary, **({"content": content} if content else {})}}
    for status in sorted(problems - {op.status}):
        found[str(status)] = {"description": "refused", "content": problem}
    return found


def _many(schema: type[Schema]) -> type[Schema]:
    """A page of a list."""
    name = f"{_schema_name(schema)}PageShown"
    return _PAGES.setdefault(
        name,
        Shown.from_dict(
            {
                "items": fields.List(fields.Nested(schema), required=True),
                "next": fields.String(required=True, allow_none=True),
            },
            name=name,
        ),
    )


_PAGES: dict[str, type[Schema]] = {}


@operation(bp, "GET", "/openapi.json", summary="This document", answers=DocumentShownHere, public=True)
def get_openapi(call: Call) -> Answer:
    """OpenAPI 3.1, made once per process."""
    made = current_app.extensions.get("openapi")
    if made is None:
        made = current_app.extensions["openapi"] = document(current_app)
    return Answer(made)


def _page(body: str | bytes, content_type: str) -> Response:
    return Response(body, content_type=content_type)


@operation(bp, "GET", "/docs", summary="The API, browsable", answers=None, public=True, produces="text/html")
def get_docs(call: Call) -> Response:
    """Swagger UI from its package: nothing is fetched from elsewhere, no script stands in the page."""
    return _page(PAGE, "text/html; charset=utf-8")


@operation(
    bp, "GET", "/docs/<name>", summary="Files of the browsable API", answers=None, public=True, produces="*/*",
    find=lambda service, actor, name: name,
)  # fmt: skip
def get_docs_file(call: Call) -> Response:
    """A file of Swagger UI, or the line that starts it."""
    if call.found == "start.js":
        return _page(START, "text/javascript; charset=utf-8")
    if call.found not in FILES:
        raise NotFound
    file = resources.files("flask_swagger_ui") / "dist" / call.found
    return _page(file.read_bytes(), FILES[call.found])
