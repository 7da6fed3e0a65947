"""The catalogue of rules (规则目录): every id that the regulations were read into, and whether a pack answers for it.

`policies/regulations.md` is what the packs are held against: a clause is enforced by a row of a pack and shown by a
case, or a pack lists it as no matter for software, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from states.pack_rules import ListedRule

CATALOGUE: Final = "regulations.md"
_ROW: Final = re.compile(r"\|\s*(?P<id>[A-Z]+\d*-(?:T|G)?\d+[a-f]?)\b[^|]*\|(?P<rest>.*)\|\s*$")
_SECTION: Final = re.compile(r"#{2,3} (?P<number>\d+(?:\.\d+)?)\.? (?P<title>.*)")
LAST_SECTION: Final = 8
"""Sections 1 to 8 hold the rules; what follows are code tables and lists made from them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule of the catalogue as it was read: its id, the section it stands in, its text."""

    id: str
    section: str
    text: str


def entries(text: str) -> Iterator[Entry]:
    """Every rule of the catalogue, in its order; the text keeps its numbers and leaves out who saw it where.

    Raises `ValueError` where an id stands twice.
    """
    section, seen = "", set[str]()
    for line in text.splitlines():
        if heading := _SECTION.match(line):
            section = f"{heading['number']} {heading['title']}"
            continue
        found = _ROW.match(line)
        if found is None or not section or int(section.split(".")[0].split()[0]) > LAST_SECTION:
            continue
        if found["id"] in seen:
            raise ValueError(f"{found['id']} stands twice in the catalogue")
        seen.add(found["id"])
        yield Entry(found["id"], section, found["rest"].strip())


def answering(rules: Iterable[ListedRule], known: Iterable[str]) -> dict[str, list[ListedRule]]:
    """The rows of packs that answer for each id of the catalogue; an id without any has an empty list.

    A row answers for the id it cites, and for the one that its own id begins with (NJ-11-cap for NJ-11).
    """
    found: dict[str, list[ListedRule]] = {id_: [] for id_ in known}
    for rule in rules:
        for id_ in {rule.cite.rule, _base(rule.id), rule.id}:
            if id_ in found:
                found[id_].append(rule)
    return found


def _base(id_: str) -> str:
    """The catalogue's id that a finer one begins with."""
    head = re.match(r"[A-Z]+\d*-(?:T|G)?\d+[a-f]?", id_)
    return head[0] if head else id_
