"""The form of a request between two schools (两校业务): one takes a student in, or the other sends one out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, request

from api.endpoint import service
from api.errors import Problem
from api.pages.forms import FormFacts, facts_given, facts_of_form, ident_given, whole_given
from api.pages.frame import Message, bad, ident, page
from api.pages.labels import KINDS, label
from api.pages.language import t
from api.pages.one_school_form import class_options
from api.pages.session import actor, new_key
from api.pages.starting import facts_known, offer_of, organization_of, papers_by_ground, wrong_fields
from states.asked import Asked, Known, asked_facts, known_of
from states.definition import Definition
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Invalid
from workflow_service.views.organizations import organizations_page
from workflow_service.views.students import WantedStudents, find_student, list_students, student_view

MOST_SCHOOLS = 200


@dataclass(frozen=True)
class Starting:
    """What a school may start: its grades, its pack, and whether it takes students in or sends its own out."""

    kind: str
    school: dict[str, Any]
    definition: Definition
    ways: tuple[str, ...]
    grades: tuple[int, ...]

    @property
    def by_ground(self) -> bool:
        """Whether the form asks for a ground's facts alone, as transfers do; other kinds take facts without one."""
        return self.kind == "transfer"

    @property
    def known(self) -> Known:
        """What decides on the facts before anything is filled in: where the school lies, and its stages."""
        return known_of(bool(self.school["town"]), self.school["stages"])

    @property
    def facts(self) -> FormFacts:
        """The facts of a kind that asks for them apart from the ground."""
        return facts_of_form(self.definition, self.known)

    def asked(self, way: str) -> dict[str, list[Asked]]:
        """For every ground the facts it asks."""
        sides = ("destination",) if way == "in" else ("destination", "origin")
        return {g.name: asked_facts(self.definition, g.name, self.known, sides) for g in self.definition.grounds}


def starting(kind: str) -> Starting:
    """What the actor's school may start of a kind between two schools. Raises a 403 for everybody else."""
    offer = offer_of(kind)
    school = organization_of(actor().organization_id)
    units = (("in", "destination_school"), ("out", "origin_school"))
    ways = tuple(way for way, unit in units if unit in offer.starters)
    return Starting(kind, school, offer.definition, ways, tuple(sorted({c["grade"] for c in school["classes"]})))


def empty_form(kind: str) -> Response:
    """The form before anything is filled in; a student in the address is one of the school's own."""
    start = starting(kind)
    way, student = request.args.get("way", ""), request.args.get("student", "")
    way = way if way in start.ways else "out" if student and "out" in start.ways else start.ways[0]
    return form(start, {"way": way, "student_id": student})


def wanted(start: Starting) -> NewRequest:
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
    names = [a.fact for a in start.asked("out" if out else "in").get(ground or "", [])] if start.by_ground else (
        start.facts.names)  # fmt: skip
    return NewRequest(
        kind=start.kind, destination_school_id=destination, grade=grade, ground=ground, student_id=student,
        student_name=None if out else name[:100], student_number=None if out else number[:40],
        data=facts_given(names),
    )  # fmt: skip


def form(start: Starting, values: dict[str, Any], *, check: dict[str, Any] | None = None,
         problem: Problem | None = None) -> Response:  # fmt: skip
    """The form with what was typed, what is wrong beside each field, and the pre-check where one was asked for."""
    way = values.get("way") or start.ways[0]
    messages: list[Message] = [bad(problem)] if problem else []
    return page(
        "request_new.html", area="new_request", start=start, definition=start.definition, way=way, values=values,
        check=check, key=new_key(), asked=start.asked(way), facts=facts_known(), wrong=wrong_fields(problem),
        form_facts=start.facts, messages=messages, problem=None,
        papers=papers_by_ground(start.definition), class_options=class_options(start.school, None), empty_means={},
        grades=start.grades, student=_student(values) if way == "out" else None,
        schools=_schools(start) if way == "out" else [], matches=_matches() if way == "out" else [],
        status=problem.status if problem else 200,
        title=t("新建{k}申请", "New request: {k}", k=label(KINDS, start.kind).lower()),
    )  # fmt: skip


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
