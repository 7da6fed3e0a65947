"""The tables of a `<kind>.cases.md` (情形表): read with the line of every row, written back aligned.

情形: a request, an event, and the exact set of rules that say no. A blank cell is as in the row 典型, but for what
comes out and who signed. 规则 `？` is a row that nobody has judged yet: it counts as unsigned, never as passed.
路线: every step of every route. 上传: papers that come later. 拒绝: the coded reasons of each step. 数字: all other
numbers; a row of these that the pack wrote is marked `？` under 签认 until a person has read it.
等同: edits of the pack that change nothing that can happen, each with the reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from states.pack_source import nearest

CASES: Final = "情形"
UNSIGNED: Final = "？"
CASE_TABLES: Final[dict[str, tuple[str, ...]]] = {
    CASES: ("情形", "时间", "路线", "理由", "年级", "事实", "材料", "其他", "事件", "规则", "何时", "签认"),
    "路线": ("路线", "流程", "发起", "环节", "单位", "岗位", "可办", "工作日", "逾期", "期限依据", "签认"),
    "上传": ("上传", "规则", "环节", "单位", "依据哪一方", "签认"),
    "拒绝": ("拒绝", "理由代码", "签认"),
    "数字": ("数字", "值", "签认"),
    "等同": ("等同", "改动", "理由"),
}
"""The tables, each named by its first column, with the columns it has."""
OPTIONAL: Final = ("路线", "理由", "年级", "事实", "材料", "其他", "何时", "签认")
"""Columns of 情形 that a kind of request may not need; one that is not there is blank everywhere."""
SIGNED: Final = "签认"
"""Who said so and when; a table without this column is as it was first written. In a table that the pack was asked to
write, `？` is a row that nobody has read yet."""
RESULTS: Final = ("规则", "何时", SIGNED)
"""Columns of 情形 that no row takes over from 典型: what comes out, and who said so."""


class CaseError(ValueError):
    """A table cannot be read: a heading, a value or a rule that nobody knows, with its line."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table as it stands: `rows` are (line from 1, cells by column), the blanks still blank."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, Mapping[str, str]], ...]


Block = str | Table
"""A case file is lines of text and tables, in their order."""


def read_blocks(text: str) -> list[Block]:
    """The file's lines and tables in order. Raises `CaseError` for a heading or a row that is none of a table."""
    blocks: list[Block] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            blocks.append(line)
            continue
        cells = _cells(line)
        last = blocks[-1] if blocks else ""
        if isinstance(last, str):
            blocks.append(Table(cells[0], _heading(number, cells), ()))
        elif not all(set(cell) <= set("-: ") and cell for cell in cells):
            blocks[-1] = replace(last, rows=(*last.rows, (number, _row(number, last, cells))))
    return blocks


def _cells(line: str) -> tuple[str, ...]:
    """The cells of a line; `\\|` is a bar within one."""
    return tuple(cell.replace("\0", "|").strip() for cell in
                 line.strip().removeprefix("|").removesuffix("|").replace("\\|", "\0").split("|"))  # fmt: skip


def _heading(number: int, cells: tuple[str, ...]) -> tuple[str, ...]:
    known = CASE_TABLES.get(cells[0])
    if known is None:
        raise CaseError(f"line {number}: there is no table {cells[0]}; there are {'、'.join(CASE_TABLES)}")
    for cell in cells:
        if cell not in known:
            raise CaseError(f"line {number}: the table {cells[0]} has no column {cell}; it has {'、'.join(known)}")
    optional = OPTIONAL if cells[0] == CASES else (SIGNED,)
    wanted = tuple(column for column in known if column in cells or column not in optional)
    if cells != wanted:
        raise CaseError(f"line {number}: the table {cells[0]} has the columns {' | '.join(wanted)}")
    return cells


def _row(number: int, table: Table, cells: tuple[str, ...]) -> dict[str, str]:
    if len(cells) != len(table.columns):
        raise CaseError(f"line {number}: the table {table.name} has the columns {' | '.join(table.columns)}")
    return dict(zip(table.columns, cells, strict=True))


def meant(word: object, among: Iterable[object]) -> str:
    """The nearest known word as a question, "" where none is near."""
    found = nearest(word, among)
    return f"; did you mean {found}?" if found else ""


def case_rows(text: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    """Every row of every table: the table, the line from 1, the cells of every column, blanks filled in.

    Raises `CaseError` for what is no table of ours, and for a row of 情形 before the first 典型.
    """
    typical: Mapping[str, str] | None = None
    for block in read_blocks(text):
        if isinstance(block, str):
            continue
        for number, row in block.rows:
            whole = {column: row.get(column, "") for column in CASE_TABLES[block.name]}
            if block.name == CASES:
                typical = whole if whole[CASES].startswith("典型") else typical
                if typical is None:
                    raise CaseError(f"line {number}: the first row must be 典型, which the blanks are taken from")
                whole = {key: cell or ("" if key in RESULTS else typical[key]) for key, cell in whole.items()}
            yield block.name, number, whole


def written(blocks: Iterable[Block]) -> str:
    """The text of a case file, its tables aligned; a Chinese character is two columns wide."""
    lines: list[str] = []
    for block in blocks:
        lines += [block] if isinstance(block, str) else _aligned(block)
    return "\n".join(lines) + "\n"


def _aligned(table: Table) -> Iterator[str]:
    rows = [table.columns, *(tuple(row[column] for column in table.columns) for _, row in table.rows)]
    escaped = [tuple(cell.replace("|", "\\|") for cell in row) for row in rows]
    widths = [max(3, *(_width(row[number]) for row in escaped)) for number in range(len(table.columns))]
    for number, row in enumerate(escaped):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
        if not number:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def with_cases(blocks: Iterable[Block], rows: Iterable[Mapping[str, str]], *, add: bool = False) -> list[Block]:
    """The file with these rows in its table 情形, instead of those there or, with `add`, after them.

    A column that the table had not is added where a row has something in it.
    """
    changed: list[Block] = []
    given = [dict(row) for row in rows]
    for block in blocks:
        if isinstance(block, str) or block.name != CASES:
            changed.append(block)
            continue
        kept = [dict(row) for _, row in block.rows] if add else []
        used = {column for row in given for column, cell in row.items() if cell}
        columns = tuple(column for column in CASE_TABLES[CASES] if column in block.columns or column in used)
        whole = [{column: row.get(column, "") for column in columns} for row in [*kept, *given]]
        changed.append(Table(CASES, columns, tuple(enumerate(whole))))
    return changed
