"""Checks of procedure (程序): whose step it is, four eyes, coded reasons, papers that must be there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from states.definition import Definition, Requirement
from states.facts import Facts
from states.rules import check
from states.rules.wording import ROLE_NAMES, documents_named, end_named, named_all
from states.verdict import Cure, No

if TYPE_CHECKING:
    from states.plan import Cell


@check()
def actor_holds(facts: Facts, cell: Cell) -> No | None:
    """非本环节办理人 / the event belongs to whoever holds the step (SYS-03), not to everyone who sees it.

    The system holds nothing but its own events and what leaves the state as it is (a reminder). In a step of several
    units each decides once.
    """
    if facts.system:
        return None if cell.target is None else _not_yours(cell)
    if not facts.units:
        return _no_party(cell)
    if cell.units.isdisjoint(facts.units) or (cell.role and cell.role not in facts.roles):
        return _not_yours(cell)
    if cell.several and facts.approvals.issuperset(cell.units & facts.units):
        return _already_approved(cell, facts.approvals)
    return None


@lru_cache(maxsize=4096)
def _not_yours(cell: Cell) -> No:
    """The refusal of a cell, made once: most rows of most lists are somebody else's."""
    zh, en = named_all(cell.units, cell.role)
    return No(f"此操作由{zh}办理，不属于您的环节", f"This belongs to {en}; it is not your step.", (_tell(cell),))


@lru_cache(maxsize=4096)
def _no_party(cell: Cell) -> No:
    """For whoever sees the request and has no part in it (不在办理范围): a bureau above, a school of neither side."""
    zh, en = named_all(cell.units, cell.role)
    return No(
        f"您单位不是本件的办理单位；此操作由{zh}办理",
        f"Your organization has no part in this request; this belongs to {en}.",
        (_tell(cell),),
    )


def _tell(cell: Cell) -> Cure:
    zh, en = named_all(cell.units, cell.role)
    patch = {"units": cell.units, "roles": frozenset({cell.role}), "system": False}
    return Cure("tell", min(cell.units), f"请{zh}办理", f"Ask {en} to do it.", patch)


def _already_approved(cell: Cell, approvals: frozenset[str]) -> No:
    waiting = cell.units - approvals
    zh, en = named_all(waiting, cell.role)
    cure = Cure("tell", min(waiting), f"请{zh}办理", f"Ask {en} to do it.", {"units": waiting})
    return No(f"您单位已办理本环节，尚待{zh}办理", f"Your unit has decided this step; {en} has not yet.", (cure,))


@check()
def four_eyes(facts: Facts, cell: Cell) -> No | None:
    """本人不得审核本人提交的业务 / nobody decides what they submitted or already decided themselves (SYS-08)."""
    return _another(cell) if facts.own else None


@lru_cache(maxsize=4096)
def _another(cell: Cell) -> No:
    """For whoever decided before, made once per cell: in the list of one who files much it stands in most rows."""
    zh, en = named_all(cell.units)
    role, role_en = ROLE_NAMES[cell.role]
    cure = Cure("tell", min(cell.units), f"请{zh}的另一位{role}办理", f"Ask another {role_en} of {en}.", {"own": False})
    return No(
        "您已提交或审核过本申请，不得再由本人审核",
        "You submitted or decided this request before; someone else must decide now.",
        (cure,),
    )


@check()
def starter_may(facts: Facts, cell: Cell) -> No | None:
    """发起学校不符 / who starts a request is a rule of the route (N25-08, NJ-13), not of who is asked first."""
    if facts.starter is None or facts.starter in cell.units:
        return None
    zh, en = named_all(cell.units)
    cure = Cure("tell", min(cell.units), f"请{zh}发起", f"Ask {en} to start it.", {"starter": min(cell.units)})
    return No(f"本业务由{zh}发起", f"This request is started by {en}.", (cure,))


@check(of_the_input=True)
def coded_reason(facts: Facts, cell: Cell, definition: Definition) -> No | None:
    """不予通过须选择法定理由 / refusing needs a coded reason; fees, ranking and "we keep him" are none (SYS-T6)."""
    allowed = _open_to(facts, cell, definition)
    if facts.reason in allowed:
        return None
    zh, en = reasons_named(definition, allowed)
    return No(
        f"不予通过须选择列出的理由：{zh}；缺材料请用“退回补正”",
        f"Refusing needs one of the listed reasons: {en}. For missing papers use return.",
        _choose_reason(cell, allowed),
        pending=facts.reason is None,
    )


@check(of_the_input=True, codes="superset")
def catchment_pupil_not_refused(facts: Facts, cell: Cell, definition: Definition, codes: Sequence[str]) -> No | None:
    """不得拒收学区内的学生 / these reasons are none against a pupil of the catchment (TR-13)."""
    if facts.reason is None or facts.reason not in codes:
        return None
    left = [code for code in _open_to(facts, cell, definition) if code not in codes]
    given, given_en = reasons_named(definition, (facts.reason,))
    zh, en = reasons_named(definition, left)
    return No(
        f"不得以“{given}”为由拒收学区内的适龄儿童少年；可用的理由：{zh}",
        f"“{given_en}” is no reason against a pupil of the catchment; possible are: {en}.",
        _choose_reason(cell, left),
    )


def _open_to(facts: Facts, cell: Cell, definition: Definition) -> list[str]:
    """The reasons that the asker's unit may give: in a step of two units the origin's has fewer than the destination's.

    Nobody who plays no part is told less than the step's holder would be.
    """
    units = facts.units & cell.units or cell.units
    return [r.code for r in definition.reasons if r.code in cell.reasons and (not r.units or units & set(r.units))]


def _choose_reason(cell: Cell, codes: Sequence[str]) -> tuple[Cure, ...]:
    if not codes:
        return ()
    zh, en = "请从理由列表中选择", "Choose one of the listed reasons."
    return (Cure("choose", min(cell.units), zh, en, {"reason": codes[0]}),)


def reasons_named(definition: Definition, codes: Sequence[str]) -> tuple[str, str]:
    """Coded reasons by their names, in the order given."""
    known = {reason.code: reason for reason in definition.reasons}
    rows = [known[code] for code in codes if code in known]
    return "、".join(row.label for row in rows), "; ".join(row.label_en for row in rows)


@check()
def placed_pupil_not_refused(facts: Facts, cell: Cell) -> No | None:
    """教育局安排的学生不得拒收 / a school may not refuse a pupil whom the bureau placed (NJ-11)."""
    if facts.data.get("placed_by_bureau") is not True:
        return None
    cure = Cure(
        "ask",
        "destination_bureau",
        "如确有困难，请转入地主管教育局变更安排",
        "Ask the destination's bureau to change its placement.",
        {"data.placed_by_bureau": False},
    )
    return No("该生由教育局安排就学，学校不得拒收", "The bureau placed this pupil; the school may not refuse.", (cure,))


@check()
def accepted_before(facts: Facts, cell: Cell) -> No | None:
    """前一环节已同意接收 / who accepted in an earlier step may not refuse at the arrival; nobody can clear it."""
    zh, en = named_all(cell.units)
    return No(
        f"{zh}在前一环节已同意接收，接收环节不得再拒绝", f"{en} accepted in an earlier step and may not refuse now."
    )


@check(of_the_input=True, kinds="superset")
def other_proof_explained(facts: Facts, cell: Cell, kinds: Sequence[str]) -> No | None:
    """采用“其他”证明须说明理由 / who approves on an "other" proof says why it is good enough (open lists, 问1)."""
    given = [kind for kind in kinds if kind in facts.documents]
    if not given or (facts.comment and facts.comment.strip()):
        return None
    zh, en = documents_named(given)
    cure = Cure(
        "supply", min(cell.units), "在意见中说明采用理由", "Say in the comment why it is accepted.", {"comment": "…"}
    )
    return No(f"采用“{zh}”须在意见中说明理由", f"Accepting “{en}” needs a reason in the comment.", (cure,))


def in_time(facts: Facts, end: str) -> No | None:
    """期限届满 / who comes after the end comes too late, whether or not a sweep has written the end down by then.

    `end` names the fact with the instant: `ends_at` (WS-01 to WS-03) or `wiped_at` (SYS-46).
    """
    over: datetime | None = getattr(facts, end)
    return None if over is None or facts.now < over else _over(over)


@lru_cache(maxsize=4096)
def _over(end: datetime) -> No:
    """The refusal of whatever comes after `end`; nobody can clear it."""
    return No(
        f"期限已于 {end_named(end)} 届满，本件已过期；仍需办理的请另行申请",
        f"The time ran out on {end_named(end)}: this request has expired. Start a new one if it is still wanted.",
    )


def document_present(facts: Facts, requirement: Requirement) -> No | None:
    """材料不全不得审核通过 / a requirement is met when one whole bundle is there (TR-03)."""
    present = facts.documents
    for bundle in requirement.any_of:
        if present.issuperset(bundle):
            return None
    return _missing(
        requirement.by,
        requirement.cite.rule,
        tuple(tuple(kind for kind in bundle if kind not in present) for bundle in requirement.any_of),
    )


@lru_cache(maxsize=4096)
def _missing(by: str, rule: str, bundles: tuple[tuple[str, ...], ...]) -> No:
    """The refusal for what is missing of each bundle; the same few are asked for again and again."""
    names = [documents_named(missing) for missing in bundles]
    cures = tuple(
        Cure("supply", by, f"补交{zh}", f"Upload {en}.", {"documents+": missing})
        for missing, (zh, en) in zip(bundles, names, strict=True)
    )
    zh, en = " 或 ".join(zh for zh, _ in names), " or ".join(en for _, en in names)
    return No(f"缺少材料：{zh}（{rule}）", f"A document is missing: {en} ({rule}).", cures, pending=True)
