"""A new year's calendar (年度放假通知): loaded as data, and every provisional clock worked out anew, visibly."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, or_, select, update

from states.calendar import Calendar, clock_json, day_opens
from states.decide import Change, Refusal, decide
from workflow_service.actors import Actor
from workflow_service.calendars import CalendarFault, days_of_notice
from workflow_service.db import begin, reading
from workflow_service.errors import Forbidden
from workflow_service.facts import Row, gather
from workflow_service.history import Trail
from workflow_service.models import AccessLog, Request, WorkingDay
from workflow_service.models.columns import dumps, from_micros, iso, to_micros
from workflow_service.sql.recompute import RECOMPUTE
from workflow_service.transitions import wake

if TYPE_CHECKING:
    from workflow_service.service import Service

BATCH = 1_000


def load_notice(service: Service, actor: Actor | None, year: int, text: str) -> int:
    """Store the days of a State Council notice for `year`, written as TOML; how many are new.

    `actor` None is the command line. The clocks that were provisional are recomputed by the next sweep. Raises
    Forbidden for whoever is no system administrator, CalendarFault for a text that contradicts itself or the table.
    """
    if actor is not None and "admin" not in actor.roles:
        raise Forbidden("工作日历由系统管理员维护 / only the system administrator loads a calendar")
    days = list(days_of_notice(year, text))
    with begin(service.engine) as connection:
        known = select(WorkingDay.day, WorkingDay.working).where(WorkingDay.day.in_([d.date for d in days]))
        stored = {row.day: row.working for row in connection.execute(known)}
        against = [str(d.date) for d in days if stored.get(d.date, d.working) != d.working]
        if against:
            raise CalendarFault(f"{year}: stored days say otherwise on {', '.join(against)}")
        new = [day for day in days if day.date not in stored]
        if new:
            rows = [{"day": d.date, "working": d.working, "source": d.source} for d in new]
            connection.execute(insert(WorkingDay), rows)
            _doubt(connection, min(new).date)
        connection.execute(insert(AccessLog), {
            "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
            "account_id": actor.account_id if actor else None, "action": "load_calendar",
            "detail": f"{year}: {len(new)} days"})  # fmt: skip
    service.calendars.current()  # Read anew: what this process works out next must not rest on the years before.
    return len(new)


def _doubt(connection: Connection, first: date) -> None:
    """Every open clock that counted on days from `first` on is provisional until it has been recomputed.

    A notice also names last days of the year before, which was published without them: 2018-12-31 was a day off by
    the notice of 2019, and a clock that ended on it was thought to be firm.
    """
    counts = or_(Request.wake_event.is_(None), Request.wake_event != "take_effect")  # No working days are in a date.
    reaches = (Request.open, Request.clock.is_not(None), counts, Request.due_at > to_micros(day_opens(first)))
    connection.execute(update(Request).where(*reaches).values(provisional=True))


def recompute_clocks(service: Service, now: int, limit: int = BATCH) -> int:
    """Work out anew at most `limit` clocks that were provisional and no longer are, at the legal instant `now`.

    Each is an event `recompute_clock` that shows the old and the new due day. How many were written.
    """
    done, after = 0, 0
    while done < limit:
        with reading(service.engine) as connection:
            ids = connection.execute(
                select(Request.id).where(Request.provisional, Request.id > after).order_by(Request.id).limit(BATCH)
            ).scalars().all()  # fmt: skip
        if not ids:
            break
        done += sum(recompute_clock(service, id_, now) for id_ in ids[: limit - done])
        after = ids[-1]
    return done


def recompute_clock(service: Service, request_id: int, now: int) -> bool:
    """Work out one clock anew; False where it still cannot be known, or the request has moved on meanwhile."""
    row, plan, facts = gather(service, request_id, None, now)
    change = decide(plan, facts, "recompute_clock")
    if isinstance(change, Refusal) or change.clock is None or change.clock.provisional:
        return False
    return RECOMPUTE.run(service.hot, _parameters(service, row, facts.calendar, change, now))


def _parameters(service: Service, row: Row, calendar: Calendar, change: Change, now: int) -> dict[str, Any]:
    assert change.clock is not None
    assert change.due_at is not None
    old, bucket, due = row["clock"], row["bucket"], to_micros(change.due_at)
    wake_at, wake_event = wake(calendar, change, from_micros(now))
    details = {"old_due": old["due"], "new_due": change.clock.due.isoformat()}
    clock = clock_json(change.clock, old["rule"], old["article"])
    payload, chain = Trail(row["id"], row["version"], row["chain"]).link(
        "recompute_clock", row["state"], row["state"], now, None, details)  # fmt: skip
    return {
        "id": row["id"], "bucket": bucket, "version": row["version"], "new_version": row["version"] + 1,
        "clock": dumps({**clock, "paused": old["paused"]}), "due_at": due, "wake_at": wake_at, "wake_event": wake_event,
        "provisional": False, "at": now, "recorded_at": service.clocks.real(), "event": "recompute_clock",
        "from_state": row["state"], "state": row["state"], "account_id": None, "person_id": None,
        "organization_id": None, "payload": payload, "chain": chain, "history_id": service.ids.new(bucket),
        "outbox_id": service.ids.new(bucket), "topic": f"{row['kind']}.recompute_clock",
        "body": dumps({"request": str(row["id"]), "number": row["number"], "event": "recompute_clock",
                       "from": row["state"], "to": row["state"], "version": row["version"] + 1, **details,
                       "due_at": iso(due)}),
    }  # fmt: skip
