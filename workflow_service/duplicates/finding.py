"""Finding doubles (查重): whoever shares a block is compared, and who is alike enough is put into the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, case, exists, insert, or_, select, text, union
from sqlalchemy.orm import aliased

from states.likeness import Alike, Person, likeness, suspected, weight
from workflow_service.actors import Actor
from workflow_service.duplicates.people import CHUNK, chunks, fill, keys, people
from workflow_service.duplicates.trail import open_pairs, suspect
from workflow_service.models import DuplicatePair, Enrolment, Guardian, LikenessBlock, Organization

if TYPE_CHECKING:
    from workflow_service.service import Service

KINDS = {
    "same_number": "same_number", "fifteen_digits": "same_number", "permit_renewed": "same_number",
    "one_digit_off": "near_number", "digits_swapped": "near_number",
}  # fmt: skip
"""The kind of pair that a reason makes; every other reason is about names."""


MANY = 20_000
"""New students in one question who shares a block with them."""
_PAIRS = text("""
SELECT DISTINCT least(n.id, b.student_id), greatest(n.id, b.student_id)
FROM unnest(CAST(:ids AS bigint[])) AS n(id)
CROSS JOIN LATERAL (SELECT key, named, weak FROM likeness_block WHERE student_id = n.id OFFSET 0) a
CROSS JOIN LATERAL (SELECT student_id, weak FROM likeness_block WHERE key = a.key AND student_id <> n.id OFFSET 0) b
WHERE NOT a.named OR a.weak OR b.weak OR EXISTS (
    SELECT 1 FROM guardian g JOIN guardian h ON h.phone_hash = g.phone_hash
    WHERE g.student_id = n.id AND h.student_id = b.student_id)
""")
"""As `_candidates` asks, for so many at once that they are an array. OFFSET 0 keeps to the indexes: the planner knows
nothing yet of rows of this transaction, and would read the whole table for them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A student who may be the same person, with every reason; `pair_id` None where it is not in the queue."""

    student_id: int
    reasons: tuple[Alike, ...]
    pair_id: int | None = None


def noticed(
    connection: Connection, service: Service, ids: Sequence[int], actor: Actor | None, found_by: str = "registered"
) -> int:
    """Fill the blocks of these students and queue every pair with one of them; how many pairs are new.

    The caller's transaction decides. Two who come in at one moment in two transactions do not see each other: the
    check at the month's end does (NUM-08).
    """
    fill(connection, service, ids)
    return sum(queue(connection, service, chunk, actor, found_by) for chunk in chunks(sorted(set(ids))))


def newly_noticed(connection: Connection, service: Service, ids: Sequence[int], actor: Actor | None) -> int:
    """As `noticed`, for students who were registered just now with their blocks: nothing is queued about them yet."""
    if len(ids) <= CHUNK or connection.dialect.name != "postgresql":
        return sum(queue(connection, service, chunk, actor, "registered") for chunk in chunks(sorted(set(ids))))
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(ids), MANY):
        asked = connection.execute(_PAIRS, {"ids": list(ids[start : start + MANY])})
        pairs.update((first, second) for first, second in asked)
    listed = sorted(pairs)
    return sum(_queue(connection, service, some, actor, "registered") for some in chunks(listed))


def queue(
    connection: Connection, service: Service, ids: Sequence[int], actor: Actor | None, found_by: str
) -> int:  # fmt: skip
    """Compare these students, whose blocks are filled, with everybody who shares one; how many pairs are new."""
    return _queue(connection, service, _candidates(connection, ids), actor, found_by)


def _queue(
    connection: Connection, service: Service, candidates: Sequence[tuple[int, int]], actor: Actor | None, found_by: str
) -> int:  # fmt: skip
    wanted = _judged(connection, service, candidates)
    if not wanted:
        return 0
    rows = _pair_rows(connection, service, wanted, found_by)
    if not rows:
        return 0
    connection.execute(insert(DuplicatePair), rows)
    touched: dict[int, dict[int, str]] = {}
    for row in sorted(rows, key=lambda row: -row["strength"]):
        for id_ in (row["first_id"], row["second_id"]):
            touched.setdefault(id_, {})[row["id"]] = row["kind"]
    for id_ in sorted(touched):  # in one order everywhere, so that two of us never wait for each other
        suspect(connection, service, id_, touched[id_], actor)
    return len(rows)


def duplicates_of(connection: Connection, student_id: int) -> list[Found]:
    """The open pairs of a student, the strongest first; [] when he was checked and nothing is open (SYS-20, SYS-06)."""
    return [
        Found(row.second_id if row.first_id == student_id else row.first_id, reasons_of(row.reasons), row.id)
        for row in open_pairs(connection, student_id)
    ]


def like(connection: Connection, service: Service, person: Person, besides: int | None = None) -> list[Found]:
    """Who on the register may be this person, before he is registered or his key data change (NUM-08, V14-04, SYS-20).

    `besides`: the student whose data would change. Only those alike enough to be queued; the strongest first.
    """
    query = select(LikenessBlock.student_id).where(
        LikenessBlock.key.in_(list(keys(service, person))), LikenessBlock.student_id != (besides or 0)
    )
    ids = set(connection.execute(query).scalars())
    found = [
        Found(id_, reasons)
        for id_, other in people(connection, service, ids).items()
        if suspected(reasons := likeness(person, other))
    ]
    return sorted(found, key=lambda one: (-weight(one.reasons), one.student_id))


def stored(reasons: Iterable[Alike]) -> list[dict[str, Any]]:
    """Reasons as a pair keeps them. No digit stands in them, only places."""
    return [
        {"code": r.code, "strength": r.strength, "rule": r.rule, "message": r.message, "message_en": r.message_en,
         "positions": list(r.positions)}
        for r in reasons
    ]  # fmt: skip


def reasons_of(rows: Iterable[Mapping[str, Any]] | str) -> tuple[Alike, ...]:
    """The reasons of a stored pair."""
    assert not isinstance(rows, str)
    return tuple(Alike(**{**row, "positions": tuple(row["positions"])}) for row in rows)


def kind_of(reasons: Iterable[Alike]) -> str:
    """What kind of pair these reasons make."""
    return next((KINDS[reason.code] for reason in reasons if reason.code in KINDS), "same_name")


def _candidates(connection: Connection, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs with one of these students that share a block and are not in the queue yet, each once, smaller id first.

    A name alone does not tell two people with good numbers apart from one: they are compared where a guardian's phone
    is the same, or everybody called 张伟 would be read for every new one.
    """
    here, there = aliased(LikenessBlock), aliased(LikenessBlock)
    first = case((here.student_id < there.student_id, here.student_id), else_=there.student_id)
    second = case((here.student_id < there.student_id, there.student_id), else_=here.student_id)
    queued = exists().where(DuplicatePair.first_id == first, DuplicatePair.second_id == second)
    shared = (
        select(first, second)
        .join_from(here, there, and_(here.key == there.key, here.student_id != there.student_id))
        .where(here.student_id.in_(ids), ~queued)
    )
    mine, theirs = aliased(Guardian), aliased(Guardian)
    one_phone = (
        shared.where(here.named)
        .join(mine, mine.student_id == here.student_id)
        .join(theirs, and_(theirs.student_id == there.student_id, theirs.phone_hash == mine.phone_hash))
    )
    # One question each: an OR over all three makes PostgreSQL read every guardian.
    asked = union(shared.where(~here.named), shared.where(here.named, or_(here.weak, there.weak)), one_phone)
    return sorted((row[0], row[1]) for row in connection.execute(asked))


def _judged(
    connection: Connection, service: Service, candidates: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[Alike, ...]]:
    """The candidates that are alike enough, with every reason. Guardians are read only where something is alike."""
    known = people(connection, service, {id_ for pair in candidates for id_ in pair}, guardians=False)
    near = [pair for pair in candidates if likeness(known[pair[0]], known[pair[1]])]
    known = people(connection, service, {id_ for pair in near for id_ in pair})
    alike = {(first, second): likeness(known[first], known[second]) for first, second in near}
    return {pair: reasons for pair, reasons in alike.items() if suspected(reasons)}


def _pair_rows(
    connection: Connection, service: Service, wanted: Mapping[tuple[int, int], tuple[Alike, ...]], found_by: str
) -> list[dict[str, Any]]:
    places = places_of(connection, {id_ for pair in wanted for id_ in pair})
    return [
        {
            "id": service.ids.new_subject(), "first_id": first, "second_id": second,
            "first_school_id": places[first][0], "second_school_id": places[second][0],
            "first_path": places[first][1], "second_path": places[second][1], "kind": kind_of(reasons),
            "strength": weight(reasons), "reasons": stored(reasons), "state": "open", "round": 1, "version": 1,
            "found_at": service.clocks.legal(), "found_by": found_by,
        }
        for (first, second), reasons in wanted.items()
        # Who was never enrolled has no school that could answer; the month's end looks again.
        if first in places and second in places
    ]  # fmt: skip


def places_of(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[int, str, str]]:
    """(school, its path, stage) of each student: where he is enrolled, or was last."""
    found: dict[int, tuple[int, str, str]] = {}
    for chunk in chunks(sorted(set(ids))):
        query = (
            select(Enrolment.student_id, Enrolment.school_id, Organization.path, Enrolment.stage)
            .join(Organization, Organization.id == Enrolment.school_id)
            .where(Enrolment.student_id.in_(chunk))
            .order_by(Enrolment.ended_at.is_(None), Enrolment.recorded_at)
        )
        found.update({row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)})
    return found
