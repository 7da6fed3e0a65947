"""Rosters as schools send them: good ones, mistyped ones, hostile ones."""

import io
import shutil
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from states.identity import make_identity_number
from tests.workflow_service.test_kinds_vocational import vocational
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.db import chain_hash
from workflow_service.errors import Forbidden
from workflow_service.models import (
    DuplicatePair,
    Enrolment,
    Guardian,
    History,
    ImportBatch,
    SchoolClass,
    SchoolStage,
    Student,
)
from workflow_service.roster.headings import HEADINGS, class_sequence, code_of, grade_of_text, heading_of
from workflow_service.roster.importer import ImportReport, import_workbook
from workflow_service.roster.reader import ROWS, BadWorkbook, check_package, column_letters, read_workbook
from workflow_service.roster.workbook import write_roster

SCHOOL = {"school_code": "201", "school_name": "示例安丰县实验小学"}


def pupil(sequence: int = 1, **more: str) -> dict[str, str]:
    """Return a row of the roster; each sequence is another child."""
    number = make_identity_number("990201", date(2018, 3, 5), sequence)
    return {
        **SCHOOL, "name": "林小满", "sex": "男" if sequence % 2 else "女", "birth_date": "20180305",
        "identity_type": "居民身份证", "identity_number": number, "student_number": f"G{number}", "grade": "三年级",
        "class_name": "1班", "entered": "202409", "guardian1_name": "林建国", "guardian1_relation": "父亲",
        "guardian1_phone": f"1001234{5677 + sequence}", **more,
    }  # fmt: skip


@pytest.fixture
def book(tmp_path: Path) -> Any:
    """Return a function that writes a roster and gives its path."""

    def write(*rows: dict[str, str], name: str = "roster.xlsx") -> Path:
        path = tmp_path / name
        write_roster(path, rows)
        return path

    return write


def bring_in(world: World, path: Path, **more: Any) -> ImportReport:
    return import_workbook(world.service, path, None, **more)


def count(world: World, table: Any) -> int:
    with db.reading(world.service.engine) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def edit(path: Path, change: Any) -> Path:
    """Open a written roster as a person would, change it, save it."""
    workbook = openpyxl.load_workbook(path)
    change(workbook["学生名册"])
    workbook.save(path)
    return path


def test_a_roster_puts_students_into_classes_with_a_history_that_replays(world: World, book: Any) -> None:
    said: list[str] = []
    report = bring_in(world, book(pupil(1), pupil(2, class_name="2班"), pupil(3, status="休学")), say=said.append)
    assert (report.created, report.classes, report.written, report.errors) == (3, 2, True, ())
    assert any("写入 3/3" in line for line in said)
    with db.reading(world.service.engine) as connection:
        history = connection.execute(select(History.__table__)).all()
        students = {row.id: row for row in connection.execute(select(Student.__table__))}
        classes = dict(connection.execute(select(SchoolClass.name, SchoolClass.attending)).all())
        attending = connection.execute(
            select(SchoolStage.attending).where(SchoolStage.school_id == world.organization("201").id)
        ).scalar_one()
    assert classes == {"2024级1班": 1, "2024级2班": 1}  # the suspended student takes no place
    assert attending == 2
    assert {(row.event, row.seq, row.object_type) for row in history} == {("imported", 1, "student")}
    assert all(row.hash == chain_hash(b"", row.payload) == students[row.object_id].chain for row in history)
    assert all('"d":{"status":"' in row.payload and "G99" not in row.payload for row in history)
    assert count(world, Guardian) == 3


def test_numbers_are_stored_encrypted_and_found_by_their_hash(world: World, book: Any) -> None:
    row = pupil(1)
    bring_in(world, book(row))
    with db.reading(world.service.engine) as connection:
        found = connection.execute(
            select(Student.__table__).where(
                Student.student_number_hash == world.service.hashes.of("student_number", row["student_number"])
            )
        ).one()
    assert row["identity_number"].encode() not in found.identity_number
    assert world.service.cipher.decrypt(found.identity_number, "student.identity_number") == row["identity_number"]
    assert found.pinyin == "lin xiao man lxm"


def test_the_same_file_and_the_same_students_change_nothing(world: World, book: Any) -> None:
    path = book(pupil(1), pupil(2))
    bring_in(world, path)
    again = bring_in(world, path)
    assert (again.known, again.created, again.unchanged) == (True, 0, 2)
    other = bring_in(world, book(pupil(1), pupil(2), pupil(3), name="other.xlsx"))
    assert (other.known, other.created, other.unchanged) == (False, 1, 2)
    assert (count(world, Student), count(world, Enrolment), count(world, ImportBatch)) == (3, 3, 2)


def test_one_wrong_row_keeps_the_whole_file_out_and_stands_in_the_workbook_beside_it(world: World, book: Any) -> None:
    path = book(pupil(1), pupil(2, sex="男", birth_date="20180306", school_code="999"), pupil(3))
    report = bring_in(world, path)
    assert not report.written
    assert count(world, Student) == 0
    assert {error.code for error in report.errors} == {
        "unknown_school", "number_birth_differs", "identity_number_sex"
    }  # fmt: skip
    assert {error.cell for error in report.errors} == {"学生名册!A3", "学生名册!H3"}
    assert report.error_workbook is not None
    sheet = openpyxl.load_workbook(report.error_workbook)["学生名册"]
    assert sheet["A1"].value == "错误原因"
    assert "没有这所学校" in sheet["A3"].value
    assert sheet["A2"].value in (None, "")
    assert sheet["D2"].value == "林小满"


def test_the_mended_workbook_with_the_reasons_comes_in_as_it_is(world: World, book: Any) -> None:
    report = bring_in(world, book(pupil(1, grade="十三年级")))
    assert report.error_workbook is not None
    mended = edit(report.error_workbook, lambda sheet: sheet.__setitem__("K2", "三年级"))
    assert bring_in(world, mended).created == 1


def test_an_identity_number_typed_as_a_number_is_refused_with_its_cell(world: World, book: Any) -> None:
    path = edit(book(pupil(1)), lambda sheet: sheet.__setitem__("H2", 990201201803050017))
    report = bring_in(world, path)
    [error] = [error for error in report.errors if error.column == "身份证件号"]
    assert (error.cell, error.code) == ("学生名册!H2", "number_not_text")
    assert "文本" in error.message
    assert count(world, Student) == 0


def test_dates_grades_and_school_codes_may_be_numbers_and_digits_full_width(world: World, book: Any) -> None:
    def typed(sheet: Any) -> None:
        sheet["A2"], sheet["F2"], sheet["J2"], sheet["M2"] = 201, 20180305, 3, 202409
        sheet["A3"], sheet["F3"], sheet["H3"] = "２０１", date(2018, 3, 5), sheet["H3"].value.translate(WIDE)

    path = edit(book(pupil(1), pupil(3, school_code="201")), typed)
    edit(path, lambda sheet: sheet.__setitem__("A3", "201"))
    report = bring_in(world, path)
    assert [str(error) for error in report.errors] == []
    assert report.created == 2


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")


def test_a_wrong_check_digit_comes_in_as_a_problem_record(world: World, book: Any) -> None:
    good = pupil(1)["identity_number"]
    wrong = good[:17] + ("1" if good[17] != "1" else "2")
    report = bring_in(world, book(pupil(1, identity_number=wrong, student_number=f"G{wrong}")))
    assert (report.created, report.problems) == (1, 1)
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(Student.problem)).scalar_one() == "identity_number_wrong"
    other = bring_in(world, book(pupil(3, student_number=f"G{wrong}"), name="other.xlsx"))
    assert [error.code for error in other.errors] == ["number_check_digit"]


def test_duplicates_in_a_file_and_against_the_register_are_named_and_twins_are_none(world: World, book: Any) -> None:
    assert bring_in(world, book(pupil(1, name="孟知春"), pupil(3, name="孟知秋"))).created == 2
    twice = bring_in(world, book(pupil(5), pupil(5), name="twice.xlsx"))
    assert {error.code for error in twice.errors} == {"twice_in_file"}
    number = make_identity_number("990201", date(2018, 3, 5), 7)
    second = bring_in(world, book(pupil(1, student_number=f"G{number}"), name="second.xlsx"))
    assert [error.code for error in second.errors] == ["identity_registered"]
    renamed = bring_in(world, book(pupil(1, name="孟春"), name="renamed.xlsx"))
    assert [error.code for error in renamed.errors] == ["key_data_differs"]
    moved = bring_in(
        world,
        book(pupil(1, name="孟知春", school_code="202", school_name="示例安丰县朝阳小学"), name="moved.xlsx"),
    )
    assert [error.code for error in moved.errors] == ["elsewhere"]
    other_class = bring_in(world, book(pupil(1, name="孟知春", class_name="2班"), name="class.xlsx"))
    assert (other_class.unchanged, other_class.classes) == (1, 0)
    assert any("未改动" in remark for remark in other_class.remarks)


def test_a_check_only_writes_nothing_and_counts_everything(world: World, book: Any) -> None:
    report = bring_in(world, book(pupil(1), pupil(2)), check_only=True)
    assert (report.created, report.written, count(world, Student), count(world, ImportBatch)) == (2, False, 0, 0)


def test_somebody_with_a_scope_fills_only_the_schools_in_it(world: World, book: Any) -> None:
    path = book(pupil(1))
    refused = import_workbook(world.service, path, world.actor("county1"))
    assert [error.code for error in refused.errors] == ["unknown_school"]
    with pytest.raises(Forbidden):
        import_workbook(world.service, path, world.actor("school201.principal"))
    assert import_workbook(world.service, path, world.actor("school201")).created == 1


def test_rare_names_come_in_as_they_are_and_markup_does_not(world: World, book: Any) -> None:
    names = ["王𬭎", "李㛃", "龚䶮", "𠮷小满", "买买提•阿不都热依木"]
    rows = [pupil(2 * n + 1, name=name) for n, name in enumerate(names)]
    assert bring_in(world, book(*rows)).created == 5
    with db.reading(world.service.engine) as connection:
        stored = set(connection.execute(select(Student.name)).scalars())
    assert stored == {"王𬭎", "李㛃", "龚䶮", "𠮷小满", "买买提·阿不都热依木"}
    report = bring_in(world, book(pupil(21, name="<script>alert(1)</script>"), name="markup.xlsx"))
    assert [error.code for error in report.errors] == ["name"]


def test_five_plus_four_and_stages_that_a_school_lacks(world: World, book: Any) -> None:
    mixed = {"school_code": "205", "school_name": "示例安丰县明德学校"}
    assert bring_in(world, book(pupil(1, **mixed, grade="六年级"))).created == 1
    with db.reading(world.service.engine) as connection:
        row = connection.execute(select(SchoolClass.__table__)).one()
    assert (row.stage, row.first_grade, row.last_grade, row.entered_year) == ("junior", 6, 9, 2026)
    report = bring_in(world, book(pupil(3, grade="初一"), name="stage.xlsx"))
    assert [error.code for error in report.errors] == ["grade"]


def test_a_child_without_an_identity_number_has_a_j_number(world: World, book: Any) -> None:
    row = pupil(1, identity_type="其他", identity_number="", student_number="J990201201803050026")
    assert bring_in(world, book(row)).created == 1


def test_two_children_without_number_who_look_the_same_are_a_problem_record(world: World, book: Any) -> None:
    nobody = {"identity_type": "其他", "identity_number": ""}
    first, second = (pupil(1, **nobody, student_number=f"J9902012018030500{n}") for n in ("26", "34"))
    assert bring_in(world, book(first)).problems == 0
    assert bring_in(world, book(second, name="second.xlsx")).problems == 1
    third, fourth = (pupil(1, **nobody, name="沈小舟", student_number=f"J9902012018030500{n}") for n in ("42", "50"))
    assert bring_in(world, book(third, fourth, name="third.xlsx")).problems == 1


def test_two_who_import_at_once_bring_nobody_in_twice(world: World, book: Any, tmp_path: Path) -> None:
    paths = [book(*(pupil(n) for n in range(1, 60)), name="a.xlsx"), tmp_path / "copy.xlsx",
             book(*(pupil(n) for n in range(1, 60)), pupil(61), name="b.xlsx")]  # fmt: skip
    shutil.copyfile(paths[0], paths[1])
    started = threading.Barrier(len(paths))

    def run(path: Path) -> ImportReport:
        started.wait()
        return bring_in(world, path)

    with ThreadPoolExecutor(len(paths)) as pool:
        reports = list(pool.map(run, paths))
    assert sum(report.created for report in reports) == count(world, Student) == count(world, Enrolment) == 60
    assert all(report.errors == () for report in reports)
    with db.reading(world.service.engine) as connection:
        assert connection.execute(select(func.sum(SchoolClass.attending))).scalar_one() == 60


def test_an_import_that_breaks_off_leaves_nothing(world: World, book: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_more: Any) -> None:
        raise OSError("the machine went away")

    monkeypatch.setattr("workflow_service.students._take_places", broken)
    path = book(pupil(1))
    with pytest.raises(OSError, match="went away"):
        bring_in(world, path)
    assert [count(world, table) for table in (Student, SchoolClass, ImportBatch, History)] == [0, 0, 0, 0]
    monkeypatch.undo()
    assert bring_in(world, path).created == 1


def test_a_formula_in_a_name_is_written_as_text(tmp_path: Path) -> None:
    write_roster(tmp_path / "r.xlsx", [pupil(1, name='=HYPERLINK("x")', former_name="+1")])
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["学生名册"]
    assert (sheet["C2"].data_type, sheet["C2"].quotePrefix, sheet["D2"].quotePrefix) == ("s", True, True)
    assert sheet["H2"].number_format == "@"


def test_the_template_explains_itself(tmp_path: Path) -> None:
    write_roster(tmp_path / "template.xlsx", [])
    workbook = openpyxl.load_workbook(tmp_path / "template.xlsx")
    assert workbook.sheetnames == ["学生名册", "填写说明", "代码表"]
    assert workbook["学生名册"].freeze_panes == "A2"
    assert "必填" in workbook["学生名册"]["A1"].comment.text
    assert workbook["学生名册"]["C1"].font.color.rgb.endswith("C00000")
    assert len(workbook["学生名册"].data_validations.dataValidation) == sum(h.codes is not None for h in HEADINGS)


def test_a_missing_heading_is_named_with_what_was_probably_meant(world: World, book: Any) -> None:
    path = edit(book(pupil(1)), lambda sheet: sheet.__setitem__("I1", "学藉号"))
    with pytest.raises(BadWorkbook, match="“学藉号”是否应为“学籍号”"):
        bring_in(world, path)


def test_a_column_that_has_no_place_is_reported(world: World, book: Any) -> None:
    path = edit(book(pupil(1)), lambda sheet: sheet.__setitem__("V1", "民族"))
    report = bring_in(world, path)
    assert any("就读方式" in remark and "民族" in remark for remark in report.remarks)


def test_headings_are_known_with_stars_blanks_and_remarks() -> None:
    titles = {title: heading_of(title) for title in ("*姓名", "姓 名", "学籍号(19位)", "身份证件号码", "学校标识码*\n")}
    assert [heading.key for heading in titles.values() if heading] == [
        "name", "name", "student_number", "identity_number", "school_code"
    ]  # fmt: skip
    assert heading_of("备注") is None


@pytest.mark.parametrize(("text", "grade"), [("三年级", 3), ("3", 3), ("初一", 7), ("高三", 12), ("十三", None)])
def test_grades_as_people_write_them(text: str, grade: int | None) -> None:
    assert grade_of_text(text) == grade


@pytest.mark.parametrize(
    ("text", "number"), [("1班", 1), ("（2）班", 2), ("2024级3班", 3), ("04", 4), ("甲", None), ("0", None)]
)
def test_classes_as_people_write_them(text: str, number: int | None) -> None:
    assert class_sequence(text) == number


def test_codes_are_taken_by_label_code_and_leading_zero() -> None:
    codes = {"1": "走读", "2": "住校"}
    assert [code_of(codes, text) for text in ("走读", "1", "02", "3", "")] == ["1", "1", "2", None, None]


def test_columns_are_named_as_the_spreadsheet_does() -> None:
    assert [column_letters(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


# --- Hostile files: nothing of them reaches the parser.


def package(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def sheet_xml(body: bytes) -> bytes:
    return package(xl__worksheets__sheet1=b"<worksheet><sheetData>" + body + b"</sheetData></worksheet>")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "不是"),
        (b"PK\x03\x04 cut", "不是"),
        (b"<html>", "不是"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "旧版"),
        (package(xl__vbaProject=b"x") and package(**{"xl__vbaProject.bin": b"x"}), "宏"),
        (package(xl__media__bomb=b"\0" * (129 << 20)), "展开后"),
        (sheet_xml(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), "删除多余"),
        (sheet_xml(b"<row r='99999999'><c><v>1</v></c></row>"), "删除多余"),
        (sheet_xml(b"<row>" + b"<c/>" * 300 + b"</row>"), "删除多余"),
        (b"x" * (21 << 20), "超过"),
    ],
    ids=["empty", "cut", "html", "xls", "macros", "bomb", "far cell", "far row", "wide row", "large"],
)
def test_a_file_that_is_no_roster_or_a_trap_is_refused_before_it_is_parsed(content: bytes, says: str) -> None:
    with pytest.raises(BadWorkbook, match=says):
        check_package(content)


def test_a_directory_that_lies_about_sizes_is_refused(tmp_path: Path, book: Any) -> None:
    content = bytearray(book(pupil(1)).read_bytes())
    at = content.rindex(b"PK\x01\x02")  # the last member's entry of the directory
    content[at + 24 : at + 28] = (5).to_bytes(4, "little")
    with pytest.raises(BadWorkbook):
        check_package(bytes(content))


def test_a_workbook_without_the_roster_says_what_it_needs(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(BadWorkbook, match="必填栏目"):
        read_workbook((tmp_path / "empty.xlsx").read_bytes())


def test_the_limits_leave_room_for_a_large_school(tmp_path: Path) -> None:
    assert ROWS >= 20_000
    write_roster(tmp_path / "large.xlsx", (pupil(n % 900) for n in range(3000)))
    [sheet] = read_workbook((tmp_path / "large.xlsx").read_bytes())
    assert len(sheet.rows) == 3000


def test_a_copy_under_another_name_is_the_same_file(world: World, book: Any, tmp_path: Path) -> None:
    path = book(pupil(1))
    bring_in(world, path)
    shutil.copyfile(path, tmp_path / "copy.xlsx")
    assert bring_in(world, tmp_path / "copy.xlsx").known


def test_doubles_among_very_many_are_queued_like_those_among_a_few(world: World, book: Any) -> None:
    number = make_identity_number("990201", date(2018, 3, 5), 2)
    digits = number[:16] + ("5" if number[16] != "5" else "7") + number[17]
    near = {"identity_type": "其他", "identity_number": digits, "student_number": "J990201201803050026", "sex": "女"}
    names = [
        f"{first}{second}{third}"
        for first in "王李张刘陈杨黄赵"
        for second in "安博晨丹恩方刚海健凯"
        for third in "磊明宁鹏强瑞诗涛伟"
    ]
    children = [pupil(n, name=name) for n, name in enumerate(names[:598], 3)]
    report = bring_in(world, book(pupil(2, name="林小雨"), pupil(2, name="林小雨", **near), *children))
    assert (report.errors, report.created) == ((), 600)
    with db.reading(world.service.engine) as connection:
        pairs = connection.execute(select(DuplicatePair.first_id, DuplicatePair.second_id)).all()
        named = dict(connection.execute(select(Student.id, Student.name)).all())
    assert ("林小雨", "林小雨") in {(named[first], named[second]) for first, second in pairs}


VOCATIONAL = {"school_code": "451", "school_name": "示例职业学校451", "grade": "一年级", "entered": "202609"}


def programmes(world: World) -> dict[int, str | None]:
    """The programme of each class of the vocational school that began in 2026, by its number."""
    query = select(SchoolClass.sequence, SchoolClass.programme).where(
        SchoolClass.school_id == world.organization("451").id, SchoolClass.entered_year == 2026)  # fmt: skip
    with db.reading(world.service.engine) as connection:
        return {row.sequence: row.programme for row in connection.execute(query)}


def test_a_class_has_the_programme_that_its_rows_name(world: World, book: Any) -> None:
    vocational(world, "451", "county4", "city2")
    world.go(2026, 9, 2)
    rows = [pupil(n, **VOCATIONAL, class_name=f"{(n + 1) // 2}班") for n in range(1, 5)]
    bring_in(world, book(*rows))
    assert programmes(world) == {1: None, 2: None}
    # The same students again, now with the programme: it is named once, and no row may move the class afterwards.
    named = [{**row, "programme": "职业高中"} if row["class_name"] == "1班" else row for row in rows]
    report = bring_in(world, book(*named, name="again.xlsx"))
    assert (report.unchanged, report.written) == (4, True)
    assert programmes(world) == {1: "vocational_high", 2: None}
    wrong = [{**rows[0], "programme": "普通中专"}, {**rows[2], "programme": "3+2"}, {**rows[3], "programme": "五年制"},
             pupil(9, programme="普通中专")]  # fmt: skip
    report = bring_in(world, book(*wrong, name="wrong.xlsx"))
    assert [(error.code, error.row) for error in report.errors] == [
        ("programme", 5), ("programme_differs", 2), ("programme_differs", 4)]  # A primary class has none.
    assert "职业高中" in report.errors[1].message
    assert programmes(world) == {1: "vocational_high", 2: None}
