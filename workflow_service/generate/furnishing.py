"""What stands before the first student (基础数据): rules, the tree, who supervises whom, accounts, classes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, insert

from states.calendar import SHANGHAI
from workflow_service.db import begin
from workflow_service.demo.accounts import PASSWORD
from workflow_service.demo.organizations import BUREAUS, SUPERVISED_SINCE
from workflow_service.generate.loading import Rows
from workflow_service.generate.people import person_name
from workflow_service.generate.province import STUDENTS_MS, Province, School, Unit
from workflow_service.generate.repeating import Tally
from workflow_service.ids import IdMaker, made_at_ms
from workflow_service.legal_time import set_today
from workflow_service.models import Account, Organization, RoleGrant, Supervision
from workflow_service.models.columns import to_micros
from workflow_service.packs import publish_shipped
from workflow_service.roster.placing import class_name

if TYPE_CHECKING:
    from workflow_service.service import Service

FURNISHED_MS = STUDENTS_MS - 2_000_000
"""Milliseconds since 2020 from which rules, organizations and accounts have their ids."""
ROLES = {"school": ("registrar", "principal"), "system": ("admin",)}
LINES = 2_000
Row = dict[str, Any]


def furnish(owner: Engine, service: Service, province: Province, today: date) -> None:
    """Write it all, and give every unit of the tree its id and its accounts' ids. Legal time starts at `today`."""
    random = Random(f"furnishing {province.seed}")  # noqa: S311 - nobody's names
    ids = IdMaker(lambda: made_at_ms(FURNISHED_MS << 22), random.getrandbits)
    since = to_micros(datetime.combine(date(today.year - 1, 8, 1), time(9), SHANGHAI))
    system = Unit("system", "系统管理", "system", "/", "system", None)
    units = [system, *province.units]
    for unit in units:
        unit.id = ids.new_subject()
    accounts, grants = [], []
    password = service.passwords.hash(PASSWORD)
    for unit in units:
        for account, grant in _accounts(random, ids, unit, password, since):
            accounts.append(account)
            grants.append(grant)
    with begin(owner) as connection:
        publish_shipped(connection, ids, since)
        for table, rows in (
            (Organization, [_organization(unit) for unit in units]), (Account, accounts), (RoleGrant, grants),
            (Supervision, [row for school in province.schools for row in _supervision(ids, school)]),
        ):  # fmt: skip
            for start in range(0, len(rows), LINES):
                connection.execute(insert(table), rows[start : start + LINES])
        set_today(connection, service.clocks, today, 0)


def _organization(unit: Unit) -> Row:
    school = unit if isinstance(unit, School) else None
    bureau = next((one for one in BUREAUS if one.code == unit.model), None)
    county = unit.above if school else unit
    kind = "school" if school else "system" if unit.level == "system" else "bureau"
    division = next((one.division for one in BUREAUS if county and one.code == county.model), "")
    roles = ROLES.get(unit.level, ("registrar",))
    return {
        "id": unit.id, "code": unit.code, "name": unit.name, "kind": kind, "level": unit.level,
        "parent_id": unit.above.id if unit.above else None, "path": unit.path, "division_code": division,
        "stages": list(school.schooling) if school else [], "schooling": school.schooling if school else {},
        "town": bool(school and school.kind == "1"), "catchment": "", "single_handed": False,
        "policy": bureau.policy if bureau else None, "registrars": int("registrar" in roles),
        "principals": int("principal" in roles), "active": True, "version": 1,
    }  # fmt: skip


def _accounts(random: Random, ids: IdMaker, unit: Unit, password: str, since: int) -> Iterator[tuple[Row, Row]]:
    """Named as the demo's are: province, city1, county1, school1s0001, school1s0001.principal, admin."""
    for role in ROLES.get(unit.level, ("registrar",)):
        user = {"system": "admin", "school": f"school{unit.code}"}.get(unit.level, unit.code)
        user += ".principal" if role == "principal" else ""
        id_, person = ids.new_subject(), ids.new_subject()
        unit.accounts[role] = id_, person
        yield {
            "id": id_, "username": user, "name": person_name(random, random.choice("12")), "person_id": person,
            "password": password, "organization_id": unit.id, "active": True, "created_at": since,
            "last_used_at": None,
        }, {
            "id": ids.new_subject(), "account_id": id_, "organization_id": unit.id, "role": role, "version": 1,
            "granted_at": since, "revoked_at": None,
        }  # fmt: skip


def _supervision(ids: IdMaker, school: School) -> Iterator[Row]:
    """Primary and junior stages are the county's, senior ones its superior's."""
    county = school.above
    assert county is not None
    assert county.above is not None
    for stage in school.schooling:
        yield {
            "id": ids.new_subject(), "school_id": school.id, "stage": stage,
            "bureau_id": (county.above if stage == "senior" else county).id, "valid_from": SUPERVISED_SINCE,
            "valid_to": None,
        }  # fmt: skip


def class_rows(province: Province, tally: Tally) -> Rows:
    """Every class and every stage of a school, with the places that are taken and held in it."""
    rows: Rows = {}
    for school in province.schools:
        taken: dict[str, list[int]] = {stage: [0, 0] for stage in school.schooling}
        for room in school.rooms(province.year):
            attending, held = tally.attending[room.id], tally.held[room.id]
            taken[room.stage.name][0] += attending
            taken[room.stage.name][1] += held
            _add(rows, "school_class", {
                "id": room.id, "school_id": school.id, "stage": room.stage.name, "entered_year": room.entered,
                "first_grade": room.stage.first_grade, "last_grade": room.stage.last_grade, "sequence": room.sequence,
                "name": class_name(room.entered, room.sequence), "attending": attending, "held": held})  # fmt: skip
        for stage, (attending, held) in taken.items():
            _add(rows, "school_stage", {"school_id": school.id, "stage": stage, "quota": None, "attending": attending,
                                        "held": held})  # fmt: skip
    return rows


def _add(rows: Rows, table: str, row: Row) -> None:
    rows.setdefault((table, tuple(row)), []).append(tuple(row.values()))
