"""Finding each new student's class (编班), and opening the classes that do not exist yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from workflow_service.models import SchoolClass, SchoolStage
from workflow_service.roster.admission_rows import Admitted
from workflow_service.roster.checks import Entry
from workflow_service.roster.headings import PROGRAMME_CODES
from workflow_service.schooling import Stage
from workflow_service.sql.copying import Writer
from workflow_service.students import NewStudent

if TYPE_CHECKING:
    from workflow_service.service import Service

Key = tuple[int, str, int, int]  # school, stage, cohort, number
Row = TypeVar("Row", Entry, Admitted)


def placed(connection: Connection, service: Service, entries: Sequence[Entry]) -> tuple[Iterator[NewStudent], int]:
    """The students with their classes, made as they are asked for; and how many classes were opened for them."""
    classes, opened = opened_classes(connection, service, {_key(entry): entry.stage for entry in entries})
    return (_student(entry, classes[_key(entry)]) for entry in entries), opened


def opened_classes(
    connection: Connection, service: Service, wanted: Mapping[Key, Stage]
) -> tuple[dict[Key, int], int]:  # fmt: skip
    """The ids of these classes, those that were not there opened; and how many that were."""
    schools = {school for school, *_ in wanted}
    query = select(
        SchoolClass.school_id, SchoolClass.stage, SchoolClass.entered_year, SchoolClass.sequence, SchoolClass.id
    ).where(SchoolClass.school_id.in_(schools))
    classes: dict[Key, int] = {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(query)}
    missing = [key for key in sorted(wanted) if key not in classes]
    rows = [_class_row(service, key, wanted[key]) for key in missing]
    if rows:
        with Writer(connection) as writer:
            writer.write({SchoolClass: rows})
            writer.done()
        classes.update(zip(missing, (row["id"] for row in rows), strict=True))
    _open_stages(connection, {(school, stage) for school, stage, *_ in wanted})
    return classes, len(rows)


def programmes_of(connection: Connection, rows: Sequence[Row]) -> tuple[dict[Key, str], list[tuple[Row, str]]]:
    """(The programme of each class for which a row names one, the rows that name another, with what is wrong.)

    What the register has counts, else the first row. It decides who manages the class (HN08-03): no row may move it.
    """
    naming = [row for row in rows if row.programme is not None]
    found: dict[Key, str] = {}
    if naming:
        query = select(
            SchoolClass.school_id, SchoolClass.stage, SchoolClass.entered_year, SchoolClass.sequence,
            SchoolClass.programme,
        ).where(SchoolClass.school_id.in_({row.school.id for row in naming}))  # fmt: skip
        found = {(row[0], row[1], row[2], row[3]): row[4] for row in connection.execute(query) if row[4]}
    others = []
    for row in naming:
        programme = found.setdefault(_key(row), row.programme or "")
        if programme != row.programme:
            label = PROGRAMME_CODES.get(programme, programme)
            others.append((row, f"该班的学校类别是“{label}”，与此行不同。/ This class has another programme."))
    return found, others


def name_programmes(connection: Connection, programmes: Mapping[Key, str]) -> None:
    """Give each of these classes its programme, where it has none yet."""
    for (school, stage, entered_year, sequence), programme in programmes.items():
        connection.execute(
            update(SchoolClass)
            .where(SchoolClass.school_id == school, SchoolClass.stage == stage,
                   SchoolClass.entered_year == entered_year, SchoolClass.sequence == sequence,
                   SchoolClass.programme.is_(None))
            .values(programme=programme)
        )  # fmt: skip


def class_name(entered_year: int, sequence: int) -> str:
    """How a class that an import opens is called."""
    return f"{entered_year}级{sequence}班"


def _key(row: Entry | Admitted) -> Key:
    return row.school.id, row.stage.name, row.entered_year, row.sequence or 0


def _class_row(service: Service, key: Key, of: Stage) -> dict[str, Any]:
    school, stage, entered_year, sequence = key
    return {
        "id": service.ids.new_subject(),
        "school_id": school,
        "stage": stage,
        "entered_year": entered_year,
        "first_grade": of.first_grade,
        "last_grade": of.last_grade,
        "sequence": sequence,
        "name": class_name(entered_year, sequence),
        "attending": 0,
        "held": 0,
    }


def _open_stages(connection: Connection, wanted: set[tuple[int, str]]) -> None:
    """A stage without its row of places would count nobody."""
    query = select(SchoolStage.school_id, SchoolStage.stage)
    there = {(row[0], row[1]) for row in connection.execute(query)}
    rows = [
        {"school_id": school, "stage": stage, "quota": None, "attending": 0, "held": 0}
        for school, stage in sorted(wanted - there)
    ]
    if rows:
        connection.execute(insert(SchoolStage), rows)


def _student(entry: Entry, class_id: int) -> NewStudent:
    return NewStudent(
        name=entry.name,
        sex=entry.sex,
        birth_date=entry.birth_date,
        identity_type=entry.identity_type,
        identity_number=entry.identity_number,
        student_number=entry.student_number,
        status=entry.status,
        school_id=entry.school.id,
        class_id=class_id,
        stage=entry.stage.name,
        valid_from=entry.valid_from,
        problem=entry.problem,
        former_name=entry.former_name,
        special_education=entry.special_education,
        guardians=entry.guardians,
    )
