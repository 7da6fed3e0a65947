"""What school matters do (学校事项的效力): quota, founding, key data, merging and closing.

Merging and closing only mark the school here, in the statement that completes the request: who sits in a merged one and
what is open about him follows by `workflow_service.sweeps.mergers`, in batches that any process may go on with. What
cannot follow ends (`workflow_service.closing`): drafts at a school that closed for good, requests about the school.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from states.facts import COMPULSORY
from states.vocabulary import STAGES
from workflow_service.closing import close_after_school
from workflow_service.completion import AFTERWARDS, Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.ids import bucket_of
from workflow_service.models import Organization, SchoolStage
from workflow_service.models.columns import dumps
from workflow_service.sql import Write

PARTICULARS = ("school_type", "school_nature", "run_by", "campuses")
"""学校关键信息 that have no column of their own (BJ-05)."""
COLUMNS = ("school_code", "school_name", "town_school")
YEARS = tuple(f"years_{stage}" for stage in STAGES)

QUOTA = Write(
    "quota_row",
    """
UPDATE school_stage SET quota = :new_quota
WHERE school_id = :destination_school_id AND stage = :quota_stage{moved}""",
)
QUOTA_STANDS = (
    "school_stage q",
    "q.school_id = :destination_school_id AND q.stage = :quota_stage AND q.attending + q.held <= :new_quota",
)


@effect("quota_change")
def set_quota(completing: Completing) -> Effect:
    """The total of a school in a stage (学籍总量, BJ-03, BJ-04)."""
    data = completing.data
    return Effect(
        writes=(QUOTA,), guards=(QUOTA_STANDS,),
        values={"destination_school_id": completing.row["destination_school_id"], "quota_stage": data["for_stage"],
                "new_quota": data["quota"]},
    )  # fmt: skip


FOUNDED = Write(
    "founded",
    """
INSERT INTO organization (id, code, name, kind, level, parent_id, path, division_code, stages, schooling, town,
    catchment, single_handed, city_powers, particulars, policy, registrars, principals, active, version)
SELECT :school_id, :school_code, :school_name, 'school', 'school', :destination_school_id, :school_path, :division_code,
    :school_stages, :schooling, :town, '', :no, :no, :particulars, NULL, 0, 0, :yes, 1{drawn}""",
)
CHANGED = Write(
    "changed_school",
    """
UPDATE organization SET code = :school_code, name = :school_name, stages = :school_stages, schooling = :schooling,
    town = :town, particulars = :particulars, version = version + 1 WHERE id = :school_id{moved}""",
)
UNCHANGED = ("organization n", "n.id = :school_id AND n.version = :school_version")
CLOSED = Write(
    "closed_school",
    """
UPDATE organization SET active = :no, successor_id = :successor_id, particulars = :particulars, version = version + 1
WHERE id = :school_id{moved}""",
)
NO_PLACES = Write("no_places", "DELETE FROM school_stage WHERE school_id = :school_id{moved}")
# Without these rows nobody takes a place there any more: whoever decided so a moment ago finds no row to lock, and
# decides anew. That is what keeps an arrival and a closing from both happening.
NOBODY_LEFT = """n.id = :school_id AND n.version = :school_version
    AND NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.school_id = :school_id AND e.ended_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM request p WHERE p.open AND p.student_id IS NOT NULL
        AND (p.destination_school_id = :school_id OR p.origin_school_id = :school_id))"""
UNSUPERVISED = Write(
    "ended_supervision",
    """
UPDATE supervision SET valid_to = :effective WHERE school_id = :school_id AND valid_to IS NULL{moved}""",
)
# The places of both schools together, where both have a total: the successor takes in everybody at once.
ADDED_QUOTA = Write(
    "added_quota",
    """
UPDATE school_stage SET quota = quota + (SELECT q.quota FROM school_stage q WHERE q.school_id = :school_id
    AND q.stage = school_stage.stage)
WHERE school_id = :successor_id AND quota IS NOT NULL AND EXISTS (SELECT 1 FROM school_stage q
    WHERE q.school_id = :school_id AND q.stage = school_stage.stage AND q.quota IS NOT NULL){moved}""",
)


def new_stage(index: int) -> Write:
    """The places of a stage that a school begins with: nobody set a total yet (BJ-03)."""
    return Write(
        f"new_stage_{index}",
        f"""
INSERT INTO school_stage (school_id, stage, attending, held) SELECT :school_id, :stage_{index}, 0, 0{{drawn}}""",
    )


def new_supervision(index: int) -> Write:
    """Who supervises that stage from the effective day on."""
    return Write(
        f"new_supervision_{index}",
        f"""
INSERT INTO supervision (id, school_id, stage, bureau_id, valid_from)
SELECT :supervision_{index}, :school_id, :stage_{index}, :bureau_{index}, :effective{{drawn}}""",
    )


@effect("organization_change")
def change_organization(completing: Completing) -> Effect:
    """Founding, key data, merging, closing (BJ-05, BJ-06, N13-12): each by its ground."""
    return {"founding": _found, "school_data": _change, "merging": _close, "closing": _close}[completing.row["ground"]](
        completing
    )


def _years(data: Mapping[str, Any]) -> dict[str, int]:
    """学制 by stage, as the request gives it."""
    return {stage: data[f"years_{stage}"] for stage in STAGES if data.get(f"years_{stage}")}


def _found(completing: Completing) -> Effect:
    """A school under the unit that asks: its id is the request's subject, so that founding twice is impossible."""
    row, data = completing.row, completing.data
    above, schooling = _organization(completing, row["destination_school_id"]), _years(data)
    values = {
        "school_id": row["subject_id"], "destination_school_id": above.id, "school_code": data["school_code"],
        "school_name": data["school_name"], "school_path": f"{above.path}{data['school_code']}/",
        "division_code": above.division_code, "school_stages": dumps(list(schooling)), "schooling": dumps(schooling),
        "town": bool(data.get("town_school")), "particulars": dumps(_particulars({}, data)), "no": False, "yes": True,
    }  # fmt: skip
    writes, more = _stages(completing, list(schooling))
    return Effect(writes=(FOUNDED, *writes), values=values | more)


def _stages(completing: Completing, stages: list[str]) -> tuple[list[Write], dict[str, Any]]:
    """Places and supervision of new stages; who supervises what follows compulsory education is said by the request."""
    units, ids = completing.row["units"], completing.service.ids
    later = {"city": "city_bureau", "province": "province_bureau"}.get(
        completing.data.get("supervised_by", ""), "bureau"
    )
    writes: list[Write] = []
    values: dict[str, Any] = {}
    for index, stage in enumerate(stages):
        unit = "bureau" if stage in (*COMPULSORY, "kindergarten") else later
        values |= {f"stage_{index}": stage, f"bureau_{index}": units[unit][0],
                   f"supervision_{index}": ids.new(bucket_of(completing.row["subject_id"]))}  # fmt: skip
        writes += [new_stage(index), new_supervision(index)]
    return writes, values


def _change(completing: Completing) -> Effect:
    """What the request names changes, the rest stays. The path stays too: it is the school's place in every scope."""
    row, data = completing.row, completing.data
    school = _organization(completing, row["destination_school_id"])
    schooling = {**school.schooling, **_years(data)}
    added = [stage for stage in schooling if stage not in school.stages]
    writes, values = _stages(completing, added)
    particulars = {**_particulars(school.particulars, data), "former": [*school.particulars.get("former", ()),
                                                                        _former(completing, school)]}  # fmt: skip
    values |= {
        "school_id": school.id, "school_version": school.version, "school_code": data.get("school_code", school.code),
        "school_name": data.get("school_name", school.name), "school_stages": dumps([*school.stages, *added]),
        "schooling": dumps(schooling), "town": bool(data.get("town_school", school.town)),
        "particulars": dumps(particulars),
    }  # fmt: skip
    return Effect(writes=(CHANGED, *writes), values=values, guards=(UNCHANGED,))


def _former(completing: Completing, school: Any) -> dict[str, Any]:
    """What a change replaces (曾用名等): {"until": day, "by": request, and each named fact as it was}."""
    stages = {f"years_{stage}": years for stage, years in school.schooling.items()}
    before = {"school_code": school.code, "school_name": school.name, "town_school": school.town,
              **stages, **school.particulars}  # fmt: skip
    named = {name: before.get(name) for name in (*COLUMNS, *PARTICULARS, *YEARS) if name in completing.data}
    return {"until": completing.effective.isoformat(), "by": str(completing.row["id"]), **named}


def _close(completing: Completing) -> Effect:
    """No request begins here any more; its supervision ends with the day, its pupils and requests go on after it."""
    row, data = completing.row, completing.data
    school = _organization(completing, row["destination_school_id"])
    keeper = {"archive_unit": data["archive_unit"]} if data.get("archive_unit") else {}
    values = {
        "school_id": school.id, "school_version": school.version, "successor_id": row["successor_id"], "no": False,
        "particulars": dumps({**school.particulars, **keeper, "closed_by": str(row["id"])}),
    }  # fmt: skip
    if row["successor_id"]:
        return Effect(writes=(CLOSED, UNSUPERVISED, ADDED_QUOTA), values=values, guards=(UNCHANGED,))
    guards, empty = _empty_stages(completing, school.id)
    return Effect(writes=(CLOSED, UNSUPERVISED, NO_PLACES), values=values | empty,
                  guards=(("organization n", NOBODY_LEFT), *guards))  # fmt: skip


def _empty_stages(completing: Completing, school_id: int) -> tuple[tuple[tuple[str, str], ...], dict[str, Any]]:
    """The rows of places of a school that closes for good, locked and empty when it does."""
    with reading(completing.service.engine) as connection:
        stages = connection.execute(
            select(SchoolStage.stage).where(SchoolStage.school_id == school_id).order_by(SchoolStage.stage)
        ).scalars().all()  # fmt: skip
    guards = tuple(
        (f"school_stage q{index}", f"q{index}.school_id = :school_id AND q{index}.stage = :empty_{index}"
                                   f" AND q{index}.attending = 0 AND q{index}.held = 0")
        for index in range(len(stages))
    )  # fmt: skip
    return guards, {f"empty_{index}": stage for index, stage in enumerate(stages)}


def _particulars(before: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {**before, **{name: data[name] for name in PARTICULARS if data.get(name) not in (None, "")}}


def _organization(completing: Completing, id_: int) -> Any:
    with reading(completing.service.engine) as connection:
        return connection.execute(select(Organization.__table__).where(Organization.id == id_)).one()


AFTERWARDS["organization_change"] = close_after_school

__all__ = ["change_organization", "set_quota"]
