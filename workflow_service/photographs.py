"""The photograph of a pupil (数码照片): a paper of some request, which the profile names from completion on (SY-09).

The file stays the document's and lies in the store under its SHA-256; the profile keeps nothing but that.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import select

from workflow_service.before_image import student_columns
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Request, RequestDocument
from workflow_service.models.columns import dumps

if TYPE_CHECKING:
    from workflow_service.completion import Completing, Effect
    from workflow_service.service import Service

PHOTO: Final = "photo"
"""The kind of the paper, and the name under which the profile keeps its SHA-256."""
PICTURES: Final = ("image/jpeg", "image/png")
"""What a photograph may be: a page shows it, and no browser shows a PDF as a picture."""


class Photograph(NamedTuple):
    """A picture as it is shown."""

    sha256: str
    media_type: str
    content: bytes


def with_photograph(completing: Completing, own: Effect) -> Effect:
    """What the kind itself does, and the request's newest photograph in the profile."""
    newest = (
        select(RequestDocument.sha256)
        .where(RequestDocument.request_id == completing.row["id"], RequestDocument.kind == PHOTO,
               RequestDocument.removed_at.is_(None))
        .order_by(RequestDocument.uploaded_at.desc(), RequestDocument.id.desc())
        .limit(1)
    )  # fmt: skip
    with reading(completing.service.engine) as connection:
        sha256 = connection.execute(newest).scalar()
        before = student_columns(connection, completing.row["student_id"], ("profile",))["profile"]
    if sha256 is None:
        # It was taken out since the facts were read: the request's version has moved, and all is decided again.
        return own
    profile = json.loads(own.columns["profile"]) if "profile" in own.columns else before
    return replace(
        own,
        columns={**own.columns, "profile": dumps({**profile, PHOTO: sha256})},
        details={**own.details, "fields": [*own.details.get("fields", ()), PHOTO]},
    )


def open_photograph(service: Service, student: Any) -> Photograph:
    """The photograph of a student whose row `find_student` has found in the asker's scope.

    Raises NotFound where the record has none, Damaged where its file was altered.
    """
    document = (
        select(RequestDocument.sha256, RequestDocument.media_type)
        .join(Request, Request.id == RequestDocument.request_id)
        .where(Request.student_id == student.id, RequestDocument.removed_at.is_(None),
               RequestDocument.kind == PHOTO, RequestDocument.sha256 == student.profile.get(PHOTO))
        .limit(1)
    )  # fmt: skip
    with reading(service.engine) as connection:
        found = connection.execute(document).one_or_none()
    if found is None:
        raise NotFound
    with service.store.open(found.sha256) as file:
        return Photograph(found.sha256, found.media_type, file.read())
