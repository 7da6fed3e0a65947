"""Gathering (取数): one query that builds `states.Facts` for a request and the one who asks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from states.calendar import Calendar, Clock, grade_of, season_of
from states.facts import Entry, Facts
from states.kinds import KINDS
from states.plan import Plan
from states.student_status import STATUSES
from states.vocabulary import DATA_FACTS
from workflow_service.actors import Actor, Grant
from workflow_service.admission_facts import admission_facts, left_school
from workflow_service.errors import NotFound
from workflow_service.models.columns import from_micros, loads
from workflow_service.named_facts import named_facts
from workflow_service.organization_columns import organization_columns
from workflow_service.other_side import other_school
from workflow_service.record_facts import until_submit
from workflow_service.routing import choose_class, resolve, resolve_one, surroundings
from workflow_service.sql import Query
from workflow_service.sql.gather import COLUMNS, GATHER

if TYPE_CHECKING:
    from workflow_service.service import Service

Row = dict[str, Any]
DATE_FACTS = frozenset(name for name, kind in DATA_FACTS.items() if kind.type == "date")
NEWCOMERS = frozenset(status for status in STATUSES if STATUSES[status].code is None or status == "admission_reserved")
"""Statuses before the register (注册之前)."""
JSON_COLUMNS = ("route", "units", "data", "approvals", "clock", "paused")


def read_row(
    service: Service, request_id: int, actor: Actor | None, asked: Query = GATHER
) -> tuple[Row, tuple[Any, ...]]:
    """The gathered row, its JSON parsed, and the columns that `asked` reads beside it.

    Raises `NotFound`, for what is out of the actor's scope as well.
    """
    account, person, organization = (actor.account_id, actor.person_id, actor.organization_id) if actor else (0, 0, 0)
    parameters = {"id": request_id, "account": account, "person": person, "organization": organization}
    found = asked.one(service.hot, parameters)
    if found is None:
        raise NotFound()
    row = dict(zip(COLUMNS, found, strict=asked is GATHER))
    for column in JSON_COLUMNS:
        if row[column] is not None:
            row[column] = loads(row[column])
    if actor is not None and not visible(row, actor):
        raise NotFound()
    return row, found[len(COLUMNS) :]


def visible(row: Row, actor: Actor) -> bool:
    """Scope (可见范围): a draft is its school's alone; otherwise every unit's organization and those above it."""
    if not actor.works_on_requests:
        return False
    if row["state"] == "draft":
        return bool(row["applicant_id"] == actor.organization_id)
    return any(path.startswith(actor.path) for _, path in row["units"].values())


def gather(
    service: Service, request_id: int, actor: Actor | None, micros: int | None = None, reason: str | None = None,
    comment: str | None = None,
) -> tuple[Row, Plan, Facts]:  # fmt: skip
    """The row, its plan and its facts at legal time `micros` (now, unless an event was received earlier).

    `actor` None is the system; `reason` and `comment` are sent with the event. Raises `NotFound`.
    """
    row, _ = read_row(service, request_id, actor)
    return gathered(service, row, actor, micros, reason, comment)


def gathered(
    service: Service, row: Row, actor: Actor | None, micros: int | None = None, reason: str | None = None,
    comment: str | None = None,
) -> tuple[Row, Plan, Facts]:  # fmt: skip
    """`gather` from a row that was read already."""
    micros = service.clocks.legal() if micros is None else micros
    if row["state"] == "draft":
        refresh_draft(service, row, from_micros(micros).date())
    elif row["student_id"] is None:
        with service.hot.connect() as connection:
            row.update(organization_columns(connection, row))
    calendar = service.calendar()
    plan = service.packs.plan(row["pack_id"], row["origin_pack_id"], row["route_rule"], tuple(row["route"]))
    row.update(named_facts(service, row))
    return row, plan, build_facts(row, actor, micros, calendar, reason, comment)


def refresh_draft(service: Service, row: Row, on: date) -> None:
    """Work out anew what is fixed only at submit: packs, route, units and the class."""
    with service.hot.connect() as connection:  # in AUTOCOMMIT already; changing into it costs as much as a query
        route_draft(service, connection, row, on)


def route_draft(service: Service, connection: Connection, row: Row, on: date) -> None:
    """Put packs, route, units and the class of a draft into its row. Raises `NoRoute`, LookupError."""
    left = left_school(connection, row)
    origin_id = left.school_id if left else row["origin_school_id"]
    around = surroundings(connection, row["kind"], row["destination_school_id"], origin_id, on)
    assert around is not None  # Both are foreign keys of the request.
    closed = around.closed
    if closed is not None:
        # It keeps the route that it had: what was above a closed school is above it no longer.
        row.update(closed_school=closed.name, closed_into=closed.successor)
        return
    kind = KINDS[row["kind"]]
    chosen = None
    if kind.subject == "organization":
        row.update(organization_columns(connection, row))
    if kind.place and around.destination.kind == "school":
        prefer = row["enrolled_class_id"] or (row["class_id"] if kind.past else None)
        chosen = choose_class(connection, around.destination.id, row["grade"], on, prefer,
                              row["data"].get("class_name"))  # fmt: skip
        place_columns(row, chosen)
        row["class_id"] = chosen.id if chosen else None
    stage = (chosen.stage if chosen else None) or row["data"].get("stage") or row["class_stage"] or row["stage"]
    if kind.sides == "two":
        routing = resolve(service, around, destination_stage=stage,
                          origin_stage=row["stage"] or around.origin.stages[0])  # fmt: skip
    else:
        routing = resolve_one(service, connection, around, stage=stage or "", case=route_case(row),
                              left_stage=left.stage if left else None,
                              other=other_school(connection, row))  # fmt: skip
    row.update(pack_id=routing.pack_id, origin_pack_id=routing.origin_pack_id, route_rule=routing.rule,
               route=list(routing.states), units=dict(routing.units))  # fmt: skip
    row.update(until_submit(connection, row, on))
    row.update(admission_facts(service, connection, row, left))


def route_case(row: Row) -> dict[str, Any]:
    """What a route of one school may ask of a request, by the names that packs use."""
    return {
        "ground": row["ground"], "status": row["status"], "special_education": bool(row["special_education"]),
        "programme": row["class_programme"] or row["programme"] or "none", "newcomer": row["status"] in NEWCOMERS,
        "has_number": row["number_hash"] is not None, "same_bureau": True, "same_province": True, "same_city": True,
        "same_school": True, **{f"data.{name}": value for name, value in row["data"].items()},
    }  # fmt: skip


def place_columns(row: Row, chosen: Any) -> None:
    """Put a class chosen by `routing.choose_class` into a gathered row."""
    row.update(
        class_name=chosen.name if chosen else None, class_attending=chosen.attending if chosen else None,
        class_held=chosen.held if chosen else None, class_stage=chosen.stage if chosen else None,
        class_first_grade=chosen.first_grade if chosen else None,
        class_last_grade=chosen.last_grade if chosen else None, class_programme=chosen.programme if chosen else None,
        class_entered_year=chosen.entered_year if chosen else None,
        stage_attending=chosen.stage_attending if chosen else None,
        stage_held=chosen.stage_held if chosen else None, quota=chosen.quota if chosen else None,
    )  # fmt: skip


def build_facts(
    row: Row, actor: Actor | None, micros: int, calendar: Calendar, reason: str | None = None,
    comment: str | None = None,
) -> Facts:  # fmt: skip
    """The facts in a gathered row, for the one who asks at legal time `micros`, with what is sent along."""
    now = from_micros(micros)
    units: dict[str, list[Any]] = row["units"]
    mine = actor.organization_id if actor else -1
    holds = bool(row["holds_place"])
    size = None if row["class_attending"] is None else row["class_attending"] + row["class_held"] - holds
    stage_size = None if row["stage_attending"] is None else row["stage_attending"] + row["stage_held"] - holds
    part = "" if row["first_grade"] is not None or row["destination_school_id"] != row["origin_school_id"] else "class_"
    one_bureau, one_city, one_province = nearness(units)
    grade = None  # A student without a current enrolment is in the grade of the class that the request names.
    if row[f"{part}first_grade"] is not None:
        grade = grade_of(row[f"{part}first_grade"], row[f"{part}entered_year"], now.date())
    return Facts(
        now=now, calendar=calendar, reason=reason, comment=comment, kind=row["kind"], state=row["state"],
        returned_from=row["returned_from"], route=tuple(row["route"]), ground=row["ground"], grade=row["grade"],
        data=typed(row["data"]),
        documents=frozenset(row["documents"].split(",")) if row["documents"] else frozenset(),
        approvals=frozenset(row["approvals"]), clock=_clock(row["clock"]), days_left=row["days_left"],
        shared_used=row["shared_used"], ends_at=_instant(row["wake_at"] if row["wake_event"] == "expire" else None),
        wiped_at=_instant(row["wipe_at"]), scope=units[row["starter"]][1],
        units=frozenset(name for name, unit in units.items() if unit[0] == mine),
        roles=frozenset(grant.role for grant in grants(row)), own=bool(row["own"]), system=actor is None,
        starter=row["starter"], destination_school=row["destination_code"], origin_school=row["origin_code"],
        town=bool(row["town"]), offers_grade=row["class_id"] is not None,
        same_school=row["destination_school_id"] == row["enrolled_school_id"] and "other_school" not in units,
        same_bureau=one_bureau, same_city=one_city, same_province=one_province,
        status=row["status"] or "", problem=bool(row["problem"]),
        matches=_matches(row),
        open_request=row["other_number"], special_education=bool(row["special_education"]),
        current_grade=grade, first_grade=row[f"{part}first_grade"] or 1, last_grade=row[f"{part}last_grade"] or 12,
        stage=row["class_stage"] or row["stage"] or "primary", season=_season(calendar, now.date()),
        class_name=row["class_name"], class_size=size, class_held=row["class_held"] or 0, school_size=stage_size,
        school_held=row["stage_held"] or 0, school_quota=row["quota"], holds_place=holds,
        programme=row["class_programme"] or row["programme"] or "none", birth_date=_date(row["birth_date"]),
        enrolled_on=_date(row["enrolled_on"]), has_number=row["number_hash"] is not None,
        newcomer=row["status"] in NEWCOMERS, entries=_entries(row["entries"]),
        left_last_grade=row.get("left_last_grade"), duplicate=bool(row.get("duplicate")),
        admitted_here=row.get("admitted_here", True),
        sibling=row.get("sibling"), sibling_stage=row.get("sibling_stage") or "primary",
        sibling_class_size=row.get("sibling_class_size"),
        sibling_school_size=row.get("sibling_school_size"), sibling_school_quota=row.get("sibling_school_quota"),
        away_until=row.get("away_until"),
        stage_since=row.get("stage_since"),
        same_class=row["class_id"] is not None and row["class_id"] == row["enrolled_class_id"],
        grade_size=row.get("grade_size"), grade_repeats=row.get("grade_repeats") or 0,
        recorded=row.get("recorded") or (), number_kind=row.get("number_kind"),
        number_taken=bool(row.get("number_taken")),
        new_number_faults=row.get("new_number_faults") or (), entry_named=row.get("entry_named"),
        other_requests=row.get("other_requests") or (), reversed_kind=row.get("reversed_kind"),
        reversed_completed=bool(row.get("reversed_completed")), depending=row.get("depending") or (),
        closed_school=row.get("closed_school"), closed_into=row.get("closed_into"),
        about_bureau="bureau" in units and "school" not in units, school_stages=tuple(row.get("school_stages") or ()),
        pupils=row.get("pupils") or 0, code_taken=bool(row.get("code_taken")),
        successor_known=row.get("successor_stages") is not None,
        successor_stages=tuple(row.get("successor_stages") or ()),
        province_school="school" in units and "bureau" in units and units["bureau"][1].count("/") == 2,
        city_school="school" in units and "bureau" in units and _city(units["bureau"][1]) == units["bureau"][1][:-1],
    )  # fmt: skip


def nearness(units: Mapping[str, list[Any]]) -> tuple[bool, bool, bool]:
    """Whether both sides of a request lie in one bureau's area, one city, one province.

    One school's request has another side only where a leaver's old bureau takes part; else all three hold.
    """
    here = units.get("destination_bureau") or units["bureau"]
    there = units.get("origin_bureau") or units.get("other_bureau") or here
    to = units.get("destination_school") or here
    from_ = units.get("origin_school") or units.get("other_school") or there
    return here[0] == there[0], *_near(to[1], from_[1])


@lru_cache(maxsize=4096)
def _near(one: str, other: str) -> tuple[bool, bool]:
    """Whether two paths lie in one city, in one province. Kept: a list asks it of the same few schools."""
    return _city(one) == _city(other), one.split("/")[1] == other.split("/")[1]


def _date(value: Any) -> date | None:
    """A day as the drivers give it: SQLite has texts."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _entries(joined: str | None) -> tuple[Entry, ...]:
    """The dated entries of the record, oldest first."""
    if not joined:
        return ()
    found = (part.split(":") for part in joined.split(","))
    return tuple(sorted((Entry(section, date.fromisoformat(start), date.fromisoformat(to) if to else None)
                         for section, start, to in found), key=lambda entry: entry.start))  # fmt: skip


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _matches(row: Row) -> bool:
    """Whether name and number as the applicant gave them are still those of the record (SYS-04).

    A temporary number that became a formal one meanwhile is still the student's own (NUM-04).
    """
    if row["named"] is None:
        return True
    return bool(row["named"] == row["student_name"]
                and (row["named_hash"] == row["number_hash"] or row["had_number"]))  # fmt: skip


def grants(row: Row) -> tuple[Grant, ...]:
    """The asker's active grants as they were read together with the facts."""
    return _grants(row["grants"]) if row["grants"] else ()


@lru_cache(maxsize=1024)
def _grants(joined: str) -> tuple[Grant, ...]:
    return tuple(Grant(int(id_), role, int(version)) for id_, version, role in
                 (part.split(":", 2) for part in joined.split(",")))  # fmt: skip


_season = lru_cache(maxsize=512)(season_of)


def _city(path: str) -> str:
    """The part of a path that names province and city: "/province/city1/county1/101/" → "/province/city1"."""
    return "/".join(path.split("/")[:3])


def _clock(stored: dict[str, Any] | None) -> Clock | None:
    if stored is None:
        return None
    day = date.fromisoformat
    return Clock(day(stored["received"]), day(stored["starts"]), stored["working_days"],
                 tuple(map(day, stored["skipped"])), day(stored["due"]), stored["provisional"])  # fmt: skip


def typed(data: dict[str, Any]) -> dict[str, Any]:
    """Facts as rules compare them: JSON has no days, the vocabulary says which facts are."""
    return {name: date.fromisoformat(value) if name in DATE_FACTS and value else value for name, value in data.items()}
