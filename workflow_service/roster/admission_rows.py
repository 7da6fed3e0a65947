"""Judging the rows of an admission list (录取名单逐行校验): what a row must have, and what may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from states.identity import normalise
from workflow_service.newcomers import Person
from workflow_service.roster.checks import (
    CellError,
    Cells,
    SchoolInScope,
    birth_date_in,
    grade_in,
    guardian_in,
    identity_in,
    name_in,
    programme_in,
    school_in,
    student_number_in,
)
from workflow_service.roster.headings import class_sequence
from workflow_service.roster.reader import RosterSheet, SheetRow, is_empty
from workflow_service.schooling import Stage

OPTIONAL = frozenset({"student_number", "class_name", "entered", "guardian1_name", "guardian1_relation"})
"""Columns of the roster that an admission list may do without: who has no record yet has no number either."""
INTAKE_MONTH = 5
"""From this month on a list is of the coming autumn's school year."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A row that is right: who was admitted, to which school and grade; the class where the list names one.

    `student_number` of a leaver who goes on to the next stage, None for a newcomer.
    """

    sheet: RosterSheet
    row: SheetRow
    school: SchoolInScope
    person: Person
    student_number: str | None
    grade: int
    stage: Stage
    entered_year: int
    sequence: int | None
    programme: str | None


def check_admission(
    sheet: RosterSheet, row: SheetRow, schools: Mapping[str, SchoolInScope], today: date
) -> Admitted | list[CellError]:
    """The admission of a row, or all that is wrong with it. `schools` by code; `today` is the legal date."""
    cells = Cells(sheet, row)
    school = school_in(cells, schools)
    name, sex = name_in(cells, "name", required=True), cells.coded("sex")
    birth = birth_date_in(cells, today)
    identity_type = cells.coded("identity_type")
    identity, problem = identity_in(cells, identity_type, birth, sex, today)
    number = None if is_empty(cells.raw("student_number")) else student_number_in(cells, identity, problem, today)
    stage, entered_year = grade_in(cells, school, intake_year(today))
    sequence = None
    if not is_empty(cells.raw("class_name")):
        sequence = cells.parsed("class_name", class_sequence, "class", "写作 1班、2班。/ Write 1班, 2班.")
    programme = programme_in(cells, stage)
    if programme is not None and sequence is None:
        cells.fail("class_name", "class", "填写学校类别的须填写班级。/ Whoever names a programme names the class.")
    special = cells.coded("special_education") == "1"
    guardians = tuple(
        g for n in (1, 2) if not is_empty(cells.raw(f"guardian{n}_name"))
        if (g := guardian_in(cells, f"guardian{n}")) is not None
    )  # fmt: skip
    if cells.errors:
        return cells.errors
    # Whatever is None here has left a fault above.
    assert school is not None
    assert sex is not None
    assert birth is not None
    assert identity_type is not None
    assert stage is not None
    person = Person(name, sex, birth, identity_type, identity, special, guardians)
    grade = intake_year(today) - entered_year + stage.first_grade
    return Admitted(
        sheet, row, school, person, normalise(number) if number else None, grade, stage, entered_year, sequence,
        programme,
    )  # fmt: skip


def intake_year(today: date) -> int:
    """The school year that a list of this day is for."""
    return today.year if today.month >= INTAKE_MONTH else today.year - 1
