"""All packs that ship, with their cases."""

from functools import cache

from states.cases.shelf import Shelf
from states.pack_rules import ListedRule, listed_rules
from tests.states.definitions import POLICIES


@cache
def shipped_shelf() -> Shelf:
    return Shelf(_files("*.toml"), _files("*.cases.md"))


def with_cases() -> list[str]:
    """The files that have cases beside them; that every file has some is asked where the catalogue is."""
    shelf = shipped_shelf()
    return [file for file in shelf.files() if shelf.case_text(file)]


@cache
def own_rules(file: str) -> tuple[ListedRule, ...]:
    """The rows that a file states itself."""
    rules = listed_rules(shipped_shelf().definition(file))
    return tuple(rule for rule in rules if rule.cite.pack == file.partition("/")[0])


def _files(pattern: str) -> dict[str, str]:
    return {f"{p.parent.name}/{p.name}": p.read_text("utf-8") for p in sorted(POLICIES.glob(f"*/{pattern}"))}
