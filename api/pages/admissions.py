"""Importing an admission list (导入录取名单, SYS-40): the bureau sends the list, and every row has its own verdict."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

from flask import Response, current_app, request

from api.admissions import TOLD_NAME, WORKBOOK, taken_in, workbook_answer
from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages.frame import bad, page, pages
from api.pages.language import lang, pick, zh
from api.pages.packs import megabytes
from api.pages.session import actor
from workflow_service.admissions import CLEAR, TAKEN, VERDICTS, AdmissionsReport
from workflow_service.documents.content import Unacceptable
from workflow_service.errors import ServiceError
from workflow_service.roster.admission_rows import OPTIONAL
from workflow_service.roster.workbook import write_roster
from workflow_service.schools import check_registrar

MOST_SHOWN = 200
"""Rows that somebody has to look at, as the page lists them; the workbook has them all."""


@pages.get("/admissions", endpoint="import_admissions")
def admissions_page() -> Response:
    """The form, and what a list must have."""
    check_registrar(actor())
    return _page()


@pages.get("/admissions/template")
def admissions_template() -> Response:
    """An empty list with the headings, notes and code tables."""
    check_registrar(actor())
    book = BytesIO()
    write_roster(book, (), OPTIONAL)
    return workbook_answer(book.getvalue(), "录取名单.xlsx")


@pages.post("/admissions")
def take_in() -> Response:
    """Check a list, or take in what can be; the page says what came of it and gives the workbook back."""
    file, check_only = request.files.get("file"), request.form.get("check_only") == "true"
    try:
        if file is None or not file.filename:
            raise Unacceptable(422, "no_file", "没有选择文件", "no file was chosen")
        report, workbook = taken_in(service(), actor(), file, check_only=check_only)
    except (ServiceError, Unacceptable) as error:
        check_registrar(actor())
        return _page(problem=problem_of(error))
    # The workbook goes back inside the page: names and numbers of children are then kept nowhere on the server.
    return _page(report=report, told=f"data:{WORKBOOK};base64,{b64encode(workbook).decode()}")


def _page(report: AdmissionsReport | None = None, told: str = "", problem: Problem | None = None) -> Response:
    return page(
        "admissions.html", area="bureau", report=report, told=told, told_name=TOLD_NAME, most=MOST_SHOWN,
        verdict_named=_verdict_named, look=_look, reasons=_reasons,
        limit_mb=megabytes(current_app.config["MAX_CONTENT_LENGTH"]),
        wrong=problem.members.get("errors", ()) if problem else (), messages=[bad(problem)] if problem else [],
        status=problem.status if problem else 200,
    )  # fmt: skip


def _verdict_named(verdict: str) -> Any:
    zh, en = VERDICTS[verdict]
    return pick({"verdict": zh, "verdict_en": en}, "verdict")


def _reasons(why: str) -> list[Any]:
    """Every fault of a row in this language; `why` has them as "栏目：中文。/ English", one after the other."""
    found = []
    for fault in filter(None, why.split("；")):
        chinese, _, english = fault.partition("/ ")
        column, colon, _ = chinese.partition("：")
        found.append(zh(f"{column}{colon}{english}" if lang() == "en" and english else chinese.strip()))
    return found


def _look(verdict: str) -> str:
    """Green: nothing is left to do; orange: taken in, and to be looked at; red: not taken in."""
    return "green" if verdict in CLEAR else "orange" if verdict in TAKEN else "red"
