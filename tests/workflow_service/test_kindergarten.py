"""A kindergarten under Zhejiang's rules: its children come by request, by the admission list and by the roster."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from states.calendar import grade_of
from states.identity import make_identity_number
from tests.workflow_service.test_admissions import child
from tests.workflow_service.test_kinds_schools import about
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.admissions import import_admissions
from workflow_service.grants import create_account
from workflow_service.models import Organization, SchoolClass, SchoolStage
from workflow_service.newcomers import Person
from workflow_service.roster.importer import import_workbook
from workflow_service.roster.workbook import write_roster

NAME = "示例西溪县第一幼儿园"


@pytest.fixture
def kindergarten(world: World) -> World:
    found_kindergarten(world)
    return world


def found_kindergarten(world: World) -> None:
    """Kindergarten 906 of three years in county 9, which follows Zhejiang's pack; founded as its bureau founds it."""
    world.go(2026, 9, 1)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "county9").values(policy="zhejiang-k12"))
    data = {"school_code": "906", "school_name": NAME, "school_type": "幼儿园", "school_nature": "普通学校",
            "run_by": "government", "campuses": "一园区", "years_kindergarten": 3}  # fmt: skip
    world.complete(about(world, "county9", "organization_change", "county9", ground="founding", data=data))
    with db.begin(world.service.engine) as connection:
        for name, role in (("", "registrar"), (".principal", "principal")):
            create_account(connection, world.service, username=f"school906{name}", name=role, roles=(role,),
                           organization_id=world.organization("906").id,
                           password_hash=world.service.passwords.hash("demo-2026"))  # fmt: skip


def pupil_of(sequence: int, grade: str, entered: str, born: date) -> dict[str, str]:
    number = make_identity_number("990901", born, sequence)
    return child(
        sequence, name="甲乙丙"[sequence - 1] + "小满", school_code="906", school_name=NAME, grade=grade,
        entered=entered, birth_date=f"{born:%Y%m%d}", identity_number=number, student_number=f"G{number}",
    )  # fmt: skip


def classes(world: World) -> dict[int, Any]:
    """The kindergarten's classes by the grade that they have now."""
    query = select(SchoolClass.__table__).where(SchoolClass.school_id == world.organization("906").id)
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(query).all()
    return {grade_of(row.first_grade, row.entered_year, date(2026, 9, 1)): row for row in rows}


def roster_of(path: Path) -> Path:
    """A roster with one child in each class, written to a path."""
    write_roster(path, [
        pupil_of(1, "小班", "202609", date(2023, 3, 5)), pupil_of(2, "中班", "202509", date(2022, 3, 5)),
        pupil_of(3, "大班", "202409", date(2021, 3, 5)),
    ])  # fmt: skip
    return path


def test_a_roster_opens_the_three_classes_of_a_kindergarten(kindergarten: World, tmp_path: Path) -> None:
    path = roster_of(tmp_path / "幼儿园.xlsx")
    report = import_workbook(kindergarten.service, path, kindergarten.actor("school906"), lambda _line: None)
    assert "3" in report.summary
    found = classes(kindergarten)
    assert set(found) == {-3, -2, -1}
    for row in found.values():
        assert (row.stage, row.first_grade, row.last_grade, row.attending) == ("kindergarten", -3, -1, 1)
    with db.reading(kindergarten.service.engine) as connection:
        stage = select(SchoolStage.attending).where(SchoolStage.school_id == kindergarten.organization("906").id)
        assert connection.execute(stage).scalar_one() == 3


def test_a_child_is_enrolled_by_request_from_the_admission_list_or_new(kindergarten: World, tmp_path: Path) -> None:
    path = tmp_path / "录取.xlsx"
    listed = pupil_of(1, "小班", "202609", date(2023, 3, 5)) | {"student_number": ""}
    write_roster(path, [listed])
    import_admissions(kindergarten.service, path, kindergarten.actor("school906"))
    new = Person("新来", "1", date(2023, 4, 5), identity_number=make_identity_number("990901", date(2023, 4, 5), 9))
    request_id = kindergarten.start("school906", "enrolment", person=new, grade=-3, ground="kindergarten_admission",
                                    data={"reported_on": "2026-09-01"})  # fmt: skip
    done = kindergarten.complete(request_id)
    assert (done.state, done.grade) == ("completed", -3)
    enrolment = kindergarten.enrolment(done.student_id)
    assert (enrolment.stage, enrolment.class_id) == ("kindergarten", classes(kindergarten)[-3].id)
    assert kindergarten.seats(enrolment.class_id) == (1, 0)
