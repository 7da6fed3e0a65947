"""Every pack of every kind that ships, with its cases, read once."""

from __future__ import annotations

from functools import cache

from states.cases.shelf import Shelf
from tests.states.definitions import POLICIES


@cache
def shelf() -> Shelf:
    texts = {f"{p.parent.name}/{p.name}": p.read_text("utf-8") for p in sorted(POLICIES.glob("*/*.toml"))}
    cases = {f"{p.parent.name}/{p.name}": p.read_text("utf-8") for p in sorted(POLICIES.glob("*/*.cases.md"))}
    return Shelf(texts, cases)


def files() -> list[str]:
    return sorted(file for file in shelf().texts if not file.endswith("/frame.toml"))
