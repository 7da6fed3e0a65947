"""Judging single rows (逐行校验): every fault of every row at once, each with the cell and what would mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

from states.calendar import school_year
from states.identity import Sex, identity_faults, normalise
from states.numbers import student_number_faults
from workflow_service.crypto import normalise as normal_phone
from workflow_service.names import name_fault, normal_name
from workflow_service.roster.headings import BY_KEY, class_sequence, code_of, grade_of_text
from workflow_service.roster.reader import RosterSheet, SheetRow, Value, is_empty
from workflow_service.schooling import Stage, stage_of
from workflow_service.students import NewGuardian

WRONG_IDENTITY = "identity_number_wrong"
"""The problem record (问题学籍, SYS-30a) of a number whose check digit is wrong; it comes in all the same (SYS-32)."""

DOUBLE = "duplicate_without_identity_number"
"""The problem record of two children without identity number who share name, sex and birth date (SYS-30c)."""

_SEXES: dict[str, Sex] = {"1": "male", "2": "female"}
_RESIDENT_CARD, _OTHER_PAPER = "1", "Z"
_PHONE = re.compile(r"\d{7,12}")
_DAY = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?")
_MONTH = re.compile(r"(\d{4})[-/.年]?(\d{1,2})(?:月|[-/.]?\d{1,2}日?)?")


@dataclass(frozen=True, slots=True)
class CellError:
    """A fault of a row; `cell` is the address (学生名册!G12), `column` its heading. Never repeats a number."""

    sheet: str
    row: int
    cell: str
    column: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.cell} {self.column}：{self.message}"


@dataclass(frozen=True, slots=True)
class SchoolInScope:
    """A school that the importer may fill."""

    id: int
    code: str
    name: str
    schooling: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row that is right: a student, and the class by its school, stage, cohort and number."""

    sheet: RosterSheet
    row: SheetRow
    school: SchoolInScope
    name: str
    former_name: str | None
    sex: str
    birth_date: date
    identity_type: str
    identity_number: str | None
    student_number: str
    stage: Stage
    entered_year: int
    sequence: int
    programme: str | None
    valid_from: date
    status: str
    problem: str | None
    special_education: bool
    guardians: tuple[NewGuardian, ...]

    def error(self, key: str, code: str, message: str) -> CellError:
        """A fault that only shows against other rows or the database."""
        return _error(self.sheet, self.row, key, code, message)


def check_row(
    sheet: RosterSheet, row: SheetRow, schools: Mapping[str, SchoolInScope], today: date
) -> Entry | list[CellError]:
    """The entry of a row, or all that is wrong with it. `schools` by code; `today` is the legal date."""
    cells = Cells(sheet, row)
    school = school_in(cells, schools)
    name = name_in(cells, "name", required=True)
    sex = cells.coded("sex")
    birth = birth_date_in(cells, today)
    identity_type = cells.coded("identity_type")
    identity_number, problem = identity_in(cells, identity_type, birth, sex, today)
    student_number = student_number_in(cells, identity_number, problem, today)
    stage, entered_year = grade_in(cells, school, school_year(today))
    sequence = cells.parsed("class_name", class_sequence, "class", "写作 1班、2班。/ Write 1班, 2班.")
    programme = programme_in(cells, stage)
    valid_from = entered_in(cells, today)
    former = name_in(cells, "former_name", required=False)
    status = cells.coded("status") or "attending"
    cells.coded("attendance")
    special = cells.coded("special_education") == "1"
    guardians = tuple(g for n in (1, 2) if (g := guardian_in(cells, f"guardian{n}")) is not None)
    if cells.errors:
        return cells.errors
    # Whatever is None here has left a fault above.
    assert school is not None
    assert sex is not None
    assert birth is not None
    assert identity_type is not None
    assert stage is not None
    assert sequence is not None
    assert valid_from is not None
    # The cells are kept nowhere: only the row's number is said again.
    said = SheetRow(row.number, ())
    return Entry(
        sheet, said, school, name, former or None, sex, birth, identity_type, identity_number, student_number, stage,
        entered_year, sequence, programme, valid_from, status, problem, special, guardians,
    )  # fmt: skip


@dataclass(slots=True)
class Cells:
    """The cells of one row by key, and the faults found so far."""

    sheet: RosterSheet
    row: SheetRow
    errors: list[CellError] = field(default_factory=list)

    def raw(self, key: str) -> Value:
        column = self.sheet.places.get(key)
        return "" if column is None else self.row.values[column]

    def text(self, key: str) -> str:
        """The cell as text; a whole number loses its .0, because 三年级 may well be typed as 3."""
        value = self.raw(key)
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    def fail(self, key: str, code: str, message: str) -> None:
        self.errors.append(_error(self.sheet, self.row, key, code, message))

    def coded(self, key: str) -> str | None:
        """The code for what stands in the cell; None where nothing does, or where a fault was noted."""
        heading, text = BY_KEY[key], self.text(key)
        if not text:
            if heading.required:
                self.fail(key, "missing", "没有填写。/ Missing.")
            return None
        assert heading.codes is not None
        code = code_of(heading.codes, text)
        if code is None:
            some = "、".join(list(heading.codes.values())[:8])
            self.fail(key, "unknown_code", f"只能填：{some}。/ Not one of the code table.")
        return code

    def parsed(self, key: str, parse: Callable[[str], int | None], code: str, message: str) -> int | None:
        found = parse(self.text(key))
        if found is None:
            self.fail(key, code, message)
        return found


def _error(sheet: RosterSheet, row: SheetRow, key: str, code: str, message: str) -> CellError:
    column = sheet.places.get(key)
    cell = sheet.address(row, column) if column is not None else f"{sheet.title}!{row.number}"
    return CellError(sheet.title, row.number, cell, BY_KEY[key].title, code, message)


def school_in(cells: Cells, schools: Mapping[str, SchoolInScope]) -> SchoolInScope | None:
    school = schools.get(cells.text("school_code"))
    if school is None:
        cells.fail("school_code", "unknown_school", "没有这所学校，或不在您的管辖范围。/ No such school in your scope.")
    elif cells.text("school_name") != school.name:
        cells.fail("school_name", "school_name", f"与学校标识码不符，应为“{school.name}”。/ Not this school's name.")
    return school


@lru_cache(1 << 14)
def _named(text: str) -> tuple[str, str | None]:
    """The name in its one spelling, and what is wrong with it."""
    name = normal_name(text)
    return name, name_fault(name)


def name_in(cells: Cells, key: str, *, required: bool) -> str:
    name, fault = _named(str(cells.raw(key)))
    if not name and not required:
        fault = None
    if fault is not None:
        cells.fail(key, "name", fault)
    return name


def birth_date_in(cells: Cells, today: date) -> date | None:
    born = _day(cells.raw("birth_date"), cells.text("birth_date"))
    if born is None:
        cells.fail("birth_date", "date", "写作 20190305 或 2019-03-05，且须存在。/ Not a date: write 20190305.")
    elif not date(1900, 1, 1) <= born <= today:
        cells.fail("birth_date", "date", "出生日期不合常理。/ Not a plausible birth date.")
    return born


def _day(value: Value, text: str) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return _day_in(text)


@lru_cache(1 << 13)  # a hundred thousand children have four thousand birthdays
def _day_in(text: str) -> date | None:
    found = _DAY.fullmatch(normalise(text))
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def identity_in(
    cells: Cells, kind: str | None, birth: date | None, sex: str | None, today: date
) -> tuple[str | None, str | None]:
    """The number, and the problem record it makes. A wrong check digit is not refused here (SYS-32)."""
    value = cells.raw("identity_number")
    if kind != _RESIDENT_CARD:
        number = normalise(str(value)) if isinstance(value, str) else ""
        if not number and kind not in (None, _OTHER_PAPER):
            cells.fail("identity_number", "number_missing", "没有填写，或不是文本。/ Missing, or not text.")
        return number or None, None
    faults = identity_faults(value, today, birth=birth, sex=_SEXES.get(sex or ""))
    hard = [fault for fault in faults if fault.code != "number_check_digit"]
    for fault in hard:
        cells.fail("identity_number", fault.code, f"{fault.message_zh}/ {fault.message_en}")
    if hard or not isinstance(value, str):
        return None, None
    return normalise(value), WRONG_IDENTITY if faults else None


def student_number_in(cells: Cells, identity_number: str | None, problem: str | None, today: date) -> str:
    value = cells.raw("student_number")
    number = normalise(value) if isinstance(value, str) else ""
    for fault in student_number_faults(value, today):
        # A G-number repeats the identity number, and with it the wrong digit that makes the problem record.
        if not (problem and fault.code == "number_check_digit" and number[1:] == identity_number):
            cells.fail("student_number", fault.code, f"{fault.message_zh}/ {fault.message_en}")
    return number


def grade_in(cells: Cells, school: SchoolInScope | None, year: int) -> tuple[Stage | None, int]:
    """The stage at this school, and the school year in which the class of that grade in `year` came into it."""
    grade = cells.parsed("grade", grade_of_text, "grade", "写作 一年级 或 1。/ Write 一年级 or 1.")
    if grade is None or school is None:
        return None, 0
    stage = stage_of(school.schooling, grade)
    if stage is None:
        cells.fail("grade", "grade", "该校没有这个年级。/ This school does not have this grade.")
        return None, 0
    return stage, year - (grade - stage.first_grade)


def programme_in(cells: Cells, stage: Stage | None) -> str | None:
    """The programme of the row's class (学校类别、计划类别), None where the row says nothing of it."""
    programme = cells.coded("programme")
    if programme is not None and stage is not None and stage.name != "vocational":
        cells.fail("programme", "programme", "只有中职班级填写学校类别。/ Only vocational classes have a programme.")
    return programme


def entered_in(cells: Cells, today: date) -> date | None:
    """The day on which the enrolment begins: the first of 入学年月, at the latest today."""
    value = cells.raw("entered")
    found = _MONTH.fullmatch(value.strftime("%Y%m") if isinstance(value, date) else normalise(cells.text("entered")))
    try:
        first = date(int(found.group(1)), int(found.group(2)), 1) if found else None
    except ValueError:
        first = None
    if first is None:
        cells.fail("entered", "month", "写作 202609。/ Write 202609.")
    elif first > date(school_year(today) + 1, 7, 31):
        cells.fail("entered", "month", "晚于本学年。/ Later than this school year.")
    return min(first, today) if first else None


def guardian_in(cells: Cells, who: str) -> NewGuardian | None:
    keys: Sequence[str] = (f"{who}_name", f"{who}_relation", f"{who}_phone")
    if all(is_empty(cells.raw(key)) for key in keys) and not BY_KEY[keys[0]].required:
        return None
    name = name_in(cells, keys[0], required=True)
    relation = cells.coded(keys[1])
    if relation is None and not BY_KEY[keys[1]].required:
        cells.fail(keys[1], "missing", "没有填写。/ Missing.")
    phone = normal_phone("phone", cells.text(keys[2]))
    if phone and _PHONE.fullmatch(phone) is None:
        cells.fail(keys[2], "phone", "不是电话号码。/ Not a phone number.")
    return NewGuardian(relation or "", name, phone or None)
