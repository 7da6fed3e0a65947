"""Words of the record itself (学籍信息): key data, problem records, results, hardship, objections, archives."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {}
GROUNDS: Final[dict[str, tuple[str, str]]] = {}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {}
