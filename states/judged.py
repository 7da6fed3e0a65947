"""The facts as they were judged (裁决时的事实), as text: what is stored with every decision, so that it can be judged
again under another pack. Everything that a rule may look at is in it; the calendar is left out, for it is known anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final, get_args, get_origin, get_type_hints

from states.calendar import SHANGHAI, Calendar, Clock
from states.facts import Facts

_PLAIN: Final = frozenset((type(None), bool, int, float, str))
_LEFT_OUT: Final = ("calendar",)
_FIELDS: Final = tuple(sorted(f.name for f in fields(Facts) if f.name not in _LEFT_OUT))
_TUPLES: Final = {name: get_args(hint)[0] for name, hint in get_type_hints(Facts).items() if get_origin(hint) is tuple}
"""Fields that JSON would give back as lists, with what they hold: words, or tuples with names."""
GIVEN: Final = "…"
"""In the place of an opinion."""
_VALUES: Final = attrgetter(*_FIELDS)
_COMMENT: Final = _FIELDS.index("comment")
_UNKNOWN: Final = object()
_NOTHING: Final = (_UNKNOWN,) * len(_FIELDS)
_CLOCK: Final = tuple(f.name for f in fields(Clock))


def judged_values(facts: Facts) -> dict[str, Any]:
    """All facts but the calendar as JSON has them, in the order of their names: what is stored.

    Defaults are written too: a default that changes later must not change what was judged before. About 1.5 KB.
    Of an opinion only that there is one: it can be erased, what is stored here cannot, and no rule asks for more.
    Raises `TypeError` for a value of a type that could not be read back.
    """
    return news(facts, _NOTHING)


def news(facts: Facts, usual: tuple[Any, ...]) -> dict[str, Any]:
    """Those of `judged_values` that differ from usual facts, given as `values_in` has them."""
    stored = {
        name: value if type(value) in _PLAIN else _written(value)
        for name, value, known in zip(_FIELDS, _VALUES(facts), usual, strict=True)
        if value is not known and value != known  # Most are the very same object, which is seen at a glance.
    }
    if "comment" in stored:
        stored["comment"] = GIVEN if facts.comment and facts.comment.strip() else None
        if stored["comment"] == usual[_COMMENT]:
            del stored["comment"]
    return stored


def values_in(stored: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of facts in stored JSON, in the order of their names; one that is not there is like no other."""
    facts = facts_from(json.dumps(stored), Calendar({}, frozenset()))
    return tuple(getattr(facts, name) if name in stored else _UNKNOWN for name in _FIELDS)


def facts_text(facts: Facts) -> str:
    """Canonical JSON of `judged_values`: no spaces, Chinese as it is written."""
    return json.dumps(judged_values(facts), ensure_ascii=False, separators=(",", ":"))


def facts_from(text: str, calendar: Calendar) -> Facts:
    """The facts that `facts_text` wrote, over the calendar as it is known now.

    What was written by a version with more facts is left out; a fact that came later has its default, and
    `unrecorded` names it.
    """
    stored = json.loads(text, object_hook=_read)
    known = {name: stored[name] for name in _FIELDS if name in stored}
    for name in _TUPLES.keys() & known.keys():
        make = getattr(_TUPLES[name], "_make", None)
        known[name] = tuple(make(one) if make else one for one in known[name])
    return Facts(calendar=calendar, **known)


def unrecorded(text: str) -> frozenset[str]:
    """The facts of today that were not written down then: what looks at one of them cannot be judged again."""
    return frozenset(_FIELDS).difference(json.loads(text))


def _written(value: Any) -> Any:
    """What JSON has no form for: `{"$type": value}`; an instant in Shanghai's time, as all legal time."""
    if type(value) in _PLAIN:
        return value
    write = _WRITE.get(type(value))
    if write is not None:
        return write(value)
    for kind, written in ((Mapping, dict), (tuple, tuple)):  # A view of a dict, a NamedTuple.
        if isinstance(value, kind):
            return _WRITE[written](value)
    raise TypeError(f"{type(value).__name__} cannot be stored with a decision")


_WRITE: Final[dict[type, Callable[[Any], Any]]] = {
    datetime: lambda value: {"$at": value.isoformat()},
    date: lambda value: {"$day": value.isoformat()},
    frozenset: lambda value: {"$set": sorted(value)},
    set: lambda value: {"$set": sorted(value)},
    Clock: lambda value: {"$clock": {name: _written(getattr(value, name)) for name in sorted(_CLOCK)}},
    dict: lambda value: {name: _written(value[name]) for name in sorted(value)},
    tuple: lambda value: [_written(one) for one in value],
    list: lambda value: [_written(one) for one in value],
}


def _read(found: dict[str, Any]) -> Any:
    if len(found) != 1:
        return found
    [(key, value)] = found.items()
    if key == "$at":
        return datetime.fromisoformat(value).astimezone(SHANGHAI)
    if key == "$day":
        return date.fromisoformat(value)
    if key == "$set":
        return frozenset(value)
    if key == "$clock":
        return Clock(**{**value, "skipped": tuple(value["skipped"])})
    return found
