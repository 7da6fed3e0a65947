"""What a request asks for (申报事实): the facts that a rule, paper or route looks at, and which must be given (必填).

Nothing is listed here: a fact is required where a check refuses its absence, which is found by asking the check.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from states.calendar import SHANGHAI, Calendar
from states.decide import COMING_IN
from states.definition import Check, Definition, Requirement
from states.facts import COMPULSORY, Facts
from states.plan import APPROVING
from states.rules import CHECKS
from states.verdict import No
from states.vocabulary import DATA_FACTS

Known = Mapping[str, Collection[Any]]
"""What is known of a request before its form is filled in: for a field of `Facts` every value that it may have."""
Answers = Mapping[str, tuple[Any, ...]]

_REFUSING = frozenset({*COMING_IN, *APPROVING})
_EXAMPLES: dict[str, Any] = {"bool": True, "date": "2000-01-01", "number": 1, "text": "…", "sealed": "…"}
_NOTHING = Facts(now=datetime(2026, 9, 1, tzinfo=SHANGHAI), calendar=Calendar({}, frozenset()), same_class=True)
"""A form with nothing in it: no class is chosen either, so that the student stays in the present one."""


@dataclass(frozen=True)
class Asked:
    """A fact that a ground asks for; `when` names the answers to others with which it is asked at all.

    `needed`: its absence is refused with these answers, always where there are none; None where it may be left out.
    `unless`: one of these answers does without it.
    """

    fact: str
    when: Answers = field(default_factory=dict)
    needed: Answers | None = None
    unless: tuple[Answers, ...] = ()

    def joined(self, other: Asked) -> Asked:
        """Two askings of one fact as one: the wider condition to be asked, the stricter one to be needed."""
        strict = min((self, other), key=lambda one: (one.needed is None, bool(one.needed), bool(one.unless)))
        return Asked(self.fact, self.when if self.when and other.when else {}, strict.needed, strict.unless)


def known_of(town: bool, stages: Iterable[str], **more: Collection[Any]) -> Known:
    """What is known at a school: whether it lies in the town, and the stages in which the student may be."""
    found, known = frozenset(stages), {"town": (town,), **more}
    if found:
        known |= {"stage": found, "compulsory": {stage in COMPULSORY for stage in found}}
    return known


def asked_facts(definition: Definition, ground: str, known: Known, sides: Iterable[str]) -> list[Asked]:
    """Exactly the facts that some rule or paper of this ground asks for, in the pack's order."""
    fixed, among = {**known, "ground": (ground,)}, (*sides, "both")
    found: dict[str, Asked] = {}
    rows: tuple[Check | Requirement, ...] = (*definition.checks, *definition.requirements)
    for row in rows:
        if row.side not in among or not _may_hold(row.when, fixed):
            continue
        for asked in _asked_by(row, definition, fixed):
            if asked.fact in DATA_FACTS:
                found[asked.fact] = found[asked.fact].joined(asked) if asked.fact in found else asked
    return list(found.values())


def on_the_way(definition: Definition, known: Known) -> list[str]:
    """The facts by which a route is chosen, whether or not a check looks at them as well."""
    keys = (key for route in definition.routes if _may_hold(route.when, known) for key in _answers(route.when))
    return [key for key in dict.fromkeys(keys) if key in DATA_FACTS]


def _may_hold(when: Answers, known: Known) -> bool:
    """Whether a condition may still hold: no part of it is ruled out by what is known."""
    return all(set(values) & set(known[key]) for key, values in when.items() if key in known)


def _must_hold(when: Answers, known: Known) -> bool:
    """Whether a condition holds whatever else turns out, apart from the facts of the form itself."""
    return all(key in known and set(known[key]) <= set(values)
               for key, values in when.items() if not key.startswith("data."))  # fmt: skip


def _answers(when: Answers) -> dict[str, tuple[Any, ...]]:
    """The part of a condition that the facts of the form decide."""
    return {key[5:]: tuple(values) for key, values in when.items() if key.startswith("data.")}


def _asked_by(row: Check | Requirement, definition: Definition, known: Known) -> Iterator[Asked]:
    given = _answers(row.when)
    yield from map(Asked, given)
    if not isinstance(row, Check):
        return
    refuses = bool(_REFUSING & {*row.on}) and _must_hold(row.when, known)
    waived = [_answers(waiver.when) for waiver in row.except_]
    named = _named(row)
    for fact in dict.fromkeys((*named, *_supplied(_ask(row, definition, _NOTHING)))):
        if refuses and fact not in given and _needs(row, definition, fact):
            yield Asked(fact, given, given, tuple(answers for answers in waived if answers and fact not in answers))
        elif fact in named:
            yield Asked(fact, given)
    for answers in waived:
        yield from map(Asked, answers)


def _named(row: Check) -> list[str]:
    """The facts that a check looks at, as its parameters name them."""
    if row.does == "ground_text_given":
        return ["ground_text"]
    values = (value if isinstance(value, (list, tuple)) else (value,) for value in row.with_.values())
    return [text for several in values for text in several if isinstance(text, str)]


def _needs(row: Check, definition: Definition, fact: str) -> bool:
    """Whether a check refuses the absence of a fact whatever else is given: both with nothing and with everything.

    Of several of which one is enough, none is needed; nor what goes only with another one.
    """
    rest = {name: DATA_FACTS[name] for name in definition.facts if name != fact}
    given = {f"data.{name}": _EXAMPLES.get(kind.type) or kind.values[0] for name, kind in rest.items()}
    full = _NOTHING.patched({**given, "recorded": tuple(DATA_FACTS)})
    return all(fact in _supplied(_ask(row, definition, facts)) for facts in (_NOTHING, full))


def _ask(row: Check, definition: Definition, facts: Facts) -> No | None:
    """A check's answer; None for those that ask whoever decides, and not the applicant."""
    function = CHECKS[row.does]
    wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
    if "cell" in wanted:
        return None
    ask = partial(function, definition=definition) if "definition" in wanted else function
    return ask(facts, **row.with_)


def _supplied(no: No | None) -> list[str]:
    """The facts that a refusal asks for."""
    cures = no.cures if no else ()
    return [key[5:] for cure in cures if cure.do == "supply" for key in cure.set if key.startswith("data.")]


__all__ = ["Answers", "Asked", "Known", "asked_facts", "known_of", "on_the_way"]
