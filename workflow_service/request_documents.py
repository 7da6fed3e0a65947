"""The documents of a request (材料): who may add or remove one when, and the file before the row."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import Connection, insert, select, update

from states.decide import out_of_place, time_over
from states.facts import Facts
from states.plan import Plan
from states.verdict import No, Reason
from states.vocabulary import DOCUMENT_KINDS
from workflow_service.actors import Actor
from workflow_service.db import reading, run_tx
from workflow_service.documents.content import Unacceptable, inspect
from workflow_service.errors import Blocked, Contended, Forbidden, Invalid, NotFound
from workflow_service.facts import Row, gather
from workflow_service.keys import Key, claim_key
from workflow_service.models import RequestDocument
from workflow_service.photographs import PHOTO, PICTURES
from workflow_service.requests import bump

if TYPE_CHECKING:
    from workflow_service.service import Service

ATTEMPTS = 4
MOST_FILES = 60  # of one request: a family's whole folder fits, a full disk by accident does not.


def may_upload(plan: Plan, facts: Facts) -> bool:
    """Whether the asker's unit owns the step (材料由本环节单位上传): the starter while it is a draft or returned."""
    if not facts.roles & {"registrar", "principal"}:
        return False
    step = plan.step(facts.state)
    if step is None:
        return facts.state in ("draft", "returned") and plan.route.starter in facts.units
    return bool(facts.units & frozenset(step.holders))


def add_document(
    service: Service, request_id: int, actor: Actor, kind: str, stream: BinaryIO, name: str, key: Key | None = None
) -> int:
    """Store a file and its row and give the document's id; the request's version moves.

    Raises NotFound, Forbidden, `Invalid`, Blocked, `Unacceptable` (413, 415, 422), `StoreFull` (507), Contended.
    The file is complete on disk before the row exists: a row never points to nothing.
    """
    row, plan, facts = gather(service, request_id, actor)
    _check_upload(row, plan, facts)
    if kind not in DOCUMENT_KINDS:
        asked = ", ".join(sorted({each for need in plan.requirements for bundle in need.any_of for each in bundle}))
        message = f"没有这种材料；本业务要求的有：{asked} / unknown document kind {kind}; what is asked for: {asked}"
        raise Invalid([{"field": "kind", "message": message}])
    limit = plan.definition.document_limit
    content = stream.read(limit + 1)
    found = inspect(content, limit)
    if found.media_type not in plan.definition.document_types:
        raise Unacceptable(415, "document_kind", "本业务不接受此类文件", "this kind of file is not accepted here")
    if kind == PHOTO and found.media_type not in PICTURES:
        raise Unacceptable(415, "document_kind", "照片须为 JPG 或 PNG 图片，不能是 PDF。",
                           "A photograph is a JPG or PNG picture, not a PDF.")  # fmt: skip
    stored = service.store.put(BytesIO(content), limit)
    document_id = service.ids.new(row["bucket"])
    micros = service.clocks.legal()
    values = {
        "id": document_id, "bucket": row["bucket"], "request_id": request_id, "kind": kind, "name": name[:200],
        "media_type": found.media_type, "size": stored.size, "sha256": stored.sha256,
        "organization_id": actor.organization_id, "account_id": actor.account_id, "uploaded_at": micros,
    }  # fmt: skip
    details = {"document": str(document_id), "kind": kind, "sha256": stored.sha256}

    def write(connection: Connection) -> bool:
        if not bump(service, connection, row, actor, "add_document", micros, details):
            return False
        connection.execute(insert(RequestDocument), values)
        if key is not None:
            claim_key(connection, actor, key, document_id, service.clocks.real())
        return True

    for _ in range(ATTEMPTS):
        if run_tx(service.engine, write):
            return document_id
        row, plan, facts = gather(service, request_id, actor)
        _check_upload(row, plan, facts)
    raise Contended("the request kept changing while the document was added")


def _check_upload(row: Row, plan: Plan, facts: Facts) -> None:
    if row["state"] in ("completed", "rejected", "recalled", "expired"):
        raise Blocked("业务已结束，不能再交材料 / the request has ended",
                      (out_of_place(plan, row["state"], "上传材料", "no document is added"),))  # fmt: skip
    if not may_upload(plan, facts):
        raise Forbidden("材料由办理本环节的单位上传 / only the unit whose step it is uploads")
    if over := time_over(plan, facts):
        raise Blocked("期限已届满，不能再交材料 / the time has run out", over)
    if row["documents"] and row["documents"].count(",") + 1 >= MOST_FILES:
        full = No(f"材料已达 {MOST_FILES} 份", f"There are {MOST_FILES} files already.")
        raise Blocked(f"{full.message} / {full.message_en}", (Reason(plan.definition.missing_papers, full),))


def _document(service: Service, document_id: int) -> Any:
    with reading(service.engine) as connection:
        found = connection.execute(
            select(RequestDocument.id, RequestDocument.request_id, RequestDocument.kind, RequestDocument.name,
                   RequestDocument.media_type, RequestDocument.size, RequestDocument.sha256, RequestDocument.removed_at,
                   RequestDocument.organization_id).where(RequestDocument.id == document_id)).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound()
    return found


def remove_document(service: Service, request_id: int, document_id: int, actor: Actor) -> None:
    """Take a document out of a draft or a returned request; row and file stay, only the request no longer shows it."""
    document = _document(service, document_id)
    if document.request_id != request_id or document.removed_at is not None:
        raise NotFound()
    for _ in range(ATTEMPTS):
        row, plan, facts = gather(service, request_id, actor)
        if document.organization_id != actor.organization_id:
            raise Forbidden("只有上传单位可以移除 / only the unit that uploaded it removes it")
        if row["state"] not in ("draft", "returned"):
            raise Blocked(
                "草稿或退回补正时才能移除材料 / documents are removed only from a draft or a returned request",
                (out_of_place(plan, row["state"], "移除材料", "no document is removed"),),
            )
        if over := time_over(plan, facts):
            raise Blocked("期限已届满，不能再移除材料 / the time has run out", over)
        micros = service.clocks.legal()
        details = {"document": str(document_id), "kind": document.kind}
        if run_tx(service.engine, partial(_remove, service, row, actor, document_id, micros, details)):
            return
    raise Contended("the request kept changing while the document was removed")


def _remove(service: Service, row: Row, actor: Actor, document_id: int, micros: int, details: dict[str, str],
            connection: Connection) -> bool:  # fmt: skip
    if not bump(service, connection, row, actor, "remove_document", micros, details):
        return False
    connection.execute(update(RequestDocument).where(RequestDocument.id == document_id).values(removed_at=micros))
    return True


def open_document(service: Service, document_id: int, actor: Actor) -> tuple[Any, BinaryIO]:
    """(row, verified stream) of a document, to those who may see its request. Raises NotFound.

    What was taken out is still there for the auditor only.
    """
    document = _document(service, document_id)
    if document.removed_at is not None and "auditor" not in actor.roles:
        raise NotFound()
    gather(service, document.request_id, actor)
    return document, service.store.open(document.sha256)
