"""Papers that a request gives (文书): numbered when they are first printed, found again by the code on them.

NJ-13 (转学证与回执), TR-04 (转学申请表), TR-05 (就学联系函). Certificates (毕业证书、结业证书、肄业证明) come with the
completion itself (`certificates`); their proof (学历证明书) stands in for one that was lost. The same paper of the same
request is one paper, however often it is printed; the stamped scan is uploaded by the unit that issued it.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, case, insert, select

from workflow_service.actors import Actor
from workflow_service.crypto import mask_number
from workflow_service.db import reading, run_tx
from workflow_service.errors import Forbidden, NotFound
from workflow_service.facts import Row, gather
from workflow_service.models import (
    AccessLog,
    Account,
    Enrolment,
    Organization,
    Paper,
    RegisterEntry,
    Request,
    SchoolClass,
    Student,
)
from workflow_service.models.columns import from_micros, iso
from workflow_service.sql.errors import is_unique_violation

if TYPE_CHECKING:
    from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class PaperKind:
    """A paper: its name, the letters its number begins with, the unit that issues it, and the rule that asks for it.

    `of`: the kinds of request that give it. `certificate`: it comes with the completion and is never printed before.
    `done`: only a completed request gives it; `ground`: only one with this ground.
    """

    label: str
    label_en: str
    prefix: str
    unit: str
    rule: str
    of: tuple[str, ...] = ("transfer",)
    certificate: bool = False
    done: bool = False
    ground: str = ""


_GRADUATIONS = ("graduation", "early_graduation")
PAPERS = {
    "transfer_application_form": PaperKind(
        "转学申请表", "Transfer application form", "ZS", "destination_school", "TR-04"
    ),
    "transfer_certificate": PaperKind(
        "转学证（存根、正本、回执）", "Transfer certificate with receipt", "ZZ", "origin_school", "NJ-13"
    ),
    "schooling_contact_letter": PaperKind("就学联系函", "Schooling contact letter", "LX", "origin_bureau", "TR-05"),
    "graduation_certificate": PaperKind(
        "毕业证书", "Graduation certificate", "", "school", "SYS-49", _GRADUATIONS, certificate=True
    ),
    "finishing_certificate": PaperKind(
        "结业证书", "Certificate of finishing", "", "school", "SYS-49", ("finishing_without_diploma",), certificate=True
    ),
    "leaving_certificate": PaperKind(
        "肄业证明", "Certificate of study", "", "school", "SYS-49", ("leaving_with_record",), certificate=True
    ),
    "credential_proof": PaperKind(
        "学历证明书", "Proof of a credential", "XL", "school", "WS-76", (*_GRADUATIONS, "finishing_without_diploma"),
        done=True,
    ),
    "objection_answer": PaperKind(
        "申诉答复书", "Answer to an objection", "SD", "school", "HB-03", ("objection",), done=True,
        ground="about_record",
    ),
    "objection_decision": PaperKind(
        "申诉处理决定书", "Decision on an objection", "SJ", "bureau", "WS-98", ("objection",), done=True,
        ground="about_decision",
    ),
    "status_record": PaperKind("学籍卡（基础信息）", "Status record", "XK", "school", "SCH-07", ()),
}  # fmt: skip
OWN_NUMBER = ("transfer_certificate", "graduation_certificate", "finishing_certificate", "leaving_certificate",
              "credential_proof")  # fmt: skip
"""Papers on which the school that issues them prints the whole student number."""


def may_issue(row: Row, actor: Actor, kind: str) -> bool:
    """Whether the asker's unit issues this paper: each is one unit's alone, and its registrar's."""
    paper = PAPERS[kind]
    if row["kind"] not in paper.of or paper.certificate or (paper.done and row["state"] != "completed"):
        return False
    if paper.ground and row["ground"] != paper.ground:
        return False
    return "registrar" in actor.roles and _issues(row, actor, kind)


def _issues(row: Row, actor: Actor, kind: str) -> bool:
    return bool(row["units"].get(PAPERS[kind].unit, (None,))[0] == actor.organization_id)


def issue_paper(service: Service, request_id: int, actor: Actor, kind: str) -> int:
    """Number a paper of a request, once; its id. Raises NotFound, Forbidden."""
    if kind not in PAPERS:
        raise NotFound
    row, _plan, _facts = gather(service, request_id, actor)
    if not may_issue(row, actor, kind):
        raise Forbidden("此文书由另一单位出具 / another unit issues this paper")
    if PAPERS[kind].done and _void(service, request_id):
        raise Forbidden("毕业已回退，不再出具 / the graduation was undone")
    known = _paper(service, request_id, kind)
    if known is not None:
        return int(known.id)
    at, paper_id = service.clocks.legal(), service.ids.new(row["bucket"])
    values = {
        "id": paper_id, "request_id": request_id, "kind": kind, "number": number_of_paper(at, kind, paper_id),
        "code": code_of(service, request_id, kind), "issued_at": at, "issued_by": actor.account_id,
    }  # fmt: skip
    entry = {
        "id": service.ids.new(row["bucket"]), "at": at, "recorded_at": service.clocks.real(),
        "account_id": actor.account_id, "action": "issue_paper", "object_id": request_id, "purpose": None,
        "detail": values["number"],
    }  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(Paper), values)
        connection.execute(insert(AccessLog), entry)

    try:
        run_tx(service.engine, write)
    except Exception as error:
        # Two prints at the same time: one paper, and both show it.
        known = _paper(service, request_id, kind) if is_unique_violation(getattr(error, "orig", error)) else None
        if known is None:
            raise
        return int(known.id)
    return paper_id


def papers_of(service: Service, request_id: int, actor: Actor) -> list[dict[str, Any]]:
    """What may be printed of a request: every paper that was issued, and those the asker may issue."""
    row, _plan, _facts = gather(service, request_id, actor)
    found = []
    for kind, paper in PAPERS.items():
        if row["kind"] not in paper.of:
            continue
        known = _paper(service, request_id, kind)
        may = may_issue(row, actor, kind) and not (paper.done and _void(service, request_id))
        if known is not None or may:
            number = None if known is None else known.number
            found.append(
                {"kind": kind, "label": paper.label, "label_en": paper.label_en, "number": number, "may_issue": may}
            )
    return found


def paper_view(service: Service, request_id: int, actor: Actor, kind: str) -> dict[str, Any]:
    """An issued paper and what stands on it. Raises NotFound.

    The whole student number stands on the certificate that its own school prints; everybody else sees it masked.
    """
    row, _plan, _facts = gather(service, request_id, actor)
    known = _paper(service, request_id, kind)
    if known is None:
        raise NotFound
    whole = kind in OWN_NUMBER and _issues(row, actor, kind)
    return {
        "kind": kind, "number": known.number, "code": known.code, "issued_at": iso(known.issued_at),
        "issuer": known.issuer, "issued_by": known.by, "rule": PAPERS[kind].rule, "label": PAPERS[kind].label,
        "label_en": PAPERS[kind].label_en, "student": _student(service, request_id, whole=whole),
        "data": row["data"], "stage": row["class_stage"] or row["stage"], "void": _void(service, request_id),
    }  # fmt: skip


def void_since(connection: Connection, request_id: int) -> int | None:
    """When the certificate of a request was taken back by an undone graduation, microseconds; None where it stands.

    The undoing may be reversed itself: the certificate has an entry for each time that it stood.
    """
    ended: int | None = connection.execute(
        select(RegisterEntry.ended_at)
        .where(RegisterEntry.request_id == request_id, RegisterEntry.section == "credential")
        .order_by(RegisterEntry.ended_at.is_not(None), RegisterEntry.ended_at.desc()).limit(1)).scalar()  # fmt: skip
    return ended


def _void(service: Service, request_id: int) -> bool:
    with reading(service.engine) as connection:
        return void_since(connection, request_id) is not None


def _paper(service: Service, request_id: int, kind: str) -> Any:
    query = (
        select(Paper.id, Paper.number, Paper.code, Paper.issued_at, Account.name.label("by"),
               Organization.name.label("issuer"), Organization.id.label("issuer_id"))
        .join(Account, Account.id == Paper.issued_by)
        .join(Organization, Organization.id == Account.organization_id)
        .where(Paper.request_id == request_id, Paper.kind == kind)
    )  # fmt: skip
    with reading(service.engine) as connection:
        return connection.execute(query).one_or_none()


def _student(service: Service, request_id: int, *, whole: bool) -> dict[str, Any]:
    """What a paper says of the student, as the origin's enrolment has it: the one that the request moves."""
    query = (
        select(Student.name, Student.sex, Student.birth_date, Student.student_number,
               SchoolClass.name.label("class_name"), Enrolment.valid_from, Enrolment.valid_to)
        .join(Request, Request.student_id == Student.id)
        .join(Enrolment, (Enrolment.student_id == Student.id) & (Enrolment.school_id == Request.origin_school_id))
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Request.id == request_id)
        .order_by(case((Enrolment.end_request_id == request_id, 0), else_=1), Enrolment.valid_from.desc())
        .limit(1)
    )  # fmt: skip
    with reading(service.engine) as connection:
        row = connection.execute(query).one()
    number = (
        None if row.student_number is None else service.cipher.decrypt(row.student_number, "student.student_number")
    )
    born: date = row.birth_date
    return {
        "name": row.name, "sex": row.sex, "birth_date": born.isoformat(), "class": row.class_name,
        "from": row.valid_from.isoformat(), "to": row.valid_to.isoformat() if row.valid_to else None,
        "student_number": number if whole or number is None else mask_number(number),
    }  # fmt: skip


def number_of_paper(at: int, kind: str, paper_id: int) -> str:
    """The number on the paper: kind, year, and the last digits of its id in base 36."""
    digits, rest = "", paper_id & ((1 << 41) - 1)
    for _ in range(8):
        rest, digit = divmod(rest, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return f"{PAPERS[kind].prefix}{from_micros(at).year}-{digits}"


def code_of(service: Service, request_id: int, kind: str) -> str:
    """The code to verify it by: unguessable without the service's key, and short enough to be typed."""
    mark = hmac.digest(service.settings.secret_key.encode(), f"paper:{request_id}:{kind}".encode(), "sha256")
    return base64.b32encode(mark[:10]).decode()
