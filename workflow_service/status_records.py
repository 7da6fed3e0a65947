"""The whole record of a student on one sheet (学籍卡): what pupils and parents may query, issued as a numbered paper.

SCH-04 names four groups of data, SCH-07 and HB-03 who may ask. Numbers and phones are masked on it: whoever holds the
sheet knows them, and whoever finds it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from states.kinds import SECTIONS
from states.vocabulary import DATA_FACTS
from workflow_service.actors import Actor
from workflow_service.crypto import mask_number, mask_phone
from workflow_service.db import reading, run_tx
from workflow_service.errors import Forbidden
from workflow_service.ids import bucket_of
from workflow_service.models import AccessLog, Account, Guardian, Organization, Paper, RegisterEntry, Student
from workflow_service.models.columns import iso
from workflow_service.papers import code_of, number_of_paper
from workflow_service.photographs import PHOTO
from workflow_service.roster.headings import RELATIONS
from workflow_service.sealed import shown
from workflow_service.views.student_time import student_history
from workflow_service.views.students import find_student, student_view

if TYPE_CHECKING:
    from workflow_service.service import Service

KIND = "status_record"
RESULTS = ("result", "evaluation", "award", "sanction")
"""Sections that stand on the record by themselves; a withdrawn or corrected entry is left out."""


def may_issue_record(actor: Actor, row: Any) -> bool:
    """Whether the asker issues the record of this student: the registrar of the school that keeps it."""
    return "registrar" in actor.roles and bool(row.school_id == actor.organization_id)


def issue_record(service: Service, actor: Actor, student_id: int) -> int:
    """Number a record anew: it says how things stand on its day. The paper's id. Raises NotFound, Forbidden."""
    row = find_student(service, actor, student_id)
    if not may_issue_record(actor, row):
        raise Forbidden("学籍卡由学籍所在学校的学籍管理员出具 / the registrar of the student's school issues it")
    bucket, at = bucket_of(student_id), service.clocks.legal()
    paper_id = service.ids.new(bucket)
    number = number_of_paper(at, KIND, paper_id)
    paper = {"id": paper_id, "request_id": None, "student_id": student_id, "kind": KIND, "number": number,
             "code": code_of(service, paper_id, KIND), "issued_at": at, "issued_by": actor.account_id}  # fmt: skip
    entry = {"id": service.ids.new(bucket), "at": at, "recorded_at": service.clocks.real(),
             "account_id": actor.account_id, "action": "issue_record", "object_id": student_id, "purpose": None,
             "detail": number}  # fmt: skip

    def write(connection: Connection) -> None:
        connection.execute(insert(Paper), paper)
        connection.execute(insert(AccessLog), entry)

    run_tx(service.engine, write)
    return paper_id


def record_view(service: Service, actor: Actor, student_id: int) -> dict[str, Any]:
    """The record as it stands, and the paper that was issued last. Raises NotFound out of scope."""
    row = find_student(service, actor, student_id)
    with reading(service.engine) as connection:
        student = connection.execute(select(Student.__table__).where(Student.id == student_id)).one()
        guardians = [_guardian(service, one) for one in connection.execute(
            select(Guardian.__table__).where(Guardian.student_id == student_id).order_by(Guardian.id))]  # fmt: skip
        entries = connection.execute(
            select(RegisterEntry.__table__).where(RegisterEntry.student_id == student_id)
            .order_by(RegisterEntry.valid_from, RegisterEntry.id)).all()  # fmt: skip
        paper = _paper(connection, student_id)
    stored = student.identity_number
    identity = mask_number(service.cipher.decrypt(stored, "student.identity_number")) if stored else None
    return {
        "student": student_view(service, row), "former_name": student.former_name, "sex": student.sex,
        "birth_date": student.birth_date.isoformat(), "identity_type": student.identity_type,
        "identity_number": identity, "photographed": PHOTO in student.profile, "local_code": student.local_code,
        "profile": _profile(service, student.profile), "guardians": guardians,
        "history": student_history(service, student_id), "paper": paper,
        "results": [_result(one) for one in entries if one.section in RESULTS and one.ended_at is None],
        "matters": [_matter(one) for one in entries if one.section not in RESULTS],
    }  # fmt: skip


def _profile(service: Service, profile: Mapping[str, Any]) -> list[dict[str, str]]:
    """The basic data by their names; choices and yes or no as words."""
    found = []
    for name, value in shown(service, profile).items():
        kind = DATA_FACTS.get(name)
        if kind is None or value in (None, ""):
            continue
        words = {choice: (zh, en) for choice, zh, en in kind.choices} | {True: ("是", "yes"), False: ("否", "no")}
        zh, en = words.get(value, (str(value), str(value)))
        found.append({"label": kind.label, "label_en": kind.label_en, "value": zh, "value_en": en})
    return found


def _guardian(service: Service, row: Any) -> dict[str, Any]:
    """A guardian, with the relation in words; one that no code table names stands as it was given."""
    columns = ("name", "phone", "birth_date", "identity_number", "education", "occupation")
    found = {column: service.cipher.decrypt(stored, f"guardian.{column}") if stored else None
             for column, stored in ((column, getattr(row, column)) for column in columns)}  # fmt: skip
    if found["phone"]:
        found["phone"] = mask_phone(found["phone"])
    if found["identity_number"]:
        found["identity_number"] = mask_number(found["identity_number"])
    return {**found, "relation": RELATIONS.get(row.relation, row.relation)}


def _result(row: Any) -> dict[str, Any]:
    return {**_matter(row), "of": row.data.get("entry_of"), "term": row.data.get("entry_term"),
            "value": row.data.get("entry_value")}  # fmt: skip


def _matter(row: Any) -> dict[str, Any]:
    label, label_en = SECTIONS[row.section]
    return {"id": str(row.id), "section": row.section, "label": label, "label_en": label_en,
            "from": row.valid_from.isoformat(), "to": row.valid_to.isoformat() if row.valid_to else None}  # fmt: skip


def _paper(connection: Connection, student_id: int) -> dict[str, Any] | None:
    found = connection.execute(
        select(Paper.number, Paper.code, Paper.issued_at, Account.name.label("by"), Organization.name.label("issuer"))
        .join(Account, Account.id == Paper.issued_by).join(Organization, Organization.id == Account.organization_id)
        .where(Paper.student_id == student_id, Paper.kind == KIND).order_by(Paper.issued_at.desc(), Paper.id.desc())
        .limit(1)).one_or_none()  # fmt: skip
    if found is None:
        return None
    return {"number": found.number, "code": found.code, "issued_at": iso(found.issued_at), "issued_by": found.by,
            "issuer": found.issuer}  # fmt: skip
