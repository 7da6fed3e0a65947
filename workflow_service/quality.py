"""Data quality (数据质量): what a record lacks or contradicts, each check one predicate for its count and its list.

人籍一致 (N25-18): who sits in a class without a record there, and which record has nobody who sits in the class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import ColumnElement, Select, Text, and_, case, exists, false, func, or_, select, type_coerce
from sqlalchemy.orm import aliased

from states.calendar import grade_of, school_year
from workflow_service.actors import Actor
from workflow_service.boxes import below
from workflow_service.crypto import mask_number
from workflow_service.db import reading
from workflow_service.models import (
    Enrolment,
    Guardian,
    IdentityFinding,
    Organization,
    Request,
    SchoolClass,
    Student,
)

if TYPE_CHECKING:
    from workflow_service.service import Service

Where = Literal["record", "pupil"]

ENTRY_AGE: Final = 6
"""Years a child has on 31 August of the year in which it enters grade 1 (TR-12; 义务教育法 11)."""
OLDER_BY: Final = 3
"""Years beyond that before a record is looked at: late entry and repetition explain the rest (decided here)."""
_GRADES = range(1, 13)


@dataclass(frozen=True, slots=True)
class Check:
    """A check: what it is called, its rule, and its predicate for a legal day.

    `clears`: the kind of request that clears it, empty where none does alone.
    `where`: whose scope counts, the school that has the record, or the one in whose class the pupil sits.
    """

    code: str
    label: str
    label_en: str
    rule: str
    cure: str
    cure_en: str
    clears: str
    predicate: Callable[[date], ColumnElement[bool]]
    where: Where = "record"


def _has(code: Iterable[str]) -> ColumnElement[bool]:
    return exists().where(IdentityFinding.student_id == Student.id, IdentityFinding.code.in_(list(code)))


def _age_wrong(today: date) -> ColumnElement[bool]:
    """Younger than the law lets in, or far older than the class."""
    year = school_year(today)
    grade_less_year = SchoolClass.first_grade - SchoolClass.entered_year
    return or_(*(
        and_(
            grade_less_year == grade - year,
            or_(
                Student.birth_date > date(year - grade + 1 - ENTRY_AGE, 8, 31),
                Student.birth_date <= date(year - grade - ENTRY_AGE - OLDER_BY, 8, 31),
            ),
        )
        for grade in _GRADES
    ))  # fmt: skip


def _beyond(today: date) -> ColumnElement[bool]:
    """The class has ended, the record still attends."""
    grade = SchoolClass.first_grade - SchoolClass.entered_year + school_year(today)
    return and_(Student.status == "attending", grade > SchoolClass.last_grade)


def _sits() -> ColumnElement[bool]:
    # The data of a request are compact JSON text: what has a value there stands behind its name and a quotation mark.
    return and_(Request.open, type_coerce(Request.data, Text).contains('"attends_since":"'))


def _sits_elsewhere() -> ColumnElement[bool]:
    elsewhere = exists().where(
        Request.student_id == Student.id, _sits(), Request.destination_school_id != Organization.id
    )
    return and_(Student.status == "attending", elsewhere)


def _sits_without_record() -> ColumnElement[bool]:
    """The record is at another school, or there is none at all and the request is to make one (SYS-37)."""
    nowhere = and_(Enrolment.id.is_(None), exists().where(Request.student_id == Student.id, _sits()))
    return or_(nowhere, _sits_elsewhere())


CHECKS: Final = tuple(
    Check(*row)
    for row in (
        ("missing_photo", "缺照片", "No photograph", "SY-09", "补拍近期免冠数码照片，随基础信息变更上传",
         "Upload a recent photograph with a change of basic data", "basic_data_change",
         lambda _today: ~type_coerce(Student.profile, Text).contains('"photo":"')),
        ("missing_guardian", "缺监护人", "No guardian", "SY-08", "补录至少一名监护人", "Add at least one guardian",
         "basic_data_change",
         lambda _today: ~exists().where(Guardian.student_id == Student.id)),
        ("missing_number", "缺身份证件号", "No identity number", "NUM-04", "取得证件号后申请关键数据变更",
         "File a key-data change when there is one", "key_data_change", lambda _today: Student.identity_hash.is_(None)),
        ("wrong_number", "证件号有误", "Wrong identity number", "SYS-30", "核对户口簿后申请关键数据变更",
         "Compare the household register and file a key-data change", "key_data_change",
         lambda _today: _has(("number_check_digit", "number_characters", "number_length", "number_birth_date",
                              "number_birth_future", "number_not_text"))),
        ("number_against_birth_date", "证件号与出生日期不符", "Number against birth date", "SYS-30",
         "核对后申请关键数据变更", "Check and file a key-data change", "key_data_change",
         lambda _today: _has(("number_birth_differs",))),
        ("number_against_sex", "证件号与性别不符", "Number against sex", "SYS-30", "核对后申请关键数据变更",
         "Check and file a key-data change", "key_data_change", lambda _today: _has(("identity_number_sex",))),
        ("age_against_grade", "年龄与年级不符", "Age against grade", "TR-12", "核对出生日期和年级",
         "Check birth date and grade", "", _age_wrong),
        ("problem_record", "问题学籍", "Problem record", "SYS-30", "在“查重”中处理，或申请关键数据变更",
         "Settle it under Duplicates, or file a key-data change", "", lambda _today: Student.problem.is_not(None)),
        ("attends_without_record", "在校就读，学籍未到", "Attends without a record", "N25-18",
         "催办转学或补建，或让学生回原校",
         "Speed the transfer or the missing record up, or send the pupil back", "",
         lambda _today: _sits_without_record(), "pupil"),
        ("record_without_pupil", "有学籍，人不在校", "Record without a pupil", "N25-18", "及时办理转出，或核实学生去向",
         "Let the record go, or find out where the pupil is", "", lambda _today: _sits_elsewhere()),
        ("beyond_last_grade", "已过毕业年级仍为在读", "Attending after the last grade", "N25-18",
         "办理毕业、结业或核实去向", "Graduate, or find out where the pupil is", "", _beyond),
    )
)  # fmt: skip
BY_CODE: Final = {check.code: check for check in CHECKS}


def quality_counts(service: Service, actor: Actor) -> list[dict[str, Any]]:
    """How many records in the asker's scope each check finds, in the checks' order; one question per kind of scope."""
    today = service.clocks.now().date()
    found: dict[str, int] = {}
    with reading(service.engine) as connection:
        for where in ("record", "pupil"):
            checks = [check for check in CHECKS if check.where == where]
            sums = [func.sum(case((check.predicate(today), 1), else_=0)) for check in checks]
            # What is counted is what is listed: the same rows, the same scope, the same predicate.
            row = connection.execute(_from(select(*sums), where).where(_scope(actor, where))).one()
            found |= {check.code: count or 0 for check, count in zip(checks, row, strict=True)}
    return [{**check_view(check), "count": found[check.code]} for check in CHECKS]


def quality_list(
    service: Service, actor: Actor, check: Check, limit: int, after: int = 0
) -> tuple[list[dict[str, Any]], int | None]:
    """The records that a check finds, by id after one; the id to go on after, None at the end."""
    today = service.clocks.now().date()
    query = (
        _from(select(*_COLUMNS), check.where)
        .where(_scope(actor, check.where), check.predicate(today), Student.id > after)
        .order_by(Student.id)
        .limit(limit + 1)
    )
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
        shown = [_view(service, row, today) for row in rows[:limit]]
    return shown, rows[limit - 1].id if len(rows) > limit else None


def check_view(check: Check) -> dict[str, Any]:
    """A check as it is shown."""
    return {
        "check": check.code, "label": check.label, "label_en": check.label_en, "rule": check.rule, "cure": check.cure,
        "cure_en": check.cure_en, "clears": check.clears or None,
    }  # fmt: skip


_COLUMNS = (
    Student.id, Student.name, Student.student_number, Student.status, Student.problem, Student.birth_date,
    Organization.id.label("school_id"), Organization.code.label("school_code"),
    Organization.name.label("school_name"), SchoolClass.name.label("class_name"), SchoolClass.first_grade,
    SchoolClass.entered_year,
)  # fmt: skip


def _from(query: Select[*tuple[Any, ...]], where: Where) -> Select[*tuple[Any, ...]]:
    """Every current record with its school and class; among pupils also those who have none."""
    bare = where == "pupil"
    return (
        query.select_from(Student)
        .join(Enrolment, and_(Enrolment.student_id == Student.id, Enrolment.ended_at.is_(None)), isouter=bare)
        .join(Organization, Organization.id == Enrolment.school_id, isouter=bare)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id, isouter=bare)
    )


def _scope(actor: Actor, where: Where) -> ColumnElement[bool]:
    if not actor.works_on_requests:
        return false()
    if where == "record":
        return below(Organization.path, actor.path)
    seat = aliased(Organization)
    # Asked once and not for each student: outer joins begin at the students, and few of them sit without a record.
    return Student.id.in_(
        select(Request.student_id)
        .join(seat, seat.id == Request.destination_school_id)
        .where(_sits(), below(seat.path, actor.path))
    )


def _view(service: Service, row: Any, today: date) -> dict[str, Any]:
    number = row.student_number and service.cipher.decrypt(row.student_number, "student.student_number")
    school = {"id": str(row.school_id), "code": row.school_code, "name": row.school_name} if row.school_id else None
    return {
        "id": str(row.id), "name": row.name, "student_number": mask_number(number) if number else None,
        "status": row.status, "problem": row.problem, "birth_date": row.birth_date.isoformat(),
        "school": school, "class": row.class_name,
        "grade": grade_of(row.first_grade, row.entered_year, today) if school else None,
    }  # fmt: skip
