"""What is exported: the scope of whoever asks, masked unless he says what for, and fit to be read in again."""

import csv
import stat
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from states.identity import make_identity_number
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Forbidden
from workflow_service.export import MASK, CannotExport, export
from workflow_service.models import AccessLog
from workflow_service.roster.importer import import_workbook
from workflow_service.roster.workbook import write_roster

NAMES = {"201": "示例安丰县实验小学", "202": "示例安丰县朝阳小学"}


def pupil(school: str, sequence: int, **more: str) -> dict[str, str]:
    number = make_identity_number("990201", date(2018, 3, 5), sequence)
    return {
        "school_code": school, "school_name": NAMES[school], "name": f"林{'春夏秋冬'[sequence % 4]}", "sex": "男",
        "birth_date": "20180305", "identity_type": "居民身份证", "identity_number": number,
        "student_number": f"G{number}", "grade": "三年级", "class_name": "1班", "entered": "202409",
        "guardian1_name": "林建国", "guardian1_relation": "父亲", "guardian1_phone": "10012345678", **more,
    }  # fmt: skip


@pytest.fixture
def full(world: World, tmp_path: Path) -> World:
    """Give a world with two students in one school and one in another."""
    rows = [pupil("201", 1), pupil("201", 3, status="休学"), pupil("202", 5)]
    write_roster(tmp_path / "in.xlsx", rows)
    assert import_workbook(world.service, tmp_path / "in.xlsx", None).created == 3
    return world


def sheet(path: Path, title: str = "学生名册") -> list[dict[str, Any]]:
    heading, *rows = openpyxl.load_workbook(path)[title].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows]


def logged(world: World) -> list[Any]:
    with db.reading(world.service.engine) as connection:
        return list(connection.execute(select(AccessLog.__table__).where(AccessLog.action.like("%export"))))


def test_everybody_sees_his_own_scope_with_numbers_masked(full: World, tmp_path: Path) -> None:
    for who, count in ((None, 3), ("county2", 3), ("school201", 2), ("school202", 1), ("county1", 0)):
        path = tmp_path / f"{who}.xlsx"
        found = export(full.service, path, full.actor(who) if who else None)
        assert found.students == count
        rows = [row for row in sheet(path) if row["姓名"]]
        assert len(rows) == count
        assert {row["学籍号"] for row in rows} <= {MASK}
        assert {row["身份证件号"] for row in rows} <= {MASK}
    assert "监护人1姓名" not in sheet(tmp_path / "county2.xlsx")[0]
    assert {row["学籍状态"] for row in sheet(tmp_path / "school201.xlsx")} == {"在读", "休学"}
    assert [row.action for row in logged(full)] == ["export"] * 5


def test_a_revealed_export_is_logged_first_and_comes_in_again_unchanged(full: World, tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    export(full.service, path, full.actor("school201"), purpose="核对学籍")
    assert sheet(path)[0]["监护人1电话"] == "10012345678"
    [entry] = logged(full)
    assert (entry.action, entry.purpose) == ("reveal_export", "核对学籍")
    assert entry.account_id == full.actor("school201").account_id
    again = import_workbook(full.service, path, None)
    assert (again.errors, again.created, again.unchanged, again.remarks) == ((), 0, 2, ())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_came_back_is_05_until_the_next_term(world: World, tmp_path: Path) -> None:
    pupil = world.student("201")
    away = world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"})
    world.complete(away)

    def code(name: str) -> str:
        export(world.service, tmp_path / name, world.actor("school201"))
        [row] = sheet(tmp_path / name)
        return str(row["学籍状态码"])

    assert code("away.xlsx") == "02"
    world.go(2026, 11, 2)
    back = world.start("school201", "resumption", pupil, ground="recovered")
    world.complete(back)
    assert code("back.xlsx") == "05"
    world.go(2027, 3, 10)
    assert code("later.xlsx") == "01"


@pytest.mark.parametrize("who", ["county2", "school201.principal"])
def test_only_a_schools_registrar_sees_whole_numbers(full: World, tmp_path: Path, who: str) -> None:
    with pytest.raises(Forbidden):
        export(full.service, tmp_path / "x.xlsx", full.actor(who), purpose="核对学籍")
    assert list(tmp_path.glob("*x.xlsx*")) == []
    assert logged(full) == []


def test_requests_are_a_sheet_of_their_own(full: World, tmp_path: Path) -> None:
    request = full.draft("school201", full.student("202"), "201", ground="moved_house")
    full.school_class("201", 3)
    full.fire(request, "submit", "school201")
    said: list[tuple[int, int, str]] = []
    path = tmp_path / "all.xlsx"
    found = export(full.service, path, full.actor("county2"), "all", progress=lambda *step: said.append(step))
    assert (found.students, found.requests) == (4, 1)
    [row] = sheet(path, "业务申请")
    assert (row["业务"], row["目标学校标识码"], row["学籍号"]) == ("转学", "201", MASK)
    assert said[-1] == (1, 1, "业务申请")
    assert export(full.service, tmp_path / "none.xlsx", full.actor("county1"), "requests").requests == 0


def test_csv_opens_in_a_spreadsheet_and_evaluates_nothing(world: World, tmp_path: Path) -> None:
    write_roster(tmp_path / "in.xlsx", [pupil("201", 1, name="-阿", former_name="林冬")])
    import_workbook(world.service, tmp_path / "in.xlsx", None)
    path = tmp_path / "out.csv"
    export(world.service, path, None)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    [row] = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    assert (row["姓名"], row["曾用名"], row["出生日期"]) == ("'-阿", "林冬", "20180305")


def test_what_cannot_be_exported_is_said_and_nothing_is_overwritten(world: World, tmp_path: Path) -> None:
    there = tmp_path / "there.xlsx"
    there.write_text("mine")
    for path, what, purpose in (
        (there, "students", None), (tmp_path / "x.txt", "students", None), (tmp_path / "x.csv", "all", None),
        (tmp_path / "x.xlsx", "students", " "),
    ):  # fmt: skip
        with pytest.raises(CannotExport, match="/"):
            export(world.service, path, None, what, purpose=purpose)
    assert there.read_text() == "mine"
    assert logged(world) == []


def test_an_export_that_breaks_off_leaves_no_file(full: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow_service.export._masked", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export(full.service, tmp_path / "out.xlsx", None)
    assert list(tmp_path.glob("*out.xlsx*")) == []
