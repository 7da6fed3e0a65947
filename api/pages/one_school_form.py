"""The form of a request of one school (一校业务), made from the table of kinds and the pack alone.

Who it is about comes first: a student of the school, somebody who is on no register yet, or, where the student may come
from elsewhere, by exact name and whole number (SYS-01). A bureau chooses a school of its area before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, request, url_for

from api.endpoint import service
from api.errors import Problem
from api.pages.forms import FormFacts, facts_given, facts_of_form, whole_given
from api.pages.frame import Message, bad, ident, page
from api.pages.labels import FACTS, label
from api.pages.language import t
from api.pages.session import actor, new_key
from api.pages.starting import facts_known, offer_of, organization_of, papers_by_ground, wrong_fields
from states.asked import Known, known_of
from states.definition import Definition
from states.identity import Sex, identity_faults
from states.kinds import KINDS, Kind, statuses_before
from workflow_service.completion import COUNTS_FROM
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Invalid, NotFound
from workflow_service.facts import NEWCOMERS
from workflow_service.newcomers import Person
from workflow_service.offers import definition_for
from workflow_service.roster.headings import IDENTITY_TYPES
from workflow_service.students import NewGuardian
from workflow_service.views.bureau import WantedSchools, schools_page
from workflow_service.views.candidates import candidate, candidates

GUARDIANS = 2
MOST_MATCHES = 20
MOST_SCHOOLS = 30
RESIDENT_CARD = "1"
SEXES: dict[str, Sex] = {"1": "male", "2": "female"}
KEEPS_GRADE = frozenset({"class_change", "graduation_undo"})
"""They enter a class, but of the grade that the student has already."""
CHOOSES_GRADE = frozenset({"skip_grade", "repeat_grade", "stage_promotion"})
"""The grade is what they are about: none is filled in beforehand."""
BY_NUMBER = frozenset({"enrolment"})
"""Kinds beside those that a graduate or somebody from outside may ask for, whose student has a record elsewhere."""


def asks_grade(kind: str) -> bool:
    """Whether the form asks for a grade: where the student enters a class that is not simply the present one."""
    return KINDS[kind].enrolment == "enter" and kind not in KEEPS_GRADE


def class_options(
    school: Mapping[str, Any], grade: int | None, present: str | None = None
) -> list[tuple[str, int | None, str | None]]:
    """A school's classes by name, with their programme: of one grade where it is known, else each with its grade; the
    `present` one never.

    Where the grade is chosen on the same form, the names alone do not tell which of them belong to it.
    """
    found = {row["name"]: row for row in school.get("classes", ()) if grade in (None, row["grade"])}
    rows = [(name, None if grade else row["grade"], row["programme"]) for name, row in found.items() if name != present]
    return sorted(rows, key=lambda row: (row[1] or 0, row[0]))


def empty_means(kind: str) -> dict[str, str]:
    """What it means that a fact is left empty, for those of which nobody could guess it."""
    other = COUNTS_FROM.get(kind)
    since = t("不填的，以“{f}”为准。", "If empty: the day of “{f}”.", f=label(FACTS, other)) if other else t(
        "不填的，自办结之日起。", "If empty: the day of completion.")  # fmt: skip
    return {"effective_on": since}


def statuses_of(kind: str, definition: Definition) -> frozenset[str]:
    """The statuses in which a student may ask for this kind, on whatever ground; empty where any will do."""
    grounds = [None, *(ground.name for ground in definition.grounds)]
    return frozenset(status for ground in grounds for status in statuses_before(kind, ground))


def ways_of(kind: str) -> tuple[str, ...]:
    """How the student may be named: `own` from the list, `new` as a person, `named` by name and whole number."""
    row = KINDS[kind]
    if row.subject != "student":
        return ()
    elsewhere = {"graduated", "transferred_out"} & set(statuses_before(kind, None))
    named = (elsewhere and row.enrolment == "enter" and not row.past) or kind in BY_NUMBER
    return ("own", *(("new",) if row.newcomer else ()), *(("named",) if named else ()))


@dataclass(frozen=True)
class Starting:
    """A form that is being filled in: which kind, about which school (or bureau), about whom."""

    kind: str
    school: dict[str, Any]
    definition: Definition
    who: str  # one of `ways_of`, "" where the kind names no student
    student: dict[str, Any] | None

    @property
    def table(self) -> Kind:
        """The kind's row in the table."""
        return KINDS[self.kind]

    @property
    def facts(self) -> FormFacts:
        """The facts that the form asks for."""
        return facts_of_form(self.definition, self.known)

    @property
    def known(self) -> Known:
        """What decides on the facts before anything is filled in: the school, and the student where there is one."""
        stays = self.student is not None and self.student["stage"] and not asks_grade(self.kind)
        stages = [self.student["stage"]] if self.student and stays else self.school.get("stages", ())
        status = self.student["status"] if self.student else "pending_registration" if self.who == "new" else None
        who = {"status": (status,), "newcomer": (status in NEWCOMERS,)} if status else {}
        return known_of(bool(self.school["town"]), stages, **who)

    def wanted(self) -> NewRequest:
        """The form as the service takes it. Raises `Invalid` naming every field that is missing."""
        errors: list[dict[str, Any]] = []
        grade = whole_given("grade")
        if asks_grade(self.kind) and grade is None:
            errors.append(_required("grade"))
        name, number = _text("student.name", 100), _text("student.student_number", 40)
        if self.who == "named":
            errors += [_required(f) for f, text in (("student.name", name), ("student.student_number", number))
                       if not text]  # fmt: skip
        if not request.form.get("ground") and any("ground" in route.when for route in self.definition.routes):
            errors.append(_required("ground"))  # no route can be told without it
        if self.who == "own" and self.student is None:
            errors.append(_required("student_id"))
        person = _person(errors) if self.who == "new" else None
        if errors:
            raise Invalid(errors)
        own = int(self.school["id"]) == actor().organization_id
        return NewRequest(
            kind=self.kind, destination_school_id=None if own else int(self.school["id"]),
            grade=grade if asks_grade(self.kind) else None, ground=request.form.get("ground") or None,
            student_id=int(self.student["id"]) if self.student and self.who == "own" else None,
            student_name=name if self.who == "named" else None,
            student_number=number if self.who == "named" else None, person=person,
            data=facts_given(self.facts.names),
        )  # fmt: skip


def starting(kind: str, values: Mapping[str, str]) -> Starting:
    """The form that an address or a sent form stands for. Raises NotFound; a 403 for what the asker cannot start."""
    offer = offer_of(kind)
    school = _school(kind, values)
    ways = ways_of(kind)
    who = values.get("who", "")
    student = values.get("student_id") or values.get("student") or ""
    found = candidate(service(), int(school["id"]), ident(student)) if student and "own" in ways else None
    stage = found["stage"] if found else None
    try:
        definition = definition_for(service(), int(school["id"]), kind, stage)
    except LookupError:
        definition = offer.definition
    if who not in ways:
        who = "own" if found or not ways else _first_way(kind, ways, definition, int(school["id"]))
    return Starting(kind, school, definition, who if ways else "", found)


def _school(kind: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The school that it is about: the asker's own, or one of a bureau's area. Raises NotFound.

    Of a school outside its area a bureau is told no more than of one that there is not. What it asks about a student
    of a closed school it asks itself: it keeps the records.
    """
    wanted = values.get("school", "") if KINDS[kind].subject == "organization" else ""
    found = organization_of(ident(wanted) if wanted and actor().supervises else actor().organization_id)
    if "policy" not in found:
        raise NotFound
    return found


def _first_way(kind: str, ways: tuple[str, ...], definition: Definition, school_id: int) -> str:
    """Where nobody of the school fits, the form begins with who comes from elsewhere."""
    if ways == ("own",):
        return "own"
    fitting = candidates(service(), school_id, statuses=statuses_of(kind, definition), limit=1)
    return "own" if fitting else ways[1]


def empty_form(kind: str) -> Response:
    """The form before anything is filled in; a bureau chooses the school first, then everybody the student."""
    offer_of(kind)
    if actor().supervises and KINDS[kind].subject == "organization" and not request.args.get("school"):
        return _choose_school(kind)
    start = starting(kind, request.args)
    values = {"ground": start.definition.grounds[0].name} if len(start.definition.grounds) == 1 else {}
    return form(start, values)


def _choose_school(kind: str) -> Response:
    """The schools of a bureau's area, by name or code; the bureau itself where the kind may be about it."""
    q = request.args.get("q", "").strip()[:60]
    rows, more = schools_page(service(), actor(), WantedSchools(q), MOST_SCHOOLS)
    itself = organization_of(actor().organization_id) if KINDS[kind].subject == "organization" else None
    return page("request_school.html", area="new_request", kind=kind, rows=rows, more=bool(more), q=q, itself=itself)


def form(start: Starting, values: dict[str, Any], *, check: dict[str, Any] | None = None,
         problem: Problem | None = None) -> Response:  # fmt: skip
    """The form with what was typed, what is wrong beside each field, and the pre-check where one was asked for."""
    if start.who == "own" and start.student is None:
        return _choose_student(start, problem)
    messages: list[Message] = [bad(problem)] if problem else []
    grade = start.student["grade"] if start.student else None
    if "grade" not in values and grade and start.kind not in CHOOSES_GRADE:
        values = {**values, "grade": grade}
    return page(
        "request_kind.html", area="new_request", start=start, kind=start.kind, definition=start.definition,
        values=values, check=check, key=new_key(), facts=facts_known(), form_facts=start.facts,
        papers=papers_by_ground(start.definition), wrong=wrong_fields(problem), messages=messages, problem=None,
        ways=ways_of(start.kind), grades=_grades(start.school), grade_asked=asks_grade(start.kind),
        class_options=class_options(start.school, None if asks_grade(start.kind) else grade, _present_class(start)),
        empty_means=empty_means(start.kind),
        guardians=range(1, GUARDIANS + 1),
        status=problem.status if problem else 200, **_addresses(start),
    )  # fmt: skip


def _present_class(start: Starting) -> str | None:
    """The class that a change of class leaves, which is no choice."""
    return start.student["class"] if start.student and start.kind == "class_change" else None


def _choose_student(start: Starting, problem: Problem | None) -> Response:
    """The school's own students: those who fit at once where few do, else by what is searched for."""
    q = request.args.get("q", "").strip()[:60]
    fitting = statuses_of(start.kind, start.definition)
    rows: list[dict[str, Any]] = []
    few = bool(fitting) and "attending" not in fitting
    if q or few:
        rows = candidates(service(), int(start.school["id"]), q=q, statuses=() if q else fitting, limit=MOST_MATCHES)
    shown = [row for row in rows if row["current"] or start.table.past or row["status"] in fitting]
    return page(
        "request_student.html", area="new_request", start=start, kind=start.kind, definition=start.definition,
        rows=shown, q=q, fitting=fitting, few=few, ways=ways_of(start.kind), most=MOST_MATCHES,
        messages=[bad(problem)] if problem else [], status=problem.status if problem else 200, **_addresses(start),
    )  # fmt: skip


def _addresses(start: Starting) -> dict[str, Any]:
    """The addresses of this form for each way of naming the student, the school kept."""
    school = start.school["id"] if actor().supervises and start.table.subject == "organization" else None
    return {
        "way_links": {way: url_for("pages.new_request", kind=start.kind, who=way, school=school)
                      for way in ways_of(start.kind)},
        "school_kept": school,
    }  # fmt: skip


def _grades(school: Mapping[str, Any]) -> list[int]:
    return sorted({row["grade"] for row in school.get("classes", ())}) or list(range(1, 13))


def _required(field: str) -> dict[str, Any]:
    return {"field": field, "message": "必填", "message_en": "required"}


def _text(name: str, most: int) -> str:
    return request.form.get(name, "").strip()[:most]


def _person(errors: list[dict[str, Any]]) -> Person | None:
    """The person as typed; what is missing or no day is added to `errors`."""
    name, sex = _text("person.name", 100), request.form.get("person.sex", "")
    born, type_ = _day("person.birth_date"), request.form.get("person.identity_type", "1")
    missing = {"person.name": not name, "person.sex": sex not in ("1", "2"), "person.birth_date": born is None,
               "person.identity_type": type_ not in IDENTITY_TYPES}  # fmt: skip
    errors += [_required(field) for field, empty in missing.items() if empty]
    guardians = []
    for number in range(1, GUARDIANS + 1):
        given = [_text(f"guardian{number}.{part}", most) for part, most in (("relation", 20), ("name", 100))]
        if any(given[1:]) or _text(f"guardian{number}.phone", 40):
            errors += [_required(f"guardian{number}.{part}") for part, text in zip(("relation", "name"), given,
                       strict=True) if not text]  # fmt: skip
            guardians.append(NewGuardian(given[0], given[1], _text(f"guardian{number}.phone", 40) or None))
    errors += _not_of(born, type_, sex)
    if born is None or errors:
        return None
    return Person(
        name, sex, born, type_, _text("person.identity_number", 40) or None,
        request.form.get("person.special_education") == "true", tuple(guardians),
    )  # fmt: skip


def corrected_person(stored: Mapping[str, str]) -> Person | None:
    """The person of a draft as corrected; None where nothing was. Raises `Invalid` naming every wrong field."""
    errors: list[dict[str, Any]] = []
    person = _person(errors)
    if errors:
        raise Invalid(errors)
    typed = {field: request.form.get(field, "").strip() for field in stored}
    given = person is not None and (person.identity_number or person.guardians)
    return person if given or typed != stored else None


def _not_of(born: date | None, type_: str, sex: str) -> list[dict[str, Any]]:
    """What cannot be of this person: a birth to come, a resident number of somebody else.

    It is refused before anything is stored: a person is no part of a draft that could be corrected afterwards.
    """
    today, number = service().clocks.now().date(), _text("person.identity_number", 40)
    if born is not None and born > today:
        text = f"不能晚于今天（{today.isoformat()}）"
        return [{"field": "person.birth_date", "message": text, "message_en": f"not after today, {today.isoformat()}"}]
    faults = identity_faults(number, today, birth=born, sex=SEXES.get(sex)) if number and type_ == RESIDENT_CARD else ()
    return [{"field": "person.identity_number", "message": f.message_zh.rstrip("。"),
             "message_en": f.message_en.rstrip(".")} for f in faults[:1]]  # fmt: skip


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(_text(name, 10))
    except ValueError:
        return None


__all__ = [
    "GUARDIANS", "Starting", "asks_grade", "class_options", "corrected_person", "empty_form", "empty_means", "form",
    "starting", "statuses_of",
]  # fmt: skip
