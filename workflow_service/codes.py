"""Class codes and pupil codes (班级编码、学生编码): given where the pack of a school says so, by the system, for good.

SY-03, SY-04. A pupil's code is another identifier than the student number: given once, at creation, from the class he
is in then, and unchanged by transfer, guest attendance and promotion. Two who are given codes at one moment draw the
same one; the unique columns let one of them pass.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Select, and_, func, or_, select, update

from states.number_format import BadNumber
from states.numbers import class_code, pupil_code
from workflow_service.boxes import below
from workflow_service.db import reading, run_tx
from workflow_service.duplicates.people import chunks
from workflow_service.duplicates.trail import note
from workflow_service.models import Enrolment, Organization, SchoolClass, Student

if TYPE_CHECKING:
    from states.definition import Definition
    from workflow_service.service import Service

KIND: Final = "basic_data_change"
"""The rules of basic data say how codes are built: a code is one of them."""
STAGES: Final = ("primary", "junior", "senior")
"""Whom the text speaks of (SY-01)."""
BATCH: Final = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Form:
    """How a pack builds codes. `school`: how many characters a school's code has, "own" for as many as it has."""

    variant: str
    school: int | str
    sequence: int
    pupil: int

    def of_class(self, school: str, row: Any, sequence: int) -> str:
        """The class code with this sequence. Raises BadNumber."""
        year = row.first_grade if self.variant == "class_code_grade_first" else row.entered_year
        width = len(school) if self.school == "own" else int(self.school)
        return class_code(school, year, sequence, self.variant, {"school": width, "sequence": self.sequence})


def give_codes(service: Service, limit: int = BATCH) -> int:
    """Give classes and pupils the codes that they lack, a batch a transaction; how many pupils got one.

    Creation gives them at once; this finds who came from elsewhere, and who was there before the pack was.
    """
    with reading(service.engine) as connection:
        paths = [path for path, form in _forms(service, connection).items() if form is not None]
        if not paths:
            return 0
        lacking = or_(*(below(Organization.path, path) for path in paths))
        classes = connection.execute(
            select(SchoolClass.id).join(Organization, Organization.id == SchoolClass.school_id)
            .where(lacking, SchoolClass.code.is_(None), SchoolClass.stage.in_(STAGES)).order_by(SchoolClass.id)
        ).scalars().all()  # fmt: skip
        pupils = connection.execute(_pupils().where(lacking).order_by(Student.id)).scalars().all()
    for start in range(0, len(classes), limit):
        run_tx(service.engine, lambda c, some=classes[start : start + limit]: code_classes(service, c, some))  # type: ignore[misc]
    given = 0
    for start in range(0, len(pupils), limit):
        given += run_tx(service.engine, lambda c, some=pupils[start : start + limit]: code_pupils(service, c, some))  # type: ignore[misc]
    return given


def code_pupils(service: Service, connection: Connection, ids: Iterable[int]) -> int:
    """Codes for those of these students who have none and whose school's pack gives them; how many got one."""
    forms = _forms(service, connection)
    if not any(forms.values()):
        return 0
    by_class: dict[int, list[int]] = defaultdict(list)
    for some in chunks(sorted(set(ids))):
        query = _pupils().add_columns(Enrolment.class_id).where(Student.id.in_(some)).order_by(Student.id)
        for id_, class_id in connection.execute(query):
            by_class[class_id].append(id_)
    coded = code_classes(service, connection, by_class, forms)
    return sum(_code_class_of(service, connection, by_class[id_], *found) for id_, found in sorted(coded.items()))


def code_classes(
    service: Service, connection: Connection, ids: Iterable[int], forms: Mapping[str, Form | None] | None = None
) -> dict[int, tuple[str, Form]]:
    """The codes of these classes with their form, given to those that have none; a class without form is left out."""
    forms = _forms(service, connection) if forms is None else forms
    found: dict[int, tuple[str, Form]] = {}
    for some in chunks(sorted(set(ids))):
        rows = connection.execute(
            select(SchoolClass.__table__, Organization.code.label("school_code"), Organization.path)
            .join(Organization, Organization.id == SchoolClass.school_id).where(SchoolClass.id.in_(some))
            .order_by(SchoolClass.school_id, SchoolClass.entered_year, SchoolClass.sequence, SchoolClass.id)
        ).all()  # fmt: skip
        for row in rows:
            form = _form_above(forms, row.path)
            code = row.code if form is None or row.code is not None else _coded(connection, row, form)
            if form is not None and code is not None:
                found[row.id] = code, form
    return found


def _coded(connection: Connection, row: Any, form: Form) -> str | None:
    """Give a class its code: its own sequence where that is free, else the one after the last of its year."""
    try:
        code = form.of_class(row.school_code, row, row.sequence)
        if connection.execute(select(SchoolClass.id).where(SchoolClass.code == code)).scalar() is not None:
            last = _last(connection, SchoolClass.code, code[: -form.sequence], form.sequence)
            code = form.of_class(row.school_code, row, last + 1)
    except BadNumber as fault:
        log.warning("class %s gets no code: %s", row.id, fault)
        return None
    connection.execute(
        update(SchoolClass).where(SchoolClass.id == row.id, SchoolClass.code.is_(None)).values(code=code)
    )
    return code


def _code_class_of(service: Service, connection: Connection, ids: list[int], code: str, form: Form) -> int:
    last = _last(connection, Student.local_code, code, form.pupil)
    for place, id_ in enumerate(ids):
        try:
            own = pupil_code(code, last + 1 + place, form.pupil)
        except BadNumber as fault:
            log.warning("students of class code %s get no code any more: %s", code, fault)
            return place
        note(connection, service, id_, "coded", {"local_code": own}, None, local_code=own)
    return len(ids)


def _last(connection: Connection, column: Any, head: str, width: int) -> int:
    """The greatest sequence after `head`, 0 where there is none."""
    found = connection.execute(
        select(func.max(column)).where(
            column.between(head + "0" * width, head + "9" * width), func.length(column) == len(head) + width)
    ).scalar()  # fmt: skip
    return 0 if found is None else int(found[-width:])


def _pupils() -> Select[int]:
    """Enrolled pupils without a code. A problem record has a class like everybody, and gets one."""
    return (
        select(Student.id)
        .join(Enrolment, and_(Enrolment.student_id == Student.id, Enrolment.ended_at.is_(None)))
        .join(Organization, Organization.id == Enrolment.school_id)
        .where(Student.local_code.is_(None), Enrolment.stage.in_(STAGES))
    )


def _forms(service: Service, connection: Connection) -> dict[str, Form | None]:
    """By the path of each organization that names a pack of its own: its form, None where that pack has no codes."""
    rows = connection.execute(
        select(Organization.path, Organization.policy).where(Organization.policy.is_not(None))
    ).all()  # fmt: skip
    today = service.clocks.now().date()
    known: dict[str, Form | None] = {}
    for policy in sorted({str(row.policy) for row in rows}):
        try:
            known[policy] = _form(service.packs.definition(service.packs.in_force(policy, KIND, today)))
        except LookupError:
            continue  # It has no rules of basic data: those above it hold.
    return {row.path: known[row.policy] for row in rows if row.policy in known}


def _form(definition: Definition) -> Form | None:
    given = definition.parameters
    if not {"SY-03-format", "SY-03-school", "SY-03-sequence", "SY-04-sequence"} <= set(given):
        return None
    return Form(*(given[f"SY-{name}"]["value"] for name in ("03-format", "03-school", "03-sequence", "04-sequence")))


def _form_above(forms: Mapping[str, Form | None], path: str) -> Form | None:
    """The form of the nearest pack at or above a path."""
    above = [top for top in forms if path.startswith(top)]
    return forms[max(above, key=len)] if above else None
