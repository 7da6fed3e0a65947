"""The rules of a pack as a list (规则清单): each id with its article, how it is founded, and the case that shows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from states.definition import Citation, Definition
from states.pack_chain import Compiled
from states.pack_reader import cite


@dataclass(frozen=True, slots=True)
class ListedRule:
    """One row of a pack. `software`: whether a program can hold it; if not, `because` says why."""

    id: str
    cite: Citation
    kind: str  # the table it stands in: route, step, limit, window, freeze, ground, also, check, …
    software: bool
    because: str | None
    other_reading: Any = None


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
                row.get("other_reading"),
            )  # fmt: skip
            for inner, waiver in row.get("except", {}).items():
                source = cite(compiled, inner, {**waiver, "pack": row["pack"]})
                yield ListedRule(inner, source, "except", True, waiver.get("because"))


def scenarios(cases: str) -> dict[str, str]:
    """From the text of `transfer.cases.md`: rule id → the first case that it refuses."""
    found: dict[str, str] = {}
    for line in cases.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) > 2 and cells[0] != "情形":
            for rule in re.findall(r"[A-Z][A-Z0-9]*-[\w-]+", cells[-2]):
                found.setdefault(rule, cells[0])
    return found
