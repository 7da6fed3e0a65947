"""`/students`: the students in scope (学生), numbers masked."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response
from marshmallow import fields, validate

from api.endpoint import Answer, Call, operation
from api.errors import Problem, invalid
from api.organizations import after_cursor, page, part
from api.shapes import Counted, Day, Ident, Paging, Shape, Shown, Text
from states.student_status import STATUSES
from states.vocabulary import GRADES, STAGES
from workflow_service.accounts import log_access
from workflow_service.actors import Actor
from workflow_service.boxes import BadCursor
from workflow_service.errors import NotFound
from workflow_service.ids import parse_id
from workflow_service.photographs import Photograph, open_photograph
from workflow_service.service import Service
from workflow_service.views.student_time import OnDay, students_on
from workflow_service.views.students import (
    WantedStudents,
    find_student,
    list_students,
    student_history,
    student_view,
)

bp = Blueprint("students", __name__)

READERS = ("registrar", "principal", "viewer", "auditor")
"""Roles that have business with students and requests; the others see none (CD-05)."""


class StudentQuery(Paging):
    """`q` is a part of a name, pinyin or its initials, or a whole student number, present or former, or a whole
    pupil code; `grade` 1 to 12, in a kindergarten -3 (小班) to -1 (大班).

    `as_of`: who was enrolled on that day, with school, class, grade and status then. `known`: as it was recorded up to
    the end of that day; without it as known now.
    """

    q = Text(most=60, load_default=None)
    school = Ident(load_default=None)
    status = Text(load_default=None)
    status.validators.append(validate.OneOf(sorted(STATUSES)))
    grade = Counted(GRADES[0], GRADES[-1], load_default=None)
    stage = Text(load_default=None)
    stage.validators.append(validate.OneOf(STAGES))
    as_of = Day(load_default=None)
    known = Day(load_default=None)


class StudentShown(Shown):
    """A student as people in scope see it."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    student_number = fields.String(required=True, allow_none=True)
    status = fields.String(required=True)
    school = fields.Dict(required=True)
    class_ = fields.String(required=True, allow_none=True, data_key="class")
    stage = fields.String(required=True, allow_none=True)
    grade = fields.Integer(required=True, allow_none=True)
    local_code = fields.String(allow_none=True)
    class_code = fields.String(allow_none=True)
    version = fields.Integer(required=True)
    open_request = fields.Dict(allow_none=True)


class StretchShown(Shown):
    """A stretch of time with one status, school and class; `to` is the first day after it."""

    from_ = fields.Date(required=True, data_key="from")
    to = fields.Date(required=True, allow_none=True)
    status = fields.String(required=True)
    school = fields.Dict(required=True, allow_none=True)
    request_id = fields.String(required=True, allow_none=True)


class RevealQuery(Shape):
    """`?reveal=number&purpose=…` shows the whole student number, and is logged."""

    reveal = Text(load_default=None)
    reveal.validators.append(validate.OneOf(["number"]))
    purpose = Text(least=1, most=200, load_default=None)


class HistoryQuery(Paging):
    """`?as_of=DATE` shows that day only, `?known=DATE` what was recorded up to the end of that day."""

    as_of = Day(load_default=None)
    known = Day(load_default=None)


@operation(
    bp, "GET", "/students", summary="Students in my scope / 学生", query=StudentQuery, answers=StudentShown, many=True,
    roles=READERS,
)  # fmt: skip
def get_students(call: Call) -> dict[str, Any]:
    """The students of the schools in my scope."""
    query = call.query
    if query["as_of"] or query["known"]:
        return _students_on(call)
    wanted = WantedStudents(query["q"], query["school"], query["status"], query["grade"], query["stage"])
    try:
        return page(*list_students(call.service, call.actor, wanted, query["limit"], query["cursor"]))
    except BadCursor as error:
        raise invalid("cursor", "不是本列表给出的游标", "no list has given this cursor") from error


def _students_on(call: Call) -> dict[str, Any]:
    query = call.query
    if query["status"] is not None:
        raise invalid("status", "按日期查询时不能同时限定状态", "the status cannot be asked together with a day")
    as_of, known = _day(query["as_of"]), _day(query["known"])
    wanted = OnDay(as_of or call.service.clocks.now().date(), known, query["q"], query["school"], query["stage"],
                   query["grade"])  # fmt: skip
    return page(*students_on(call.service, call.actor, wanted, query["limit"], after_cursor(query["cursor"])))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _find(service: Service, actor: Actor, student_id: str) -> Any:
    found = parse_id(student_id)
    if found is None:
        raise NotFound
    return find_student(service, actor, found)


@operation(
    bp, "GET", "/students/<student_id>", summary="One student / 一个学生", find=_find, query=RevealQuery,
    answers=StudentShown,
)  # fmt: skip
def get_student(call: Call) -> Answer:
    """One student; the registrar of the student's school may see the whole number for a purpose that is logged."""
    reveal = call.query["reveal"] is not None
    if reveal:
        if call.actor.kind != "school" or "registrar" not in call.actor.roles:
            raise Problem(403, "forbidden", "只有本校学籍管理员可以查看完整号码 / Only the school's registrar may.")
        if not call.query["purpose"]:
            raise invalid("purpose", "查看完整号码须写明用途", "a purpose is needed to see the whole number")
        log_access(call.service, call.actor, "reveal_student_number", call.found.id, purpose=call.query["purpose"])
    return Answer(student_view(call.service, call.found, whole_number=reveal), version=call.found.version)


@operation(
    bp, "GET", "/students/<student_id>/history", summary="A student's history / 学籍变动", find=_find,
    query=HistoryQuery, answers=StretchShown, many=True,
)  # fmt: skip
def get_student_history(call: Call) -> dict[str, Any]:
    """Every status, school and class, from when to when, by which request; as known now, or on a day."""
    as_of, known = _day(call.query["as_of"]), _day(call.query["known"])
    return part(student_history(call.service, call.found.id, as_of, known), call.query)


def _find_photograph(service: Service, actor: Actor, student_id: str) -> Photograph:
    return open_photograph(service, _find(service, actor, student_id))


@operation(
    bp, "GET", "/students/<student_id>/photo", summary="A student's photograph / 学生照片", find=_find_photograph,
    answers=None, produces="image/*",
)  # fmt: skip
def get_student_photo(call: Call) -> Response:
    """The photograph that the record names, to whoever sees the student; 404 where it has none."""
    return photograph_answer(call.found)


def photograph_answer(photograph: Photograph) -> Response:
    """A child's face: shown as a picture and nothing else, and kept by no cache."""
    answer = Response(photograph.content, mimetype=photograph.media_type)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "no-store"
    return answer
