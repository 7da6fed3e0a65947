"""Words of being in school and away from it (在校与离校): suspension, dropout, leaving, going abroad, guests."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {}
GROUNDS: Final[dict[str, tuple[str, str]]] = {}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {}
