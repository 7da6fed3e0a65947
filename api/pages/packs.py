"""Rule packs as pages speak of them (规则包): by the title that people know, with the limits a form has to say."""

from __future__ import annotations

from typing import Any

from flask import g

from api.endpoint import service
from api.pages.language import pick
from states.definition import Definition

MEBI = 1024 * 1024


def pack_in_force(pack: str, kind: str = "transfer") -> Definition:
    """The version of a pack that a kind follows today; asked once per page. Raises LookupError."""
    known: dict[tuple[str, str], Definition] = g.setdefault("packs", {})
    if (pack, kind) not in known:
        today = service().clocks.now().date()
        known[pack, kind] = service().packs.definition(service().packs.in_force(pack, kind, today))
    return known[pack, kind]


def pack_title(pack: str) -> Any:
    """What a pack is called; its id where no version of it is in force today."""
    try:
        found = pack_in_force(pack)
    except LookupError:
        return pack
    return pick({"title": found.title, "title_en": found.title_en}, "title")


def document_limit(pack: str, kind: str) -> int:
    """Bytes that one file of a request may have under a pack (SYS-09); the national size where it is out of force."""
    try:
        return pack_in_force(pack, kind).document_limit
    except LookupError:
        return 2 * MEBI


def megabytes(size: int) -> str:
    """A size as people say it: 2, 0.5."""
    return f"{size / MEBI:.1f}".removesuffix(".0")
