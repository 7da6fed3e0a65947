"""A pack with its bases (规则包继承链): parsed, and flattened into one, each row with the pack that it came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from states.kinds import KINDS
from states.pack_schema import TABLES, shape
from states.pack_source import Diagnostic, PackError, Severity, Source, parse
from states.vocabulary import DATA_FACTS
from states.windows import Lunar, Solar, Span, TermRelative

Parents = Callable[[str], str]
"""Gives the text of a file, "national-k12/transfer.toml"; raises `LookupError` where there is none."""

Compiled = dict[str, dict[str, Any]]
Row = Mapping[str, Any]

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Chain:
    """A pack's sources from the base down to itself, and all of them flattened into one."""

    sources: tuple[Source, ...]
    levels: tuple[Compiled, ...]  # compiled down to each source

    @property
    def compiled(self) -> Compiled:
        """The pack itself, flattened."""
        return self.levels[-1]

    def above(self, level: int) -> Compiled:
        """What the source at `level` inherits; empty for the base."""
        return self.levels[level - 1] if level else {}

    def source_of(self, row: Row) -> Source:
        """The source that states a compiled row; the pack's own where nobody does."""
        known = (one for one in self.sources if one.document["pack"]["id"] == row.get("pack"))
        return next(known, self.sources[-1])

    @property
    def base(self) -> str:
        """The pack on which it rests at last, itself where it rests on none; frames are no packs."""
        packs = (source.document["pack"] for source in self.sources)
        return str(next(pack["id"] for pack in packs if pack["kind"] != "frame"))

    @property
    def kind(self) -> str:
        """The kind of request that it is about."""
        return str(self.sources[-1].document["pack"]["kind"])

    def framed(self, row: Row) -> bool:
        """Whether a compiled row comes from a frame: what only some kinds of the frame use is no mistake of any."""
        return any(source.document["pack"]["kind"] == "frame" and source.document["pack"]["id"] == row.get("pack")
                   for source in self.sources)  # fmt: skip

    def finding(
        self,
        severity: Severity,
        code: str,
        table: str,
        name: str,
        message: str,
        token: object = None,
        among: Iterable[object] = (),
    ) -> Diagnostic:
        """A finding about a compiled row, on its line in the pack that states it."""
        source = self.source_of(self.compiled.get(table, {}).get(name, {}))
        return source.finding(severity, code, (table, name), message, token, among)


def read_chain(text: str, name: str, parents: Parents, below: tuple[str, ...] = ()) -> Chain:
    """A pack and its bases, parsed and flattened. Raises `PackError` where the form of any of them is wrong.

    `below`: the packs that already extend this one, so that a circle is refused and not followed for ever.
    """
    source = parse(text, name)
    findings = list(shape(source))
    if findings:
        raise PackError(findings)
    pack = source.document["pack"]
    if "extends" not in pack:
        return Chain((source,), (flatten(None, source),))
    base, _, version = pack["extends"].partition("@")
    own, file = f"{pack['id']}/{pack['kind']}.toml", base_file(base, pack["kind"])
    if file in (*below, own):
        raise PackError([source.finding("error", "P030", ("pack", "extends"), f"{base} would extend itself")])
    try:
        parent = read_chain(parents(file), file, parents, (*below, own))
    except LookupError as error:
        raise PackError([source.finding("error", "P030", ("pack", "extends"), f"there is no pack {base!r}")]) from error
    if str(parent.compiled["pack"]["version"]) != version:
        message = f"{base} is at version {parent.compiled['pack']['version']}; name it exactly, as {base}@N"
        raise PackError([source.finding("error", "P030", ("pack", "extends"), message)])
    return Chain((*parent.sources, source), (*parent.levels, flatten(parent.compiled, source)))


def base_file(base: str, kind: str) -> str:
    """The file of a base: "national-k12" for the same kind, "common/frame" for a frame or another kind."""
    return f"{base}.toml" if "/" in base else f"{base}/{kind}.toml"


def parents_in(texts: Mapping[str, str]) -> Parents:
    """Finds a base among `texts`, file → text."""
    return texts.__getitem__


def canonical(compiled: Compiled) -> str:
    """The exact text that is hashed and stored: JSON without spaces, Chinese as it is written.

    Rows stand in their order, which is the order of reasons and of lists; the keys within a row are sorted.
    """
    rows = {table: {name: _sorted(row) for name, row in compiled[table].items()} for table in compiled}
    return json.dumps({"format": FORMAT, **rows}, ensure_ascii=False, separators=(",", ":"))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value


# --- Flattening ---


def flatten(parent: Compiled | None, source: Source) -> Compiled:
    """The base's rows, then the pack's own; a row that `changes` one stands in its place, under its own id.

    A row keeps its place in the order, so that reasons come in the order of the base.
    """
    own = source.document
    name = own["pack"]["id"]
    pack = {key: _plain(value) for key, value in own["pack"].items()}
    pack["facts"] = sorted({*(parent or {}).get("pack", {}).get("facts", ()), *pack.get("facts", ())})
    flat: Compiled = {"pack": pack, "papers": dict((parent or {}).get("papers", {}))}
    flat["papers"].update(own.get("papers", {}))
    for table in TABLES:
        rows: dict[str, Any] = dict((parent or {}).get(table, {}))
        if table == "ground" and own.get("ground"):
            rows = {key: row for key, row in rows.items() if not row.get("fallback")}
        for key, row in own.get(table, {}).items():
            written = {field: _plain(value) for field, value in row.items()}
            changed = written.get("changes", "")
            full = {**_inherited(rows.get(changed, {})), **written, "pack": name}
            if changed in rows and table != "limit":
                rows = _replaced(rows, changed, key, full)
            else:
                rows[key] = full  # A limit that changes another one takes only the steps that it names.
        flat[table] = rows
    return flat


def _inherited(row: Row) -> Row:
    """A base's row as another pack takes it over: its exceptions stay the base's."""
    if "except" not in row:
        return row
    return {**row, "except": {name: {"pack": row["pack"], **waiver} for name, waiver in row["except"].items()}}


def _replaced(rows: dict[str, Any], old: str, new: str, row: dict[str, Any]) -> dict[str, Any]:
    return {(new if key == old else key): (row if key == old else kept) for key, kept in rows.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


# --- Reading rows ---


def limit_of(compiled: Compiled, state: str) -> tuple[str, Row]:
    """The limit of a state: the lowest pack's that names it. Raises `LookupError` where there is none."""
    found = [(name, row) for name, row in compiled["limit"].items() if state in row["steps"] and not row.get("shared")]
    if not found:
        raise LookupError(f"{state} has no limit")
    return found[-1]


def applicant(compiled: Compiled) -> str:
    """The unit that uploads papers where the pack says nothing: who takes the student in, or the school itself."""
    kind = KINDS.get(compiled["pack"]["kind"])
    if kind is None or kind.sides == "two":
        return "destination_school"
    starters = {row["starter"] for row in compiled["route"].values()}
    return starters.pop() if len(starters) == 1 else "school"


def condition(when: Row) -> dict[str, tuple[Any, ...]]:
    """`when` as written, to fields of Facts. A boolean that was not given counts as false, never as true."""
    fields: dict[str, tuple[Any, ...]] = {}
    for fact, wanted in when.items():
        values = tuple(wanted) if isinstance(wanted, list) else (wanted,)
        if fact not in DATA_FACTS:
            fields[fact] = values
        else:
            fields[f"data.{fact}"] = (*values, None) if False in values else values
    return fields


def span_of(span: Row) -> Span:
    """A span of a window, as `states.windows` knows it."""
    if "solar" in span:
        return Solar(span["season"], span["solar"][0], span["solar"][1])
    if "lunar" in span:
        return Lunar(span["season"], span["lunar"][0], span["lunar"][1])
    first, last = span["days"]
    return TermRelative(span["season"], span["anchor"], first, last, span.get("region", "national"))
