"""Importing a roster (导入名册): a whole file or nothing of it, and the same students never twice.

Every row is checked before anything is written, and the database is asked again inside the transaction that writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from workflow_service.actors import Actor
from workflow_service.db import begin, reading
from workflow_service.errors import Contended, Forbidden
from workflow_service.models import AccessLog, ImportBatch, Organization
from workflow_service.roster.checks import CellError, Entry, SchoolInScope, check_row
from workflow_service.roster.headings import WORKED_OUT
from workflow_service.roster.matching import Matched, match
from workflow_service.roster.placing import name_programmes, placed
from workflow_service.roster.reader import RosterSheet, read_workbook
from workflow_service.roster.workbook import write_errors
from workflow_service.students import register

if TYPE_CHECKING:
    from workflow_service.service import Service

Say = Callable[[str], None]
ROUNDS = 3
"""How often a file is compared anew when somebody else imports at the same moment."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of a file. With `errors` nothing was written, and `error_workbook` says why, row by row.

    `created`, `unchanged`, `problems` count students; `classes` those that were opened; `known` is True where exactly
    this file was imported before. `remarks` are for people: columns without a place, differences that were left.
    """

    name: str
    sha256: str
    rows: int
    created: int = 0
    unchanged: int = 0
    problems: int = 0
    classes: int = 0
    known: bool = False
    written: bool = False
    errors: tuple[CellError, ...] = ()
    remarks: tuple[str, ...] = ()
    error_workbook: Path | None = None

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.known:
            return f"{self.name}：此文件已导入过，没有变化。/ This file was imported before; nothing changed."
        if self.errors:
            return f"{self.name}：{self.rows} 行中有 {len(self.errors)} 处错误，未导入。/ Errors; nothing was imported."
        done = "已导入" if self.written else "可导入（仅校验）"
        return (
            f"{self.name}：{done} {self.created} 名，未变 {self.unchanged} 名，问题学籍 {self.problems} 名，"
            f"新建班级 {self.classes} 个。/ {self.created} new, {self.unchanged} unchanged, {self.problems} problem "
            f"records, {self.classes} classes opened."
        )


def import_workbook(
    service: Service, path: Path, actor: Actor | None, say: Say = lambda _line: None, *, check_only: bool = False
) -> ImportReport:
    """Check a workbook and, unless `check_only` or a row is wrong, import it whole; says how far it is.

    `actor` None is the command line, which may fill every school; otherwise the schools in his scope.
    Raises `BadWorkbook` for a file that cannot be read at all, `Forbidden` for who is no registrar; faults of rows are
    in the report.
    """
    if actor is not None and "registrar" not in actor.roles:
        raise Forbidden("只有学籍管理员可以导入名册 / only a registrar imports a roster")
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    known = _known_batch(service, sha256)
    if known is not None:
        report = ImportReport(path.name, sha256, known, unchanged=known, known=True)
        say(report.summary)
        return report
    say(f"读取 {path.name} … / reading")
    sheets = read_workbook(content)
    entries, errors = _check(service, sheets, actor, say)
    for sheet in sheets:
        sheet.rows.release()
    report = _settle(service, path, sha256, sheets, entries, errors, actor, say, check_only)
    say(report.summary)
    return report


def _known_batch(service: Service, sha256: str) -> int | None:
    """How many students a file with this hash held; None where it never came."""
    with reading(service.engine) as connection:
        found = connection.execute(
            select(ImportBatch.created, ImportBatch.unchanged).where(ImportBatch.sha256 == sha256)
        ).one_or_none()
    return None if found is None else found.created + found.unchanged


def _check(
    service: Service, sheets: Sequence[RosterSheet], actor: Actor | None, say: Say
) -> tuple[list[Entry], list[CellError]]:
    schools = schools_in_scope(service, actor)
    today = service.clocks.now().date()
    entries: list[Entry] = []
    errors: list[CellError] = []
    for sheet in sheets:
        for row in sheet.rows:
            found = check_row(sheet, row, schools, today)
            if isinstance(found, Entry):
                entries.append(found)
            else:
                errors += found
        say(f"校验 {sheet.title}：{len(sheet.rows)} 行 / rows checked")
    return entries, errors


def schools_in_scope(service: Service, actor: Actor | None) -> dict[str, SchoolInScope]:
    """The schools that somebody may fill, by code; `actor` None may fill all."""
    query = select(Organization.id, Organization.code, Organization.name, Organization.schooling)
    query = query.where(Organization.kind == "school", Organization.active)
    if actor is not None:
        query = query.where(Organization.path.startswith(actor.path, autoescape=True))
    with reading(service.engine) as connection:
        return {row.code: SchoolInScope(*row) for row in connection.execute(query)}


def _settle(
    service: Service,
    path: Path,
    sha256: str,
    sheets: Sequence[RosterSheet],
    entries: Sequence[Entry],
    errors: list[CellError],
    actor: Actor | None,
    say: Say,
    check_only: bool,
) -> ImportReport:
    """Compare with what is there and write, or report; once more where somebody else imported at the same moment."""
    rows = sum(len(sheet.rows) for sheet in sheets)
    conflict: IntegrityError | None = None
    for _ in range(ROUNDS):
        if errors or check_only:
            with reading(service.engine) as connection:
                matched = match(connection, service, entries)
            if not (errors or matched.errors):
                return _report(path, sha256, rows, matched, sheets, classes=0, written=False)
        else:
            try:
                with begin(service.engine) as connection:
                    # Compared where nobody else writes (SQLite) or a unique number refuses (PostgreSQL).
                    matched = match(connection, service, entries)
                    classes = (
                        0 if matched.errors else _write(connection, service, path.name, sha256, matched, actor, say)
                    )
            except IntegrityError as error:
                if (known := _known_batch(service, sha256)) is not None:
                    return ImportReport(path.name, sha256, known, unchanged=known, known=True)
                conflict = error
                continue
            if not matched.errors:
                return _report(path, sha256, rows, matched, sheets, classes=classes, written=True)
        found = [*errors, *matched.errors]
        beside = _write_errors(path, sheets, found, say)
        return ImportReport(path.name, sha256, rows, errors=tuple(found), error_workbook=beside)
    raise Contended("another import kept changing the register") from conflict


def _write(
    connection: Connection,
    service: Service,
    name: str,
    sha256: str,
    matched: Matched,
    actor: Actor | None,
    say: Say,
) -> int:
    """Write the batch, the classes it needs and its students; returns how many classes were opened."""
    batch_id = service.ids.new_subject()
    connection.execute(
        insert(ImportBatch),
        {
            "id": batch_id, "sha256": sha256, "name": name, "account_id": actor.account_id if actor else None,
            "at": service.clocks.legal(), "created": len(matched.new), "unchanged": matched.unchanged,
        },
    )  # fmt: skip
    students, opened = placed(connection, service, matched.new)
    total = len(matched.new)
    register(
        connection,
        service,
        students,
        actor,
        details={"batch": str(batch_id)},
        progress=lambda done: say(f"写入 {done}/{total} / written"),
    )
    name_programmes(connection, matched.programmes)
    entry = {
        "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
        "account_id": actor.account_id if actor else None, "action": "import", "object_id": batch_id,
        "purpose": None, "detail": sha256,
    }  # fmt: skip
    connection.execute(insert(AccessLog), entry)
    return opened


def _report(
    path: Path, sha256: str, rows: int, matched: Matched, sheets: Sequence[RosterSheet], *, classes: int, written: bool
) -> ImportReport:
    return ImportReport(
        path.name,
        sha256,
        rows,
        created=len(matched.new),
        unchanged=matched.unchanged,
        problems=sum(entry.problem is not None for entry in matched.new),
        classes=classes,
        written=written,
        remarks=(*_without_place(sheets), *matched.remarks),
    )


def _without_place(sheets: Iterable[RosterSheet]) -> list[str]:
    """The columns that were read and not kept: whoever fills a workbook must not believe they were."""
    left = [
        title
        for sheet in sheets
        for title, column in zip(sheet.titles, sheet.columns, strict=True)
        if title.strip() and title not in WORKED_OUT and (column is None or not column.stored)
    ]
    return [f"未保存的栏目：{'、'.join(dict.fromkeys(left))}。/ Columns that are not kept."] if left else []


def _write_errors(path: Path, sheets: Sequence[RosterSheet], errors: Sequence[CellError], say: Say) -> Path | None:
    beside = path.with_name(f"{path.stem}-错误.xlsx")
    try:
        write_errors(beside, sheets, errors)
    except OSError as error:
        say(f"无法写出错误文件：{error.strerror}。/ The workbook with the errors could not be written.")
        return None
    say(f"错误原因已写入 {beside.name}。/ The errors stand in that file.")
    return beside
