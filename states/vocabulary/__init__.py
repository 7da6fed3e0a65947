"""The words that packs may use (词汇): facts, documents, grounds, each with its Chinese and English label.

A pack is data and can only say what is named here; the linter suggests the nearest word for a misspelt one. Each
family of kinds has its own file; a word that stands in two of them is an error at import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from states.kinds import SECTIONS
from states.student_status import STATUSES as _STATUSES
from states.vocabulary import admission, attendance, record, schools, stage_end, transfer
from states.vocabulary.fact_kind import FactKind

T = TypeVar("T")


def _joined(parts: Iterable[Mapping[str, T]]) -> dict[str, T]:
    words: dict[str, T] = {}
    for part in parts:
        if twice := sorted(words.keys() & part.keys()):
            raise ValueError(f"named in two families: {', '.join(twice)}")
        words |= part
    return words


_FAMILIES: Final = (transfer, admission, attendance, stage_end, record, schools)
DATA_FACTS: Final[dict[str, FactKind]] = _joined(family.FACTS for family in _FAMILIES)
GROUNDS: Final[dict[str, tuple[str, str]]] = _joined(family.GROUNDS for family in _FAMILIES)
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = _joined(family.DOCUMENT_KINDS for family in _FAMILIES)
GROUND_TEXTS: Final = ("ground_text", "text", "other_ground")
"""Any of these carries the words that go with the ground `other`."""


UNITS: Final[dict[str, tuple[str, str]]] = {
    "destination_school": ("转入学校", "the destination school"),
    "origin_school": ("转出学校", "the origin school"),
    "destination_bureau": ("转入地主管教育局", "the destination's bureau"),
    "origin_bureau": ("转出地主管教育局", "the origin's bureau"),
    "shared_bureau": ("共同主管教育局", "the bureau of both schools"),
    "destination_province": ("转入省教育厅", "the destination's province"),
    "origin_province": ("转出省教育厅", "the origin's province"),
    "school": ("学校", "the school"),
    "bureau": ("主管教育局", "the bureau"),
    "city_bureau": ("市级教育局", "the city's bureau"),
    "province_bureau": ("省级教育厅", "the province"),
    "other_school": ("对方学校", "the other school"),
    "other_bureau": ("对方主管教育局", "the other school's bureau"),
}
"""The parts an organization can play in a request (单位); it may play several: a shared bureau plays three.

The first seven are those of a request between two schools, the others those of one school's. The last two are there
where a request of one school touches another one's: a double record, a transfer to be reversed.
"""
STARTERS: Final = ("destination_school", "origin_school", "school", "bureau", "city_bureau", "province_bureau")
STEPS: Final[dict[str, tuple[str, str]]] = {
    "awaiting_destination_principal": ("转入学校核办", "Destination school decides"),
    "awaiting_destination_bureau": ("转入地主管教育局核办", "Destination's bureau decides"),
    "awaiting_origin_school": ("转出学校核办", "Origin school decides"),
    "awaiting_origin_bureau": ("转出地主管教育局核办", "Origin's bureau decides"),
    "awaiting_shared_bureau": ("共同主管教育局审核", "The bureau of both schools reviews"),
    "awaiting_province_bureaus": ("两省教育厅核准", "Both provinces confirm"),
    "awaiting_record": ("转入学校调档", "Destination school fetches the record"),
    "awaiting_arrival": ("转入学校接收学生", "Destination school receives the student"),
    "awaiting_duplicate_check": ("查重", "Duplicate check"),
    "awaiting_principal": ("学校审核", "The school decides"),
    "awaiting_bureau": ("主管教育局审核", "The bureau reviews"),
    "awaiting_city_bureau": ("市级教育局审核", "The city's bureau reviews"),
    "awaiting_province_bureau": ("省级教育厅核准", "The province confirms"),
    "awaiting_filing": ("主管教育局备案", "Filed with the bureau"),
    "awaiting_city_filing": ("市级教育局备案", "Filed with the city's bureau"),
    "awaiting_province_filing": ("省级教育厅备案", "Filed with the province"),
    "awaiting_bureau_consent": ("主管教育局受理", "The bureau lets it be entered"),
    "awaiting_entry": ("学校录入", "The school enters it"),
    "awaiting_release": ("原学校办理离校", "The school that is left releases"),
    "awaiting_agreement": ("相关学校同意", "The other school agrees"),
    "awaiting_public_notice": ("公示", "Public notice"),
    "awaiting_other_bureau": ("对方主管教育局审核", "The other school's bureau reviews"),
    "awaiting_answer": ("答复", "The answer"),
    "awaiting_acceptance": ("对方接收", "The other side accepts"),
    "awaiting_operation": ("执行", "It is carried out"),
    "awaiting_archive": ("归档", "It is filed in the archive"),
}
"""Steps (环节) that a route may go through, with what lists call them; a pack names its own labels."""
ROLES: Final = ("registrar", "principal")
HOLDER_EVENTS: Final = ("approve", "file", "return", "reject", "confirm_arrival")
"""Events that a step may give to its holder."""

EVENTS: Final = ("submit", *HOLDER_EVENTS, "resubmit", "recall", "remind", "note")
"""Events that people send, and that a check may therefore refuse."""
MARK: Final = "mark"
"""Stands in `on` beside or instead of events: a check that is not met refuses nothing and is noted in the trail
(逾期标记), whenever a request moves on from the check's states."""

STAGES: Final = ("kindergarten", "primary", "junior", "senior", "vocational", "higher")
GRADES: Final = (-3, -2, -1, *range(1, 13))
"""Grades (年级) are counted from primary 1 to senior 12, and back from primary school: 小班 -3, 中班 -2, 大班 -1.

There is no 0. Vocational and higher stages count their own years from 1.
"""
STATUSES: Final = tuple(_STATUSES)
PROGRAMMES: Final[dict[str, tuple[str, str]]] = {
    "ordinary_specialized": ("普通中专", "ordinary specialized secondary school"),
    "adult_specialized": ("成人中专", "adult specialized secondary school"),
    "vocational_specialized": ("职业中专", "vocational specialized secondary school"),
    "vocational_high": ("职业高中", "vocational high school"),
    "college_secondary": ("高校中专部", "secondary part of a university"),
    "three_plus_two": ("“3+2”", "3+2"),
    "five_year": ("五年制", "five-year programme"),
    "none": ("不分类别", "no programme"),
}
"""Types of school and programme (学校类别、计划类别) by which HN08-03 and HN08-04 divide who manages whom."""

_YES_NO: Final = (True, False)
WHEN_FACTS: Final[dict[str, tuple[object, ...]]] = {
    "ground": tuple(GROUNDS),
    "stage": STAGES,
    "status": STATUSES,
    "season": ("autumn", "spring"),
    "programme": tuple(PROGRAMMES),
    "town": _YES_NO,
    "compulsory": _YES_NO,
    "graduating": _YES_NO,
    "starting": _YES_NO,
    "newcomer": _YES_NO,
    "has_number": _YES_NO,
    "duplicate": _YES_NO,
    "city_school": _YES_NO,
    "province_school": _YES_NO,
    "same_school": _YES_NO,
    "same_bureau": _YES_NO,
    "same_province": _YES_NO,
    "same_city": _YES_NO,
    "special_education": _YES_NO,
    "about_bureau": _YES_NO,
}
"""Fields of `states.facts.Facts` that a condition may ask, with their domains: booleans and enumerations only, so that
the linter can try every combination."""

__all__ = ["SECTIONS", "FactKind"]
