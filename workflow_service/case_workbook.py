"""Case tables as workbooks (情形工作簿): a sheet for each kind, out and in again.

In the workbook an empty 规则 is a row that nobody has judged yet; 无 is a row that nothing refuses. Everything is
written as text, and a formula is refused when it comes back: what a row says must not depend on who opens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from states.cases.judge import NONE
from states.cases.table import CASE_TABLES, CASES, OPTIONAL, UNSIGNED, CaseError, Table, read_blocks
from workflow_service.roster.workbook import text_cell

_WIDTHS: Final = {"情形": 34, "事实": 44, "材料": 44, "其他": 28, "事件": 24, "规则": 22, "理由": 24, "时间": 20}
_OPEN: Final = PatternFill("solid", fgColor="FFE699")


def write_workbook(path: Path, texts: Mapping[str, str]) -> None:
    """Write the rows of 情形 of several case files, sheet name → text. Raises `CaseError` for a table that is none."""
    book = Workbook(write_only=True)
    for name, text in texts.items():
        sheet = book.create_sheet(name[:31])
        sheet.freeze_panes = "B2"
        for number, column in enumerate(CASE_TABLES[CASES], 1):
            sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(column, 12)
        heading = [text_cell(sheet, column) for column in CASE_TABLES[CASES]]
        for cell in heading:
            cell.font = Font(bold=True)
        sheet.append(heading)
        for row in rows_in(text):
            cells = {column: text_cell(sheet, _out(column, row.get(column, ""))) for column in CASE_TABLES[CASES]}
            if row.get("规则") in (UNSIGNED, "?"):
                cells["规则"].fill = _OPEN
            sheet.append(list(cells.values()))
    book.save(path)


def rows_in(text: str) -> list[Mapping[str, str]]:
    """The rows of 情形 as they stand, blanks still blank."""
    return [row for block in read_blocks(text) if isinstance(block, Table) and block.name == CASES
            for _, row in block.rows]  # fmt: skip


def _out(column: str, cell: str) -> str:
    if column != "规则":
        return cell
    return "" if cell in (UNSIGNED, "?") else cell or NONE


def read_workbook(path: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of every sheet, cells by column. Raises `CaseError` with sheet and cell for what is not text."""
    try:
        book = load_workbook(path)
    except (BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise CaseError(f"{path.name} is no workbook: {error}") from error
    return {sheet.title: list(_sheet_rows(sheet)) for sheet in book.worksheets}


def _sheet_rows(sheet: object) -> Iterable[dict[str, str]]:
    columns: list[str] = []
    for cells in sheet.iter_rows():  # type: ignore[attr-defined]
        texts = [_text(getattr(sheet, "title", ""), cell) for cell in cells]
        if not columns:
            columns = _columns(getattr(sheet, "title", ""), texts)
        elif any(texts):
            row = {column: text for column, text in zip(columns, texts, strict=False) if column}
            row["规则"] = {"": UNSIGNED, NONE: ""}.get(row["规则"], row["规则"])
            yield row


def _columns(title: str, texts: list[str]) -> list[str]:
    known = CASE_TABLES[CASES]
    for text in texts:
        if text and text not in known:
            raise CaseError(f"{title}: there is no column {text}; there are {'、'.join(known)}")
    missing = [column for column in known if column not in texts and column not in OPTIONAL]
    if missing:
        raise CaseError(f"{title}: the columns {'、'.join(missing)} are missing")
    return texts


def _text(title: str, cell: object) -> str:
    value = getattr(cell, "value", None)
    if getattr(cell, "data_type", "") == "f":
        raise CaseError(f"{title} {getattr(cell, 'coordinate', '')}: a formula; write the value itself")
    if value is None:
        return ""
    if getattr(cell, "is_date", False):
        return str(value).removesuffix(" 00:00:00")
    return str(value).replace("\n", " ").strip()
