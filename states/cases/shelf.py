"""Packs and their cases together (规则包与情形), read once. Texts are handed in; nothing is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from states.cases.judge import Case, Judged, cases_in, judged
from states.cases.rendered import rows_of
from states.cases.table import case_rows
from states.definition import Definition
from states.pack_chain import Chain, canonical, flatten, parents_in, read_chain
from states.pack_reader import read_canonical
from states.pack_source import PackError


@dataclass(frozen=True, slots=True)
class Shelf:
    """`texts`: file ("national-k12/transfer.toml") → text; `cases`: "national-k12/transfer.cases.md" → text."""

    texts: Mapping[str, str]
    cases: Mapping[str, str]
    _chains: dict[str, Chain] = field(default_factory=dict)
    _definitions: dict[str, Definition] = field(default_factory=dict)
    known_sound: dict[str, bool] = field(default_factory=dict)  # whether a file's own cases come out
    _below: dict[str, list[str]] = field(default_factory=dict)
    _rows: dict[str, list[Case]] = field(default_factory=dict)
    _tables: dict[tuple[str, str], list[tuple[str, ...]]] = field(default_factory=dict)

    def with_files(self, texts: Mapping[str, str], cases: Mapping[str, str]) -> Shelf:
        """The same with some files as they are drafted."""
        return Shelf({**self.texts, **texts}, {**self.cases, **cases})

    def files(self, pack: str | None = None, kind: str | None = None) -> list[str]:
        """The files of a pack, of a kind, or of both, in order; frames are packs of no kind and left out."""
        return [
            file for file in self.texts
            if (pack is None or file.startswith(f"{pack}/")) and (kind is None or file.endswith(f"/{kind}.toml"))
            and not file.endswith("/frame.toml")
        ]  # fmt: skip

    def chain(self, file: str) -> Chain:
        """A pack with its bases. Raises `PackError`."""
        if file not in self._chains:
            self._chains[file] = read_chain(self.texts[file], file, parents_in(self.texts))
        return self._chains[file]

    def definition(self, file: str) -> Definition:
        """What a file amounts to. Raises `PackError`."""
        if file not in self._definitions:
            self._definitions[file] = read_canonical(canonical(self.chain(file).compiled))
        return self._definitions[file]

    def siblings(self, file: str) -> dict[str, Definition]:
        """Every pack of the same kind by its id: the other county's may be any of them."""
        kind = file.rpartition("/")[2].removesuffix(".toml")
        return {other.partition("/")[0]: self.definition(other) for other in self.files(kind=kind)}

    def below(self, file: str) -> list[str]:
        """The files that extend this one, whether at once or over others."""
        if file not in self._below:
            self._below[file] = [other for other in self.texts if other != file and self._extends(other, file)]
        return self._below[file]

    def _extends(self, other: str, file: str) -> bool:
        try:
            return any(source.file == file for source in self.chain(other).sources[:-1])
        except PackError:
            return False  # It is judged by itself; what cannot be read extends nothing.

    def case_text(self, file: str) -> str:
        """The case file beside a pack's, "" where there is none."""
        return self.cases.get(file.removesuffix(".toml") + ".cases.md", "")

    def rows(self, file: str) -> list[Case]:
        """The rows of 情形 beside a pack's file. Raises `CaseError`."""
        if file not in self._rows:
            self._rows[file] = list(cases_in(file.partition("/")[0], self.case_text(file)))
        return self._rows[file]

    def table(self, file: str, table: str) -> list[tuple[str, ...]]:
        """The rows of another table beside a pack's file, as a person wrote them."""
        if (file, table) not in self._tables:
            self._tables[file, table] = rows_of(self.case_text(file), table)
        return self._tables[file, table]

    def judged(self, case: Case, file: str, definition: Definition | None = None) -> Judged:
        """A row under a pack's file, or under another reading of it."""
        own = definition or self.definition(file)
        return judged(case, own, {**self.siblings(file), own.pack: own})

    def excused(self, file: str) -> dict[tuple[str, str], str]:
        """The edits that change nothing that can happen, with the reason: the table 等同 beside a pack's file."""
        return {
            (row["等同"], row["改动"]): row["理由"]
            for table, _, row in case_rows(self.case_text(file)) if table == "等同"
        }  # fmt: skip


def rebuilt(chain: Chain, changed: Chain) -> Chain:
    """A chain over a base that was changed: every level below it flattened anew."""
    source = changed.sources[-1]
    at = next(number for number, one in enumerate(chain.sources) if one.file == source.file)
    sources = (*chain.sources[:at], source, *chain.sources[at + 1 :])
    levels = list(chain.levels[:at])
    for one in sources[at:]:
        levels.append(flatten(levels[-1] if levels else None, one))
    return replace(chain, sources=sources, levels=tuple(levels))
