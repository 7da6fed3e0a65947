"""`fire`: the one writer of a request's state and of what follows from it (状态流转).

Read the facts (one statement, no lock), decide, write (one statement that names the version of every fact used). No
row back means that something moved: read, decide and explain again, at most three times, never guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from states.calendar import Calendar, clock_json, day_opens, remaining_working_days
from states.decide import Change, Refusal, decide, marks_on, out_of_place
from states.definition import WAITING
from states.facts import Facts
from states.place import most_taken
from states.plan import LABELS, Cell, Plan
from states.trace import dated
from states.verdict import Reason
from states.windows import judge, window_json
from workflow_service.actors import Actor
from workflow_service.completion import Completing, complete
from workflow_service.db import reading
from workflow_service.errors import Blocked, Contended, Forbidden, Stale
from workflow_service.facts import Row, gather, grants, typed
from workflow_service.following import follow
from workflow_service.given import allowed_with
from workflow_service.history import Trail, salted
from workflow_service.keys import Key, find_answer
from workflow_service.models import Account, History, Organization
from workflow_service.models.columns import dumps, iso, to_micros
from workflow_service.models.packed import packed
from workflow_service.refused import keep
from workflow_service.sql import driver_of
from workflow_service.sql.errors import is_lost, is_repeatable, is_unique_violation
from workflow_service.sql.transition import statements

if TYPE_CHECKING:
    from workflow_service.service import Service

Found = tuple[Row, Plan, Facts]
"""What `gather` gives."""

ATTEMPTS = 4  # The first try and three more: whoever keeps losing is told to come back, not kept waiting.
DUTIES = {"destination_school": "destination", "origin_school": "origin", "school": "destination"}
REMIND_BEFORE = 2  # working days before a step is due


@dataclass(frozen=True, slots=True)
class Fired:
    """What was written: the request's state and version now."""

    request_id: int
    state: str
    version: int


def fire(
    service: Service, request_id: int, event: str, actor: Actor | None, *, version: int | None,
    comment: str | None = None, reason: str | None = None, data: Mapping[str, Any] | None = None,
    key: Key | None = None, received: int | None = None, found: Found | None = None,
) -> Fired:  # fmt: skip
    """Send `event` to a request. `actor` None is the system; `version` is the one the caller saw (None: any).

    `received` is the legal instant at which the server took the event in, microseconds: the window is judged by it.
    `found` is what was gathered for this actor at that instant already: the first try decides on it. Should it have
    moved since, the statement that writes says so, and the next try reads anew.
    Raises NotFound, Forbidden, Stale, Blocked (all reasons), Contended.
    """
    at = service.clocks.legal() if received is None else received
    for attempt in range(ATTEMPTS):
        with driver_of(service.hot):
            if found is not None and attempt == 0:
                row, plan, facts = found
                facts = replace(facts, reason=reason, comment=comment)
            else:
                row, plan, facts = gather(service, request_id, actor, at, reason, comment)
            transition = _decided(
                service, (row, plan, facts), event, actor, version, at, comment, reason, data or {}, key
            )
            written = transition.write()
        if written or transition.was_written():
            row, target = transition.row, transition.change.target
            if target == "completed":
                follow(service, row, actor)
            return Fired(request_id, target, row["version"] + 1)
    raise Contended("the request kept changing while the event was decided")


def _decided(
    service: Service, found: Found, event: str, actor: Actor | None, version: int | None, at: int,
    comment: str | None, reason: str | None, data: Mapping[str, Any], key: Key | None,
) -> Transition:  # fmt: skip
    """The change about to be written. Raises whatever speaks against it."""
    row, plan, facts = found
    check_capability(plan, facts, event)
    given = allowed_with(service, event, data, plan.brings(facts.state, event), facts.today) if data else {}
    if version is not None and row["version"] != version:
        raise Stale(current_of(service, row["id"]))
    if given:
        facts = replace(facts, data={**facts.data, **typed(given)})
    outcome = decide(plan, facts, event)
    if isinstance(outcome, Refusal):
        keep(service, row, facts, event, at, outcome.reasons)
        reasons = dated(plan, facts, outcome.reasons) or (_out_of_place(plan, facts, event),)
        raise Blocked(_detail(row, event, outcome), reasons)
    return Transition(service, row, plan, facts, outcome, actor, at, comment, reason, given, key)


def check_capability(plan: Plan, facts: Facts, event: str) -> None:
    """403 is for whoever could never send this event in any state; whose turn it is, is a rule (SYS-03)."""
    if facts.system:
        return
    here = plan.by_event.get((facts.state, event))
    if here is not None and not here.system and _open_to(here, facts):
        return  # Nearly always: whoever acts has the step, and the other states need not be looked at.
    cells = [cell for (_, name), cell in plan.by_event.items() if name == event and not cell.system]
    if cells and not any(_open_to(cell, facts) for cell in cells):
        raise Forbidden(f"您的岗位在本业务中没有“{cells[0].label}”权限 / your post never has {event} in this request")
    if not cells and any(name == event for _, name in plan.by_event):
        raise Forbidden("此操作只由系统执行 / only the system does this")


def _open_to(cell: Cell, facts: Facts) -> bool:
    return bool(cell.units & facts.units) and (not cell.role or cell.role in facts.roles)


def _detail(row: Row, event: str, refusal: Refusal) -> str:
    if refusal.cell is None:
        return f"当前状态 {row['state']} 不能进行 {event} / {event} does not fit the state {row['state']}"
    return f"共 {len(refusal.reasons)} 个原因 / {len(refusal.reasons)} reason(s)"


def _out_of_place(plan: Plan, facts: Facts, event: str) -> Reason:
    label, label_en = LABELS.get(event, (event, event))
    return out_of_place(plan, facts.state, f"“{label}”", f"“{label_en}” does not fit")


def current_of(service: Service, request_id: int) -> dict[str, Any]:
    """Where a request stands and who brought it there, for whoever came with an older version."""
    with reading(service.engine) as connection:
        last = connection.execute(
            select(History.seq, History.to_state, History.event, History.at, Account.name, Organization.name)
            .outerjoin(Account, Account.id == History.account_id)
            .outerjoin(Organization, Organization.id == History.organization_id)
            .where(History.object_id == request_id).order_by(History.seq.desc()).limit(1)).one()  # fmt: skip
    return {"state": last[1], "version": last[0], "event": last[2], "at": iso(last[3]),
            "decided_by": {"name": last[4] or "系统", "organization": last[5]}}  # fmt: skip


@dataclass(slots=True)
class Transition:
    """One change about to be written; gone as soon as it is."""

    service: Service
    row: Row
    plan: Plan
    facts: Facts
    change: Change
    actor: Actor | None
    at: int
    comment: str | None
    reason: str | None
    data: Mapping[str, Any]
    key: Key | None
    lost: bool = False

    def was_written(self) -> bool:
        """Whether the commit happened although the connection was lost: the key's row is part of it.

        After a failover most of the unknown commits had happened; deciding again would refuse what was done.
        """
        return bool(self.lost and self.actor and self.key and find_answer(self.service, self.actor, self.key))

    def write(self) -> bool:
        """Write everything, or nothing: False when a fact has moved since it was read."""
        change = self.change
        holders, parties = self._holders(), self._parties()
        parameters = self._parameters(holders, parties)
        completes = None
        if change.target == "completed" and change.moved:
            completes, more = complete(
                Completing(self.service, self.row, self.facts, self.actor, self.at, self.data))  # fmt: skip
            parameters |= more
        shape = statements(
            moved=change.moved, place=change.place, person=self.actor is not None,
            holds=len(holders) if change.moved else 0, parties=len(parties), closes=self._closes(),
            comment=bool(self.comment), key=self.key is not None, student=self.row["student_id"] is not None,
            completes=completes, judged=True,
        )  # fmt: skip
        try:
            return shape.run(self.service.hot, parameters)
        except Exception as error:
            # A lost race (unique index, serialization, deadlock) or a lost connection is read and decided again: the
            # versions that the statement names make a second effect impossible.
            if is_unique_violation(error, "request_key"):
                raise
            self.lost = is_lost(error)
            if self.lost or is_unique_violation(error) or is_repeatable(error):
                return False
            raise

    def _closes(self) -> str:
        if self.change.moved:
            return "all"
        return "own" if self.change.cell.event in ("approve", "file") else ""

    def _holders(self) -> list[tuple[int, str, str]]:
        units = self.row["units"]
        return [(units[unit][0], units[unit][1], role) for unit, role in self.change.holders]

    def _parties(self) -> list[tuple[int, str, str]]:
        """At submit every unit becomes a party, once per organization and duty."""
        if self.change.cell.event != "submit":
            return []
        found: dict[tuple[int, str], tuple[int, str, str]] = {}
        for name, (id_, path) in self.row["units"].items():
            duty = DUTIES.get(name, "bureau")
            found[(id_, duty)] = (id_, path, duty)
        return list(found.values())

    def _parameters(self, holders: list[tuple[int, str, str]], parties: list[tuple[int, str, str]]) -> dict[str, Any]:
        row, change, service, actor = self.row, self.change, self.service, self.actor
        ids, bucket = service.ids, row["bucket"]
        today = self.facts.today
        holder = holders[0] if holders else (None, None, None)
        values: dict[str, Any] = {
            "id": row["id"], "bucket": bucket, "version": row["version"], "new_version": row["version"] + 1,
            "student_id": row["student_id"], "student_version": row["student_version"], "state": change.target,
            "from_state": row["state"], "event": change.cell.event, "at": self.at, "today": today,
            "recorded_at": service.clocks.real(), "account_id": actor.account_id if actor else None,
            "person_id": actor.person_id if actor else None,
            "organization_id": actor.organization_id if actor else None,
            "holder_id": holder[0], "holder_path": holder[1], "holder_role": holder[2],
            "approvals": dumps(list(change.approvals)), "history_id": ids.new(bucket), "outbox_id": ids.new(bucket),
            "body": dumps({"request": str(row["id"]), "number": row["number"], "event": change.cell.event,
                           "from": row["state"], "to": change.target, "version": row["version"] + 1}),
            "data": dumps({**row["data"], **self.data}), "topic": f"{row['kind']}.{change.cell.event}",
            "facts": packed(self.facts), "pack_id": row["pack_id"],
        }  # fmt: skip
        if service.engine.dialect.name == "sqlite":
            values["today"] = today.isoformat()
        self._name_grant(values)
        for index, (id_, path, role) in enumerate(holders):
            values |= {f"hold_{index}_id": id_, f"hold_{index}_path": path, f"hold_{index}_role": role}
        for index, (id_, path, duty) in enumerate(parties):
            values |= {f"party_{index}_id": id_, f"party_{index}_path": path, f"party_{index}_duty": duty}
        if self.key:
            values |= {"key_route": self.key.route, "key": self.key.key, "key_body": self.key.body_hash}
        if change.moved:
            self._move(values)
        self._chain(values)
        return values

    def _name_grant(self, values: dict[str, Any]) -> None:
        """The grant that entitles the actor: the one of the cell's role, else the first."""
        held = grants(self.row)
        if self.actor is None or not held:
            values |= {"grant_id": 0, "grant_version": 0}
            return
        used = next((grant for grant in held if grant.role == self.change.cell.role), held[0])
        values |= {"grant_id": used.id, "grant_version": used.version}

    def _move(self, values: dict[str, Any]) -> None:
        """What changes with the state: route and units at submit, clock, due date, what the sweeps do next, places."""
        row, change = self.row, self.change
        paused = self._paused()
        clock = None
        if change.clock and change.limit:
            clock = clock_json(change.clock, change.limit.rule, change.limit.article, paused)
        due = to_micros(change.due_at) if change.due_at else None
        wake_at, wake_event = wake(self.facts.calendar, change, self.facts.now)
        values |= {
            "open": not change.final, "final": change.final, "class_id": row["class_id"], "state_since": self.at,
            "due_at": due, "clock": dumps(clock) if clock else None, "paused": dumps(clock_pauses(paused)),
            "days_left": change.days_left, "shared_used": change.shared_used,
            "provisional": bool(change.clock and change.clock.provisional), "returned_from": change.returned_from,
            "wake_at": wake_at, "wake_event": wake_event, "wipe_at": None if change.final else row["wipe_at"],
            "completed_at": self.at if change.final else None,
        }  # fmt: skip
        if change.cell.event == "submit":
            values |= {
                "route": dumps(row["route"]), "route_rule": row["route_rule"], "origin_pack_id": row["origin_pack_id"],
                "units": dumps(row["units"]), "intake": self._intake(),
                "wipe_at": self._wipe_at(),
            }  # fmt: skip
        if change.place:
            self._place(values)

    def _paused(self) -> list[tuple[Any, Any]]:
        """The days on which a step's clock stood still: opened by a return, closed by the resubmission."""
        today = self.facts.today
        paused = [(_day(first), _day(last)) for first, last in self.row["paused"]]
        if self.change.target == "returned":
            return [*paused, (today, None)]
        if self.row["state"] == "returned" and paused:
            return [*paused[:-1], (paused[-1][0], today)]
        return []

    def _intake(self) -> str | None:
        definition = self.plan.definition
        if not definition.windows:
            return None
        found = judge(definition.windows, self.facts.calendar, self.facts.now, definition.freezes, self.facts.scope)
        return dumps(window_json(found.open)) if found.open else None

    def _wipe_at(self) -> int | None:
        """When a graduating student's open request ends unfinished (SYS-46): the next such day."""
        wipe = self.plan.definition.graduating_wipe
        if wipe is None or not self.facts.graduating:
            return None
        month, day = map(int, wipe[1].split("-"))
        today = self.facts.today
        year = today.year if (today.month, today.day) < (month, day) else today.year + 1
        return to_micros(day_opens(date(year, month, day)))

    def _place(self, values: dict[str, Any]) -> None:
        row = self.row
        values |= {"class_stage": row["class_stage"], "destination_school_id": row["destination_school_id"],
                   "place_outcome": "released"}  # fmt: skip
        if self.change.place == "hold":
            values["class_most"], values["stage_most"] = most_taken(self.plan, self.facts)

    def _chain(self, values: dict[str, Any]) -> None:
        details: dict[str, Any] = {}
        if self.reason:
            details["reason"] = self.reason
        if self.comment:
            values["comment"] = self.comment
            values["salt"], details["comment"] = salted(self.comment)
        if self.data:
            details["data"] = sorted(self.data)
        if self.change.moved and (marks := marks_on(self.plan, self.facts)):
            details["marks"] = [mark.cite.rule for mark in marks]
        if self.change.place:
            details |= {"place": self.change.place, "class": str(self.row["class_id"])}
        trail = Trail(self.row["id"], self.row["version"], self.row["chain"])
        values["payload"], values["chain"] = trail.link(
            self.change.cell.event, self.row["state"], self.change.target, self.at, self.actor, details)  # fmt: skip


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def clock_pauses(paused: list[tuple[Any, Any]]) -> list[list[str | None]]:
    """The pauses of a clock as JSON: [[from, to], …], `to` null while it stands still."""
    return [[day.isoformat() if day else None for day in pause] for pause in paused]


def wake(calendar: Calendar, change: Change, now: datetime) -> tuple[int | None, str | None]:
    """What the sweeps do next and when: expire at the due instant, or remind before it and escalate at it."""
    if change.due_at is None or change.clock is None:
        return None, None
    due = to_micros(change.due_at)
    if change.expires:
        return due, "expire"
    if change.target == WAITING:
        return due, "take_effect"
    reminded = _reminded_at(calendar, now.date(), change.clock.due)
    return (due, "escalate") if reminded is None else (reminded, "remind")


@lru_cache(maxsize=1024)
def _reminded_at(calendar: Calendar, today: date, due: date) -> int | None:
    """The instant of the reminder, microseconds, None where it would be today. Kept: one day's clocks are alike."""
    day = due
    while day > today and remaining_working_days(calendar, day, due) < REMIND_BEFORE:
        day -= timedelta(days=1)
    return to_micros(day_opens(day)) if day > today else None


__all__ = ["Fired", "Key", "Transition", "current_of", "fire", "wake"]
