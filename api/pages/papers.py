"""Papers to print (文书), on A4 with number, code and place for the seal; and the public page that verifies one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import segno
from flask import Response, redirect, request, url_for
from markupsafe import Markup

from api.endpoint import service
from api.pages.frame import ident, page, pages
from api.pages.language import day_of
from api.pages.session import actor
from states.rules.wording import grade_named, stage_named
from states.vocabulary import DATA_FACTS, GROUND_TEXTS
from workflow_service.errors import NotFound
from workflow_service.papers import PAPERS, issue_paper, paper_view, papers_of
from workflow_service.releases import fetch_release
from workflow_service.status_records import issue_record, may_issue_record, record_view
from workflow_service.views.papers import verified_paper
from workflow_service.views.requests import request_view
from workflow_service.views.students import find_student


@pages.post("/requests/<request_id>/papers/<kind>")
def issue(request_id: str, kind: str) -> Response:
    """Number the paper on its first print, then show it."""
    issue_paper(service(), ident(request_id), actor(), kind)
    answer: Response = redirect(url_for("pages.paper", request_id=request_id, kind=kind), 303)  # type: ignore[assignment]
    return answer


@pages.get("/requests/<request_id>/papers/<kind>")
def paper(request_id: str, kind: str) -> Response:
    """An issued paper, ready to print."""
    if kind not in PAPERS:
        raise NotFound
    number = ident(request_id)
    shown = paper_view(service(), number, actor(), kind)
    address = f"{service().settings.public_url.rstrip('/')}{url_for('pages.verify', code=shown['code'])}"
    view = request_view(service(), number, actor())
    return page(
        _TEMPLATES.get(kind, "paper_certificate.html" if PAPERS[kind].unit == "school" else f"paper_{kind}.html"),
        paper=shown,
        view=view,
        address=address,
        qr=_qr(address),
        now=service().clocks.now(),
        printed_by=actor().name,
        request_id=request_id,
        grade_zh=grade_named(view["grade"])[0],
        sex={"1": "男", "2": "女"}.get(shown["student"]["sex"], ""),
        ground=_ground(view),
        born=_day(shown["student"]["birth_date"]),
        issued=_day(shown["issued_at"]),
        day_zh=_day,
    )


_TEMPLATES = dict.fromkeys(("objection_answer", "objection_decision"), "paper_objection.html")


@pages.get("/students/<student_id>/record")
def status_record(student_id: str) -> Response:
    """The whole record of a student on one sheet: a preview, or as it was numbered last."""
    number = ident(student_id)
    shown = record_view(service(), actor(), number)
    issued = shown["paper"]
    address = issued and f"{service().settings.public_url.rstrip('/')}{url_for('pages.verify', code=issued['code'])}"
    return page(
        "paper_status_record.html",
        record=shown,
        paper=issued or {"label": "学籍卡", "number": ""},
        may_issue=may_issue_record(actor(), find_student(service(), actor(), number)),
        address=address,
        qr=_qr(address) if address else None,
        view={"number": ""},
        now=service().clocks.now(),
        printed_by=actor().name,
        student_id=student_id,
        grade_zh=grade_named(shown["student"]["grade"])[0],
        stage_zh=stage_named(shown["student"]["stage"] or "")[0],
        sex={"1": "男", "2": "女"}.get(shown["sex"], ""),
        born=_day(shown["birth_date"]),
        issued=_day(issued["issued_at"]) if issued else "",
        identity_types={code: zh for code, zh, _ in DATA_FACTS["new_identity_type"].choices},
    )


@pages.post("/students/<student_id>/record")
def issue_status_record(student_id: str) -> Response:
    """Number the record as it stands today, then show it."""
    issue_record(service(), actor(), ident(student_id))
    answer: Response = redirect(url_for("pages.status_record", student_id=student_id), 303)  # type: ignore[assignment]
    return answer


@pages.post("/requests/<request_id>/release")
def fetch_released(request_id: str) -> Response:
    """The data that a completed release gives out, once, as an attachment."""
    name, content = fetch_release(service(), actor(), ident(request_id))
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    # Excel reads UTF-8 only where the file begins with its mark.
    return Response("\ufeff" + content, mimetype="text/csv", headers=headers)


def _ground(view: Mapping[str, Any]) -> str:
    """The ground as it stands on a paper: where it is "another reason", the words that were given for it."""
    words = [view["data"][name] for name in GROUND_TEXTS if view["data"].get(name)]
    return str(words[0]).rstrip("。") if view["ground"] == "other" and words else str(view["ground_label"] or "")


def _day(text: str) -> str:
    """A day as it stands on a Chinese paper, whatever the language of the page."""
    on = day_of(text)
    return f"{on.year}年{on.month}月{on.day}日"


@pages.get("/verify")
@pages.get("/verify/<code>")
def verify(code: str = "") -> Response:
    """Public: whether a paper is genuine, with the fewest fields that answer it; says which address to trust."""
    code = (code or request.args.get("code", "")).strip().upper()
    try:
        found = verified_paper(service(), code) if code else None
    except NotFound:
        found = None
    kind = PAPERS.get(found["kind"]) if found else None
    return page("verify.html", code=code, found=found, kind=kind, public_url=service().settings.public_url,
                status=200 if found or not code else 404)  # fmt: skip


def printable(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The papers that the asker may print of a request. A bureau writes no contact letter (TR-05) to itself."""
    units = view["units"]
    same = units.get("origin_bureau") == units.get("destination_bureau")
    papers = papers_of(service(), int(view["id"]), actor())
    return [row for row in papers if row["number"] or not (same and row["kind"] == "schooling_contact_letter")]


def _qr(text: str) -> Markup:
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", scale=3, border=2, xmldecl=False, svgns=True, omitsize=False)
    return Markup(drawn.getvalue().decode())  # noqa: S704 (drawn by the library from our own address)
