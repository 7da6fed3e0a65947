"""A rule's refusal (不予办理的理由) as it is shown: rule, article, basis, and every way to clear it."""

from __future__ import annotations

from typing import Any

from states.kinds import KINDS
from states.rules.wording import UNIT_NAMES
from states.verdict import Cure, Reason


def reason_view(reason: Reason) -> dict[str, Any]:
    """One entry of `blocked_by`; `cure` is the first way as a text, `cures` lists all of them.

    `other_kinds`: what may be asked for instead, where this cannot be had.
    """
    no, cite = reason.no, reason.cite
    return {
        "rule": cite.rule,
        "article": cite.article,
        "basis": cite.basis,
        "message": no.message,
        "message_en": no.message_en,
        "cure": no.cures[0].text if no.cures else None,
        "cure_en": no.cures[0].text_en if no.cures else None,
        "cures": [cure_view(cure) for cure in no.cures],
        "pending": no.pending,
        "other_kinds": [
            {"kind": kind, "label": KINDS[kind].label, "label_en": KINDS[kind].label_en, "rule": rule}
            for kind, rule in no.other_kinds
        ],
    }


def cure_view(cure: Cure) -> dict[str, Any]:
    """One way to clear a reason: who does what, and `until` when it helps; for `wait` the instant from which it does.

    `facts`: those that are to be supplied. `who_label` is None where nobody does anything but wait.
    """
    label, label_en = UNIT_NAMES.get(cure.who, (None, None))
    return {
        "do": cure.do,
        "who": cure.who,
        "who_label": label,
        "who_label_en": label_en,
        "text": cure.text,
        "text_en": cure.text_en,
        "until": None if cure.until is None else cure.until.isoformat(),
        "facts": sorted(key[5:] for key in cure.set if key.startswith("data.")) if cure.do == "supply" else [],
    }
