"""Deciding a pair (查重处理): each unit says its word; what all of them say alike is done at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, update

from states.duplicates import (
    DISAGREE,
    OUTCOMES,
    Party,
    Proposal,
    Side,
    Word,
    above_both,
    disagree,
    objections,
    settled,
)
from states.verdict import No, Reason
from workflow_service.actors import Actor
from workflow_service.db import reading, run_tx
from workflow_service.duplicates.merging import merge, open_requests, remaining
from workflow_service.duplicates.parts import (
    check_version,
    close,
    needed_by,
    pair_in_scope,
    say,
    sides_of,
    words_of,
)
from workflow_service.duplicates.trail import cleared
from workflow_service.errors import Blocked, Forbidden, Invalid
from workflow_service.keys import Key
from workflow_service.models import DuplicatePair

if TYPE_CHECKING:
    from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class Decision:
    """A unit's word. `student_id`: for `change` who is corrected, for `merge` who remains, for `proof` None.

    `verified`: the bureau asked the police (SYS-33); `guardian_agrees`: the guardian chose in writing (SYS-34).
    """

    outcome: str
    student_id: int | None
    comment: str
    verified: bool = False
    guardian_agrees: bool = False


def decide(
    service: Service, actor: Actor, pair_id: int, decision: Decision, version: int, key: Key | None = None
) -> int:  # fmt: skip
    """Take a unit's word about a pair and do what is settled by it; the pair's id.

    Raises NotFound out of scope, Forbidden for whoever is no party, Invalid, Stale, Blocked with every reason.
    """

    def work(connection: Connection) -> int:
        pair = pair_in_scope(connection, actor, pair_id)
        sides = sides_of(connection, pair)
        party = speaker(connection, actor, pair, sides)
        _check_shape(pair, decision)
        check_version(pair, version)
        if pair.state != "open":
            raise Blocked("这一对已处理完毕 / this pair is decided")
        _check(connection, pair, sides, party, decision)
        say(
            connection, service, pair, actor, decision.outcome, decision.student_id, decision.comment,
            verified=decision.verified, guardian_agrees=decision.guardian_agrees, key=key,
        )  # fmt: skip
        _settle(connection, service, actor, pair, sides, party)
        return pair_id

    return run_tx(service.engine, work)


def speaker(connection: Connection, actor: Actor, pair: Any, sides: tuple[Side, Side]) -> Party:
    """As which party the actor speaks. Raises Forbidden with the rule that says who does."""
    needed = needed_by(*sides)
    words = {id_: word for id_, word in words_of(connection, pair).items() if id_ in _ids(needed)}
    if actor.supervises and above_both(*sides, actor.path) and disagree(words):
        party: Party | None = Party(actor.organization_id, bureau=True, cite=DISAGREE)
    else:
        party = next((p for p in needed if p.organization_id == actor.organization_id), None)
    if "registrar" not in actor.roles or party is None:
        no = No("由有关学校、教育局的学籍管理员表态。", "The registrars of the schools and bureaus concerned say so.")
        raise Forbidden("不由您处理 / not yours to decide", tuple(Reason(p.cite, no) for p in needed[:1]))
    return party


def check_speaker(service: Service, actor: Actor, pair_id: int) -> None:
    """Raises NotFound out of scope and Forbidden for whoever is no party, before a word is looked at."""
    with reading(service.engine) as connection:
        pair = pair_in_scope(connection, actor, pair_id)
        speaker(connection, actor, pair, sides_of(connection, pair))


def _check_shape(pair: Any, decision: Decision) -> None:
    if decision.outcome not in OUTCOMES:
        raise Invalid([{"field": "outcome", "message": "应为佐证、变更或合并", "message_en": "proof, change or merge"}])
    named = decision.student_id in (pair.first_id, pair.second_id)
    if decision.outcome == "proof" and decision.student_id is not None:
        raise Invalid([{"field": "student_id", "message": "佐证保留两份学籍，不指定学生",
                        "message_en": "proof keeps both; name nobody"}])  # fmt: skip
    if decision.outcome != "proof" and not named:
        raise Invalid([{"field": "student_id", "message": "须指明两份学籍中的一份",
                        "message_en": "name one of the two records"}])  # fmt: skip


def _check(connection: Connection, pair: Any, sides: tuple[Side, Side], party: Party, decision: Decision) -> None:
    """Raises Blocked with everything that stands against the word."""
    both = (pair.first_id, pair.second_id)
    gone = next((id_ for id_ in both if id_ != decision.student_id), both[0])
    proposal = Proposal(
        decision.outcome, decision.student_id, decision.comment, decision.verified, decision.guardian_agrees,
        open_requests(connection, gone) if decision.outcome == "merge" else 0,
        any(remaining(connection, id_) != id_ for id_ in both),
    )  # fmt: skip
    reasons = objections(*sides, party, proposal)
    if reasons:
        raise Blocked("不能这样处理 / it cannot be decided so", reasons)


def _settle(
    connection: Connection, service: Service, actor: Actor, pair: Any, sides: tuple[Side, Side], party: Party
) -> None:
    """Do what is settled now, if anything is."""
    needed, words = needed_by(*sides), words_of(connection, pair)
    judge = words.get(party.organization_id) if party.cite == DISAGREE else None
    spoken = {id_: word for id_, word in words.items() if id_ in _ids(needed)}
    decided = settled(needed, spoken, judge)
    if decided is None:
        return
    _apply(connection, service, actor, pair, decided)


def _apply(connection: Connection, service: Service, actor: Actor, pair: Any, decided: Word) -> None:
    if decided.outcome == "change":
        # Open until the data are other ones: a promise to correct clears nothing (SYS-35).
        connection.execute(
            update(DuplicatePair)
            .where(DuplicatePair.id == pair.id)
            .values(outcome="change", subject_id=decided.student_id, version=DuplicatePair.version + 1)
        )
        return
    close(connection, service, pair, decided.outcome, decided.student_id)
    if decided.outcome == "merge":
        assert decided.student_id is not None
        merge(connection, service, pair, decided.student_id, actor)
        return
    for student_id in (pair.first_id, pair.second_id):
        details = {"pair": str(pair.id), "outcome": "proof"}
        cleared(connection, service, student_id, "duplicate_settled", details, actor)


def _ids(needed: tuple[Party, ...]) -> set[int]:
    return {party.organization_id for party in needed}
