"""Two packs, or two versions of one, side by side (规则包比较): by rule, in words, never by line.

`stricter` and `looser` are said only where the direction is certain: a number or a list whose stricter way is known, a
window that lies inside the other, one alternative more. Everything else is `different`, and words alone are `wording`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from states.definition import Definition
from states.pack_linter import NUMBERS, stricter
from states.rules import STRICT_DIRECTION

Word = Literal["stricter", "looser", "different", "added", "removed", "wording"]
WORDS: Final[dict[Word, tuple[str, str]]] = {
    "stricter": ("更严", "stricter"), "looser": ("更宽", "looser"), "different": ("不同", "different"),
    "added": ("新增", "added"), "removed": ("取消", "removed"), "wording": ("措辞", "wording"),
}  # fmt: skip
WORDING: Final = (
    "article", "basis", "because", "rule", "label", "label_en", "approve_label", "approve_label_en", "title",
    "title_en", "short", "read", "reviewed", "review_next", "value", "other_reading", "unit",
)  # fmt: skip
_UNSAID: Final = ("pack", "changes", "local", "version", "extends", "id")
"""Where a row comes from: no rule is another one because a county wrote it anew in the same words."""

_DIRECTIONS: Final = {**NUMBERS, "on": "superset", "needs": "superset", "types": "subset", "blocks": "superset"}
_ASKED: Final = ("check", "also", "ground")
"""Tables in which a condition fewer means that more are asked."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the table and the row's id, what of it, before and after; both empty for a whole row."""

    word: Word
    table: str
    id: str
    what: str = ""
    before: Any = None
    after: Any = None


def differences(before: Definition, after: Definition) -> list[Difference]:
    """Every difference from one pack to the other, rows in the order of their tables."""
    old, new = (json.loads(definition.canonical) for definition in (before, after))
    found: list[Difference] = []
    for table in dict.fromkeys([*old, *new]):
        if table == "format":
            continue
        rows = {"": old[table]} if table == "pack" else old.get(table, {})
        others = {"": new[table]} if table == "pack" else new.get(table, {})
        for name in dict.fromkeys([*rows, *others]):
            if name not in others:
                found.append(Difference("removed", table, name))
            elif name not in rows:
                found.append(Difference("added", table, name))
            elif table == "papers":
                found += _papers(name, rows[name], others[name])
            else:
                found += _row(table, name, rows[name], others[name])
    return found


def _row(table: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys([*old, *new]):
        a, b = old.get(key), new.get(key)
        if a == b or key in _UNSAID:
            continue
        if key in WORDING:
            yield Difference("wording", table, name, key, a, b)
        elif key == "with":
            yield from _parameters(table, name, STRICT_DIRECTION.get(new.get("does", ""), {}), a or {}, b or {})
        elif key == "when":
            yield Difference(_condition(a or {}, b or {}) if table in _ASKED else "different", table, name, key, a, b)
        elif key == "except":
            yield from _exceptions(table, name, a or {}, b or {})
        elif key == "spans":
            yield from _spans(table, name, a or [], b or [])
        elif key == "solar" and a and b:
            yield Difference(_flipped(_inside(a, b)), table, name, key, a, b)
        else:
            yield Difference(_directed(_DIRECTIONS.get(key, "same"), a, b), table, name, key, a, b)


def _parameters(
    table: str, name: str, directions: Mapping[str, str], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Difference]:
    """The parameters of a check; caps stage by stage, and a stage without a cap has no limit."""
    for one in dict.fromkeys([*old, *new]):
        a, b, direction = old.get(one), new.get(one), directions.get(one, "same")
        if isinstance(a, dict) and isinstance(b, dict):
            for part in dict.fromkeys([*a, *b]):
                if a.get(part) != b.get(part):
                    word = _directed(direction, a[part], b[part]) if part in a and part in b else None
                    word = word or ("stricter" if part in b else "looser")
                    yield Difference(word, table, name, f"with.{one}.{part}", a.get(part), b.get(part))
        elif a != b:
            yield Difference(_directed(direction, a, b), table, name, f"with.{one}", a, b)


def _directed(direction: str, before: Any, after: Any) -> Word:
    if direction == "same" or before is None or after is None:
        return "different"
    if stricter(direction, before, after):
        return "stricter"
    return "looser" if stricter(direction, after, before) else "different"


def _condition(before: Mapping[str, Any], after: Mapping[str, Any]) -> Word:
    """A condition fewer asks more people, one more asks fewer."""
    if all(before.get(fact) == value for fact, value in after.items()):
        return "stricter"
    return "looser" if all(after.get(fact) == value for fact, value in before.items()) else "different"


def _exceptions(table: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for one in dict.fromkeys([*before, *after]):
        if one not in after:
            yield Difference("stricter", table, name, f"except.{one}", before[one], None)
        elif one not in before:
            yield Difference("looser", table, name, f"except.{one}", None, after[one])
        elif before[one].get("when") != after[one].get("when"):
            yield Difference("different", table, name, f"except.{one}", before[one]["when"], after[one]["when"])
        elif before[one] != after[one]:
            yield Difference("wording", table, name, f"except.{one}", before[one], after[one])


def _spans(table: str, name: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    """The spans of a window, season by season."""
    old, new = ({span["season"]: span for span in spans} for spans in (before, after))
    for season in dict.fromkeys([*old, *new]):
        a, b = old.get(season), new.get(season)
        if a is None or b is None:
            yield Difference("looser" if a is None else "stricter", table, name, season, a, b)
        elif a != b:
            form = next((key for key in ("solar", "lunar", "days") if key in a and key in b), None)
            same = form and {**a, form: None} == {**b, form: None}
            yield Difference(_inside(a[form], b[form]) if form and same else "different", table, name, season, a, b)


def _inside(before: list[Any], after: list[Any]) -> Word:
    """Whether the days after lie within those before (stricter), or around them (looser)."""
    if before[0] <= after[0] and after[1] <= before[1]:
        return "stricter"
    return "looser" if after[0] <= before[0] and before[1] <= after[1] else "different"


def _flipped(word: Word) -> Word:
    """For days in which nothing may be done the longer stretch is the stricter one."""
    turned: dict[Word, Word] = {"stricter": "looser", "looser": "stricter"}
    return turned.get(word, word)


def _papers(name: str, before: Any, after: Any) -> Iterator[Difference]:
    """A set of papers: one more alternative is looser, one more paper is stricter."""
    if before == after:
        return
    if isinstance(before, dict) is not isinstance(after, dict):
        yield Difference("different", "papers", name, "", before, after)
        return
    alternatives = isinstance(before, dict)
    old, new = (_bundles(papers["one_of"] if alternatives else papers) for papers in (before, after))
    for bundle in dict.fromkeys([*old, *new]):
        if bundle in old and bundle in new:
            continue
        gained = bundle in new
        word: Word = "looser" if gained is alternatives else "stricter"
        kind = "one alternative" if alternatives else "one paper"
        shown = "＋".join(bundle)
        yield Difference(word, "papers", name, f"{kind} {'more' if gained else 'less'}", None if gained else shown,
                         shown if gained else None)  # fmt: skip


def _bundles(papers: list[Any]) -> list[tuple[str, ...]]:
    return [tuple(one) if isinstance(one, list) else (one,) for one in papers]
