"""All packs that ship, with their cases."""

from functools import cache

from states.cases.shelf import Shelf
from tests.states.definitions import POLICIES


@cache
def shipped_shelf() -> Shelf:
    return Shelf(_files("*.toml"), _files("*.cases.md"))


def _files(pattern: str) -> dict[str, str]:
    return {f"{p.parent.name}/{p.name}": p.read_text("utf-8") for p in sorted(POLICIES.glob(f"*/{pattern}"))}
