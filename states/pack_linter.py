"""The linter (规则包检查): what a pack must be beyond its form, each finding with file, line and code."""

from __future__ import annotations

from collections.abc import Iterator

from states.pack_reader import Chain, Parents, read_chain
from states.pack_source import Diagnostic, PackError


def lint_pack(text: str, name: str, parents: Parents) -> list[Diagnostic]:
    """Every finding about a pack, errors first."""
    try:
        chain = read_chain(text, name, parents)
    except PackError as error:
        return list(error.diagnostics)
    return list(lint_chain(chain))


def lint_chain(chain: Chain) -> Iterator[Diagnostic]:
    """Every finding about a pack whose form is right."""
    yield from ()
