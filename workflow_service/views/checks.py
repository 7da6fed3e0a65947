"""What a pre-check answers (预检)."""

from __future__ import annotations

from typing import Any

from states.facts import Facts
from states.trace import dated
from states.verdict import Reason
from workflow_service.draft_rows import MISS
from workflow_service.requests import PreCheck
from workflow_service.views.documents import requirement_views
from workflow_service.views.reasons import reason_view


def check_view(found: PreCheck) -> dict[str, Any]:
    """The contract's answer; `pending` lists what `submit` lets through and the first approval does not."""
    opening = found.next_opening.isoformat() if found.next_opening else None
    if found.plan is None or found.facts is None:
        return {
            "blocked_by": [_miss()], "pending": [], "documents": [], "places": None, "next_opening": opening,
            "route": [], "student_found": False, "policy": None,
        }  # fmt: skip
    return {
        "blocked_by": [
            {**reason_view(reason), "missing": is_missing(reason, found.facts)}
            for reason in dated(found.plan, found.facts, found.blocked)
        ],
        "pending": [reason_view(reason) for reason in dated(found.plan, found.facts, found.pending)],
        "documents": requirement_views(found.plan, found.facts, []),
        "places": _places(found.facts),
        "next_opening": opening,
        "route": list(found.plan.states),
        "student_found": True,
        "policy": found.plan.definition.pack,
    }


def is_missing(reason: Reason, facts: Facts) -> bool:
    """Whether nothing is wrong yet: what would clear the reason is a ground or a fact that is still to be given."""
    given = {"ground": facts.ground, **{f"data.{name}": value for name, value in facts.data.items()}}
    return any(key == "ground" or key.startswith("data.") for cure in reason.no.cures
               if cure.do in ("supply", "choose") for key in cure.set if given.get(key) in (None, ""))  # fmt: skip


def _places(facts: Facts) -> dict[str, Any]:
    return {
        "class": facts.class_name, "class_size": facts.class_size, "class_held": facts.class_held,
        "school_size": facts.school_size, "school_held": facts.school_held, "quota": facts.school_quota,
    }  # fmt: skip


def _miss() -> dict[str, Any]:
    """One text for unknown, differing and foreign (SYS-04)."""
    return {
        "rule": "SYS-04", "article": "全国学籍系统：校验错误 2001：学生信息不符", "basis": "read",
        "message": MISS[0], "message_en": MISS[1],
        "cure": "请核对姓名与学籍号", "cure_en": "check the name and the student number", "cures": [], "pending": False,
        "missing": False,
    }  # fmt: skip
