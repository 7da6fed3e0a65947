"""Merging two records of one person (合并学籍), and undoing it (撤销合并).

Nothing is deleted: the record that was merged keeps its number, its requests and its history, gives up its place, and
points to the one that remains. Undoing gives it back its status, its class and its place.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update

from states.duplicates import WHO_UNDOES, above_both, nowhere_to_go
from states.student_status import STATUSES
from states.verdict import No, Reason
from workflow_service.actors import Actor
from workflow_service.db import reading, run_tx
from workflow_service.duplicates.finding import noticed
from workflow_service.duplicates.parts import check_version, close, needed_by, pair_in_scope, say, sides_of
from workflow_service.duplicates.people import forget
from workflow_service.duplicates.trail import MERGED, PROBLEMS, cleared, note, open_pairs
from workflow_service.errors import Blocked, Forbidden, Invalid
from workflow_service.ids import bucket_of
from workflow_service.keys import Key
from workflow_service.models import (
    DuplicatePair,
    Enrolment,
    Organization,
    Request,
    SchoolClass,
    SchoolStage,
    Student,
    StudentMerge,
)

if TYPE_CHECKING:
    from workflow_service.service import Service

STATUS = "other"
"""A merged record has left for another reason (其他离校): its person goes on in the other one."""


def merge(connection: Connection, service: Service, pair: Any, kept: int, actor: Actor | None) -> None:
    """Merge the other record of a pair into `kept`, in the caller's transaction."""
    gone = pair.second_id if kept == pair.first_id else pair.first_id
    others = [other for other in open_pairs(connection, gone) if other.id != pair.id]
    enrolment = _leave(connection, service, gone)
    details = {"pair": str(pair.id), "into": str(kept)}
    before = note(connection, service, gone, "merged", details, actor, status=STATUS, problem=MERGED)
    if enrolment is not None and STATUSES[before.status].in_school:
        _seats(connection, enrolment, -1)
    forget(connection, gone)
    kept_before = {
        "status": before.status, "problem": None if before.problem in PROBLEMS.values() else before.problem,
        "enrolment": None if enrolment is None else str(enrolment.id), "pairs": [str(other.id) for other in others],
    }  # fmt: skip
    connection.execute(insert(StudentMerge), {
        "id": service.ids.new_subject(), "pair_id": pair.id, "kept_id": kept, "gone_id": gone, "before": kept_before,
        "merged_at": service.clocks.legal(),
    })  # fmt: skip
    cleared(connection, service, kept, "absorbed", {"pair": str(pair.id), "other": str(gone)}, actor)
    for other in others:
        # The pair asked about a record that is no one's own any more; undoing the merge asks again.
        close(connection, service, other, "merge", None)
        third = other.second_id if other.first_id == gone else other.first_id
        cleared(connection, service, third, "duplicate_settled", {"pair": str(other.id), "outcome": "merge"}, actor)


def undo(
    service: Service, actor: Actor, pair_id: int, comment: str, version: int, key: Key | None = None
) -> int:  # fmt: skip
    """Undo a merge: both records stand again and the pair is open again; the pair's id.

    By the school that decided alone, else by a bureau above one of them (DUP-04). Raises NotFound, Forbidden, Stale,
    Invalid, Blocked.
    """

    def work(connection: Connection) -> int:
        pair = pair_in_scope(connection, actor, pair_id)
        check_undoer(connection, actor, pair)
        check_version(pair, version)
        merged = connection.execute(
            select(StudentMerge.__table__).where(StudentMerge.pair_id == pair_id, StudentMerge.undone_at.is_(None))
        ).one_or_none()
        if merged is None:
            raise Blocked("没有可以撤销的合并 / there is no merge to undo")
        if not comment.strip():
            raise Invalid([{"field": "comment", "message": "须写明理由", "message_en": "say why"}])
        if remaining(connection, merged.kept_id) != merged.kept_id:
            raise Blocked("保留的学籍后来也并入他人，请先撤销那次合并 / the record that remained was merged since")
        say(connection, service, pair, actor, "undo", None, comment, key=key)
        _restore(connection, service, pair, merged, actor)
        return pair_id

    return run_tx(service.engine, work)


def remaining(connection: Connection, student_id: int) -> int:
    """The record in which a person goes on: the student himself where he was never merged."""
    seen = {student_id}
    while (kept := _kept(connection, student_id)) is not None and kept not in seen:
        seen.add(kept)
        student_id = kept
    return student_id


def open_requests(connection: Connection, student_id: int) -> int:
    """How many requests of a student are under way."""
    query = select(func.count()).select_from(Request).where(Request.student_id == student_id, Request.open)
    return connection.execute(query).scalar_one()


def _kept(connection: Connection, student_id: int) -> int | None:
    return connection.execute(
        select(StudentMerge.kept_id).where(StudentMerge.gone_id == student_id, StudentMerge.undone_at.is_(None))
    ).scalar()


def check_undoer(connection: Connection, actor: Actor, pair: Any) -> None:
    """Raises Forbidden for whoever does not undo this pair's merge (DUP-04)."""
    first, second = sides_of(connection, pair)
    alone = [party.organization_id for party in needed_by(first, second)] == [actor.organization_id]
    above = actor.supervises and any(above_both(side, side, actor.path) for side in (first, second))
    if "registrar" not in actor.roles or not (alone or above):
        no = No(
            "合并由原处理学校（同校的）或其上级教育局撤销。",
            "A merge is undone by the one school that decided it, or by a bureau above.",
        )
        raise Forbidden("无权撤销这次合并 / not yours to undo", (Reason(WHO_UNDOES, no),))


def check_may_undo(service: Service, actor: Actor, pair_id: int) -> None:
    """Raises NotFound out of scope and Forbidden for whoever does not undo, before a reason is looked at."""
    with reading(service.engine) as connection:
        check_undoer(connection, actor, pair_in_scope(connection, actor, pair_id))


def _leave(connection: Connection, service: Service, gone: int) -> Any:
    """End the current enrolment; its row, None where there is none."""
    enrolment = connection.execute(
        select(Enrolment.__table__).where(Enrolment.student_id == gone, Enrolment.ended_at.is_(None))
    ).one_or_none()
    if enrolment is not None:
        connection.execute(
            update(Enrolment)
            .where(Enrolment.id == enrolment.id)
            .values(
                valid_to=_not_before(service.clocks.now().date(), enrolment.valid_from),
                ended_at=service.clocks.legal(), end_reason="merged",
            )
        )  # fmt: skip
    return enrolment


def _restore(connection: Connection, service: Service, pair: Any, merged: Any, actor: Actor) -> None:
    before, gone = merged.before, merged.gone_id
    details = {"pair": str(pair.id), "other": str(merged.kept_id)}
    if before["enrolment"] is not None:
        old = connection.execute(select(Enrolment.__table__).where(Enrolment.id == int(before["enrolment"]))).one()
        _check_home(connection, old.school_id)
        _enrol_again(connection, service, old)
        details |= {"school": str(old.school_id), "class": str(old.class_id)}
        if STATUSES[before["status"]].in_school:
            _seats(connection, old, 1)
    note(connection, service, gone, "merge_undone", details, actor, status=before["status"], problem=before["problem"])
    connection.execute(
        update(StudentMerge).where(StudentMerge.id == merged.id).values(undone_at=service.clocks.legal())
    )
    _reopen(connection, service, [pair.id, *map(int, before["pairs"])], actor)
    noticed(connection, service, [gone], actor, "undone")


def _check_home(connection: Connection, school_id: int) -> None:
    """Lock the school that the record goes back to. From one that was merged it follows to the successor, as all do
    (`workflow_service.sweeps.mergers`); raises Blocked where that ends at a school which closed for good (DUP-06).
    """
    schools = Organization.__table__
    query = select(schools.c.id, schools.c.name, schools.c.active, schools.c.successor_id, schools.c.particulars)
    home = connection.execute(query.where(schools.c.id == school_id)).one()
    while not home.active and home.successor_id is not None:
        home = connection.execute(query.where(schools.c.id == home.successor_id)).one()
    # Written, not only read: a closing at the same moment decides by the school's version, and then finds the pupil.
    stays = update(Organization).where(Organization.id == home.id, Organization.active)
    if connection.execute(stays.values(version=Organization.version + 1)).rowcount != 1:
        reason = nowhere_to_go(home.name, home.particulars.get("archive_unit"))
        raise Blocked(f"{reason.no.message} / {reason.no.message_en}", (reason,))


def _enrol_again(connection: Connection, service: Service, old: Any) -> None:
    """A new stretch in the same class: that the old one ended is what was known between."""
    connection.execute(insert(Enrolment), {
        "id": service.ids.new(bucket_of(old.student_id)), "bucket": old.bucket, "student_id": old.student_id,
        "school_id": old.school_id, "class_id": old.class_id, "stage": old.stage, "valid_from": old.valid_to,
        "recorded_at": service.clocks.legal(), "start_reason": "merge_undone",
    })  # fmt: skip


def _reopen(connection: Connection, service: Service, pair_ids: list[int], actor: Actor) -> None:
    for id_ in pair_ids:
        connection.execute(
            update(DuplicatePair)
            .where(DuplicatePair.id == id_)
            .values(state="open", outcome=None, subject_id=None, decided_at=None, found_by="undone",
                    round=DuplicatePair.round + 1, version=DuplicatePair.version + 1)
        )  # fmt: skip
        again = connection.execute(select(DuplicatePair.__table__).where(DuplicatePair.id == id_)).one()
        for student_id in (again.first_id, again.second_id):
            problem = connection.execute(select(Student.problem).where(Student.id == student_id)).scalar_one()
            details = {"pairs": [str(id_)], "problem": problem or PROBLEMS[again.kind]}
            note(connection, service, student_id, "duplicate_suspected", details, actor, problem=details["problem"])


def _seats(connection: Connection, enrolment: Any, more: int) -> None:
    """Count a student in or out of his class and stage."""
    connection.execute(
        update(SchoolClass).where(SchoolClass.id == enrolment.class_id).values(attending=SchoolClass.attending + more)
    )
    connection.execute(
        update(SchoolStage)
        .where(SchoolStage.school_id == enrolment.school_id, SchoolStage.stage == enrolment.stage)
        .values(attending=SchoolStage.attending + more)
    )


def _not_before(day: date, other: date) -> date:
    return max(day, other)
