"""Reading a workbook (读取工作簿): nothing is parsed before its zip directory and its real size were looked at.

A small file can unpack to gigabytes, or name one cell in the last row and column, for which a dense reader would
allocate all cells between. Both are refused before the parser sees them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from itertools import islice
from zipfile import BadZipFile

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from workflow_service.errors import ServiceError
from workflow_service.roster.headings import HEADINGS, Heading, heading_of, known_titles

FILE_LIMIT = 20 * 1024 * 1024
UNPACKED_LIMIT = 128 * 1024 * 1024
MEMBERS = 1000
ROWS, COLUMNS = 199_999, 200
HEADING_ROWS = 5
"""A title and remarks may stand above the headings."""

_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,8})([0-9]{1,12})["']""")
_ROW, _CELL = re.compile(rb"<(?:[\w.-]+:)?row[\s/>]"), re.compile(rb"<(?:[\w.-]+:)?c[\s/>]")

_NEAR = re.compile(rb"""<c r="(?!(?:[A-Z]|[A-F][A-Z]|G[A-R])(?:[1-9][0-9]{0,4}|1[0-9]{5})")""")
"""Finds a cell that is not within ROWS and COLUMNS as spreadsheets write them; what it finds is looked at again."""

Value = str | int | float | bool | date | datetime | time | timedelta


@dataclass
class BadWorkbook(ServiceError):
    """The file is no workbook that can be imported; `detail` says why in both languages."""

    detail: str

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row as it stands in the sheet; `number` is the one that the spreadsheet shows."""

    number: int
    values: Sequence[Value]


@dataclass(slots=True)
class SheetRows:
    """The rows below the headings, read anew each time: a hundred thousand of them as lists would fill the memory."""

    content: bytes
    name: str
    first: int
    count: int
    sheet: CalamineSheet | None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[SheetRow]:
        if self.sheet is None:
            self.sheet = CalamineWorkbook.from_filelike(io.BytesIO(self.content)).get_sheet_by_name(self.name)
        for number, values in enumerate(_padded(self.sheet), 1):
            if number >= self.first and not all(map(is_empty, values)):
                yield SheetRow(number, values)

    def release(self) -> None:
        """Give back what the cells take; whoever asks again has the sheet parsed again."""
        self.sheet = None


@dataclass(frozen=True, slots=True)
class RosterSheet:
    """A sheet with the roster's headings: what each column means (None: not ours), and the rows that say anything."""

    title: str
    titles: tuple[str, ...]
    columns: tuple[Heading | None, ...]
    rows: SheetRows
    places: Mapping[str, int]

    def address(self, row: SheetRow, column: int) -> str:
        """Where a cell stands, as people say it: 学生名册!G12."""
        return f"{self.title}!{column_letters(column)}{row.number}"


def read_workbook(content: bytes, optional: frozenset[str] = frozenset()) -> list[RosterSheet]:
    """The sheets that have the roster's headings; the others (填写说明, 代码表) are skipped. Raises `BadWorkbook`.

    `optional`: keys of required columns that this list may do without.
    """
    check_package(content)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [workbook.get_sheet_by_name(name) for name in workbook.sheet_names]
    except CalamineError as error:
        raise BadWorkbook(f"工作簿已损坏，无法读取。/ The workbook is damaged: {error}") from error
    found = [read for sheet in sheets if (read := _roster(content, sheet, optional)) is not None]
    if not found:
        titles = "、".join(heading.title for heading in HEADINGS if heading.required)
        raise BadWorkbook(f"没有找到名册的表头。必填栏目：{titles}。/ No sheet has the roster's headings.")
    return found


def check_package(content: bytes) -> None:
    """Look at the package without parsing it: kind, members, real unpacked size, the farthest cell. `BadWorkbook`."""
    if len(content) > FILE_LIMIT:
        raise BadWorkbook(f"文件超过 {FILE_LIMIT >> 20} MB。/ The file is larger than {FILE_LIMIT >> 20} MB.")
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise BadWorkbook("这是旧版 .xls 或加密的工作簿，请另存为不加密的 .xlsx。/ An old .xls or encrypted workbook.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            _check_members(package)
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise BadWorkbook("这不是 .xlsx 工作簿，或文件不完整。/ Not an .xlsx workbook, or cut off.") from error


def _check_members(package: zipfile.ZipFile) -> None:
    members = package.infolist()
    names = {member.filename for member in members}
    if "xl/workbook.xml" not in names:
        raise BadWorkbook("这不是 .xlsx 工作簿。/ Not an .xlsx workbook.")
    if any(name.endswith("vbaProject.bin") for name in names):
        raise BadWorkbook("不接收带宏的工作簿，请另存为 .xlsx。/ A workbook with macros is not accepted.")
    if len(members) > MEMBERS or sum(member.file_size for member in members) > UNPACKED_LIMIT:
        raise _too_large()
    unpacked = 0
    for member in members:
        # The sizes in the directory may lie, so every member is really unpacked, in pieces, and counted. A sheet may
        # lie under any name, so all are looked through for far cells.
        carried, usual = b"", True
        with package.open(member) as file:
            while piece := file.read(1 << 20):
                unpacked += len(piece)
                if unpacked > UNPACKED_LIMIT:
                    raise _too_large()
                # Cut before a tag, so that none is looked at in halves.
                whole, cut, rest = (carried + piece).rpartition(b"<")
                carried, usual = cut + rest, usual and _is_usual(whole)
        if not (usual and _is_usual(carried)):
            _check_extent(package.read(member))


def _is_usual(xml: bytes) -> bool:
    """Whether every cell names its place, as spreadsheets do, and that is near: ten times quicker than to look."""
    tags = xml.count(b"<c") - xml.count(b"<co") - xml.count(b"<cf")  # but for columns, comments and formats
    return tags == xml.count(b'<c r="') and b":c" not in xml and _NEAR.search(xml) is None


def _check_extent(xml: bytes) -> None:
    """Refuse a sheet whose farthest cell is far out, whether cells name their place or just follow each other."""
    far = any(int(digits) > ROWS or _column_number(letters) > COLUMNS for letters, digits in _PLACE.findall(xml))
    if far or any(len(_CELL.findall(row)) > COLUMNS for row in _ROW.split(xml)):
        raise BadWorkbook(
            f"工作表超过 {ROWS} 行或 {COLUMNS} 列，请删除多余的空行空列，或分成几个文件。"
            f"/ A sheet has more than {ROWS} rows or {COLUMNS} columns."
        )


def _too_large() -> BadWorkbook:
    size = UNPACKED_LIMIT >> 20
    return BadWorkbook(f"工作簿展开后超过 {size} MB，不予读取。/ The workbook unpacks to more than {size} MB.")


def _padded(sheet: CalamineSheet) -> Iterator[list[Value]]:
    """The rows from the first cell of the sheet on: calamine leaves out the empty columns before what is filled."""
    before: list[Value] = [""] * (sheet.start[1] if sheet.start else 0)
    return (before + row for row in sheet.iter_rows()) if before else sheet.iter_rows()


def _roster(content: bytes, sheet: CalamineSheet, optional: frozenset[str]) -> RosterSheet | None:
    for index, row in enumerate(islice(_padded(sheet), HEADING_ROWS)):
        columns = tuple(heading_of(cell) if isinstance(cell, str) else None for cell in row)
        if sum(column is not None for column in columns) >= 4:
            titles = tuple(str(cell) for cell in row)
            _check_headings(sheet.name, titles, columns, optional)
            places = {column.key: n for n, column in enumerate(columns) if column is not None}
            said = sum(not all(map(is_empty, values)) for values in islice(_padded(sheet), index + 1, None))
            return RosterSheet(
                sheet.name, titles, columns, SheetRows(content, sheet.name, index + 2, said, sheet), places
            )
    return None


def _check_headings(
    title: str, titles: Sequence[str], columns: Sequence[Heading | None], optional: frozenset[str]
) -> None:
    keys = [column.key for column in columns if column is not None]
    missing = [h for h in HEADINGS if h.required and h.key not in optional and h.key not in keys]
    if missing:
        unknown = [text for text, column in zip(titles, columns, strict=True) if column is None and text.strip()]
        raise BadWorkbook("；".join(_missing(title, heading, unknown) for heading in missing))
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        named = "、".join(heading.title for heading in HEADINGS if heading.key in twice)
        raise BadWorkbook(f"工作表“{title}”中栏目重复：{named}。/ A column stands twice: {named}")


def _missing(title: str, heading: Heading, unknown: list[str]) -> str:
    near = get_close_matches(heading.title, unknown, n=1, cutoff=0.4)
    meant = f"（“{near[0]}”是否应为“{heading.title}”？）" if near and near[0] not in known_titles() else ""
    return f"工作表“{title}”缺少栏目“{heading.title}”{meant} / column missing: {heading.title}"


def is_empty(value: Value) -> bool:
    """Whether a cell says nothing."""
    return isinstance(value, str) and not value.strip()


def column_letters(column: int) -> str:
    """A column as the spreadsheet names it; the first is 0 and A."""
    letters, rest = "", column + 1
    while rest:
        rest, last = divmod(rest - 1, 26)
        letters = chr(65 + last) + letters
    return letters


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
