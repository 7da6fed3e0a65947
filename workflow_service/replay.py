"""Replaying a pack (规则重放): past decisions under another version, read as a stream, and what is open now.

Decisions are those that were made and those that were refused (`workflow_service.refused`). What it cannot see:
families who never applied because the old rule said no; nothing was ever judged for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import chain
from typing import Any

from sqlalchemy import Select, func, or_, select

from states.calendar import Calendar, day_opens
from states.definition import Definition
from states.facts import Facts
from states.judged import facts_from, unrecorded
from states.plan import Plan
from states.replay import Again, Fate, Outcome, fates, judge_again, plan_under
from workflow_service.db import reading
from workflow_service.facts import gather
from workflow_service.models import Judgement, PackVersion, RefusedJudgement, Request
from workflow_service.models.columns import to_micros
from workflow_service.service import Service

BATCH = 500
"""Rows held at a time: a year of a province's decisions is more than a machine holds."""
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Group:
    """Decisions that change alike: how many, and the request with the smallest number as example."""

    count: int = 0
    example: str = ""
    why: str = ""

    def add(self, number: str, why: str) -> None:
        """One more; its number and words are kept where it is the smallest."""
        self.count += 1
        if not self.example or number < self.example:
            self.example, self.why = number, why


@dataclass(slots=True)
class Report:
    """What a replay found. `groups` by outcome and rules (+ refuses now, − no longer); `open` by fate.

    `judged`: all decisions, `refused` of which were refused then.
    """

    judged: int = 0
    refused: int = 0
    counts: Counter[Outcome] = field(default_factory=Counter)
    groups: dict[tuple[Outcome, str], Group] = field(default_factory=dict)
    open_requests: int = 0
    open: dict[Fate, Group] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For storing and showing: numbers of requests, nothing of a student."""
        return {
            "judged": self.judged, "refused": self.refused, "counts": dict(self.counts),
            "open_requests": self.open_requests,
            "groups": [{"outcome": outcome, "rules": rules, **asdict(group)} for (outcome, rules), group in
                       sorted(self.groups.items(), key=lambda item: -item[1].count)],
            "open": [{"fate": fate, **asdict(group)} for fate, group in self.open.items()],
        }  # fmt: skip


def replay(service: Service, new: Definition, since: date, progress: Progress = lambda done, total: None) -> Report:
    """Judge again what was judged under any version of `new`'s pack and kind since a day, and look at what is open.

    `progress` is called with (judged, of how many) after every batch. The pack is replaced on whichever side it was.
    """
    versions = _versions(service, new)
    report, calendar = Report(), service.calendars.current()
    plans: dict[tuple[Any, ...], Plan | None] = {}
    queries = _made(versions, since), _refused(versions, since)
    made, report.refused = (_count(service, query) for query in queries)
    for rows in chain.from_iterable(_batches(service, query) for query in queries):
        for row in rows:
            _judge(service, plans, report, row, new, versions, calendar)
        progress(report.judged, made + report.refused)
    _look_at_open(service, new, versions, report)
    return report


def _judge(service: Service, plans: dict[tuple[Any, ...], Plan | None], report: Report, row: Any, new: Definition,
           versions: frozenset[int], calendar: Calendar) -> None:  # fmt: skip
    facts = facts_from(row.facts, calendar)
    old = service.packs.plan(row.pack_id, row.origin_pack_id, row.route_rule, facts.route or tuple(row.route))
    other = _plan(service, plans, old, row, new, versions, facts, row.event)
    _note(report, row.number, judge_again(old, other, facts, row.event, unrecorded(row.facts)))


def _versions(service: Service, new: Definition) -> frozenset[int]:
    with reading(service.engine) as connection:
        query = select(PackVersion.id).where(PackVersion.pack == new.pack, PackVersion.kind == new.kind)
        return frozenset(connection.execute(query).scalars())


def _made(versions: frozenset[int], since: date) -> Select[*tuple[Any, ...]]:
    """What was decided; the other pack and the route are fixed on the request once it is submitted."""
    return (
        select(Judgement.history_id.label("id"), Judgement.event, Judgement.pack_id, Judgement.facts, Request.number,
               Request.origin_pack_id, Request.route_rule, Request.route)
        .join(Request, Request.id == Judgement.request_id)
        .where(Judgement.at >= to_micros(day_opens(since)),
               or_(Judgement.pack_id.in_(versions), Request.origin_pack_id.in_(versions)))
    )  # fmt: skip


def _refused(versions: frozenset[int], since: date) -> Select[*tuple[Any, ...]]:
    """What was refused; a draft's packs and route are those it was judged by, its request may name others."""
    row = RefusedJudgement
    return (
        select(row.id, row.event, row.pack_id, row.facts, Request.number, row.origin_pack_id, row.route_rule,
               Request.route)
        .join(Request, Request.id == row.request_id)
        .where(row.at >= to_micros(day_opens(since)),
               or_(row.pack_id.in_(versions), row.origin_pack_id.in_(versions)))
    )  # fmt: skip


def _count(service: Service, query: Select[*tuple[Any, ...]]) -> int:
    with reading(service.engine) as connection:
        return int(connection.execute(query.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one())


def _batches(service: Service, query: Select[*tuple[Any, ...]]) -> Iterator[list[Any]]:
    """Batches in the order of their ids, each read by itself: no cursor stays open over a long judging."""
    id_ = next(iter(query.selected_columns))
    last = 0
    while True:
        with reading(service.engine) as connection:
            rows = list(connection.execute(query.where(id_ > last).order_by(id_).limit(BATCH)))
        if not rows:
            return
        yield rows
        last = rows[-1].id


def _plan(service: Service, plans: dict[tuple[Any, ...], Plan | None], old: Plan, row: Any, new: Definition,
          versions: frozenset[int], facts: Facts, event: str) -> Plan | None:  # fmt: skip
    """The plan under the new pack, on the sides on which it was; kept, for many requests go the same way."""
    destination = new if row.pack_id in versions else service.packs.definition(row.pack_id)
    origin = new if row.origin_pack_id in versions else service.packs.definition(row.origin_pack_id)
    if event == "submit":  # What a route may ask differs from request to request.
        return plan_under(old, destination, origin, facts, event)
    key = (row.pack_id, row.origin_pack_id, old.route.cite.rule, old.states)
    if key not in plans:
        plans[key] = plan_under(old, destination, origin, facts, event)
    return plans[key]


def _note(report: Report, number: str, again: Again) -> None:
    report.judged += 1
    report.counts[again.outcome] += 1
    if again.outcome != "same":
        rules = " ".join([*(f"+{rule}" for rule in again.gained), *(f"−{rule}" for rule in again.lost)])
        report.groups.setdefault((again.outcome, rules), Group()).add(number, again.why)


def _look_at_open(service: Service, new: Definition, versions: frozenset[int], report: Report) -> None:
    query = (
        select(Request.id, Request.number, Request.pack_id, Request.origin_pack_id)
        .where(Request.open, or_(Request.pack_id.in_(versions), Request.origin_pack_id.in_(versions)))
        .order_by(Request.id).limit(BATCH)
    )  # fmt: skip
    plans: dict[tuple[Any, ...], Plan | None] = {}
    last = 0
    while True:
        with reading(service.engine) as connection:
            rows = list(connection.execute(query.where(Request.id > last)))
        if not rows:
            return
        last = rows[-1].id
        for row in rows:
            _, old, facts = gather(service, row.id, None)
            report.open_requests += 1
            other = _plan(service, plans, old, row, new, versions, facts, "")
            for change in fates(old, other, facts):
                report.open.setdefault(change.fate, Group()).add(row.number, change.why)
