"""Words of promotion and the end of a stage (升级、毕业、学历)."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {}
GROUNDS: Final[dict[str, tuple[str, str]]] = {}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {}
