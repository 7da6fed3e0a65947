"""Announcing windows (窗口公告): each opening and closing once, to whoever follows the pack."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, insert, select

from states.calendar import Calendar
from states.lunar import CalendarGap
from states.windows import Window, WindowRule, windows_in
from workflow_service.actors import SUPERVISORS
from workflow_service.db import begin, reading, write_once
from workflow_service.ids import bucket_of
from workflow_service.models import Notice, Organization, WindowNotice
from workflow_service.models.columns import from_micros, to_micros

if TYPE_CHECKING:
    from workflow_service.service import Service

KIND = "transfer"
_FOLLOWED = select(Organization.policy, Organization.path).where(Organization.policy.is_not(None), Organization.active)


@dataclass(frozen=True, slots=True)
class Moment:
    """An opening or a closing (`what`), as one county meets it: its declared outages move the close."""

    pack: str
    window: Window
    what: str
    at: int


def announce_windows(service: Service, now: int) -> int:
    """Announce what opened or closed up to the legal instant `now` and was not announced yet; how many moments.

    The first time only what is open now is announced: nobody wants to hear of last year's windows.
    """
    calendar = service.calendar()
    due: dict[tuple[str, str, int, str], list[tuple[Moment, str]]] = {}
    with reading(service.engine) as connection:
        followers = [(str(pack), path) for pack, path in connection.execute(_FOLLOWED)]
        last = _last_announced(connection)
    for pack, path in followers:
        for moment in _moments(service, calendar, pack, path, now, last):
            due.setdefault((pack, moment.window.id, moment.at, moment.what), []).append((moment, path))
    return sum(_announce(service, moments, followers, now) for _, moments in sorted(due.items()))


def _last_announced(connection: Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute(
        select(WindowNotice.pack, WindowNotice.window, func.max(WindowNotice.moment)).group_by(
            WindowNotice.pack, WindowNotice.window
        )
    )
    return {(pack, window): moment for pack, window, moment in rows}


def _moments(
    service: Service, calendar: Calendar, pack: str, path: str, now: int, last: dict[tuple[str, str], int]
) -> Iterable[Moment]:
    today = from_micros(now).date()
    try:
        definition = service.packs.definition(service.packs.in_force(pack, KIND, today))
    except LookupError:
        return  # The pack says nothing of this kind today: there is no window of it to announce.
    for rule in definition.windows:
        since = last.get((pack, rule.id))
        for window in _near(rule, calendar, today.year, path):
            opens, closes = to_micros(window.opens), to_micros(window.closes)
            if since is None:
                if opens <= now < closes:
                    yield Moment(pack, window, "opens", opens)
                continue
            if since < opens <= now:
                yield Moment(pack, window, "opens", opens)
            if since < closes <= now:
                yield Moment(pack, window, "closes", closes)


def _near(rule: WindowRule, calendar: Calendar, year: int, path: str) -> Iterable[Window]:
    for near in (year - 1, year, year + 1):
        try:
            yield from windows_in(rule, calendar, near, path)
        except CalendarGap:
            continue  # Not dated yet: the year's notice is announced when it has come.


def _announce(service: Service, moments: list[tuple[Moment, str]], followers: list[tuple[str, str]], now: int) -> int:
    """One moment, in one transaction: whoever writes its row first tells everybody, all others tell nobody."""
    moment = moments[0][0]
    key = {"pack": moment.pack, "window": moment.window.id, "moment": moment.at, "what": moment.what}
    with begin(service.engine) as connection:
        if not write_once(connection, WindowNotice, {**key, "announced_at": now}):
            return 0
        told = [id_ for _, path in moments for id_ in _below(connection, path, followers)]
        body = {
            "window": moment.window.id, "pack": moment.pack, "what": moment.what,
            "opens": moment.window.opens.isoformat(), "closes": moment.window.closes.isoformat(),
            "source": moment.window.source,
        }  # fmt: skip
        rows = [
            {"id": service.ids.new(bucket_of(id_)), "organization_id": id_, "topic": "window", "object_id": None,
             "body": body, "at": moment.at, "read_at": None} for id_ in told]  # fmt: skip
        if rows:
            connection.execute(insert(Notice), rows)
    return 1


def _below(connection: Connection, path: str, followers: list[tuple[str, str]]) -> list[int]:
    """The organizations at and below `path` that do not follow a pack of their own or of a nearer unit."""
    nearer = [other for _, other in followers if other != path and other.startswith(path)]
    rows = connection.execute(
        select(Organization.id, Organization.path)
        .where(Organization.path.startswith(path, autoescape=True), Organization.active)
        .where(Organization.kind.in_(("school", *SUPERVISORS)))
    )
    return [id_ for id_, below in rows if not any(below.startswith(other) for other in nearer)]
