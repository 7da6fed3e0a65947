"""A pack's text (规则包原文): where each key stands, and what is wrong with it, with file, line and suggestion."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final, Literal

Severity = Literal["error", "legal", "warning", "note"]
Path = tuple[str, ...]

_HEADER: Final = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_KEY: Final = re.compile(r'\s*((?:[\w.-]+|"[^"]*")(?:\s*\.\s*(?:[\w-]+|"[^"]*"))*)\s*=')
_AT_LINE: Final = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `code` is stable (P001 …), the wording is free; `suggestion` is the word that was probably meant."""

    file: str
    line: int
    severity: Severity
    code: str
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        meant = f" Did you mean `{self.suggestion}`?" if self.suggestion else ""
        return f"{self.file}:{self.line} {self.severity} {self.code} {self.message}{meant}"


class PackError(Exception):
    """A pack is refused; `diagnostics` are all its errors."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = tuple(diagnostics)


def nearest(word: object, among: Iterable[object]) -> str | None:
    """The word that was probably meant, None below a likeness of 0.6: a wild guess misleads more than it helps."""
    found = get_close_matches(str(word), [str(other) for other in among], n=1, cutoff=0.6)
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed pack and the lines of its keys: `tomllib` gives no positions, so the headers and keys are scanned."""

    file: str
    document: dict[str, Any]
    lines: tuple[str, ...]
    spans: dict[Path, tuple[int, int]]  # first and last line, from 1

    def line(self, path: Path, token: object = None) -> int:
        """The line of `path`, or of `token` within it; the nearest known parent's where it is not a line of its own."""
        while path and path not in self.spans:
            path = path[:-1]
        first, last = self.spans.get(path, (1, len(self.lines)))
        if token is not None:
            word = re.compile(rf"(?<![\w-]){re.escape(str(token))}(?![\w-])")
            for number in range(first, last + 1):
                if word.search(self.lines[number - 1]):
                    return number
        return first

    def finding(
        self,
        severity: Severity,
        code: str,
        path: Path,
        message: str,
        token: object = None,
        among: Iterable[object] = (),
    ) -> Diagnostic:
        """A finding at `path` (or at `token` within it), with the nearest of `among` as suggestion."""
        suggestion = nearest(token, among) if token is not None else None
        return Diagnostic(self.file, self.line(path, token), severity, code, message, suggestion)


@lru_cache(256)  # every pack is read with its bases, and many rest on the same ones
def parse(text: str, file: str) -> Source:
    """Parse a pack's text. Raises `PackError` with the line where it is no TOML or says a thing twice (P012).

    What is returned is shared by all who read the same text: nobody may change its document.
    """
    lines = tuple(text.splitlines())
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError([_toml_finding(file, lines, str(error))]) from error
    return Source(file, document, lines, _spans(lines))


def _toml_finding(file: str, lines: Sequence[str], error: str) -> Diagnostic:
    if any(words in error for words in ("overwrite", "twice", "Duplicate", "mutate")):
        seen: set[Path] = set()
        for number, path in _starts(lines):
            if path in seen:
                return Diagnostic(file, number, "error", "P012", f"`{'.'.join(path)}` is given twice")
            seen.add(path)
    at = _AT_LINE.search(error)
    number = int(at.group(1)) if at and at.group(1) else len(lines)
    return Diagnostic(file, number, "error", "P000", f"not TOML: {_AT_LINE.sub('', error)}")


def _starts(lines: Sequence[str]) -> Iterator[tuple[int, Path]]:
    """Every header and key with its line, from 1."""
    table: Path = ()
    for number, line in enumerate(lines, 1):
        if header := _HEADER.match(line):
            table = _split(header.group(1))
            yield number, table
        elif key := _KEY.match(line):
            yield number, table + _split(key.group(1))


def _spans(lines: Sequence[str]) -> dict[Path, tuple[int, int]]:
    starts = list(_starts(lines))
    spans: dict[Path, tuple[int, int]] = {}
    for (first, path), (after, _) in zip(starts, [*starts[1:], (len(lines) + 1, ())], strict=True):
        for end in range(1, len(path) + 1):
            known = spans.get(path[:end])
            spans[path[:end]] = (known[0] if known else first, after - 1)
    return spans


def _split(dotted: str) -> Path:
    return tuple(part.strip().strip('"') for part in dotted.split("."))
