"""`policy cases`, `fmt`, `mutants`: a registrar's tables out and in again, on a draft of somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.api.conftest import Run
from workflow_service.packs import shipped_cases, shipped_texts


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The file of a draft of Nenjiang's transfers, its cases beside it."""
    folder = tmp_path / "nenjiang-k12"
    folder.mkdir()
    (folder / "transfer.toml").write_text(shipped_texts()["nenjiang-k12/transfer.toml"])
    (folder / "transfer.cases.md").write_text(shipped_cases()["nenjiang-k12/transfer.cases.md"])
    return folder / "transfer.toml"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit(workbook: Path, name: str, **cells: str) -> None:
    """Write into the row of a name, cells by their heading."""
    book = load_workbook(workbook)
    sheet = book["transfer"]
    headings = [cell.value for cell in sheet[1]]
    [row] = [row for row in sheet.iter_rows(min_row=2) if row[0].value == name]
    for heading, text in cells.items():
        row[headings.index(heading)].value = text
        row[headings.index(heading)].data_type = "f" if text.startswith("=") else "s"
    book.save(workbook)


def test_the_cases_of_every_shipped_pack_come_out_as_they_should(run: Run) -> None:
    for file in shipped_cases():
        status, out, _ = run("policy", "cases", file.removesuffix(".cases.md"))
        assert (status, "0 行不符 failed，0 行未签 unsigned，0 行表格不符" in out) == (0, True), out
    assert run("policy", "cases", "nenjian-k12")[0] == 1
    assert run("policy", "cases", "nenjiang-k12", "no_such_kind")[0] == 1


def test_a_number_that_moved_is_told_by_the_row_that_it_breaks(run: Run, draft: Path) -> None:
    change(draft, "primary = 55", "primary = 50")
    status, out, err = run("policy", "cases", str(draft))
    assert status == 1
    assert "不符 failed  transfer.cases.md:26 小学班额 54 人" in out
    assert "预期 expected：无 　实得 got：NJ-07 2026-09-03" in out
    assert (
        "· NJ-07 《嫩江县中小学学生学籍管理办法（试行）》三(六)：不符合（" in out.replace("第二条", "三(六)")
        or "· NJ-07" in out
    )
    assert "class_size=54" in out
    assert "do not come out" in err


def test_proposed_rows_wait_for_a_person_and_are_signed_through_the_workbook(
    run: Run, draft: Path, tmp_path: Path
) -> None:
    workbook, cases = tmp_path / "cases.xlsx", draft.with_suffix(".cases.md")
    status, out, _ = run("policy", "cases", str(draft), "--propose", "--xlsx", str(workbook))
    assert status == 1
    assert "未签 unsigned  transfer.cases.md:" in out
    assert "NJ-12 4 → 5" in out
    assert "| ？" in cases.read_text()
    before = cases.read_text()
    edit(workbook, "NJ-12 4 → 5", 规则="NJ-12")
    status, _, err = run("policy", "cases", str(draft), "--from", str(workbook))
    assert (status, cases.read_text()) == (1, before)
    assert "--by" in err
    run("policy", "cases", str(draft), "--from", str(workbook), "--by", "张老师")
    [line] = [line for line in cases.read_text().splitlines() if "NJ-12 4 → 5" in line]
    assert "张老师 20" in line
    assert "？" not in line
    assert run("policy", "cases", str(draft), "--propose")[2].count("0 row(s) proposed") == 1


def test_out_and_in_again_changes_no_row(run: Run, draft: Path, tmp_path: Path) -> None:
    workbook, cases = tmp_path / "cases.xlsx", draft.with_suffix(".cases.md")
    assert run("policy", "fmt", str(draft), "--check")[0] == 1
    assert run("policy", "fmt", str(draft))[0] == 0
    assert run("policy", "fmt", str(draft), "--check")[0] == 0
    before = cases.read_text()
    assert run("policy", "cases", str(draft), "--xlsx", str(workbook))[0] == 0
    assert run("policy", "cases", str(draft), "--from", str(workbook))[0] == 0
    assert cases.read_text() == before


@pytest.mark.parametrize(("cells", "said"), [
    ({"规则": "=1+1"}, "a formula"),
    ({"事实": "register_move=family"}, "did you mean register_moved"),
    ({"规则": "NJ-77"}, None),
])  # fmt: skip
def test_what_cannot_be_read_is_not_written(
    run: Run, draft: Path, tmp_path: Path, cells: dict[str, str], said: str | None
) -> None:
    workbook, cases = tmp_path / "cases.xlsx", draft.with_suffix(".cases.md")
    run("policy", "cases", str(draft), "--xlsx", str(workbook))
    before = cases.read_text()
    edit(workbook, "小学班额 55 人", **cells)
    status, out, err = run("policy", "cases", str(draft), "--from", str(workbook), "--by", "张老师")
    assert status == 1
    if said:
        assert said in err
        assert cases.read_text() == before
    else:  # A rule that nobody has is a row that fails, with its word.
        assert "NJ-77 is no rule here; did you mean NJ-07?" in out


def test_what_looks_like_a_formula_is_written_as_text(run: Run, draft: Path, tmp_path: Path) -> None:
    workbook = tmp_path / "cases.xlsx"
    change(draft.with_suffix(".cases.md"), "| 小学班额 54 人 |", '| =HYPERLINK("x") |')
    run("policy", "cases", str(draft), "--xlsx", str(workbook))
    cells = [cell for row in load_workbook(workbook)["transfer"].iter_rows() for cell in row]
    [cell] = [cell for cell in cells if cell.value == '=HYPERLINK("x")']
    assert cell.data_type == "s"
    assert all(cell.data_type != "f" for cell in cells)


def test_a_mutant_that_no_case_notices_is_listed(run: Run, draft: Path) -> None:
    assert run("policy", "mutants", "beijing-k12", "transfer")[0] == 0
    cases = draft.with_suffix(".cases.md")
    text = "".join(
        line for line in cases.read_text().splitlines(True) if "班额 5" not in line and "班额 60" not in line
    )
    cases.write_text(text)
    status, out, err = run("policy", "mutants", str(draft))
    assert status == 1
    assert "存活 survives  nenjiang-k12/transfer: check.NJ-07.with.cap.junior: one more" in out
    assert "survive" in err
    change(draft, "primary = 55", "primary = 50")
    change(cases, "| 变更年级 |", "| 小学班额 54 人 | | | | | | | class_size=54 | | | |\n| 变更年级 |")
    assert "its own cases fail" in run("policy", "mutants", str(draft))[2]


def test_the_tables_of_steps_and_numbers_are_written_anew_and_what_changed_is_told(run: Run, draft: Path) -> None:
    cases = draft.with_suffix(".cases.md")
    before = cases.read_text()
    assert run("policy", "cases", str(draft), "--tables")[0] == 0
    run("policy", "fmt", str(draft))
    change(draft, "working_days = 10", "working_days = 8")
    status, out, _ = run("policy", "cases", str(draft), "--tables")
    assert status == 1, "nobody has said yet that it is right"
    assert out.count("改写 rewritten") == 6
    assert out.count("表格不符 differs  transfer.cases.md 路线 未签") == 3
    assert cases.read_text().count("？") == 3
    assert "its own cases fail" in run("policy", "mutants", str(draft))[2]
    assert run("policy", "cases", str(draft), "--tables", "--by", "张老师")[0] == 0
    text = cases.read_text()
    assert (text.count("| 张老师 20"), "？" in text) == (3, False)
    change(draft, "working_days = 8", "working_days = 7")
    assert run("policy", "cases", str(draft), "--tables", "--by", "张老师")[0] == 1, "who signs has seen it before"
    cases.unlink()
    run("policy", "cases", str(draft), "--tables")
    assert [line for line in cases.read_text().splitlines() if line.startswith("## ")] == [
        line for line in before.splitlines() if line.startswith("## ") and "等同" not in line
    ]
