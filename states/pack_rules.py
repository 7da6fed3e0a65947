"""The rules of a pack as a list (规则清单): each id with its article, how it is founded, and what shows it at work."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from states.cases.table import case_rows
from states.definition import Citation, Definition
from states.pack_chain import Compiled
from states.pack_reader import cite

_RULE: Final = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*-[A-Za-z0-9][\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListedRule:
    """One row of a pack. `software`: whether a program can hold it; if not, `because` says why."""

    id: str
    cite: Citation
    kind: str  # the table it stands in: route, step, limit, window, freeze, ground, also, check, …
    software: bool
    because: str | None
    value: Any = None  # of a parameter: what was chosen where the text is contradictory or silent
    other_reading: Any = None
    shown: str | None = None  # the test of a rule that the service itself keeps (由系统保证)
    see: str | None = None  # where one that is not for software points: a kind of request, a command, a test

    @property
    def row(self) -> str:
        """Where it stands, as `states.cases.exercise` names it: nenjiang-k12/check.NJ-07."""
        return f"{self.cite.pack}/{self.kind}.{self.id}"


def listed_rules(definition: Definition) -> Iterator[ListedRule]:
    """Every rule of a pack and its bases, exceptions with the check they excuse, and what is no matter for software."""
    compiled: Compiled = json.loads(definition.canonical)
    for table, rows in compiled.items():
        if table in ("format", "pack", "papers", "source"):
            continue
        for name, row in rows.items():
            if "article" not in row:
                continue  # A step that only carries labels is cited by its route.
            yield ListedRule(
                name, cite(compiled, name, row), table, table != "not_software", row.get("because"),
                row.get("value"), row.get("other_reading"), row.get("shown"), row.get("see"),
            )  # fmt: skip
            for inner, waiver in row.get("except", {}).items():
                source = cite(compiled, inner, {"pack": row["pack"], **waiver})
                yield ListedRule(inner, source, "except", True, waiver.get("because"))


def scenarios(cases: str) -> dict[str, tuple[str, ...]]:
    """What names a rule, by its id: cases that it refuses, then cases that name it, steps, numbers, uploads.

    `cases` is the text of a case file. What 等同 excuses shows nothing: it is where no case can show anything.
    """
    refused: dict[str, dict[str, None]] = defaultdict(dict)
    shown: dict[str, dict[str, None]] = defaultdict(dict)
    for table, _, row in case_rows(cases):
        name = row[table]
        if table == "等同":
            continue
        if table != "情形":
            _note(shown, " ".join(row.values()), f"{'流程' if table == '路线' else table} {name}")
            continue
        _note(refused, row["规则"], name)
        _note(shown, name, name)
    return {rule: tuple({**refused[rule], **shown[rule]}) for rule in [*refused, *shown]}


def _note(found: dict[str, dict[str, None]], text: str, name: str) -> None:
    for rule in _RULE.findall(text):
        found[rule][name] = None
