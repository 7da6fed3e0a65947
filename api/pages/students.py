"""Students (学生): the search, and one student's record with every stretch of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, request

from api.endpoint import service
from api.errors import Problem
from api.pages.frame import address, ident, offers_here, page, pages
from api.pages.labels import KINDS as KIND_LABELS
from api.pages.labels import STATUSES, label
from api.pages.language import t
from api.pages.one_school_form import statuses_of, ways_of
from api.pages.session import actor
from api.students import photograph_answer
from states.kinds import GROUPS, KINDS
from states.student_status import STATUSES as STATUS_TABLE
from states.vocabulary import GRADES
from states.vocabulary import STATUSES as KNOWN
from workflow_service.accounts import log_access
from workflow_service.boxes import BadCursor
from workflow_service.errors import NotFound
from workflow_service.offers import Offer
from workflow_service.photographs import PHOTO, open_photograph
from workflow_service.views.register import entries_view
from workflow_service.views.students import (
    WantedStudents,
    find_student,
    list_students,
    student_history,
    student_view,
)

ROWS = 50


@pages.get("/students", endpoint="list_students")
def students_page() -> Response:
    """Students in scope by name, pinyin initials or whole number, over all statuses."""
    given = {name: request.args.get(name, "").strip() for name in ("q", "status", "grade")}
    grade = {str(n): n for n in GRADES}.get(given["grade"])
    wanted = WantedStudents(
        q=given["q"][:60] or None, status=given["status"] if given["status"] in KNOWN else None, grade=grade
    )
    try:
        rows, after = list_students(service(), actor(), wanted, ROWS, request.args.get("after") or None)
    except BadCursor as error:
        raise NotFound from error
    following = address("pages.list_students", {**given, "after": after}) if after else None
    return page("students.html", area="list_students", rows=rows, wanted=given, next_page=following, statuses=STATUSES,
                first_page=address("pages.list_students", given) if request.args.get("after") else None,
                many_schools=actor().kind != "school",
                grades=GRADES)  # fmt: skip


@pages.get("/students/<student_id>")
def show_student(student_id: str) -> Response:
    """One student: status, school, class, the open request, and the history."""
    return _page(student_id)


@pages.get("/students/<student_id>/photo")
def show_photograph(student_id: str) -> Response:
    """The photograph that stands on the student's page and on the record card."""
    return photograph_answer(open_photograph(service(), find_student(service(), actor(), ident(student_id))))


@pages.post("/students/<student_id>/number")
def reveal_number(student_id: str) -> Response:
    """The whole student number, to the school's registrar, for a purpose that is written down first."""
    row = find_student(service(), actor(), ident(student_id))
    if actor().kind != "school" or "registrar" not in actor().roles:
        raise Problem(
            403, "forbidden", "只有学籍所在学校的学籍管理员可以查看完整号码 / Only the school's registrar may."
        )
    purpose = request.form.get("purpose", "").strip()[:200]
    if len(purpose) < 2:
        return _page(student_id, wrong=True, status=422)
    log_access(service(), actor(), "reveal_student_number", row.id, purpose=purpose)
    return _page(student_id, whole=True)


def _page(student_id: str, *, whole: bool = False, wrong: bool = False, status: int = 200) -> Response:
    row = find_student(service(), actor(), ident(student_id))
    shown = student_view(service(), row, whole_number=whole)
    own = row.school_id == actor().organization_id and "registrar" in actor().roles
    possible, impossible = _startable(shown) if own else ([], [])
    answer = page(
        "student.html", area="list_students", student=shown, history=student_history(service(), row.id)[::-1], own=own,
        possible=possible, impossible=impossible, sends_out=any("transfer" in kinds for _, kinds in possible),
        entries=entries_view(service(), row.id), whole=whole, wrong=wrong,
        status=status, current=row.ended_at is None and row.class_id is not None,
        admitted=bool(row.admitted),
        birth_date=row.birth_date, sex=row.sex, photographed=PHOTO in row.profile,
    )  # fmt: skip
    answer.headers["ETag"] = f'"{row.version}"'
    return answer


def _startable(student: Mapping[str, Any]) -> tuple[list[tuple[str, list[str]]], list[tuple[str, list[str]]]]:
    """What may be started for a student: kinds by group, and those that may not be by the reason why."""
    possible: dict[str, list[str]] = {}
    impossible: dict[str, list[str]] = {}
    for kind, offer in offers_here(actor()).items():
        if KINDS[kind].subject != "student" or set(ways_of(kind)) == {"new"}:
            continue
        reason = _against(student, offer)
        if reason:
            impossible.setdefault(reason, []).append(kind)
        else:
            possible.setdefault(KINDS[kind].group, []).append(kind)
    return [(group, possible[group]) for group in GROUPS if group in possible], sorted(impossible.items())


def _against(student: Mapping[str, Any], offer: Offer) -> str:
    """Why a kind cannot be started for a student now, in this language; empty where nothing is known against it."""
    table = KINDS[offer.kind]
    if table.sides == "two" and "origin_school" not in offer.starters:
        return t("由转入学校发起", "Started by the school that takes the student in")
    definition = offer.definitions.get(student["stage"] or "", offer.definition)
    fitting = statuses_of(offer.kind, definition)
    if fitting and student["status"] not in fitting:
        names = t("、", ", ").join(label(STATUSES, code) for code in STATUSES if code in fitting)
        return t("状态须为：{s}", "The status must be: {s}", s=names)
    if not fitting and not table.past and STATUS_TABLE[student["status"]].final:
        return t("学籍已终止", "The record has ended")
    busy = student["open_request"]
    if busy and table.lock is not None and KINDS[busy["kind"]].lock == table.lock:
        return t("“{k}”尚未办结", "“{k}” is still open", k=label(KIND_LABELS, busy["kind"]))
    return ""
