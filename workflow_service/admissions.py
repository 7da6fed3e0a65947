"""Importing an admission list (导入录取名单, SYS-40): newcomers who await registration, and leavers who go on (NJ-04).

Each row has its own verdict; what can be taken in is, what cannot is named with its reason. The same list again
changes nothing. A pupil whom another school admitted already is taken in and named: that must be settled (SYS-36).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, insert, select

from states.likeness import Person as Compared
from workflow_service.actors import Actor
from workflow_service.admitted import Known, Leaver, known_of, leavers_without_admission
from workflow_service.db import begin, reading
from workflow_service.duplicates import like
from workflow_service.duplicates.people import sound_of
from workflow_service.errors import Forbidden
from workflow_service.ids import bucket_of
from workflow_service.models import AccessLog, Organization, RegisterEntry
from workflow_service.names import normal_name
from workflow_service.newcomers import newcomer_rows
from workflow_service.roster.admission_rows import OPTIONAL, Admitted, check_admission
from workflow_service.roster.checks import SchoolInScope
from workflow_service.roster.headings import BY_KEY, VERDICT_TITLE
from workflow_service.roster.importer import schools_in_scope
from workflow_service.roster.placing import class_name, name_programmes, opened_classes, programmes_of
from workflow_service.roster.reader import RosterSheet, SheetRow, read_workbook
from workflow_service.roster.workbook import write_told

if TYPE_CHECKING:
    from workflow_service.service import Service

Say = Callable[[str], None]
VERDICTS: Final[dict[str, tuple[str, str]]] = {
    "admitted": ("已录取，待注册", "admitted, awaits registration"),
    "leaver_admitted": ("毕业生已录取，待办理升学", "a leaver, awaits the stage promotion"),
    "unchanged": ("先前已录取，未变", "admitted before, unchanged"),
    "admitted_twice": ("已录取；另一学校也已录取，须先办理重复招生处理", "admitted; so did another school"),
    "suspected": ("已录取；疑似与他人重复，注册前核实", "admitted; may be somebody's double, to be looked at"),
    "registered": ("未录取：该证件号已有学籍，请办理转学", "not admitted: there is a record already, transfer it"),
    "not_on_list": ("未录取：没有这名毕业生，姓名与学籍号须一致", "not admitted: no leaver with this name and number"),
    "twice_in_file": ("未录取：与前面的行重复", "not admitted: an earlier row is the same pupil"),
    "wrong": ("未录取：填写有误", "not admitted: the row is wrong"),
}  # fmt: skip
TAKEN: Final = ("admitted", "leaver_admitted", "admitted_twice", "suspected")
"""Verdicts under which the row was written."""
CLEAR: Final = ("admitted", "leaver_admitted", "unchanged")
"""Verdicts with which nobody has anything left to do."""


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What came of a row; `name` as the list has it, `why` names faults, the other school, or who may be the same."""

    sheet: str
    row: int
    verdict: str
    why: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """As people read it."""
        zh, en = VERDICTS[self.verdict]
        return f"{zh}{f'（{self.why}）' if self.why else ''} / {en}"


@dataclass(frozen=True, slots=True)
class AdmissionsReport:
    """What came of a list: a verdict for every row, and the workbook with them beside the list.

    `unlisted`: the leavers of the schools in scope whom no list names, where this one names any (NJ-04).
    """

    name: str
    rows: tuple[RowVerdict, ...]
    written: bool
    classes: int = 0
    workbook: Path | None = None
    unlisted: tuple[Leaver, ...] = ()

    @property
    def counts(self) -> Counter[str]:
        """How many rows have each verdict."""
        return Counter(row.verdict for row in self.rows)

    @property
    def attention(self) -> list[RowVerdict]:
        """The rows that somebody has to look at."""
        return [row for row in self.rows if row.verdict not in CLEAR]

    @property
    def refused(self) -> int:
        """How many rows were not taken in although nothing like them is there."""
        return sum(n for verdict, n in self.counts.items() if verdict not in (*TAKEN, "unchanged"))

    @property
    def summary(self) -> str:
        """One line for people."""
        told = "，".join(f"{VERDICTS[verdict][0]} {n}" for verdict, n in self.counts.items())
        done = "" if self.written else "（仅校验，未写入）"
        left = f"；未在名单的毕业生 {len(self.unlisted)} 名 / leavers on no list" if self.unlisted else ""
        return f"{self.name}：{len(self.rows)} 行{done}：{told}。/ {dict(self.counts)}{left}"


@dataclass(frozen=True, slots=True)
class _Judged:
    verdict: RowVerdict
    admitted: Admitted | None = None
    student_id: int | None = None


def import_admissions(
    service: Service, path: Path, actor: Actor | None, say: Say = lambda _line: None, *, check_only: bool = False
) -> AdmissionsReport:
    """Judge every row of an admission list and, unless `check_only`, take in those that can be.

    `actor` None is the command line, which may fill every school; otherwise the schools in his scope.
    Raises `BadWorkbook` for a file that cannot be read at all, `Forbidden` for who is no registrar.
    """
    if actor is not None and "registrar" not in actor.roles:
        raise Forbidden("只有学籍管理员可以导入录取名单 / only a registrar imports an admission list")
    content = path.read_bytes()
    say(f"读取 {path.name} … / reading")
    sheets = read_workbook(content, OPTIONAL)
    schools, today = schools_in_scope(service, actor), service.clocks.now().date()
    rows = [(sheet, row, check_admission(sheet, row, schools, today)) for sheet in sheets for row in sheet.rows]
    say(f"校验 {len(rows)} 行 / rows checked")
    classes, path_of_scope = 0, actor.path if actor else "/"
    alike: Alike = {}
    if not check_only:
        # Who is like whom takes most of the time: it is asked before anybody else has to wait for this list.
        with reading(service.engine) as connection:
            _judge(service, connection, rows, alike)
    with reading(service.engine) if check_only else begin(service.engine) as connection:
        if not check_only:
            _one_after_another(connection, schools)
        judged = _judge(service, connection, rows, alike)
        if not check_only:
            classes = _write(service, connection, judged, actor, hashlib.sha256(content).hexdigest())
        leaving = any(one.verdict.verdict == "leaver_admitted" for one in judged)
        left = leavers_without_admission(connection, path_of_scope) if leaving else ()
    return _report(path, sheets, judged, say, written=not check_only, classes=classes, left=tuple(left))


def _one_after_another(connection: Connection, schools: Mapping[str, SchoolInScope]) -> None:
    """Whoever imports into these schools at the same moment waits: each would take the other's newcomers for new.

    A list that is sent twice, by a double click or after a lost answer, changes nothing the second time. On SQLite
    nobody else writes meanwhile.
    """
    ids = sorted(school.id for school in schools.values())
    rows = select(Organization.id).where(Organization.id.in_(ids)).order_by(Organization.id)
    connection.execute(rows.with_for_update(key_share=True))


Checked = tuple[RosterSheet, SheetRow, "Admitted | list[Any]"]


Alike = dict[tuple[str, int], str]
"""By sheet and row: why somebody on the register may be this newcomer, as it was found; "" where nobody may."""


def _judge(service: Service, connection: Connection, rows: Sequence[Checked], alike: Alike) -> list[_Judged]:
    good = [found for _, _, found in rows if isinstance(found, Admitted)]
    known = known_of(service, connection, good)
    others = {id(row): message for row, message in programmes_of(connection, good)[1]}
    seen: dict[tuple[Any, ...], int] = {}
    judged = []
    for sheet, row, found in rows:
        name = str(row.values[sheet.places["name"]])
        if not isinstance(found, Admitted):
            why = "；".join(f"{fault.column}：{fault.message}" for fault in found)
            judged.append(_Judged(RowVerdict(sheet.title, row.number, "wrong", why, name)))
            continue
        if id(found) in others:
            why = f"{BY_KEY['programme'].title}：{others[id(found)]}"
            judged.append(_Judged(RowVerdict(sheet.title, row.number, "wrong", why, name)))
            continue
        key = known.key(found)
        if key in seen:
            verdict = RowVerdict(sheet.title, row.number, "twice_in_file", f"第 {seen[key]} 行", name)
            judged.append(_Judged(verdict))
            continue
        seen[key] = row.number
        judged.append(_verdict(service, connection, found, known, alike))
    return judged


def _verdict(service: Service, connection: Connection, row: Admitted, known: Known, alike: Alike) -> _Judged:
    """What is to come of a row that is right in itself."""

    def says(verdict: str, why: str = "", student_id: int | None = None) -> _Judged:
        return _Judged(RowVerdict(row.sheet.title, row.row.number, verdict, why, row.person.name), row, student_id)

    one = known.student(row)
    if row.student_number is not None:
        if one is None or normal_name(one.name) != row.person.name or one.status not in ("graduated",):
            return says("not_on_list")
    elif one is None:
        at = row.sheet.title, row.row.number
        if at not in alike:
            alike[at] = _alike(service, connection, row)
        return says("suspected", alike[at]) if alike[at] else says("admitted")
    elif one.status == "graduated":
        return says("not_on_list", "该生已有学籍，须填写学籍号")
    elif one.status not in ("pending_registration", "registration_deferred", "entry_postponed"):
        return says("registered")
    if row.school.id in one.admitted_by:
        return says("unchanged")
    if one.admitted_by:
        return says("admitted_twice", "、".join(sorted(one.admitted_by.values())), one.id)
    return says("leaver_admitted" if row.student_number else "admitted", student_id=one.id)


def _alike(service: Service, connection: Connection, row: Admitted) -> str:
    """Why somebody on the register may be this newcomer, "" where nobody may; no number stands in it."""
    person = row.person
    compared = Compared(person.name, sound_of(person.name), person.sex, person.birth_date, person.identity_number)
    found = like(connection, service, compared)
    return "；".join(dict.fromkeys(reason.message for one in found for reason in one.reasons))


def _write(
    service: Service, connection: Connection, judged: Iterable[_Judged], actor: Actor | None, sha256: str
) -> int:  # fmt: skip
    """Write what was taken in: newcomers, further admissions, the classes that the list names, the access log."""
    taken = [one for one in judged if one.verdict.verdict in TAKEN and one.admitted is not None]
    batch = service.ids.new_subject()
    tables: dict[type, list[dict[str, Any]]] = {}
    for one in taken:
        row = one.admitted
        assert row is not None
        data: dict[str, Any] = {"grade": row.grade, "list": str(batch)}
        if row.sequence is not None:
            data["class_name"] = class_name(row.entered_year, row.sequence)
        if one.student_id is None:
            found = newcomer_rows(
                service, service.ids.new_subject(), row.person, row.school.id, actor, data=data
            )  # fmt: skip
            for table, values in found:
                tables.setdefault(table, []).append(values)
        else:
            tables.setdefault(RegisterEntry, []).append(_admission(service, one.student_id, row.school.id, data))
    for table, rows in tables.items():
        connection.execute(insert(table), rows)
    wanted = {
        (row.school.id, row.stage.name, row.entered_year, row.sequence): row.stage
        for one in taken if (row := one.admitted) is not None and row.sequence is not None
    }  # fmt: skip
    connection.execute(insert(AccessLog), {
        "id": service.ids.new_subject(), "at": service.clocks.legal(), "recorded_at": service.clocks.real(),
        "account_id": actor.account_id if actor else None, "action": "import_admissions", "object_id": batch,
        "purpose": None, "detail": sha256,
    })  # fmt: skip
    opened = opened_classes(connection, service, wanted)[1] if wanted else 0
    name_programmes(connection, programmes_of(connection, [one.admitted for one in taken if one.admitted])[0])
    return opened


def _admission(service: Service, student_id: int, school_id: int, data: dict[str, Any]) -> dict[str, Any]:
    """One more admission of somebody who is known already."""
    bucket = bucket_of(student_id)
    return {
        "id": service.ids.new(bucket), "bucket": bucket, "student_id": student_id, "section": "admission",
        "school_id": school_id, "valid_from": service.clocks.now().date(), "valid_to": None,
        "recorded_at": service.clocks.legal(), "ended_at": None, "request_id": None, "end_request_id": None,
        "data": data,
    }  # fmt: skip


def _report(
    path: Path, sheets: Sequence[RosterSheet], judged: Sequence[_Judged], say: Say, *, written: bool, classes: int,
    left: tuple[Leaver, ...],
) -> AdmissionsReport:  # fmt: skip
    verdicts = tuple(one.verdict for one in judged)
    beside: Path | None = path.with_name(f"{path.stem}-处理结果.xlsx")
    told = {(one.sheet, one.row): (one.text, one.verdict not in CLEAR) for one in verdicts}
    try:
        assert beside is not None
        write_told(beside, sheets, VERDICT_TITLE, told)
    except OSError as error:
        say(f"无法写出处理结果：{error.strerror}。/ The workbook with the verdicts could not be written.")
        beside = None
    report = AdmissionsReport(path.name, verdicts, written, classes, beside, left)
    say(report.summary)
    return report
