"""Pairs of records that may be one person, as they are shown (查重): masked, side by side, with what each may do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select
from sqlalchemy.orm import aliased

from states.calendar import grade_of
from states.duplicates import OUTCOME_LABELS, Party, Side, disagree
from states.student_status import STATUSES
from workflow_service.actors import Actor
from workflow_service.boxes import BadCursor
from workflow_service.crypto import mask_name, mask_number
from workflow_service.db import reading
from workflow_service.duplicates.deciding import speaker
from workflow_service.duplicates.merging import check_undoer, remaining
from workflow_service.duplicates.parts import needed_by, pair_in_scope, pairs_in_scope, said, sides_of, words_of
from workflow_service.errors import Forbidden
from workflow_service.models import (
    DuplicatePair,
    Enrolment,
    Guardian,
    Organization,
    Request,
    SchoolClass,
    Student,
    StudentMerge,
)
from workflow_service.models.columns import iso
from workflow_service.roster.headings import RELATIONS
from workflow_service.service import Service
from workflow_service.views.reasons import reason_view
from workflow_service.views.students import STATUS_LABELS, student_history

KIND_LABELS = {
    "same_number": ("证件号相同", "Same number"),
    "near_number": ("证件号相近", "Nearly the same number"),
    "same_name": ("姓名、生日相同或相近", "Same or similar name and birth date"),
}
_CURSOR = re.compile(r"(\d{1,3})-(\d{1,19})", re.ASCII)
_MOST_MARKED = 3
"""Places that are marked; two numbers that differ in more were not mistyped for one another."""


@dataclass(frozen=True, slots=True)
class WantedPairs:
    """What a list of pairs asks for; None does not restrict."""

    state: str | None = None
    kind: str | None = None
    student_id: int | None = None


def list_pairs(
    service: Service, actor: Actor, wanted: WantedPairs, limit: int, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Pairs in scope, the strongest first, and the cursor of the next page (None at the end). Raises BadCursor."""
    query = _rows().where(*_predicates(actor, wanted))
    if cursor is not None:
        strength, after = _read_cursor(cursor)
        further = (DuplicatePair.strength == strength) & (DuplicatePair.id > after)
        query = query.where(or_(DuplicatePair.strength < strength, further))
    with reading(service.engine) as connection:
        rows = connection.execute(
            query.order_by(DuplicatePair.strength.desc(), DuplicatePair.id).limit(limit + 1)
        ).all()
    shown = [_row_view(row) for row in rows[:limit]]
    return shown, f"{rows[limit - 1].strength}-{rows[limit - 1].id}" if len(rows) > limit else None


def count_pairs(service: Service, actor: Actor, wanted: WantedPairs) -> int:
    """How many `list_pairs` gives in all."""
    query = select(func.count()).select_from(DuplicatePair).where(*_predicates(actor, wanted))
    with reading(service.engine) as connection:
        return connection.execute(query).scalar_one()


def pair_view(service: Service, actor: Actor, pair_id: int) -> dict[str, Any]:
    """One pair: both records, the reasons, whose words are needed and what was said. Raises NotFound."""
    with reading(service.engine) as connection:
        pair = pair_in_scope(connection, actor, pair_id)
        row = connection.execute(_rows().where(DuplicatePair.id == pair_id)).one()
        sides = sides_of(connection, pair)
        numbers = [_number(service, connection, id_) for id_ in (pair.first_id, pair.second_id)]
        marked = _places(*numbers)
        records = [
            _record(service, connection, actor, side, number, marked)
            for side, number in zip(sides, numbers, strict=True)
        ]
        return {
            **_row_view(row), "records": records, "parties": _parties(connection, pair, sides),
            "words": [_word(word) for word in said(connection, pair)], "differing_places": marked,
            "may_decide": _may(connection, actor, pair, sides), "may_undo": _may_undo(connection, actor, pair),
        }  # fmt: skip


def _predicates(actor: Actor, wanted: WantedPairs) -> list[ColumnElement[bool]]:
    found = [pairs_in_scope(actor)]
    if wanted.state is not None:
        found.append(DuplicatePair.state == wanted.state)
    if wanted.kind is not None:
        found.append(DuplicatePair.kind == wanted.kind)
    if wanted.student_id is not None:
        found.append(or_(DuplicatePair.first_id == wanted.student_id, DuplicatePair.second_id == wanted.student_id))
    return found


def _rows() -> Select[*tuple[Any, ...]]:
    first, second = aliased(Student), aliased(Student)
    here, there = aliased(Organization), aliased(Organization)
    return (
        select(
            DuplicatePair.__table__, first.name.label("first_name"), second.name.label("second_name"),
            here.code.label("first_code"), here.name.label("first_school"), there.code.label("second_code"),
            there.name.label("second_school"),
        )
        .join(first, first.id == DuplicatePair.first_id)
        .join(second, second.id == DuplicatePair.second_id)
        .join(here, here.id == DuplicatePair.first_school_id)
        .join(there, there.id == DuplicatePair.second_school_id)
    )  # fmt: skip


def _row_view(row: Any) -> dict[str, Any]:
    kind, kind_en = KIND_LABELS[row.kind]
    outcome, outcome_en = OUTCOME_LABELS.get(row.outcome or "", (None, None))
    return {
        "id": str(row.id), "kind": row.kind, "kind_label": kind, "kind_label_en": kind_en, "state": row.state,
        "outcome": row.outcome, "outcome_label": outcome, "outcome_label_en": outcome_en, "strength": row.strength,
        "reasons": row.reasons, "version": row.version, "found_at": iso(row.found_at), "found_by": row.found_by,
        "decided_at": iso(row.decided_at), "request_id": None if row.request_id is None else str(row.request_id),
        "student_id": None if row.subject_id is None else str(row.subject_id),
        "students": [
            {"id": str(row.first_id), "name": row.first_name,
             "school": {"id": str(row.first_school_id), "code": row.first_code, "name": row.first_school}},
            {"id": str(row.second_id), "name": row.second_name,
             "school": {"id": str(row.second_school_id), "code": row.second_code, "name": row.second_school}},
        ],
    }  # fmt: skip


def _record(
    service: Service, connection: Connection, actor: Actor, side: Side, number: str | None, marked: Sequence[int]
) -> dict[str, Any]:
    """One of the two records: what is compared, and its past, which a merge leaves readable."""
    row = connection.execute(select(Student.__table__).where(Student.id == side.student_id)).one()
    student_number = row.student_number and service.cipher.decrypt(row.student_number, "student.student_number")
    kept = remaining(connection, row.id)
    place = _place(connection, row.id)
    return {
        "id": str(row.id), "name": row.name, "former_name": row.former_name, "sex": row.sex,
        "birth_date": row.birth_date.isoformat(), "identity_type": row.identity_type,
        "identity_number": None if number is None else mask_number(number),
        "identity_parts": _parts(number, marked),
        "student_number": None if not student_number else mask_number(student_number),
        "status": row.status, "status_label": STATUS_LABELS[row.status],
        "status_label_en": STATUSES[row.status].label_en, "problem": row.problem,
        "school": {"id": str(side.school_id), "code": place.code, "name": place.name}, "class": place.class_name,
        "grade": grade_of(place.first_grade, place.entered_year, service.clocks.now().date()),
        "guardians": _guardians(service, connection, row.id), "since": place.valid_from.isoformat(),
        "merged_into": None if kept == row.id else str(kept),
        "in_scope": place.path.startswith(actor.path), "history": student_history(service, row.id)[::-1],
        "requests": _requests(connection, row.id),
    }  # fmt: skip


def _place(connection: Connection, student_id: int) -> Any:
    return connection.execute(
        select(Organization.code, Organization.name, Organization.path, SchoolClass.name.label("class_name"),
               SchoolClass.first_grade, SchoolClass.entered_year, Enrolment.valid_from)
        .join_from(Enrolment, Organization, Organization.id == Enrolment.school_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .where(Enrolment.student_id == student_id)
        .order_by(Enrolment.ended_at.is_not(None), Enrolment.recorded_at.desc())
        .limit(1)
    ).one()  # fmt: skip


def _requests(connection: Connection, student_id: int) -> list[dict[str, Any]]:
    query = (
        select(Request.id, Request.number, Request.kind, Request.state)
        .where(Request.student_id == student_id, Request.state != "draft")
        .order_by(Request.id)
    )
    return [{"id": str(r.id), "number": r.number, "kind": r.kind, "state": r.state} for r in connection.execute(query)]


def _guardians(service: Service, connection: Connection, student_id: int) -> list[dict[str, str]]:
    query = select(Guardian.relation, Guardian.name).where(Guardian.student_id == student_id).order_by(Guardian.id)
    return [
        {
            "relation": RELATIONS.get(row.relation, row.relation),
            "name": mask_name(service.cipher.decrypt(row.name, "guardian.name")),
        }
        for row in connection.execute(query)
    ]


def _number(service: Service, connection: Connection, student_id: int) -> str | None:
    stored = connection.execute(select(Student.identity_number).where(Student.id == student_id)).scalar_one()
    return None if stored is None else service.cipher.decrypt(stored, "student.identity_number")


def _places(first: str | None, second: str | None) -> list[int]:
    """The places, from 1, at which two numbers of one length differ, when they are few."""
    if not first or not second or len(first) != len(second):
        return []
    places = [at for at, (mine, theirs) in enumerate(zip(first, second, strict=True), 1) if mine != theirs]
    return places if len(places) <= _MOST_MARKED else []


def _parts(number: str | None, marked: Sequence[int]) -> list[dict[str, Any]]:
    """The masked number, character by character, with the differing places marked: no digit is shown for it."""
    shown = mask_number(number) if number else ""
    return [{"text": character, "differs": at in marked} for at, character in enumerate(shown, 1)]


def _parties(connection: Connection, pair: Any, sides: tuple[Side, Side]) -> list[dict[str, Any]]:
    words = words_of(connection, pair)
    needed = needed_by(*sides)
    names = {
        row.id: row.name
        for row in connection.execute(
            select(Organization.id, Organization.name).where(Organization.id.in_([p.organization_id for p in needed]))
        )
    }
    return [_party(party, names[party.organization_id], words.get(party.organization_id)) for party in needed]


def _party(party: Party, name: str, word: Any) -> dict[str, Any]:
    label, label_en = OUTCOME_LABELS.get(word.outcome if word else "", (None, None))
    return {
        "organization": {"id": str(party.organization_id), "name": name}, "bureau": party.bureau,
        "rule": party.cite.rule, "article": party.cite.article, "basis": party.cite.basis,
        "outcome": word.outcome if word else None, "outcome_label": label, "outcome_label_en": label_en,
        "student_id": str(word.student_id) if word and word.student_id else None,
    }  # fmt: skip


def _word(word: Any) -> dict[str, Any]:
    undone = ("撤销合并", "Merge undone")
    label, label_en = OUTCOME_LABELS.get(word.outcome, undone)
    return {
        "at": iso(word.at), "by": word.by, "organization": word.organization, "outcome": word.outcome,
        "outcome_label": label, "outcome_label_en": label_en, "comment": word.comment, "verified": word.verified,
        "guardian_agrees": word.guardian_agrees, "round": word.round,
        "student_id": None if word.subject_id is None else str(word.subject_id),
    }  # fmt: skip


def _may(connection: Connection, actor: Actor, pair: Any, sides: tuple[Side, Side]) -> dict[str, Any]:
    """Whether the asker may say a word now, and what it has to say beside the outcome."""
    first, second = sides
    if pair.state != "open":
        return {"allowed": False, "blocked_by": []}
    try:
        party = speaker(connection, actor, pair, sides)
    except Forbidden as refused:
        return {"allowed": False, "blocked_by": [reason_view(reason) for reason in refused.reasons],
                "disagree": disagree(words_of(connection, pair))}  # fmt: skip
    return {
        "allowed": True, "blocked_by": [], "rule": party.cite.rule, "article": party.cite.article,
        "basis": party.cite.basis, "needs_verified": party.bureau and first.county != second.county,
        "needs_guardian": first.province != second.province,
    }  # fmt: skip


def _may_undo(connection: Connection, actor: Actor, pair: Any) -> bool:
    merged = select(StudentMerge.id).where(StudentMerge.pair_id == pair.id, StudentMerge.undone_at.is_(None))
    if connection.execute(merged).first() is None:
        return False
    try:
        check_undoer(connection, actor, pair)
    except Forbidden:
        return False
    return True


def _read_cursor(cursor: str) -> tuple[int, int]:
    found = _CURSOR.fullmatch(cursor)
    if found is None or int(found[2]) >= 2**63:
        raise BadCursor(cursor)
    return int(found[1]), int(found[2])
