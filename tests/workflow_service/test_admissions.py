"""Admission lists: a verdict for every row, nothing twice, and what follows from them."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from states.identity import make_identity_number
from tests.workflow_service.test_kinds import sound
from tests.workflow_service.test_kinds_admission import graduate, number_of
from tests.workflow_service.test_kinds_vocational import vocational
from tests.workflow_service.test_races import at_once
from tests.workflow_service.world import Pupil, World
from workflow_service import db
from workflow_service.admissions import AdmissionsReport, import_admissions
from workflow_service.errors import Forbidden
from workflow_service.models import RegisterEntry, SchoolClass, Student
from workflow_service.roster.workbook import write_roster

SCHOOL = {"school_code": "401", "school_name": "示例南山区人和街小学"}


def child(sequence: int, **more: str) -> dict[str, str]:
    number = make_identity_number("990401", date(2020, 3, 5), sequence)
    return {
        **SCHOOL, "name": f"新生{sequence}号".replace("号", ""), "sex": "男" if sequence % 2 else "女",
        "birth_date": "20200305", "identity_type": "居民身份证", "identity_number": number, "grade": "一年级",
        "class_name": "1班", "guardian1_name": "林建国", "guardian1_relation": "父亲", **more,
    }  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Any:
    def write(*rows: dict[str, str], name: str = "录取名单.xlsx") -> Path:
        path = tmp_path / name
        write_roster(path, rows)
        return path

    return write


def verdicts(report: AdmissionsReport) -> list[str]:
    return [row.verdict for row in report.rows]


def waiting(world: World) -> list[Any]:
    with db.reading(world.service.engine) as connection:
        return list(connection.execute(select(Student.__table__).where(Student.status == "pending_registration")))


def test_every_row_has_its_own_verdict_and_good_rows_are_taken_in(world: World, book: Any) -> None:
    world.go(2026, 8, 20)
    known = world.student("402", 1)
    path = book(
        child(1, name="甲"), child(2, name="乙"), child(1, name="甲"),
        child(3, name="丙", identity_number=known.number[1:], birth_date="20170501", sex="男"),
        child(4, name="丁", birth_date="20190305"), child(5, name="戊", school_code="999"),
    )  # fmt: skip
    report = import_admissions(world.service, path, world.actor("county4"))
    assert verdicts(report) == ["admitted", "admitted", "twice_in_file", "registered", "wrong", "wrong"]
    assert [row.name for row in waiting(world)] == ["甲", "乙"]
    assert (report.classes, report.refused) == (1, 4)
    assert report.workbook is not None
    sheet = openpyxl.load_workbook(report.workbook).worksheets[0]
    assert [str(cell.value).partition("（")[0].partition(" / ")[0] for cell in sheet["A"]][:3] == [
        "处理结果", "已录取，待注册", "已录取，待注册",
    ]  # fmt: skip
    again = import_admissions(world.service, report.workbook, world.actor("county4"))
    assert verdicts(again)[:2] == ["unchanged", "unchanged"]
    assert len(waiting(world)) == 2
    sound(world)


def test_a_check_writes_nothing_and_a_school_fills_only_itself(world: World, book: Any) -> None:
    world.go(2026, 8, 20)
    path = book(child(1, name="甲"))
    assert verdicts(import_admissions(world.service, path, None, check_only=True)) == ["admitted"]
    assert waiting(world) == []
    assert verdicts(import_admissions(world.service, path, world.actor("school402"))) == ["wrong"]
    with pytest.raises(Forbidden):
        import_admissions(world.service, path, world.actor("school401.principal"))


def test_a_second_school_is_named_and_settled_before_anybody_registers_the_pupil(world: World, book: Any) -> None:
    world.go(2026, 8, 20)
    import_admissions(world.service, book(child(1, name="甲")), None)
    other = book(child(1, name="甲", school_code="402", school_name="示例南山区继红小学"), name="另一校.xlsx")
    report = import_admissions(world.service, other, None)
    assert verdicts(report) == ["admitted_twice"]
    assert "人和街小学" in report.rows[0].why
    with db.reading(world.service.engine) as connection:
        admissions = connection.execute(select(RegisterEntry.school_id)).scalars().all()
    assert sorted(admissions) == sorted(world.organization(code).id for code in ("401", "402"))


def test_a_list_names_the_programme_of_a_class_and_so_who_manages_it(world: World, book: Any) -> None:
    vocational(world, "451", "county4", "city2", "henan-vocational-2008", entered=2010)
    world.go(2022, 6, 2)
    row = {"school_code": "451", "school_name": "示例职业学校451", "class_name": "7班", "birth_date": "20070305"}
    numbers = [make_identity_number("990401", date(2007, 3, 5), n) for n in (1, 3, 5)]
    names = zip("甲乙丙", numbers, ("职业高中", "普通中专", "职业高中"), strict=True)
    rows = [child(1, **row, name=name, identity_number=number, programme=programme)
            for name, number, programme in names]  # fmt: skip
    report = import_admissions(world.service, book(*rows, {**rows[0], "class_name": ""}), world.actor("county4"))
    assert verdicts(report) == ["admitted", "wrong", "admitted", "wrong"]
    assert "学校类别：该班的学校类别是“职业高中”" in report.rows[1].why
    assert "填写学校类别的须填写班级" in report.rows[3].why
    with db.reading(world.service.engine) as connection:
        [held] = connection.execute(select(SchoolClass.programme).where(SchoolClass.sequence == 7)).scalars()
    assert held == "vocational_high"


def test_a_list_that_comes_twice_at_once_admits_nobody_twice(world: World, book: Any) -> None:
    path = book(*(child(n, name=name) for n, name in enumerate("甲乙丙丁戊", 1)))
    copies = [path.with_name(f"{n}.xlsx") for n in range(3)]
    for copy in copies:
        copy.write_bytes(path.read_bytes())
    reports = at_once(*(partial(import_admissions, world.service, copy, None) for copy in copies))
    assert sorted(report.counts["admitted"] for report in reports) == [0, 0, 5]
    assert sorted(report.counts["unchanged"] for report in reports) == [0, 5, 5]
    assert len(waiting(world)) == 5


def test_the_list_says_grade_and_class_of_the_enrolment_that_follows(world: World, book: Any) -> None:
    world.go(2026, 9, 1)
    import_admissions(world.service, book(child(1, name="甲", class_name="2班"), child(2, name="乙")), None)
    first = next(row for row in waiting(world) if row.name == "甲")
    draft = world.start("school401", "enrolment", Pupil(first.id, "甲", "", 1), ground="unified_admission",
                        data={"reported_on": "2026-09-01"})  # fmt: skip
    assert (world.request(draft).grade, world.request(draft).data["class_name"]) == (1, "2026级2班")
    done = world.complete(draft)
    assert done.state == "completed"
    assert world.seats(done.class_id) == (1, 0)
    assert number_of(world, first.id).startswith("L")
    sound(world)


def test_leavers_are_matched_one_to_one_and_go_on_under_their_number(world: World, book: Any) -> None:
    leaver, forgotten = graduate(world, "101", "升学生"), graduate(world, "101", "漏名生")
    world.go(2026, 9, 1)
    junior = {"school_code": "104", "school_name": "示例嫩水县第三中学", "grade": "七年级", "birth_date": "20170501",
              "sex": "男", "class_name": "1班"}  # fmt: skip
    row = child(1, **junior, name="升学生", identity_number=leaver.number[1:], student_number=leaver.number)
    wrong = child(
        1,
        **{**junior, "sex": "女"},
        name="另一人",
        identity_number=forgotten.number[1:],
        student_number=forgotten.number,
    )
    report = import_admissions(world.service, book(row, wrong), world.actor("county1"))
    assert verdicts(report) == ["leaver_admitted", "not_on_list"]
    assert [left.name for left in report.unlisted] == ["漏名生"]
    draft = world.start("school104", "stage_promotion", leaver, ground="unified_admission",
                        data={"entered_on": "2026-09-01"})  # fmt: skip
    assert world.request(draft).grade == 7
    assert world.complete(draft).state == "completed"
    assert world.student_row(leaver.id).status == "attending"
    sound(world)
