"""Class codes and pupil codes: given where the pack says so, once, and found by whoever types one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.workflow_service.test_numbering import pupil
from tests.workflow_service.world import Pupil, World
from workflow_service.check import check
from workflow_service.codes import give_codes
from workflow_service.db import begin, reading
from workflow_service.models import History, Organization, SchoolClass
from workflow_service.views.students import WantedStudents, find_student, list_students, student_view

pytestmark = pytest.mark.usefixtures("shiyan")


@pytest.fixture
def shiyan(world: World) -> None:
    """School 202 follows the pack of 十堰; the others do not."""
    with begin(world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "202").values(policy="shiyan-k12"))


def classes_of(world: World) -> dict[int, str | None]:
    with reading(world.service.engine) as connection:
        rows = connection.execute(select(SchoolClass.id, SchoolClass.code)).all()
    return {row.id: row.code for row in rows}


def code_of(world: World, who: Pupil) -> str | None:
    code: str | None = world.student_row(who.id).local_code
    return code


def with_parameters(world: World, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    shipped = world.service.packs.definition

    def changed(pack_id: int) -> Any:
        found = shipped(pack_id)
        rows = {name.replace("_", "-"): {"value": value} for name, value in values.items()}
        return replace(found, parameters={**found.parameters, **rows}) if "SY-03-format" in found.parameters else found

    monkeypatch.setattr(world.service.packs, "definition", changed)


def test_classes_and_pupils_get_their_codes_with_the_record(world: World) -> None:
    class_id = world.school_class("202", 3)
    one, two = pupil(world, "L231183201705010000"), pupil(world, "L231183201705010001", name="陈一")
    [code] = [code for code in classes_of(world).values() if code]
    assert classes_of(world)[class_id] == code
    with reading(world.service.engine) as connection:
        row = connection.execute(select(SchoolClass.__table__).where(SchoolClass.id == class_id)).one()
        trail = connection.execute(
            select(History.event, History.payload).where(History.object_id == two.id).order_by(History.seq.desc())
        ).first()
    assert code == f"202{row.entered_year}{row.sequence:03}"
    assert (code_of(world, one), code_of(world, two)) == (f"{code}001", f"{code}002")
    assert trail is not None
    assert (trail.event, json.loads(trail.payload)["d"]) == ("coded", {"local_code": f"{code}002"})
    assert check(world.service) == []


def test_a_school_whose_pack_has_no_codes_gets_none(world: World) -> None:
    elsewhere = world.student("201")
    assert give_codes(world.service) == 0
    assert code_of(world, elsewhere) is None


def test_who_was_there_before_the_pack_is_coded_by_the_sweep_once(world: World) -> None:
    with begin(world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "202").values(policy=None))
    who = pupil(world, "L231183201705010000")
    assert code_of(world, who) is None
    with begin(world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "202").values(policy="shiyan-k12"))
    assert give_codes(world.service, 1) == 1
    code = code_of(world, who)
    assert give_codes(world.service) == 0
    assert code_of(world, who) == code is not None
    assert check(world.service) == []


def test_a_transfer_leaves_the_code_as_it_is(world: World) -> None:
    world.school_class("201", 3)
    who = pupil(world, "L231183201705010000")
    code = code_of(world, who)
    request = world.draft(
        "school201", who, "201", ground="return_to_registered_home",
        data={"guardian_register_in_catchment": True, "student_register": "with_guardian"},
    )  # fmt: skip
    world.complete(request)
    assert world.enrolment(who.id).school_id == world.organization("201").id
    give_codes(world.service)
    assert code_of(world, who) == code is not None


@pytest.mark.parametrize(
    ("values", "of_class", "length"),
    [
        ({"SY_03_sequence": 2}, 9, 12),
        ({"SY_04_sequence": 2}, 10, 12),
        ({"SY_03_format": "class_code_grade_first"}, 9, 12),
    ],
)
def test_the_pack_says_how_wide_the_parts_are(
    world: World, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], of_class: int, length: int
) -> None:
    with_parameters(world, monkeypatch, **values)
    code = code_of(world, pupil(world, "L231183201705010000"))
    [class_code] = [code for code in classes_of(world).values() if code]
    assert code is not None
    assert code.startswith(class_code)
    assert (len(class_code), len(code)) == (of_class, length)


def test_a_school_code_of_another_width_gives_no_code_and_stops_no_record(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with_parameters(world, monkeypatch, SY_03_school=10)
    assert code_of(world, pupil(world, "L231183201705010000")) is None
    assert "gets no code" in caplog.text


def test_a_class_whose_sequence_is_taken_gets_the_next_one(world: World) -> None:
    who = pupil(world, "L231183201705010000")
    with begin(world.service.engine) as connection:
        row = connection.execute(select(SchoolClass.__table__).where(SchoolClass.code.is_not(None))).one()
        other = {**row._mapping, "id": row.id + 1, "stage": "junior", "code": None, "attending": 0, "held": 0}
        connection.execute(SchoolClass.__table__.insert(), other)
    give_codes(world.service)
    codes = classes_of(world)
    assert codes[row.id + 1] == f"{row.code[:-3]}{max(int(c[-3:]) for c in codes.values() if c):03}"
    assert codes[row.id + 1] != row.code
    assert code_of(world, who) == f"{row.code}001"


def test_the_code_is_shown_and_finds_its_pupil_in_scope(world: World) -> None:
    who = pupil(world, "L231183201705010000")
    code = code_of(world, who)
    for username, expected in (("school202", [str(who.id)]), ("county2", [str(who.id)]), ("school201", [])):
        found, _ = list_students(world.service, world.actor(username), WantedStudents(q=code), 10)
        assert [row["id"] for row in found] == expected
    shown = student_view(world.service, find_student(world.service, world.actor("school202"), who.id))
    assert (shown["local_code"], shown["class_code"]) == (code, str(code)[:-3])
