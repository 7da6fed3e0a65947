"""The demo's students (示例学生), as rosters: written as workbooks and imported like everybody's.

Two rosters of each county: last year's, and this year's newcomers. Schools x01 to x04 hold plain students; in x05 are
those who make work: rare characters, twins, a full class, a suspension, a problem record, L and J numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from random import Random

from states.calendar import school_year
from workflow_service.demo.organizations import School, schools
from workflow_service.demo.people import Numbers, birthday, grown_name, person_name
from workflow_service.roster.headings import GRADES
from workflow_service.roster.workbook import write_roster
from workflow_service.schooling import Stage, stages_of

CLASSES = {1: (9, 9), 2: (8, 8), 3: (14,), 4: (9, 9), 5: (10,), 6: (6,)}
"""How many sit in each class of a grade, by the school's last figure: fourteen plain ones or more in x01 to x04, few
in x06.
"""
YEARS_BEFORE = {"vocational": 9, "higher": 12}
"""Years of school before a stage that counts its own from 1."""
FULL_GRADE, FULL_CLASS = 3, 55
"""The class in x05 that takes nobody more (NJ-07)."""


@dataclass(frozen=True, slots=True)
class Pupil:
    """A student of the demo before the roster is written; `grade` is the one of today."""

    school: School
    stage: Stage
    grade: int
    sequence: int
    entered: int
    name: str
    sex: str
    birth_date: date
    identity_number: str
    student_number: str
    identity_type: str = "1"
    status: str = "在读"
    special_education: bool = False
    attendance: str = "1"
    guardians: tuple[str, str] = ("", "")
    phones: tuple[str, str] = field(default=("", ""))


def roster_days(today: date) -> tuple[date, date]:
    """When the two rosters are imported: last September, and the day after this year's promotion (SYS-44)."""
    year = school_year(today)
    return date(year - 1, 9, 10), min(today, date(year, 8, 12))


def write_rosters(folder: Path, today: date) -> tuple[list[Path], list[Path]]:
    """Write the workbooks of every county and give their paths: last year's, and the newcomers'."""
    folder.mkdir(parents=True, exist_ok=True)
    year = school_year(today)
    everyone = [pupil for school in schools() for pupil in pupils(school, year)]
    counties = dict.fromkeys(pupil.school.county for pupil in everyone)
    files: tuple[list[Path], list[Path]] = ([], [])
    for paths, roster_year in zip(files, (year - 1, year), strict=True):
        for county in counties:
            paths.append(folder / f"{county}-{roster_year}.xlsx")
            listed = (p for p in everyone if p.school.county == county and (p.entered == year) == (roster_year == year))
            write_roster(paths[-1], (_row(pupil, roster_year) for pupil in listed))
    return files


def pupils(school: School, year: int) -> Iterator[Pupil]:
    """The students of a school in the school year `year`, the same ones each time."""
    random, numbers = Random(f"demo {school.code}"), Numbers(school.code)  # noqa: S311 - a demo, no secret
    kind = int(school.code[-1])
    for stage in stages_of(school.schooling):
        for grade in range(stage.first_grade, stage.last_grade + 1):
            sizes = (FULL_CLASS,) if kind == 5 and grade == FULL_GRADE else CLASSES[kind]
            plain = [
                _plain(random, numbers, school, stage, grade, sequence, year)
                for sequence, size in enumerate(sizes, 1)
                for _ in range(size)
            ]
            yield from _awkward(plain, numbers, grade) if kind == 5 else plain


def _plain(
    random: Random, numbers: Numbers, school: School, stage: Stage, grade: int, sequence: int, year: int
) -> Pupil:
    sex = random.choice("12")
    birth = birthday(random, grade + YEARS_BEFORE.get(stage.name, 0), year)
    number = numbers.next(birth, sex)
    name = person_name(random, sex)
    return Pupil(
        school, stage, grade, sequence, year - (grade - stage.first_grade), name, sex, birth, number, f"G{number}",
        attendance=random.choice("1112"), guardians=(grown_name(random, name[0]), grown_name(random)),
        phones=(_phone(random), _phone(random)),
    )  # fmt: skip


def _phone(random: Random) -> str:
    """Eleven digits that no operator has given out."""
    return f"100{random.randrange(10**8):08d}"


RARE = {
    1: ("王𬭎", "李㛃"),
    2: ("龚䶮", "𠮷小满", "买买提·阿不都热依木", "古丽扎尔·艾合买提"),
    9: ("欧阳子轩", "单小龙"),
    10: ("爱新觉罗·毓文",),
}
"""Names with characters of the later extensions, and with the dot; from the grade they are in."""


def _awkward(plain: list[Pupil], numbers: Numbers, grade: int) -> list[Pupil]:
    """The same students, some of them with what makes work."""
    made = [replace(p, name=name) for p, name in zip(plain, RARE.get(grade, ()), strict=False)]
    rest = plain[len(made) :]
    change = _AWKWARD.get(grade)
    return made + (change(rest, numbers) if change else rest)


def _first_grade(rest: list[Pupil], _numbers: Numbers) -> list[Pupil]:
    """A newcomer with a temporary number (NUM-03), and one who attends with special needs (随班就读)."""
    temporary = replace(rest[0], student_number=f"L{rest[0].identity_number[:14]}0417")
    return [temporary, replace(rest[1], special_education=True), *rest[2:]]


def _second_grade(rest: list[Pupil], _numbers: Numbers) -> list[Pupil]:
    """A child without any identity number (NUM-04), and one with a passport."""
    nameless = replace(
        rest[0], identity_type="Z", identity_number="", student_number=f"J{rest[0].identity_number[:14]}0026"
    )
    foreign = replace(
        rest[1], name="Anna Müller", identity_type="A", identity_number=f"E0000{rest[1].school.code}7",
        student_number=f"J{rest[1].identity_number[:14]}0034",
    )  # fmt: skip
    return [nameless, replace(foreign, guardians=("Max Müller", "Eva Müller")), *rest[2:]]


def _fourth_grade(rest: list[Pupil], numbers: Numbers) -> list[Pupil]:
    """Twins, who are never each other's duplicates; and one child twice, once with a wrong check digit (SYS-30)."""
    elder = replace(rest[0], name="孟知春", sex="2", identity_number=numbers.next(rest[0].birth_date, "2"))
    younger = replace(
        rest[1], name="孟知秋", sex="2", birth_date=elder.birth_date, guardians=elder.guardians, phones=elder.phones,
        identity_number=numbers.next(elder.birth_date, "2"),
    )  # fmt: skip
    good = rest[2].identity_number
    wrong = good[:17] + ("0" if good[17] != "0" else "1")
    twins = [replace(p, student_number=f"G{p.identity_number}") for p in (elder, younger)]
    mistyped = replace(rest[2], name="错小码", identity_number=wrong, student_number=f"G{wrong}")
    again = replace(rest[2], name="错晓码", sequence=rest[3].sequence)
    return [*twins, mistyped, again, *rest[4:]]


def _fifth_grade(rest: list[Pupil], _numbers: Numbers) -> list[Pupil]:
    """One suspended, and two of one name; with 5+4 this is the graduating grade of the primary stage."""
    return [replace(rest[0], status="休学"), replace(rest[1], name="张伟"), replace(rest[2], name="张伟"), *rest[3:]]


_AWKWARD = {1: _first_grade, 2: _second_grade, 4: _fourth_grade, 5: _fifth_grade}


def _row(pupil: Pupil, roster_year: int) -> dict[str, str]:
    """The student's row in the roster of a school year."""
    grade = roster_year - pupil.entered + pupil.stage.first_grade
    return {
        "school_code": pupil.school.code,
        "school_name": pupil.school.name,
        "name": pupil.name,
        "sex": {"1": "男", "2": "女"}[pupil.sex],
        "birth_date": f"{pupil.birth_date:%Y%m%d}",
        "identity_type": pupil.identity_type,
        "identity_number": pupil.identity_number,
        "student_number": pupil.student_number,
        "grade": GRADES[grade],
        "class_name": f"{pupil.sequence}班",
        "entered": f"{pupil.entered}09",
        "status": pupil.status,
        "attendance": pupil.attendance,
        "special_education": "是" if pupil.special_education else "否",
        "guardian1_name": pupil.guardians[0],
        "guardian1_relation": "父亲",
        "guardian1_phone": pupil.phones[0],
        "guardian2_name": pupil.guardians[1],
        "guardian2_relation": "母亲",
        "guardian2_phone": pupil.phones[1],
    }
