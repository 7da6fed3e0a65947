"""What a form sends (表单): read into the shapes of the service, with a key so that a double click has one effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import request

from api.endpoint import service
from api.pages.session import actor
from states.asked import Asked, Known, asked_facts, on_the_way
from states.definition import Definition
from states.vocabulary import DATA_FACTS
from workflow_service.ids import parse_id
from workflow_service.keys import Key, find_answer, key_was_taken

LINE = 200
"""Characters that still go into one line of a form."""
NOT_OF_THE_BODY = ("csrf", "key")


@dataclass(frozen=True)
class FormFacts:
    """The facts of a form: those that are asked whatever the ground, and those of one ground only."""

    common: list[Asked]
    by_ground: dict[str, list[Asked]]

    @property
    def names(self) -> list[str]:
        """Every one of them once."""
        asked = [*self.common, *(fact for facts in self.by_ground.values() for fact in facts)]
        return list(dict.fromkeys(fact.fact for fact in asked))


def facts_of_form(definition: Definition, known: Known) -> FormFacts:
    """Every fact that a kind takes, in the pack's order, without those that a later step's holder gives.

    What every ground asks is filled in once, apart from the ground: whoever changes the ground would else lose it.
    """
    brought = {fact for step in definition.steps.values() for fact in step.brings}
    grounds = [ground.name for ground in definition.grounds]
    asked = {g: asked_facts(definition, g, known, ("destination", "origin")) for g in grounds or [""]}
    shared = [fact for fact in next(iter(asked.values())) if all(fact in facts for facts in asked.values())]
    named = {fact.fact for facts in asked.values() for fact in facts}
    taken = dict.fromkeys([*definition.facts, *on_the_way(definition, known)])
    rest = [Asked(fact) for fact in taken if fact not in named]
    common = sorted((f for f in [*shared, *rest] if f.fact not in brought), key=lambda f: _place(definition, f.fact))
    own = {g: [f for f in asked[g] if f not in shared and f.fact not in brought] for g in grounds}
    return FormFacts(common, own)


def _place(definition: Definition, fact: str) -> tuple[int, int]:
    """Where a fact stands in a form: the day it counts from first, long texts last, else as the pack names it."""
    kind = DATA_FACTS[fact]
    group = 0 if fact == "effective_on" else 2 if kind.type == "text" and kind.most > LINE else 1
    return group, definition.facts.index(fact) if fact in definition.facts else -1


def facts_given(names: Iterable[str]) -> dict[str, Any]:
    """The facts of the form, as the service takes them: yes and no as booleans, what was left empty left out."""
    found: dict[str, Any] = {}
    for name in names:
        text = request.form.get(f"data.{name}", "").strip()
        if text:
            found[name] = _read(DATA_FACTS[name].type, text)
    return found


def _read(kind: str, text: str) -> Any:
    """A fact as it was typed; what is no number stays text, so that the service can say so."""
    if kind == "bool" and text in ("true", "false"):
        return text == "true"
    if kind == "number" and text.isascii() and text.isdecimal() and len(text) < 12:
        return int(text)
    return text


def ident_given(name: str) -> int | None:
    """An id of the form, None where none was chosen."""
    return parse_id(request.form.get(name, ""))


def whole_given(name: str) -> int | None:
    """A whole number of the form, None where none was chosen."""
    text = request.form.get(name, "")
    digits = text.removeprefix("-")  # The grades of a kindergarten stand before 0.
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 7 else None


def form_key(part: str = "") -> Key | None:
    """The key of this showing of the form; `part` tells several effects of one form apart."""
    sent = request.form.get("key", "")
    if not sent or len(sent) > 100:
        return None
    fields = sorted((name, value) for name, value in request.form.items(multi=True) if name not in NOT_OF_THE_BODY)
    return Key(f"POST {request.path}", f"{sent}{part}", hashlib.sha256(json.dumps([fields, part]).encode()).digest())


def once(key: Key | None, effect: Callable[[], int]) -> int:
    """The object's id: of `effect`, or of the same form sent before. Raises KeyReused for another content."""
    if key is None:
        return effect()
    stored = find_answer(service(), actor(), key)
    if stored is not None:
        return stored.object_id
    try:
        return effect()
    except Exception as error:
        stored = find_answer(service(), actor(), key) if key_was_taken(error) else None
        if stored is None:
            raise
        return stored.object_id
