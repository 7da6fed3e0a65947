"""Certificates (证书): numbered and issued in the one statement that completes a graduation.

HE14-16, V10-16; the number of a school's certificate is ours. A serial number follows the last one of the same school,
year and level; two graduations at the same moment draw the same one, the paper's unique number lets one of them pass,
and the other is decided again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from states.definition import Citation
from states.number_format import BadNumber, Format
from states.numbers import FORMATS
from states.verdict import No, Reason
from workflow_service.db import reading
from workflow_service.errors import Blocked
from workflow_service.models import Paper
from workflow_service.papers import code_of
from workflow_service.sql import Write

if TYPE_CHECKING:
    from workflow_service.completion import Completing

KINDS_OF_PAPER: Final = {
    "graduation": "graduation_certificate",
    "early_graduation": "graduation_certificate",
    "finishing_without_diploma": "finishing_certificate",
    "leaving_with_record": "leaving_certificate",
}
TYPES: Final = {"regular": "1", "adult": "5", "self_study": "6", "online": "7"}
LEVELS: Final = {"doctorate": "01", "master": "02", "second_bachelor": "04", "bachelor": "05", "junior_college": "06"}
_STAGES: Final = {"primary": "1", "junior": "2", "senior": "3"}

ISSUE: Final = Write(
    "issued_certificate",
    """
INSERT INTO paper (id, request_id, kind, number, code, issued_at, issued_by)
SELECT :paper_id, :id, :paper_kind, :paper_number, :paper_code, :at, :account_id{drawn}""",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate about to be issued: a kind of `papers.PAPERS` and its number."""

    kind: str
    number: str


def certificate_of(completing: Completing) -> Certificate:
    """The certificate that this completion issues. Raises Blocked where no number can be made for this school."""
    row, stage = completing.row, completing.facts.stage
    school, year = str(row["destination_code"]), completing.effective.year
    if stage == "higher":
        form, parts = FORMATS["certificate_higher"], {
            "type": TYPES.get(completing.data.get("credential_type", ""), ""), "year": f"{year}",
            "level": LEVELS.get(completing.data.get("credential_level", ""), "")}  # fmt: skip
    elif stage == "vocational":
        form = FORMATS["certificate_vocational_hunan"].resized(school=len(school))
        parts = {"year": f"{year % 100:02}"}
    else:
        form = FORMATS["certificate_school"].resized(school=len(school))
        parts = {"year": f"{year}", "stage": _STAGES.get(stage, "0")}
    return Certificate(KINDS_OF_PAPER[row["kind"]], _next(completing, form, {"school": school, **parts}))


def paper_values(completing: Completing, certificate: Certificate) -> dict[str, object]:
    """The parameters of `ISSUE` beside those of every transition."""
    service, row = completing.service, completing.row
    return {
        "paper_id": service.ids.new(row["bucket"]), "paper_kind": certificate.kind, "paper_number": certificate.number,
        "paper_code": code_of(service, row["id"], certificate.kind),
    }  # fmt: skip


def _next(completing: Completing, form: Format, parts: dict[str, str]) -> str:
    """The number after the last one of these parts."""
    width = form.parts[-1].width
    try:
        first = form.build(**parts, serial=1)
        head = first[:-width]
        with reading(completing.service.engine) as connection:
            last = connection.execute(
                select(func.max(Paper.number)).where(
                    Paper.number.between(head + "0" * width, head + "9" * width),
                    func.length(Paper.number) == len(first))).scalar()  # fmt: skip
        return form.build(**parts, serial=int(last[-width:]) + 1) if last else first
    except BadNumber as error:
        fault = error.faults[0]
        raise _blocked(form, fault.message_zh, fault.message_en) from error


def _blocked(form: Format, zh: str, en: str) -> Blocked:
    no = No(f"不能编发{form.label}：{zh}", f"No {form.label_en} can be made: {en}")
    cite = Citation(form.rule, f"{form.label}的编号规则", form.basis, "numbers")
    return Blocked(f"{no.message} / {no.message_en}", (Reason(cite, no),))
