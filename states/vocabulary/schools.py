"""Words of schools (学校事项): quota, founding, merging, closing, and of vocational and higher education."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {}
GROUNDS: Final[dict[str, tuple[str, str]]] = {}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {}
