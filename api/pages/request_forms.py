"""New requests and their correction (新建、修改申请); what each would meet is shown while it is filled in."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for

from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages import one_school_form, two_school_form
from api.pages.forms import facts_given, facts_of_form, form_key, once, whole_given
from api.pages.frame import bad, ident, page, pages
from api.pages.session import actor
from api.pages.starting import choice, facts_known, organization_of, papers_by_ground, wrong_fields
from states.asked import Known, asked_facts, known_of
from states.definition import Definition
from states.kinds import KINDS
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import NotFound, ServiceError
from workflow_service.facts import gather
from workflow_service.newcomers import drafted_person
from workflow_service.requests import amend_request, check_request, create_request
from workflow_service.sealed import MASKED, editable, shown
from workflow_service.views.checks import check_view

Start = two_school_form.Starting | one_school_form.Starting


@pages.get("/requests/new")
def new_request() -> Response:
    """The choice of kinds; with `?kind=` the empty form of one."""
    kind = request.args.get("kind", "")
    if not kind and (request.args.get("way") or request.args.get("student")):
        kind = "transfer"  # the address from before there was another kind
    if not kind:
        return choice()
    return two_school_form.empty_form(kind) if _between_two(kind) else one_school_form.empty_form(kind)


@pages.post("/requests/new")
def create() -> Response:
    """Store the draft; what is wrong is said beside what was typed."""
    start = _starting()
    key = form_key()
    try:
        wanted = _wanted(start)
        made = once(key, lambda: create_request(service(), actor(), wanted, key))
    except ServiceError as error:
        return _form(start, problem=problem_of(error))
    answer: Response = redirect(url_for("pages.show_request", request_id=made, done="create"), 303)  # type: ignore[assignment]
    return answer


@pages.post("/requests/check")
def check() -> Response:
    """The pre-check: as a piece for the script that asks while the form is filled, else as the whole form."""
    start = _starting()
    try:
        found: dict[str, Any] | None = check_view(check_request(service(), actor(), _wanted(start)))
        problem = None
    except ServiceError as error:
        found, problem = None, problem_of(error)
    if request.headers.get("X-Fragment"):
        return page("_check.html", check=found, problem=problem, definition=start.definition, kind=start.kind,
                    start=start)  # fmt: skip
    return _form(start, check=found, problem=problem)


def _between_two(kind: str) -> bool:
    if kind not in KINDS:
        raise NotFound
    return KINDS[kind].sides == "two"


def _starting() -> Start:
    kind = request.form.get("kind") or "transfer"
    if _between_two(kind):
        return two_school_form.starting(kind)
    return one_school_form.starting(kind, request.form)


def _wanted(start: Start) -> NewRequest:
    return two_school_form.wanted(start) if isinstance(start, two_school_form.Starting) else start.wanted()


def _form(start: Start, *, check: dict[str, Any] | None = None, problem: Problem | None = None) -> Response:
    values = request.form.to_dict()
    if isinstance(start, two_school_form.Starting):
        return two_school_form.form(start, values, check=check, problem=problem)
    return one_school_form.form(start, values, check=check, problem=problem)


@pages.get("/requests/<request_id>/edit")
def edit_request(request_id: str) -> Response:
    """A draft or a returned request, to be corrected."""
    row, plan, _ = gather(service(), ident(request_id), actor())
    values = {"grade": row["grade"], "ground": row["ground"] or "", "version": row["version"]}
    given = {f"data.{k}": str(v).lower() if isinstance(v, bool) else v
             for k, v in editable(service(), row["data"]).items()}  # fmt: skip
    return _edit_form(row, plan.definition, {**values, **given, **(_drafted(row) or {})})


@pages.post("/requests/<request_id>/edit")
def amend(request_id: str) -> Response:
    """Store the correction of what the version on the form showed."""
    row, plan, _ = gather(service(), ident(request_id), actor())
    ground = request.form.get("ground") or None
    if row["kind"] == "transfer":
        names = [a.fact for a in asked_facts(plan.definition, ground or "", _known(row), ("destination", "origin"))]
    else:
        names = facts_of_form(plan.definition, _known(row)).names
    emptied = dict.fromkeys(name for name in names if name not in MASKED or request.form.get(f"clear.{name}"))
    changes: dict[str, Any] = {"ground": ground, "data": {**emptied, **facts_given(names)}}
    if row["state"] == "draft" and _grade_asked(row["kind"]):
        changes["grade"] = whole_given("grade") or row["grade"]
    try:
        stored = _drafted(row) if "person.name" in request.form else None
        if stored and (person := one_school_form.corrected_person(stored)):
            changes["person"] = person
        amend_request(service(), row["id"], actor(), whole_given("version") or 0, changes)
    except ServiceError as error:
        return _edit_form(row, plan.definition, request.form.to_dict(), problem_of(error))
    answer: Response = redirect(url_for("pages.show_request", request_id=row["id"], done="amend"), 303)  # type: ignore[assignment]
    return answer


def _drafted(row: dict[str, Any]) -> dict[str, str] | None:
    """Who the person of a draft is, as the form names it; None where that is not corrected here."""
    found = drafted_person(service(), row)
    return None if found is None else {
        "person.name": found.name, "person.sex": found.sex, "person.birth_date": found.birth_date.isoformat(),
        "person.identity_type": found.identity_type,
        "person.special_education": "true" if found.special_education else "",
    }  # fmt: skip


def _known(row: dict[str, Any]) -> Known:
    """What decides on the facts that a stored request may be given."""
    stage = row["class_stage"] or row["stage"]
    return known_of(bool(row["town"]), [stage] if stage else ())


def _grade_asked(kind: str) -> bool:
    return KINDS[kind].sides == "two" or one_school_form.asks_grade(kind)


def _edit_form(
    row: dict[str, Any], definition: Definition, values: dict[str, Any], problem: Problem | None = None
) -> Response:
    school = organization_of(row["destination_school_id"])
    asked = {
        g.name: asked_facts(definition, g.name, _known(row), ("destination", "origin")) for g in definition.grounds
    }
    return page(
        "request_edit.html", area="list_requests", row=row, definition=definition, asked=asked, values=values,
        facts=facts_known(), form_facts=facts_of_form(definition, _known(row)), papers=papers_by_ground(definition),
        class_options=one_school_form.class_options(school, None if _grade_asked(row["kind"]) else row["grade"]),
        drafted=_drafted(row) is not None, guardians=range(1, one_school_form.GUARDIANS + 1),
        grade_asked=_grade_asked(row["kind"]), empty_means=one_school_form.empty_means(row["kind"]),
        kept={name: text for name, text in shown(service(), row["data"]).items() if name in MASKED},
        by_ground=row["kind"] == "transfer", subject=row["student_name"] or school["name"],
        grades=sorted({c["grade"] for c in school.get("classes", ())}) or list(range(1, 13)),
        wrong=wrong_fields(problem), messages=[bad(problem)] if problem else [],
        status=problem.status if problem else 200, current=problem.members.get("current") if problem else None,
    )  # fmt: skip
