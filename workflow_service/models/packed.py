"""Facts of decisions, kept small: 2 KB of names and defaults are 0.2 KB of news.

What is stored are the facts that differ from typical ones, compressed by zlib against their text. Typical facts that
were used once stay as they are for ever; the first byte of a value names them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

from states.facts import Facts
from states.judged import GIVEN, news, values_in
from workflow_service.models.columns import dumps, loads

_WHOLE: Final = b"\x01"
"""All facts, as the first version wrote them."""
_NEWS: Final = b"\x02"
"""What differs from the same typical facts."""
_TEXT: Final = (resources.files("workflow_service.models") / "typical_facts.json").read_bytes().strip()
_TYPICAL: Final[dict[str, Any]] = {**loads(_TEXT), "comment": GIVEN}
_USUAL: Final = values_in(_TYPICAL)
_WINDOW: Final = -12  # 4 KB, raw: it holds the dictionary and a text, and is set up in a tenth of the usual time.
_FRESH: Final = zlib.compressobj(6, zlib.DEFLATED, _WINDOW, 5, zlib.Z_DEFAULT_STRATEGY, _TEXT)


def packed(facts: Facts) -> bytes:
    """The facts as they are stored. Raises `TypeError` for what could not be read back."""
    return _pressed(news(facts, _USUAL))


def unpacked(stored: bytes) -> str:
    """All facts as `states.judged.facts_text` writes them. Raises `KeyError` for typical facts that this version does
    not know, `zlib.error` for damage."""
    kind = bytes(stored[:1])
    if kind not in (_WHOLE, _NEWS):
        raise KeyError(kind)
    reader = zlib.decompressobj(_WINDOW, _TEXT)
    text = reader.decompress(stored[1:]) + reader.flush()
    if not reader.eof:
        raise zlib.error("the stored text is cut off")
    if kind == _WHOLE:
        return text.decode()
    return dumps(dict(sorted({**_TYPICAL, **loads(text)}.items())))


def _pressed(differing: Mapping[str, Any]) -> bytes:
    compressor = _FRESH.copy()  # Its dictionary is hashed already.
    return _NEWS + compressor.compress(dumps(differing).encode()) + compressor.flush()


class PackedFacts(TypeDecorator[str]):
    """The text of facts, kept as `packed` keeps them."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        if value is None:
            return None
        whole = loads(value)
        return _pressed({name: whole[name] for name in whole if name not in _TYPICAL or whole[name] != _TYPICAL[name]})

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        return None if value is None else unpacked(value)
