"""Writing workbooks (写工作簿): the roster with notes and code tables, and the one with a 错误原因 column.

Numbers of 18 digits are text cells in text columns, or a spreadsheet rounds them. Whatever begins like a formula is
written as a quoted text: a name must never be evaluated on the machine of the one who opens the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from workflow_service.roster.checks import CellError
from workflow_service.roster.headings import ERROR_TITLE, GRADES, HEADINGS, TOLD_TITLES, Heading
from workflow_service.roster.reader import RosterSheet, Value

ROSTER_SHEET, NOTES_SHEET, CODES_SHEET = "学生名册", "填写说明", "代码表"
LAST_ROW = 2001
"""Drop-downs and text format reach this far down: a local template holds 2,000 rows a sheet."""

_REQUIRED, _OPTIONAL = Font(bold=True, color="C00000"), Font(bold=True)
_WRONG = PatternFill("solid", fgColor="FFE699")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_roster(
    path: Path | BinaryIO, rows: Iterable[Mapping[str, str]], optional: frozenset[str] = frozenset()
) -> None:  # fmt: skip
    """Write a roster: one mapping of heading key to text per student. No rows make an empty template.

    `optional`: keys of required columns that an admission list may do without.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(ROSTER_SHEET)
    sheet.freeze_panes = "A2"
    for number, heading in enumerate(HEADINGS, 1):
        column = sheet.column_dimensions[get_column_letter(number)]
        column.width = heading.width
        column.number_format = "@"
        if heading.codes is not None:
            sheet.data_validations.append(_choices(heading.codes.values(), get_column_letter(number)))
    sheet.append([_heading_cell(sheet, heading, optional) for heading in HEADINGS])
    for row in rows:
        sheet.append([text_cell(sheet, row.get(heading.key, "")) for heading in HEADINGS])
    _write_notes(book.create_sheet(NOTES_SHEET), optional)
    _write_codes(book.create_sheet(CODES_SHEET))
    book.save(path)


def write_errors(path: Path, sheets: Sequence[RosterSheet], errors: Iterable[CellError]) -> None:
    """Write what was read, with 错误原因 as the first column and the rows that are wrong in colour.

    The mended workbook can be imported as it is: the column is none of the roster's and is skipped.
    """
    reasons: dict[tuple[str, int], list[str]] = {}
    for error in errors:
        reasons.setdefault((error.sheet, error.row), []).append(f"{error.column}：{error.message}")
    told = {at: ("；".join(texts), True) for at, texts in reasons.items()}
    write_told(path, sheets, ERROR_TITLE, told)


def write_told(
    path: Path, sheets: Sequence[RosterSheet], title: str, told: Mapping[tuple[str, int], tuple[str, bool]]
) -> None:
    """Write what was read with a first column `title`; `told`: (sheet, row) → its text and whether it is in colour."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.title)
        page.freeze_panes = "B2"
        page.column_dimensions["A"].width = 60
        kept = [n for n, heading in enumerate(sheet.titles) if heading.strip() not in TOLD_TITLES]
        page.append([_bold(page, text) for text in (title, *(sheet.titles[n] for n in kept))])
        for row in sheet.rows:
            text, coloured = told.get((sheet.title, row.number), ("", False))
            cells = [text_cell(page, text), *(_as_read(page, row.values[n]) for n in kept)]
            if coloured:
                for cell in cells:
                    cell.fill = _WRONG
            page.append(cells)
    book.save(path)


def text_cell(sheet: Any, text: str) -> Any:
    """A cell that holds `text` as text, whatever it looks like; characters that no XML can hold are dropped."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    cell.number_format = "@"
    if text.startswith(_FORMULA_STARTS):
        cell.quotePrefix = True
    return cell


def _as_read(sheet: Any, value: Value) -> Any:
    return text_cell(sheet, value) if isinstance(value, str) else WriteOnlyCell(sheet, cast(float, value))


def _heading_cell(sheet: Any, heading: Heading, optional: frozenset[str]) -> Any:
    cell = _bold(sheet, heading.title)
    required = heading.required and heading.key not in optional
    cell.font = _REQUIRED if required else _OPTIONAL
    note = f"{'必填。' if required else '选填。'}{heading.note}"
    cell.comment = Comment(note, "", width=260, height=90)
    return cell


def _bold(sheet: Any, text: str) -> Any:
    cell = text_cell(sheet, text)
    cell.font = _OPTIONAL
    return cell


def _choices(labels: Iterable[str], letters: str) -> DataValidation:
    choices = DataValidation(type="list", formula1=f'"{",".join(labels)}"', allow_blank=True, showErrorMessage=False)
    choices.add(f"{letters}2:{letters}{LAST_ROW}")
    return choices


def _write_notes(sheet: Any, optional: frozenset[str]) -> None:
    """填写说明: what each column takes, with one whole example; on a sheet of its own, so that nobody imports it."""
    sheet.column_dimensions["A"].width, sheet.column_dimensions["C"].width = 16, 60
    sheet.column_dimensions["D"].width = 26
    rows = [("栏目", "必填", "说明", "示例")]
    rows += [(h.title, "是" if h.required and h.key not in optional else "", h.note, h.example) for h in HEADINGS]
    whole = "整份文件要么全部导入，要么一行也不导入；有错时另存一份带“错误原因”栏的文件。"
    by_row = "每行各有处理结果：能录取的录取，不能的写明原因；改正后可再次导入，已录取的不会重复。"
    rows += [
        ("", "", f"红色表头为必填。{by_row if optional else whole}", ""),
        ("", "", "身份证件号校验码不符的学生会导入，并记为问题学籍，须由学校处理。", ""),
    ]
    for row in rows:
        sheet.append([text_cell(sheet, text) for text in row])


def _write_codes(sheet: Any) -> None:
    """代码表: every code table that a column uses, and the names of the grades."""
    sheet.append([text_cell(sheet, text) for text in ("栏目", "代码", "名称")])
    for heading in HEADINGS:
        for code, label in (heading.codes or {}).items():
            sheet.append([text_cell(sheet, text) for text in (heading.title, code, label)])
    for grade, label in GRADES.items():
        sheet.append([text_cell(sheet, text) for text in ("年级", str(grade), label)])
