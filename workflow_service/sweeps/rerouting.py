"""Rerouting (改派): an open request goes on where a school's successor and its bureau now are, and its trail says so.

The route stays as it was fixed at submit: its steps name parts, and only who plays them changes. Nothing that was
decided is decided anew.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from workflow_service.history import history_row
from workflow_service.models import History, Outbox, Request, RequestParty
from workflow_service.models.columns import dumps
from workflow_service.routing import surroundings

if TYPE_CHECKING:
    from workflow_service.service import Service
    from workflow_service.sweeps.mergers import Merger

Units = dict[int, list[Any]]
"""Who held before → who holds now, as [id, path]."""
EVENT = "reroute"


def reroute(service: Service, connection: Connection, row: Any, merger: Merger, stage: str) -> bool:
    """Write one request's new schools, units, holder and parties; False where it was written meanwhile."""
    units = _units(connection, row, merger, stage)
    changed = sorted(name for name in units if units[name] != row.units[name])
    trail = history_row(
        object_type="request", object_id=row.id, bucket=row.bucket, seq=row.version + 1, event=EVENT,
        from_state=row.state, to_state=row.state, at=merger.at, recorded_at=service.clocks.real(), actor=None,
        details={"school": str(merger.school_id), "successor": str(merger.successor_id),
                 "request": str(merger.request_id), "units": changed},
        previous=row.chain, row_id=service.ids.new(row.bucket))  # fmt: skip
    step = service.packs.definition(row.pack_id).steps.get(row.state)
    holding = {row.units[name][0]: units[name] for name in (step.holders if step else (row.starter,)) if name in units}
    written = connection.execute(
        update(Request).where(Request.id == row.id, Request.version == row.version)
        .values(version=row.version + 1, chain=trail["hash"], units=units, **_columns(row, merger, holding))
    )  # fmt: skip
    if written.rowcount != 1:
        return False
    connection.execute(insert(History), trail)
    _hand_over(connection, row, units, holding, merger.at)
    _announce(service, connection, row)
    return True


def _units(connection: Connection, row: Any, merger: Merger, stage: str) -> dict[str, list[Any]]:
    """The units with the successor and all above it in the place of the school and what was above that."""
    parts = _parts(connection, row.kind, merger.successor_id, stage, merger.on)
    units = dict(row.units)
    for side in ("destination_", "origin_", ""):
        mine = units.get(f"{side}school")
        if mine is None or mine[0] != merger.school_id:
            continue
        for part in ("school", "bureau", "province", "city_bureau", "province_bureau"):
            if f"{side}{part}" in units:
                units[f"{side}{part}"] = parts[part]
        if side == "destination_" and "shared_bureau" in units:
            units["shared_bureau"] = parts["bureau"]
    return units


def _parts(connection: Connection, kind: str, school_id: int, stage: str, on: date) -> dict[str, list[Any]]:
    """The successor, its bureau in the stage, its city and its province, each as a unit."""
    around = surroundings(connection, kind, school_id, school_id, on)
    assert around is not None  # The successor is a school: its code was looked up when the merger was completed.
    bureau = around.bureaus.get((school_id, stage))
    province = next(unit for unit in around.above if unit.level == "province")
    city = next((unit for unit in around.above if unit.level == "city" or unit.city_powers), province)
    found = {"school": around.destination, "bureau": bureau or around.above[1], "province": province,
             "city_bureau": city, "province_bureau": province}  # fmt: skip
    return {name: [unit.id, unit.path] for name, unit in found.items()}


def _columns(row: Any, merger: Merger, holding: Units) -> dict[str, Any]:
    """The schools, the class and the holder of the request as they are now."""
    columns = {
        name: merger.successor_id
        for name in ("destination_school_id", "origin_school_id", "applicant_id")
        if getattr(row, name) == merger.school_id
    }
    if row.class_id in merger.classes:
        columns["class_id"] = merger.classes[row.class_id]
    if row.holder_id not in holding:
        return columns
    holder, path = holding[row.holder_id]
    return {**columns, "holder_id": holder, "holder_path": path}


def _hand_over(connection: Connection, row: Any, units: dict[str, list[Any]], holding: Units, at: int) -> None:
    """Every duty that lasts passes on, with the version of the reroute. Who plays another part still keeps his own."""
    playing = {unit[0] for unit in units.values()}
    passed = {row.units[name][0]: unit for name, unit in units.items() if row.units[name][0] not in playing}
    lasting = connection.execute(
        select(RequestParty.__table__).where(RequestParty.request_id == row.id, RequestParty.to_at.is_(None))
    ).all()
    there = {(party.organization_id, party.duty) for party in lasting}
    for party in lasting:
        follows = (holding if party.duty == "hold" else passed).get(party.organization_id)
        if follows is None or follows[0] == party.organization_id:
            continue
        connection.execute(
            update(RequestParty).where(
                RequestParty.request_id == row.id, RequestParty.organization_id == party.organization_id,
                RequestParty.duty == party.duty, RequestParty.opened == party.opened).values(to_at=at)
        )  # fmt: skip
        if (follows[0], party.duty) in there:
            continue
        there.add((follows[0], party.duty))
        connection.execute(insert(RequestParty), {
            "request_id": row.id, "organization_id": follows[0], "duty": party.duty, "opened": row.version + 1,
            "bucket": row.bucket, "path": follows[1], "role": party.role, "due_at": party.due_at, "from_at": at,
        })  # fmt: skip


def _announce(service: Service, connection: Connection, row: Any) -> None:
    body = {"request": str(row.id), "number": row.number, "event": EVENT, "from": row.state, "to": row.state,
            "version": row.version + 1}  # fmt: skip
    connection.execute(insert(Outbox), {
        "id": service.ids.new(row.bucket), "bucket": row.bucket, "topic": f"{row.kind}.{EVENT}", "object_id": row.id,
        "seq": row.version + 1, "body": dumps(body), "created_at": service.clocks.real(), "attempts": 0,
    })  # fmt: skip


__all__ = ["EVENT", "reroute"]
