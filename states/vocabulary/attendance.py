"""Words of being in school and away from it (在校与离校): suspension, dropout, leaving, going abroad, guests."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {
    "effective_on": FactKind("date", "生效日期", "Effective from"),
    "until": FactKind("date", "期满日期", "Until"),
}
GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "illness": ("因病", "Illness"),
    "recovered": ("病愈", "Recovered"),
}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {}
