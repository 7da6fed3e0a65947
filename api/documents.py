"""Documents (材料): uploading to a request, removing from it, and the file itself as an attachment."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request, send_file
from marshmallow import ValidationError, fields
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from api.endpoint import FORM_MOST, Answer, Call, located, operation
from api.errors import Problem
from api.requests import DECIDERS, find_request
from api.shapes import Shape, Shown, Text
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.documents.content import inspect, too_large
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.models import Request, RequestDocument
from workflow_service.request_documents import add_document, may_upload, open_document, remove_document
from workflow_service.service import Service
from workflow_service.views.documents import document_view

bp = Blueprint("documents", __name__)

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}


class Upload(fields.Field[FileStorage]):
    """A file of a multipart form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise ValidationError("Not a file.")
        return value


class DocumentGiven(Shape):
    """A paper: its kind, and the file as JPG, PNG or PDF."""

    kind = Text(required=True, least=1, most=60)
    file = Upload(required=True)


class DocumentShown(Shown):
    """A paper that lies with a request; the ETag is the request's."""

    id = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)


def _may_upload(call: Call) -> None:
    row, plan, facts = call.found
    if not row["final"] and not may_upload(plan, facts):
        raise Problem(403, "forbidden", "材料由办理本环节的单位上传 / Only the unit whose step it is uploads.")
    # A body that is larger than any paper may be is refused by its announced length, before it is read.
    limit = plan.definition.document_limit
    request.max_content_length = limit + FORM_MOST
    if (request.content_length or 0) > limit + FORM_MOST:
        raise too_large(limit)


def _inspect(call: Call) -> None:
    """413 and 415 by content, before the form's other fields are judged."""
    assert call.file is not None
    definition = call.found[1].definition
    inspect(call.file.stream, definition.document_limit, frozenset(definition.document_types))
    call.file.stream.seek(0)


def _shown(call: Call, document_id: int) -> Answer:
    query = (
        select(*RequestDocument.__table__.c, Request.version.label("request_version"))
        .join(Request, Request.id == RequestDocument.request_id)
        .where(RequestDocument.id == document_id)
    )
    with reading(call.service.engine) as connection:
        row = connection.execute(query).one()
    return Answer({**document_view(row), "request_id": str(row.request_id)}, 201, row.request_version)


@operation(
    bp, "POST", "/requests/<request_id>/documents", summary="Upload a paper / 上传材料", find=find_request,
    may=_may_upload, form=DocumentGiven, inspect=_inspect, answers=DocumentShown, status=201, roles=DECIDERS,
    show=_shown, location="/api/v1/documents", responses=(409, 507),
)  # fmt: skip
def post_document(call: Call) -> int:
    """The paper; judged by content, stored before its row, never overwritten."""
    file = call.body["file"]
    return add_document(
        call.service, call.found[0]["id"], call.actor, call.body["kind"], file.stream, _name(file), call.key
    )


def _name(file: FileStorage) -> str:
    """The client's name for the file, shown and never used as a path."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in name if c.isprintable())
    return plain.encode("utf-8", "ignore").decode()[:200] or "未命名"


@operation(
    bp, "DELETE", "/requests/<request_id>/documents/<document_id>", summary="Remove a paper / 移除材料",
    find=find_request, answers=None, status=204, roles=DECIDERS, responses=(409,),
)  # fmt: skip
def delete_document(call: Call) -> Answer:
    """While draft or returned; the ETag is the request's new version."""
    assert request.view_args is not None
    document_id = parse_id(request.view_args["document_id"])
    if document_id is None:
        raise NotFound
    request_id = call.found[0]["id"]
    remove_document(call.service, request_id, document_id, call.actor)
    with reading(call.service.engine) as connection:
        version = connection.execute(select(Request.version).where(Request.id == request_id)).scalar_one()
    return Answer(status=204, version=version)


def _find_document(service: Service, actor: Actor, document_id: str) -> Any:
    return open_document(service, located(parse_id(document_id)), actor)


@operation(
    bp, "GET", "/documents/<document_id>", summary="The file / 材料文件", find=_find_document, answers=None,
    produces="application/octet-stream",
)  # fmt: skip
def get_document(call: Call) -> Response:
    """The file as an attachment, whole and checked against its hash; never shown inside a page of ours."""
    row, stream = call.found
    response = send_file(stream, mimetype=row.media_type, etag=row.sha256, max_age=0)
    response.content_length = row.size
    # The suffix is the content's: a .html in the client's name must not decide how a browser opens it.
    name = row.name.rsplit(".", 1)[0] + SUFFIXES.get(row.media_type, ".bin")
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "no-store"
    return response
