"""What deciding and undoing share: the pair in scope, its two sides, the words that were said, the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, false, insert, or_, select, update

from states.duplicates import Party, Side, Word, parties
from workflow_service.actors import Actor
from workflow_service.boxes import below
from workflow_service.duplicates.finding import places_of
from workflow_service.errors import Contended, NotFound, Stale
from workflow_service.keys import Key, claim_key
from workflow_service.models import Account, DuplicatePair, DuplicateWord, Organization, Supervision
from workflow_service.models.columns import iso

if TYPE_CHECKING:
    from workflow_service.service import Service


def pairs_in_scope(actor: Actor) -> ColumnElement[bool]:
    """Pairs with at least one record in the asker's scope: both sides see both records, or nobody could compare."""
    if not actor.works_on_requests:
        return false()
    return or_(below(DuplicatePair.first_path, actor.path), below(DuplicatePair.second_path, actor.path))


def pair_in_scope(connection: Connection, actor: Actor, pair_id: int) -> Any:
    """One pair's row. Raises NotFound."""
    found = connection.execute(
        select(DuplicatePair.__table__).where(DuplicatePair.id == pair_id, pairs_in_scope(actor))
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def check_version(pair: Any, version: int) -> None:
    """Raises Stale where the pair has moved on."""
    if pair.version != version:
        raise Stale({"state": pair.state, "version": pair.version, "outcome": pair.outcome, "at": iso(pair.decided_at)})


def sides_of(connection: Connection, pair: Any) -> tuple[Side, Side]:
    """The two records with the schools they had when they were found; an open pair keeps both where they are."""
    stages = {id_: place[2] for id_, place in places_of(connection, (pair.first_id, pair.second_id)).items()}
    first = _side(connection, pair.first_id, pair.first_school_id, stages)
    return first, _side(connection, pair.second_id, pair.second_school_id, stages)


def _side(connection: Connection, student_id: int, school_id: int, stages: dict[int, str]) -> Side:
    school = connection.execute(
        select(Organization.id, Organization.path, Organization.parent_id, Organization.registrars)
        .where(Organization.id == school_id)
    ).one()  # fmt: skip
    supervised = (
        select(Supervision.bureau_id)
        .where(Supervision.school_id == school_id, Supervision.stage == stages.get(student_id))
        .where(Supervision.valid_to.is_(None))
    )
    bureau_id = connection.execute(supervised).scalar() or school.parent_id
    bureau_path = connection.execute(select(Organization.path).where(Organization.id == bureau_id)).scalar_one()
    return Side(student_id, school.id, school.path, bureau_id, bureau_path, school.registrars > 0)


def needed_by(first: Side, second: Side) -> tuple[Party, ...]:
    """Whose words this pair needs."""
    return parties(first, second)


def words_of(connection: Connection, pair: Any) -> dict[int, Word]:
    """What each unit said last in this round."""
    query = (
        select(DuplicateWord.organization_id, DuplicateWord.outcome, DuplicateWord.subject_id)
        .where(DuplicateWord.pair_id == pair.id, DuplicateWord.round == pair.round, DuplicateWord.outcome != "undo")
        .order_by(DuplicateWord.recorded_at, DuplicateWord.id)
    )
    return {row[0]: Word(row[0], row[1], row[2]) for row in connection.execute(query)}


def said(connection: Connection, pair: Any) -> list[Any]:
    """Every word about a pair, oldest first, with who said it."""
    return list(
        connection.execute(
            select(DuplicateWord.__table__, Account.name.label("by"), Organization.name.label("organization"))
            .join(Account, Account.id == DuplicateWord.account_id)
            .join(Organization, Organization.id == DuplicateWord.organization_id)
            .where(DuplicateWord.pair_id == pair.id)
            .order_by(DuplicateWord.recorded_at, DuplicateWord.id)
        )
    )


def say(
    connection: Connection,
    service: Service,
    pair: Any,
    actor: Actor,
    outcome: str,
    subject_id: int | None,
    comment: str,
    *,
    verified: bool = False,
    guardian_agrees: bool = False,
    key: Key | None = None,
) -> None:
    """Keep a word, and move the pair's version: whoever looked before that is told."""
    moved = connection.execute(
        update(DuplicatePair)
        .where(and_(DuplicatePair.id == pair.id, DuplicatePair.version == pair.version))
        .values(version=DuplicatePair.version + 1)
    )
    if moved.rowcount != 1:
        raise Contended
    connection.execute(insert(DuplicateWord), {
        "id": service.ids.new_subject(), "pair_id": pair.id, "round": pair.round,
        "organization_id": actor.organization_id, "account_id": actor.account_id, "outcome": outcome,
        "subject_id": subject_id, "comment": comment.strip(), "verified": verified,
        "guardian_agrees": guardian_agrees, "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
    })  # fmt: skip
    if key is not None:
        claim_key(connection, actor, key, pair.id, service.clocks.real())


def close(
    connection: Connection, service: Service, pair: Any, outcome: str, subject_id: int | None,
    request_id: int | None = None,
) -> None:  # fmt: skip
    """The pair is decided."""
    connection.execute(
        update(DuplicatePair)
        .where(DuplicatePair.id == pair.id)
        .values(state="decided", outcome=outcome, subject_id=subject_id, request_id=request_id,
                decided_at=service.clocks.legal(), version=DuplicatePair.version + 1)
    )  # fmt: skip
