"""Checks of procedure (程序): whose step it is, four eyes, coded reasons, papers that must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from states.definition import Requirement
from states.facts import Facts
from states.rules import check
from states.verdict import Cure, No

if TYPE_CHECKING:
    from states.plan import Cell

UNIT_NAMES = {
    "destination_school": ("转入学校", "the destination school"),
    "origin_school": ("转出学校", "the origin school"),
    "destination_bureau": ("转入地主管教育局", "the destination's bureau"),
    "origin_bureau": ("转出地主管教育局", "the origin's bureau"),
    "shared_bureau": ("共同主管教育局", "the bureau of both schools"),
    "destination_province": ("转入省教育厅", "the destination's province"),
    "origin_province": ("转出省教育厅", "the origin's province"),
    "applicant": ("申请学校", "the applying school"),
    "guardian": ("监护人", "the guardian"),
}
ROLE_NAMES = {"registrar": ("学籍管理员", "registrar"), "principal": ("校长", "principal"), "": ("", "")}


def named(unit: str, role: str = "") -> tuple[str, str]:
    """A unit and role as people read them, Chinese and English."""
    zh, en = UNIT_NAMES.get(unit, (unit, unit))
    role_zh, role_en = ROLE_NAMES.get(role, (role, role))
    return f"{zh}{role_zh}", f"{en}{' ' + role_en if role_en else ''}"


@check()
def actor_holds(facts: Facts, cell: Cell) -> No | None:
    """非本环节办理人 / the event belongs to whoever holds the step (SYS-03), not to everyone who sees it."""
    if facts.system or (cell.units & facts.units and (not cell.role or cell.role in facts.roles)):
        return None
    unit = min(cell.units)
    zh, en = named(unit, cell.role)
    cure = Cure("tell", unit, f"请{zh}办理", f"ask {en} to do it",
                {"units": cell.units, "roles": frozenset({cell.role})})
    return No(f"此操作由{zh}办理，不属于您的环节", f"This belongs to {en}; it is not your step.", (cure,))


@check()
def four_eyes(facts: Facts, cell: Cell) -> No | None:
    """本人不得审核本人提交的业务 / nobody decides what they submitted or already decided themselves (SYS-08)."""
    if not facts.own:
        return None
    unit = min(cell.units)
    zh, en = named(unit, cell.role)
    cure = Cure("tell", unit, f"请{zh}的另一位工作人员办理", f"ask another person acting for {en}", {"own": False})
    return No("您已提交或审核过本申请，不得再由本人审核", "You submitted or decided this request before; someone else must.",
              (cure,))


@check(codes="subset")
def coded_reason(facts: Facts, cell: Cell, codes: tuple[str, ...] = ()) -> No | None:
    """不予通过须选择法定理由 / refusing needs a coded reason; fees, ranking and "we keep him" are none (SYS-T6)."""
    allowed = cell.reasons or codes
    if facts.reason in allowed:
        return None
    cure = Cure("choose", min(cell.units), "请从理由列表中选择", "choose one of the listed reasons",
                {"reason": allowed[0]} if allowed else {})
    return No("不予通过须选择列出的理由；缺材料请用“退回补正”", "Refusing needs one of the listed reasons; for missing papers use return.",
              (cure,) if allowed else (), pending=facts.reason is None)


def document_present(facts: Facts, requirement: Requirement) -> No | None:
    """材料不全不得审核通过 / a requirement is met when one whole bundle is there (TR-03)."""
    present = facts.documents
    for bundle in requirement.any_of:
        if present.issuperset(bundle):
            return None
    cures = tuple(
        Cure("supply", requirement.by, f"补交 {'、'.join(missing)}", f"upload {', '.join(missing)}",
             {"documents+": missing})
        for missing in (tuple(kind for kind in bundle if kind not in present) for bundle in requirement.any_of)
    )
    return No(f"缺少材料：{requirement.id}", f"A document is missing: {requirement.id}.", cures, pending=True)
