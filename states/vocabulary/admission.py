"""Words of admission and registration (入学注册、补录、跨系统转学)."""

from __future__ import annotations

from typing import Final

from states.vocabulary.fact_kind import FactKind

FACTS: Final[dict[str, FactKind]] = {}
GROUNDS: Final[dict[str, tuple[str, str]]] = {}
DOCUMENT_KINDS: Final[dict[str, tuple[str, str]]] = {}
