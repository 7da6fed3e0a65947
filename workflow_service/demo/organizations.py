"""The demo's organizations (示例机构): two provinces, real division codes, invented bureaus and schools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select

from workflow_service.models import Organization, SchoolStage, Supervision

if TYPE_CHECKING:
    from workflow_service.service import Service

SUPERVISED_SINCE = date(2015, 9, 1)
PRIMARY, JUNIOR, MIXED = {"primary": 6}, {"junior": 3}, {"primary": 5, "junior": 4, "senior": 3}


@dataclass(frozen=True, slots=True)
class Bureau:
    """A bureau of the demo: `above` is the code of the one above it."""

    code: str
    name: str
    level: str
    above: str | None
    division: str
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class School:
    """A school of the demo; `county` is the code of the bureau right above it, a city's for those of other stages."""

    code: str
    name: str
    county: str
    schooling: dict[str, int] = field(default_factory=dict)
    town: bool = False


BUREAUS = (
    Bureau("province", "示例北江省教育厅", "province", None, "230000", "national-k12"),
    Bureau("city1", "示例黑水市教育局", "city", "province", "231100"),
    Bureau("county1", "示例嫩水县教育局", "county", "city1", "231183", "nenjiang-k12"),
    Bureau("county2", "示例安丰县教育局", "county", "city1", "231181", "catchment-k12"),
    Bureau("city2", "示例松原市教育局", "city", "province", "230100"),
    Bureau("county3", "示例城东区教育局", "county", "city2", "230102", "beijing-k12"),
    Bureau("county4", "示例南山区教育局", "county", "city2", "230103", "national-k12"),
    Bureau("county5", "示例松山区教育局", "county", "city2", "230104", "shiyan-k12"),
    Bureau("province2", "示例东越省教育厅", "province", None, "330000", "national-k12"),
    Bureau("county9", "示例西溪县教育局", "county", "province2", "330106", "national-k12"),
)

_SCHOOL_NAMES = {
    "1": ("嫩水县城关第一小学", "嫩水县双山镇中心小学", "嫩水县育红小学", "嫩水县第三中学", "嫩水县北辰学校"),
    "2": ("安丰县实验小学", "安丰县朝阳小学", "安丰县赵光镇中心小学", "安丰县第二中学", "安丰县明德学校"),
    "3": ("城东区光华路小学", "城东区育才小学", "城东区第六小学", "城东区第五十四中学", "城东区文澜学校"),
    "4": ("南山区人和街小学", "南山区继红小学", "南山区和平桥小学", "南山区第十七中学", "南山区启明学校"),
    "9": ("西溪县学军小学", "西溪县古荡小学", "西溪县三墩镇中心小学", "西溪县十三中学", "西溪县云栖学校"),
}  # fmt: skip


_OTHERS = (
    School("506", "示例松山区实验小学", "county5", PRIMARY, town=True),
    School("606", "示例黑水市职业技术学校", "city1", {"vocational": 3}),
    School("706", "示例北江大学", "city1", {"higher": 4}),
)
"""One small school for every family of packs that the counties above do not show: Shiyan's, vocational, higher."""


def schools() -> Iterator[School]:
    """The schools of every county: x01 (in town), x02, x03 primary, x04 junior secondary, x05 all three stages; and
    x06, the small ones.
    """
    kinds = (PRIMARY, PRIMARY, PRIMARY, JUNIOR, MIXED)
    for county, names in _SCHOOL_NAMES.items():
        for number, (name, schooling) in enumerate(zip(names, kinds, strict=True), 1):
            yield School(f"{county}0{number}", f"示例{name}", f"county{county}", schooling, town=number == 1)
    yield from _OTHERS


def create_organizations(connection: Connection, service: Service) -> bool:
    """Create them all, with supervision and stages; False, and nothing written, when they are there already."""
    if connection.execute(select(func.count()).select_from(Organization)).scalar_one():
        return False
    made: dict[str, dict[str, Any]] = {}
    made["system"] = _organization(service, "system", "系统管理", "system", "system", "/", None)
    for bureau in BUREAUS:
        above = made[bureau.above] if bureau.above else None
        path = f"{above['path'] if above else '/'}{bureau.code}/"
        made[bureau.code] = _organization(
            service, bureau.code, bureau.name, "bureau", bureau.level, path, above,
            division_code=bureau.division, policy=bureau.policy,
        )  # fmt: skip
    supervision: list[dict[str, Any]] = []
    for school in schools():
        county = made[school.county]
        made[school.code] = _organization(
            service, school.code, school.name, "school", "school", f"{county['path']}{school.code}/", county,
            division_code=county["division_code"], stages=list(school.schooling), schooling=school.schooling,
            town=school.town, catchment=f"{school.name}学区" if "primary" in school.schooling else "",
        )  # fmt: skip
        supervision += _supervision(service, made, school)
    connection.execute(insert(Organization), list(made.values()))
    connection.execute(insert(Supervision), supervision)
    stages = [{"school_id": row["school_id"], "stage": row["stage"], "quota": None} for row in supervision]
    connection.execute(insert(SchoolStage), [{**row, "attending": 0, "held": 0} for row in stages])
    return True


def _supervision(service: Service, made: dict[str, dict[str, Any]], school: School) -> Iterator[dict[str, Any]]:
    """A school is its bureau's; a senior one is the next bureau's above, a city's or a province's, and so is a
    university.
    """
    above = next(bureau.above for bureau in BUREAUS if bureau.code == school.county)
    assert above is not None
    for stage in school.schooling:
        yield {
            "id": service.ids.new_subject(),
            "school_id": made[school.code]["id"],
            "stage": stage,
            "bureau_id": made[above if stage in ("senior", "higher") else school.county]["id"],
            "valid_from": SUPERVISED_SINCE,
            "valid_to": None,
        }


def _organization(
    service: Service, code: str, name: str, kind: str, level: str, path: str, above: dict[str, Any] | None, **more: Any
) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "division_code": "", "stages": [], "schooling": {}, "town": False, "catchment": "", "policy": None,
    }  # fmt: skip
    return {
        "id": service.ids.new_subject(), "code": code, "name": name, "kind": kind, "level": level,
        "parent_id": above["id"] if above else None, "path": path, "single_handed": False, "registrars": 0,
        "principals": 0, "active": True, "version": 1, **plain, **more,
    }  # fmt: skip
