"""What can be reversed (撤销更正的范围): by kind of request what its inverse restores, or why it has none.

A reversal corrects the record: what was effective is no longer, what was known stays known (TR-09). A kind that told
somebody outside, or only looked, has no inverse: what happened cannot be made not to have happened.
"""

from __future__ import annotations

from typing import Final

from states.kinds import KINDS

NO_INVERSE: Final[dict[str, tuple[str, str]]] = {
    "objection": ("答复已经作出，不服的可以再次申诉", "It was answered; object again if the answer is wrong."),
    "archive_access": ("查阅已经发生", "The archive was read."),
    "data_release": ("数据已经提供", "The data were given out."),
    "archive_destruction": ("档案已经销毁", "The archives were destroyed."),
    "duplicate_admission": ("重复招生的处理另行申请更正", "Ask for a new decision on the admissions."),
    "quota_change": ("学籍总量另行申请变更", "Ask for another quota."),
    "organization_change": ("学校变更另行办理", "Ask for another change of the school."),
    "credential_registration": ("学历注册的错误按勘误办理", "An error in a credential is corrected by an erratum."),
    "erratum": ("再次勘误", "Ask for another erratum."),
    "annual_registration": ("学年注册另行变更", "Register the year anew."),
    "promotion": ("升级的错误按留级、跳级或调班办理", "Correct it by repeating, skipping or another class."),
    "reversal": ("撤销不能再撤销，请重新办理原业务", "A reversal is not reversed: ask for the original again."),
}
"""Kinds without an inverse, with what is done instead."""

LATER: Final = ("status", "end")
"""Lock groups whose later requests build on a change of status, school or class: they are reversed first."""


def reversible(kind: str) -> bool:
    """Whether a completed request of this kind has an inverse."""
    return kind in KINDS and kind not in NO_INVERSE and KINDS[kind].subject == "student"


ALSO: Final[dict[tuple[str, str | None], tuple[str, str]]] = {
    ("problem_record", "removal"): ("lock", "status"),
    ("problem_record", "correction"): ("lock", "data"),
}
"""What a request of a kind changes by its ground, beside what its lock group says: a removed record has left."""


def builds_on(later: tuple[str, str | None], earlier: tuple[str, str | None]) -> bool:
    """Whether a later request, (kind, ground), of the same student builds on what an earlier one did.

    Both change status or enrolment, or the same data, or one of them opens or closes the entries that the other opened.
    """
    return not _touched(*later).isdisjoint(_touched(*earlier))


def _touched(kind: str, ground: str | None) -> frozenset[tuple[str, str]]:
    form = KINDS[kind]
    found = {("section", section) for section in (form.opens, *form.closes) if section}
    if form.lock:
        found.add(("lock", "status" if form.lock in LATER else form.lock))
    if (kind, ground) in ALSO:
        found.add(ALSO[kind, ground])
    return frozenset(found)
