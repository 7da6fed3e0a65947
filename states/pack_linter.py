"""The linter (规则包检查): what a pack must be beyond its form, each finding with file, line, code and suggestion.

Severities: `error` stops the pack, `legal` is shown to users (a rule that was not read), `warning` and `note` inform.
Codes are stable: P00x form, P01x law, P02x logic, P03x inheritance, P04x time, P06x two packs together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import Any, Final

from states.kinds import KINDS
from states.pack_chain import Chain, Parents, parents_in, read_chain
from states.pack_logic import logic
from states.pack_pairs import pairs
from states.pack_schema import FRAME, TABLES, UNCITED
from states.pack_source import Diagnostic, PackError, Source
from states.rules import STRICT_DIRECTION

_ORDER: Final = ("error", "legal", "warning", "note")
_NAMED: Final = ("source", "step", "ground", "reason")
"""Tables whose ids are words of their own: a state, a ground. All other ids name rules, and are given once."""

NUMBERS: Final = {"working_days": "lower", "calendar_days": "lower", "largest_bytes": "lower"}


def lint_pack(text: str, name: str, parents: Parents, today: date | None = None) -> list[Diagnostic]:
    """Every finding about one pack, errors first; with `today` also an overdue review (P040)."""
    try:
        chain = read_chain(text, name, parents)
    except PackError as error:
        return list(error.diagnostics)
    return _in_order([*lint_chain(chain), *_review(chain.sources[-1], today)])


def lint_all(texts: Mapping[str, str], today: date | None = None) -> list[Diagnostic]:
    """Every finding about several packs, file → text: each by itself and every two together."""
    findings, chains = [], []
    parents = parents_in(texts)
    for file, text in texts.items():
        findings += lint_pack(text, file, parents, today)
        try:
            chains.append(read_chain(text, file, parents))
        except PackError:
            continue  # Its findings are already listed; a pack that cannot be read has no pairs.
    between = [chain for chain in chains if chain.kind in KINDS and KINDS[chain.kind].sides == "two"]
    for one, other in combinations(between, 2):
        shared = one.compiled["route"].keys() & other.compiled["route"].keys()
        if one.kind == other.kind and (one.base == other.base or shared):
            findings += [*pairs(one, other), *pairs(other, one)]
    return _in_order(dict.fromkeys(findings))


def lint_pair(destination: Chain, origin: Chain) -> list[Diagnostic]:
    """What stands between two packs when a student moves from `origin` to `destination` (P060–P063)."""
    return _in_order(pairs(destination, origin))


def lint_chain(chain: Chain) -> Iterator[Diagnostic]:
    """Every finding about a pack whose form is right; its bases only where they are wrong."""
    yield from _in_its_place(chain.sources[-1])
    yield from _repeating(chain)
    whole = True
    for source in chain.sources:
        inner = source is not chain.sources[-1]
        for finding in (*_law(chain, source), *_inheritance(chain, source)):
            whole = whole and finding.code != "P030"
            if finding.severity == "error" or not inner:
                yield finding
    if (
        whole and chain.sources[-1].document["pack"]["kind"] != FRAME
    ):  # A row that changes nothing known is only half a row: what it means cannot be asked.
        yield from logic(chain)


def _in_order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(findings, key=lambda found: (_ORDER.index(found.severity), found.file, found.line, found.code))


def _in_its_place(source: Source) -> Iterator[Diagnostic]:
    """A pack is found by its file, and stored under its id: two names for one pack would be two packs."""
    pack = source.document["pack"]
    place = f"{pack['id']}/{pack['kind']}.toml"
    if "/" in source.file and not f"/{source.file}".endswith(f"/{place}"):
        yield source.finding("error", "P009", ("pack", "id"), f"this pack belongs into {place}")


# --- Law ---


def _rows(source: Source) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every row of a source that is a rule: table, id, row; exceptions as rows of their own."""
    for table in TABLES:
        for name, row in source.document.get(table, {}).items():
            yield table, name, row
            for inner, waiver in row.get("except", {}).items():
                yield f"{table}.{name}.except", inner, waiver


def _law(chain: Chain, source: Source) -> Iterator[Diagnostic]:
    known = chain.compiled["source"]
    seen: dict[str, str] = {}
    for table, name, row in _rows(source):
        path = (*table.split("."), name)
        if table not in UNCITED or "changes" in row:
            yield from _cited(source, path, row, known)
        if table not in _NAMED:
            if name in seen:
                message = f"the id `{name}` already stands in [{seen[name]}]"
                yield source.finding("error", "P012", path, message)
            seen[name] = table


def _cited(
    source: Source, path: tuple[str, ...], row: Mapping[str, Any], known: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    for key in ("article", "basis"):
        if not row.get(key):
            code = "P034" if "changes" in row else "P010"
            yield source.finding("error", code, path, f"`{path[-1]}` has no {key} of its own")
    cited = str(row.get("article", "")).partition(" ")[0]
    if cited and cited not in known:
        message = f"`{path[-1]}` cites `{cited}`, which is no [source]"
        yield source.finding("error", "P013", path, message, cited, known)
    if row.get("basis") not in (None, "read"):
        yield source.finding("legal", "P011", path, f"`{path[-1]}` rests on what is {row['basis']}")


def _repeating(chain: Chain) -> Iterator[Diagnostic]:
    """A parameter that tells of a number which stands elsewhere tells of the one that runs (P014)."""
    source = chain.sources[-1]
    for name, row in source.document.get("parameter", {}).items():
        if "of" not in row:
            continue
        table, _, rest = row["of"].partition(".")
        found: Any = chain.compiled.get(table)
        for key in rest.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            yield source.finding("error", "P014", ("parameter", name, "of"), f"there is no `{row['of']}` in this pack")
        elif not _tells_of(row["value"], found):
            message = f"`{name}` tells of {row['value']!r}, and `{row['of']}` is {found!r}"
            yield source.finding("error", "P014", ("parameter", name, "value"), message)


def _tells_of(value: Any, runs: Any) -> bool:
    """Whether a value is the one that runs, or a text that names it; of a table, every part of it."""
    if isinstance(runs, dict):
        return all(_tells_of(value, part) for part in runs.values())
    named = re.findall(r"\d[\d-]*", value) if isinstance(value, str) else [value]
    return value == runs or str(runs) in named


# --- Inheritance ---


def _inheritance(chain: Chain, source: Source) -> Iterator[Diagnostic]:
    at = chain.sources.index(source)
    above = chain.above(at)
    for table in TABLES:
        parents = above.get(table, {})
        for name, row in source.document.get(table, {}).items():
            path = (table, name)
            changed = row.get("changes")
            if changed is None:
                if name in parents and table != "source":
                    message = f"`{name}` is the base's; write `changes` to replace it"
                    yield source.finding("error", "P033", path, message)
            elif changed not in parents:
                message = f"the base has no `{changed}` in [{table}]"
                yield source.finding("error", "P030", path, message, changed, parents)
            else:
                yield from _permitted(source, path, row, parents[changed])


def _permitted(
    source: Source, path: tuple[str, ...], row: Mapping[str, Any], parent: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    permission = parent.get("local", "open" if path[0] == "step" else "fixed")
    changed = row["changes"]
    if permission == "fixed":
        yield source.finding("error", "P031", path, f"the base does not let `{changed}` be changed")
    elif permission == "tighten":
        for key in row.keys() - {"changes", "rule", "article", "basis", "because", "local", "steps"}:
            if key == "with":
                yield from _tighter(source, path, parent, row["with"])
            elif not stricter(NUMBERS.get(key, "same"), parent.get(key), row[key]):
                yield source.finding("error", "P032", path, f"`{changed}` may only be tightened: `{key}`", key)


def _tighter(
    source: Source, path: tuple[str, ...], parent: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[Diagnostic]:
    directions = STRICT_DIRECTION.get(parent["does"], {})
    for name, value in given.items():
        if not stricter(directions.get(name, "same"), parent.get("with", {}).get(name), value):
            message = f"`{path[-1]}` may only be tightened: `{name}` is looser than {parent['with'].get(name)!r}"
            yield source.finding("error", "P032", path, message, name)


def stricter(direction: str, before: Any, after: Any) -> bool:
    """Whether `after` is as strict as `before`, or stricter, in this direction."""
    if before == after:
        return True
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() <= after.keys() and all(stricter(direction, before[key], after[key]) for key in before)
    if before is None or direction == "same":
        return False
    if direction == "lower":
        return bool(after <= before)
    if direction == "higher":
        return bool(after >= before)
    return set(after) <= set(before) if direction == "subset" else set(after) >= set(before)


# --- Time ---


def _review(source: Source, today: date | None) -> Iterator[Diagnostic]:
    due = source.document["pack"].get("review_next")
    if today and due and due < today:
        yield source.finding("warning", "P040", ("pack", "review_next"), f"the review was due on {due}")
