"""The form of a new request and its correction (新建、修改申请); what it would meet is shown while it is filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, redirect, request, url_for

from api.endpoint import service
from api.errors import Problem, problem_of
from api.pages.forms import Asked, asked_facts, facts_given, form_key, ident_given, once, whole_given
from api.pages.frame import Message, bad, ident, page, pages
from api.pages.language import t
from api.pages.session import actor, new_key
from states.definition import Definition
from states.vocabulary import DATA_FACTS
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Invalid, ServiceError
from workflow_service.facts import gather
from workflow_service.requests import amend_request, check_request, create_request
from workflow_service.views.checks import check_view
from workflow_service.views.organizations import find_organization, organization_view, organizations_page
from workflow_service.views.students import WantedStudents, find_student, list_students, student_view

MOST_SCHOOLS = 200


@dataclass(frozen=True)
class Starting:
    """What a school may start: its grades, its pack, and whether it takes students in or sends its own out."""

    school: dict[str, Any]
    definition: Definition
    ways: tuple[str, ...]
    grades: tuple[int, ...]

    def asked(self, way: str) -> dict[str, list[Asked]]:
        """For every ground the facts it asks."""
        sides = ("destination",) if way == "in" else ("destination", "origin")
        return {
            g.name: asked_facts(self.definition, g.name, self.school["town"], sides) for g in self.definition.grounds
        }


@pages.get("/requests/new")
def new_request() -> Response:
    """The empty form."""
    start = _starting()
    way = request.args.get("way", "")
    student = request.args.get("student", "")
    way = way if way in start.ways else "out" if student and "out" in start.ways else start.ways[0]
    values: dict[str, Any] = {"way": way, "student_id": student}
    return _form(start, values)


@pages.post("/requests/new")
def create() -> Response:
    """Store the draft; what is wrong is said beside what was typed."""
    start = _starting()
    key = form_key()
    try:
        wanted = _wanted(start)
        made = once(key, lambda: create_request(service(), actor(), wanted, key))
    except ServiceError as error:
        return _form(start, request.form.to_dict(), problem=problem_of(error))
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
        return page("_check.html", check=found, problem=problem, definition=start.definition)
    return _form(start, request.form.to_dict(), check=found, problem=problem)


@pages.get("/requests/<request_id>/edit")
def edit_request(request_id: str) -> Response:
    """A draft or a returned request, to be corrected."""
    row, plan, _ = gather(service(), ident(request_id), actor())
    values = {"grade": row["grade"], "ground": row["ground"] or "", "version": row["version"]}
    given = {f"data.{k}": str(v).lower() if isinstance(v, bool) else v for k, v in row["data"].items()}
    return _edit_form(row, plan.definition, {**values, **given})


@pages.post("/requests/<request_id>/edit")
def amend(request_id: str) -> Response:
    """Store the correction of what the version on the form showed."""
    row, plan, _ = gather(service(), ident(request_id), actor())
    ground = request.form.get("ground") or None
    asked = asked_facts(plan.definition, ground or "", row["town"], ("destination", "origin"))
    given = facts_given(a.fact for a in asked)
    changes: dict[str, Any] = {"ground": ground, "data": {**{a.fact: None for a in asked}, **given}}
    if row["state"] == "draft":
        changes["grade"] = whole_given("grade") or row["grade"]
    try:
        amend_request(service(), row["id"], actor(), whole_given("version") or 0, changes)
    except ServiceError as error:
        return _edit_form(row, plan.definition, request.form.to_dict(), problem_of(error))
    answer: Response = redirect(url_for("pages.show_request", request_id=row["id"], done="amend"), 303)  # type: ignore[assignment]
    return answer


def _edit_form(
    row: dict[str, Any], definition: Definition, values: dict[str, Any], problem: Problem | None = None
) -> Response:
    asked = {
        g.name: asked_facts(definition, g.name, row["town"], ("destination", "origin")) for g in definition.grounds
    }
    return page(
        "request_edit.html", area="list_requests", row=row, definition=definition, asked=asked, values=values,
        facts=_kinds(),
        grades=_grades_of(row["destination_school_id"]), wrong=_wrong(problem),
        messages=[bad(problem)] if problem else [],
        status=problem.status if problem else 200, current=problem.members.get("current") if problem else None,
    )  # fmt: skip


def _starting() -> Starting:
    """What the actor's school may start. Raises a 403 for everybody else."""
    if actor().kind != "school" or "registrar" not in actor().roles:
        raise Problem(403, "forbidden", "只有学校学籍管理员可以新建申请 / Only a school's registrar starts a request.")
    school = organization_view(service(), actor(), _organization(actor().organization_id))
    pack = service().packs.in_force(school["policy"], "transfer", service().clocks.now().date())
    definition = service().packs.definition(pack)
    starters = {route.starter for route in definition.routes}
    ways = tuple(way for way, unit in (("in", "destination_school"), ("out", "origin_school")) if unit in starters)
    return Starting(school, definition, ways, tuple(sorted({c["grade"] for c in school["classes"]})))


def _organization(organization_id: int) -> Any:
    return find_organization(service(), actor(), organization_id)


def _grades_of(school_id: int) -> list[int]:
    """The grades of a school: what its classes say where it is ours, else any."""
    school = organization_view(service(), actor(), _organization(school_id))
    return sorted({c["grade"] for c in school.get("classes", ())}) or list(range(1, 13))


def _wanted(start: Starting) -> NewRequest:
    """The form as the service takes it. Raises `Invalid` naming every field that is missing."""
    out = request.form.get("way") == "out" and "out" in start.ways
    name, number = request.form.get("student.name", "").strip(), request.form.get("student.student_number", "").strip()
    grade, student = whole_given("grade"), ident_given("student_id") if out else None
    destination = ident_given("destination_school_id") if out else int(start.school["id"])
    missing = [
        (grade is None, "grade"), (destination is None, "destination_school_id"),
        (out and student is None, "student_id"),
        (not out and not name, "student.name"), (not out and not number, "student.student_number"),
    ]  # fmt: skip
    errors = [{"field": field, "message": "必填", "message_en": "required"} for empty, field in missing if empty]
    if errors or grade is None or destination is None:
        raise Invalid(errors)
    ground = request.form.get("ground") or None
    asked = start.asked("out" if out else "in").get(ground or "", [])
    return NewRequest(
        kind="transfer", destination_school_id=destination, grade=grade, ground=ground, student_id=student,
        student_name=None if out else name[:100], student_number=None if out else number[:40],
        data=facts_given(a.fact for a in asked),
    )  # fmt: skip


def _form(start: Starting, values: dict[str, Any], *, check: dict[str, Any] | None = None,
          problem: Problem | None = None) -> Response:  # fmt: skip
    way = values.get("way") or start.ways[0]
    messages: list[Message] = [bad(problem)] if problem else []
    return page(
        "request_new.html", area="new_request", start=start, definition=start.definition, way=way, values=values,
        check=check,
        key=new_key(), asked=start.asked(way), facts=_kinds(), wrong=_wrong(problem), messages=messages, problem=None,
        grades=start.grades, student=_student(values) if way == "out" else None,
        schools=_schools(start) if way == "out" else [],
        matches=_matches() if way == "out" else [], status=problem.status if problem else 200,
        title=t("新建转学申请", "New transfer request"),
    )  # fmt: skip


def _kinds() -> dict[str, Any]:
    return dict(DATA_FACTS)


def _wrong(problem: Problem | None) -> dict[str, dict[str, Any]]:
    """The refusals by field, so that each stands beside its field."""
    errors = problem.members.get("errors", ()) if problem else ()
    return {("student.student_number" if e["field"] == "student" else e["field"]): e for e in errors}


def _student(values: dict[str, Any]) -> dict[str, Any] | None:
    """The school's own student who is to be sent out."""
    text = str(values.get("student_id") or "")
    return student_view(service(), find_student(service(), actor(), ident(text))) if text else None


def _matches() -> list[dict[str, Any]]:
    """Own students found by what was typed into the small search."""
    q = request.args.get("q", "").strip()
    if not q:
        return []
    wanted = WantedStudents(q=q[:60], school_id=actor().organization_id)
    return list_students(service(), actor(), wanted, 10)[0]


def _schools(start: Starting) -> list[dict[str, Any]]:
    """The schools of the same bureau that have a stage of ours: that order holds only within one bureau."""
    shown, _ = organizations_page(service(), actor(), code=None, kind="school", after=0, limit=MOST_SCHOOLS)
    ours = start.school
    return [
        row for row in shown
        if row["parent_id"] == ours["parent_id"] and row["id"] != ours["id"] and set(row["stages"]) & {*ours["stages"]}
    ]  # fmt: skip
