"""Exporting what lies in somebody's scope (导出): students and requests as a workbook or as CSV, row after row.

The students' headings are the roster's, so that a revealed export can be read in again. Numbers are masked and
guardians left out: nothing is decrypted unless whoever asks says what for, and that is written down before a row is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rustpy_xlsxwriter import FastExcel, Format
from sqlalchemy import Connection, ScalarSelect, Select, and_, func, insert, select, text
from sqlalchemy.orm import aliased

from states.calendar import grade_of, school_year, season_of
from states.kinds import KINDS
from workflow_service.actors import Actor
from workflow_service.boxes import below, in_scope
from workflow_service.code_tables import exported_status
from workflow_service.db import begin
from workflow_service.errors import Forbidden
from workflow_service.models import (
    AccessLog,
    Enrolment,
    Guardian,
    Organization,
    RegisterEntry,
    Request,
    SchoolClass,
    Student,
)
from workflow_service.models.columns import from_micros
from workflow_service.roster.headings import (
    BY_KEY,
    GRADES,
    HEADINGS,
    IDENTITY_TYPES,
    PROGRAMME_CODES,
    RELATIONS,
    SEX,
    WORKED_OUT,
    YES_NO,
)
from workflow_service.views.requests import state_labels
from workflow_service.views.students import STATUS_LABELS

if TYPE_CHECKING:
    from workflow_service.service import Service

What = Literal["students", "requests", "all"]
Progress = Callable[[int, int, str], None]
Codes = Callable[[str, date | None], str]
Cells = dict[str, str]
"""A row: cell by heading."""

BATCH: Final = 2_000
"""Rows that are in memory at one time."""
MASK: Final = "********"
"""Where a number is and is not shown. Its last digits would have to be decrypted, for everybody in the file."""
LONGEST_SHEET: Final = 1_048_575
"""Rows below the headings that a spreadsheet can open."""
PURPOSE: Final = range(2, 201)
"""How long a purpose is."""
_GUARDIANS: Final = tuple(h.title for h in HEADINGS if h.key.startswith("guardian"))
_STUDENT: Final = (*(h.title for h in HEADINGS if h.stored and h.title not in _GUARDIANS), *WORKED_OUT)
_REQUEST: Final = (
    "申请号", "业务", "状态", "学生姓名", "学籍号", "原学校标识码", "原学校", "目标学校标识码", "目标学校", "年级",
    "提交时间", "本环节期限", "办结时间",
)  # fmt: skip
_WIDTHS: Final = {h.title: float(h.width) for h in HEADINGS} | {
    "申请号": 22.0, "业务": 16.0, "状态": 16.0, "学生姓名": 18.0, "原学校": 26.0, "目标学校": 26.0, "提交时间": 18.0,
    "本环节期限": 18.0, "办结时间": 18.0,
}  # fmt: skip


class CannotExport(ValueError):
    """What was asked for cannot be exported; the message says why in both languages."""


@dataclass(frozen=True, slots=True)
class Exported:
    """How many rows of each were written to `path`."""

    path: Path
    students: int
    requests: int


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str
    titles: tuple[str, ...]
    total: int
    rows: Iterator[Cells]


def _silent(_done: int, _total: int, _title: str) -> None:
    """For whoever does not look at the progress."""


def export(
    service: Service, path: Path, actor: Actor | None, what: What = "students", *, purpose: str | None = None,
    progress: Progress = _silent,
) -> Exported:  # fmt: skip
    """Write the students and requests in scope to `path` (.xlsx, or .csv for one of them), as of one moment.

    `actor` None is the command line, which sees everything. With a `purpose` numbers and guardians are shown, to a
    school's registrar or the command line, and the access log says so. The file appears whole or not at all, readable
    by its owner alone. Raises `Forbidden`, `CannotExport` before anything is written, OSError where it cannot be.
    """
    _check(path, actor, what, purpose)
    _log(service, actor, what, path, purpose)
    with _snapshot(service) as snapshot:
        sheets = []
        if what != "requests":
            sheets.append(_students(snapshot, service, actor, purpose is not None))
        if what != "students":
            sheets.append(_requests(snapshot, service, actor, purpose is not None))
        for sheet in sheets:
            if sheet.total > LONGEST_SHEET and path.suffix == ".xlsx":
                raise CannotExport(f"{sheet.total} 行放不进一张工作表，请导出为 .csv / too many rows, use .csv")
        _write(path, [_told(sheet, progress) for sheet in sheets])
    totals = {sheet.title: sheet.total for sheet in sheets}
    return Exported(path, totals.get("学生名册", 0), totals.get("业务申请", 0))


def _check(path: Path, actor: Actor | None, what: What, purpose: str | None) -> None:
    if actor is not None and not actor.works_on_requests:
        raise Forbidden("此账号看不到学生 / this account sees no students")
    if purpose is not None and actor is not None and (actor.kind != "school" or "registrar" not in actor.roles):
        raise Forbidden("只有本校学籍管理员可以导出完整号码 / Only the school's registrar may export whole numbers.")
    if purpose is not None and len(purpose.strip()) not in PURPOSE:
        raise CannotExport("导出完整号码须写明用途，2 至 200 字 / a purpose of 2 to 200 characters is needed")
    if path.suffix not in (".xlsx", ".csv"):
        raise CannotExport("文件名须以 .xlsx 或 .csv 结尾 / the file must end in .xlsx or .csv")
    if path.suffix == ".csv" and what == "all":
        raise CannotExport("一个 .csv 只能装一张表 / a .csv holds students or requests, not both")
    if path.exists():
        raise CannotExport(f"{path.name} 已存在，不覆盖 / {path.name} exists and is not overwritten")


def _log(service: Service, actor: Actor | None, what: What, path: Path, purpose: str | None) -> None:
    with begin(service.engine) as connection:
        connection.execute(insert(AccessLog), {
            "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
            "account_id": actor.account_id if actor else None, "action": "reveal_export" if purpose else "export",
            "object_id": None, "purpose": purpose.strip() if purpose else None, "detail": f"{what} {path.name}",
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Snapshot:
    connection: Connection
    cursors: ExitStack

    def streamed(self, query: Select[*tuple[Any, ...]]) -> tuple[int, Iterator[Sequence[Any]]]:
        """How many rows there are, and they themselves by batches."""
        counted = select(func.count()).select_from(query.order_by(None).subquery())
        found = self.connection.execute(query.execution_options(stream_results=True))
        self.cursors.callback(found.close)
        return self.connection.execute(counted).scalar_one(), found.partitions(BATCH)


@contextmanager
def _snapshot(service: Service) -> Iterator[_Snapshot]:
    """A transaction that reads and sees one moment: both sheets, and the total that stands before them."""
    with service.engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        with ExitStack() as cursors:
            yield _Snapshot(connection, cursors)


def _students(snapshot: _Snapshot, service: Service, actor: Actor | None, revealed: bool) -> _Sheet:
    query = (
        select(
            Student.id, Organization.code, Organization.name, Student.name, Student.former_name, Student.sex,
            Student.birth_date, Student.identity_type, Student.identity_number if revealed else
            Student.identity_number.is_not(None), Student.student_number if revealed else
            Student.student_number.is_not(None), SchoolClass.first_grade, SchoolClass.entered_year,
            SchoolClass.sequence, SchoolClass.programme, Enrolment.valid_from, Student.status,
            Student.special_education, _came_back(),
        )
        .join(Enrolment, and_(Enrolment.student_id == Student.id, Enrolment.ended_at.is_(None)))
        .join(Organization, Organization.id == Enrolment.school_id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .order_by(Organization.path, Enrolment.class_id, Student.id)
    )  # fmt: skip
    if actor is not None:
        query = query.where(below(Organization.path, actor.path))
    total, batches = snapshot.streamed(query)
    grade, code = _grades(service.clocks.now().date()), _status_codes(service)
    if not revealed:
        rows: Iterator[Cells] = (_masked(row, grade, code) for batch in batches for row in batch)
        return _Sheet("学生名册", _STUDENT, total, rows)
    rows = chain.from_iterable(_revealed(snapshot.connection, service, batch, grade, code) for batch in batches)
    return _Sheet("学生名册", _STUDENT + _GUARDIANS, total, rows)


def _grades(today: date) -> Callable[[int, int], str]:
    @lru_cache(None)
    def label(first_grade: int, entered_year: int) -> str:
        return GRADES.get(grade_of(first_grade, entered_year, today), "")

    return label


def _came_back() -> ScalarSelect[Any]:
    """The day on which a student last came back from an absence."""
    return (
        select(func.max(RegisterEntry.valid_to))
        .where(RegisterEntry.student_id == Student.id, RegisterEntry.section.in_(KINDS["resumption"].closes),
               RegisterEntry.ended_at.is_not(None))
        .correlate(Student)
        .scalar_subquery()
    )  # fmt: skip


def _status_codes(service: Service) -> Codes:
    """JY/T 1001's code of a status; who came back in this term is 05 until the next one (学生当前状态)."""
    calendar, today = service.calendars.current(), service.clocks.now().date()
    this = school_year(today), season_of(calendar, today)

    @lru_cache(None)
    def code(status: str, came_back: date | None) -> str:
        resumed = came_back is not None and (school_year(came_back), season_of(calendar, came_back)) == this
        return exported_status(status, resumed=resumed) or ""

    return code


def _masked(row: Any, grade: Callable[[int, int], str], coded: Codes) -> Cells:
    (_, code, school, name, former, sex, born, kind, identity, number, first, entered, sequence, programme, since,
     status, special, came_back) = row  # fmt: skip
    return dict(zip(_STUDENT, (
        code, school, name, former or "", SEX.get(sex, sex), f"{born.year}{born.month:02}{born.day:02}",
        IDENTITY_TYPES.get(kind, kind), MASK if identity else "", MASK if number else "", grade(first, entered),
        f"{sequence}班", PROGRAMME_CODES.get(programme or "", ""), f"{since.year}{since.month:02}",
        STATUS_LABELS[status], YES_NO["1" if special else "0"], coded(status, came_back),
    ), strict=True))  # fmt: skip


def _revealed(
    connection: Connection, service: Service, batch: Sequence[Any], grade: Callable[[int, int], str], code: Codes
) -> Iterator[Cells]:
    decrypt = service.cipher.decrypt
    guardians = _guardians(connection, service, [row[0] for row in batch])
    for row in batch:
        cells = _masked(row, grade, code)
        for title, stored, column in ((BY_KEY["identity_number"].title, row[8], "student.identity_number"),
                                      (BY_KEY["student_number"].title, row[9], "student.student_number")):  # fmt: skip
            cells[title] = decrypt(stored, column) if stored else ""
        known = guardians.get(row[0], [])[: len(_GUARDIANS)]
        yield cells | dict(zip(_GUARDIANS, known + [""] * (len(_GUARDIANS) - len(known)), strict=True))


def _guardians(connection: Connection, service: Service, ids: Sequence[int]) -> dict[int, list[str]]:
    """Name, relation and phone of each student's guardians, one after the other."""
    found: dict[int, list[str]] = {}
    decrypt = service.cipher.decrypt
    columns = (Guardian.student_id, Guardian.name, Guardian.relation, Guardian.phone)
    for start in range(0, len(ids), 500):
        query = select(*columns).where(Guardian.student_id.in_(ids[start : start + 500])).order_by(Guardian.id)
        for id_, name, relation, phone in connection.execute(query):
            found.setdefault(id_, []).extend((
                decrypt(name, "guardian.name"), RELATIONS.get(relation, relation),
                decrypt(phone, "guardian.phone") if phone else ""))  # fmt: skip
    return found


def _requests(snapshot: _Snapshot, service: Service, actor: Actor | None, revealed: bool) -> _Sheet:
    origin, destination = aliased(Organization), aliased(Organization)
    query = (
        select(
            Request.number, Request.kind, Request.state, Request.pack_id, func.coalesce(Student.name, Request.named),
            Student.student_number if revealed else Student.student_number.is_not(None),
            origin.code, origin.name, destination.code, destination.name, Request.grade, Request.submitted_at,
            Request.due_at, Request.completed_at,
        )
        .outerjoin(Student, Student.id == Request.student_id)
        .join(origin, origin.id == Request.origin_school_id)
        .join(destination, destination.id == Request.destination_school_id)
        .order_by(Request.id)
    )  # fmt: skip
    if actor is not None:
        query = query.where(in_scope(actor))
    total, batches = snapshot.streamed(query)

    @lru_cache(None)
    def state(pack_id: int, name: str) -> str:
        return state_labels(service.packs.definition(pack_id), name)[0]

    def cells(row: Any) -> Cells:
        number, kind, state_, pack, name, whole, *schools, grade, submitted, due, completed = row
        if revealed and whole:
            shown = service.cipher.decrypt(whole, "student.student_number")
        else:
            shown = MASK if whole else ""
        return dict(zip(_REQUEST, (
            number, KINDS[kind].label, state(pack, state_), name or "", shown, *schools, GRADES.get(grade, ""),
            _moment(submitted), _moment(due), _moment(completed),
        ), strict=True))  # fmt: skip

    return _Sheet("业务申请", _REQUEST, total, (cells(row) for batch in batches for row in batch))


def _moment(micros: int | None) -> str:
    return "" if micros is None else f"{from_micros(micros):%Y-%m-%d %H:%M}"


def _told(sheet: _Sheet, progress: Progress) -> _Sheet:
    """The same sheet, saying how far it is about fifty times."""

    def rows() -> Iterator[Cells]:
        step = max(1, sheet.total // 50)
        progress(0, sheet.total, sheet.title)
        for number, row in enumerate(sheet.rows, 1):
            yield row
            if number % step == 0 or number == sheet.total:
                progress(number, sheet.total, sheet.title)

    return _Sheet(sheet.title, sheet.titles, sheet.total, rows())


def _write(path: Path, sheets: Sequence[_Sheet]) -> None:
    """Write beside `path` and put it there when it is whole: half a file would be taken for all there is."""
    part = path.with_name(f".{path.name}.part")
    os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        _fill(part, path.suffix.removeprefix("."), sheets)
        os.link(part, path)  # which refuses to take the place of a file that came meanwhile
    finally:
        part.unlink()


def _fill(part: Path, suffix: str, sheets: Sequence[_Sheet]) -> None:
    # A name must never be evaluated as a formula: cells are text, and in a .csv it gets an apostrophe before it.
    csv = suffix == "csv"
    book = FastExcel(part, output_format=suffix, bom=csv, sanitize_formulas=csv)
    if not csv:
        book = book.format(bold_headers=True).freeze(row=1)
    as_text = Format().set_num_format("@")
    for sheet in sheets:
        looks: Mapping[str, Any] = {} if csv else {
            "column_widths": [_WIDTHS.get(title, 12.0) for title in sheet.titles],
            "column_formats": [as_text] * len(sheet.titles),
        }  # fmt: skip
        # The headings come from the first row; without any there is one that says nothing.
        rows = sheet.rows if sheet.total else iter([dict.fromkeys(sheet.titles, "")])
        book = book.sheet(sheet.title, rows, **looks)
    book.save()
