"""What promotion and graduation do (升级与毕业的效力): certificates with their numbers, registrations, corrections."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from states.calendar import school_year
from workflow_service.certificates import ISSUE, certificate_of, paper_values
from workflow_service.completion import Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.models import RegisterEntry

CERTIFIED = (
    "major",
    "credential_type",
    "credential_level",
    "study_length",
    "study_form",
    "certificate_on",
    "president",
)
"""What stands on a certificate of higher education beside the person (HE14-14)."""


@effect("graduation", "early_graduation", "finishing_without_diploma", "leaving_with_record")
def certified(completing: Completing) -> Effect:
    """The certificate is numbered and issued with the completion itself, so that nobody graduates without one."""
    certificate = certificate_of(completing)
    return Effect(
        writes=(ISSUE,), values=paper_values(completing, certificate),
        entry={"certificate": certificate.kind, "number": certificate.number},
        details={"certificate": certificate.number},
    )  # fmt: skip


@effect("promotion")
def promoted(completing: Completing) -> Effect:
    """The grade follows from the school year; the entry says from which to which, and counts from its first day."""
    year, grade = school_year(completing.facts.today) + 1, completing.facts.current_grade
    assert grade is not None  # `not_graduating` asked for it, and whoever attends sits in a class.
    return Effect(entry={"school_year": year, "from_grade": grade, "to_grade": grade + 1},
                  effective=date(year, 8, 11))  # fmt: skip


@effect("annual_registration")
def registered_for_a_year(completing: Completing) -> Effect:
    """The entry names the school year that it registers (HE14-09)."""
    return Effect(entry={"school_year": school_year(completing.facts.today)})


@effect("credential_registration")
def credential_registered(completing: Completing) -> Effect:
    """What is registered equals the certificate, with its number (HE14-14)."""
    issued = _lasting(completing, "credential")
    return Effect(entry={key: issued[key] for key in ("certificate", "number") if key in issued})


@effect("erratum")
def corrected(completing: Completing) -> Effect:
    """The registration as it was, with what is given anew; the old one ends and stays to be seen (HE14-13)."""
    before = _lasting(completing, "credential_registration")
    given = {name: completing.data[name] for name in CERTIFIED if name in completing.data}
    return Effect(entry={**before, **given, "corrected": sorted(given)})


def _lasting(completing: Completing, section: str) -> dict[str, Any]:
    """What the newest lasting entry of a section holds; {} where there is none."""
    with reading(completing.service.engine) as connection:
        found = connection.execute(
            select(RegisterEntry.data)
            .where(RegisterEntry.student_id == completing.row["student_id"], RegisterEntry.section == section,
                   RegisterEntry.ended_at.is_(None))
            .order_by(RegisterEntry.recorded_at.desc()).limit(1)).scalar()  # fmt: skip
    return dict(found or {})
