"""Rule packs as pages speak of them (规则包): by the title that people know, with the limits a form has to say."""

from __future__ import annotations

from typing import Any

from flask import g

from api.endpoint import service
from api.pages.language import pick
from states.definition import Definition

MEBI = 1024 * 1024


def pack_in_force(pack: str) -> Definition:
    """The version of a pack that transfers follow today; asked once per page. Raises LookupError."""
    known: dict[str, Definition] = g.setdefault("packs", {})
    if pack not in known:
        today = service().clocks.now().date()
        known[pack] = service().packs.definition(service().packs.in_force(pack, "transfer", today))
    return known[pack]


def pack_title(pack: str) -> Any:
    """What a pack is called; its id where no version of it is in force today."""
    try:
        found = pack_in_force(pack)
    except LookupError:
        return pack
    return pick({"title": found.title, "title_en": found.title_en}, "title")


def document_limit(pack: str) -> int:
    """Bytes that one file of a request may have under a pack (SYS-09)."""
    return pack_in_force(pack).document_limit


def megabytes(size: int) -> str:
    """A size as people say it: 2, 0.5."""
    return f"{size / MEBI:.1f}".removesuffix(".0")
