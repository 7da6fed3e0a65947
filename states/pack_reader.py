"""Reading packs (规则包读取): TOML text, its base flattened in, to a `Definition`; strictly, or not at all.

The compiled pack is canonical JSON: every row with the pack that it came from, nothing inherited by reference. That
text is what is hashed, stored with a published version, and read again for a request that still follows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from states.definition import (
    Check,
    Citation,
    Definition,
    Ground,
    Reason,
    Requirement,
    Route,
    SharedLimit,
    Step,
    Waiver,
)
from states.pack_schema import TABLES, shape
from states.pack_source import Diagnostic, PackError, Source, parse
from states.vocabulary import DATA_FACTS, GROUNDS
from states.windows import Freeze, Lunar, Solar, Span, TermRelative, WindowRule

Parents = Callable[[str], str]
"""Gives the text of a pack by its id; raises `LookupError` where there is none."""

Compiled = dict[str, dict[str, Any]]
Row = Mapping[str, Any]

FILE: Final = "{}/transfer.toml"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Chain:
    """A pack's sources from the base down to itself, and all of them flattened into one."""

    sources: tuple[Source, ...]
    compiled: Compiled

    def source_of(self, pack: str) -> Source:
        """The source of the pack with this id."""
        return next(source for source in self.sources if source.document["pack"]["id"] == pack)


def read_pack(text: str, name: str, parents: Parents) -> Definition:
    """The definition that a pack's text amounts to. Raises `PackError` with every error, each on its line.

    `name` is the file's name in messages; `parents` is asked for the text of the pack that this one extends.
    """
    from states.pack_linter import lint_chain  # The linter reads what is compiled here.

    chain = read_chain(text, name, parents)
    errors = [finding for finding in lint_chain(chain) if finding.severity == "error"]
    if errors:
        raise PackError(errors)
    return read_canonical(canonical(chain.compiled))


def read_chain(text: str, name: str, parents: Parents) -> Chain:
    """A pack and its bases, parsed and flattened. Raises `PackError` where the form of any of them is wrong."""
    source = parse(text, name)
    findings = list(shape(source))
    if findings:
        raise PackError(findings)
    pack = source.document["pack"]
    if "extends" not in pack:
        return Chain((source,), _flatten(None, source))
    base, _, version = pack["extends"].partition("@")
    try:
        parent = read_chain(parents(base), FILE.format(base), parents)
    except LookupError as error:
        raise PackError([source.finding("error", "P030", ("pack", "extends"), f"there is no pack {base!r}")]) from error
    if str(parent.compiled["pack"]["version"]) != version:
        message = f"{base} is at version {parent.compiled['pack']['version']}; name it exactly, as {base}@N"
        raise PackError([source.finding("error", "P030", ("pack", "extends"), message)])
    return Chain((*parent.sources, source), _flatten(parent.compiled, source))


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


def _flatten(parent: Compiled | None, source: Source) -> Compiled:
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
            changed = written.get("changes")
            if changed in rows and table != "limit":
                rows = _replaced(rows, changed, key, {**rows[changed], **written, "pack": name})
            else:
                rows[key] = {**written, "pack": name}
        flat[table] = rows
    return flat


def _replaced(rows: dict[str, Any], old: str, new: str, row: dict[str, Any]) -> dict[str, Any]:
    return {(new if key == old else key): (row if key == old else kept) for key, kept in rows.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


# --- Building ---


def read_canonical(text: str) -> Definition:
    """The definition of a compiled pack, as stored with a published version."""
    compiled: Compiled = json.loads(text)
    pack = compiled["pack"]
    steps = {state: _step(compiled, state, row) for state, row in compiled["step"].items()}
    returned, draft = limit_of(compiled, "returned"), limit_of(compiled, "draft")
    return Definition(
        pack=pack["id"],
        version=pack["version"],
        kind=pack["kind"],
        title=pack["title"],
        title_en=pack["title_en"],
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        canonical=text,
        valid_from=pack["in_force"]["from"],
        valid_to=pack["in_force"].get("to"),
        sources=compiled["source"],
        routes=tuple(_route(compiled, *item) for item in compiled["route"].items()),
        steps=steps,
        shared_limits=tuple(_shared(compiled, *item) for item in compiled["limit"].items() if item[1].get("shared")),
        returned_days=returned[1]["working_days"],
        returned_limit=cite(compiled, *returned),
        draft_days=draft[1]["calendar_days"],
        windows=tuple(_window(compiled, *item) for item in compiled["window"].items()),
        freezes=tuple(_freeze(compiled, *item) for item in compiled["freeze"].items()),
        checks=tuple(_check(compiled, *item) for item in compiled["check"].items()),
        grounds=tuple(_ground(compiled, *item) for item in compiled["ground"].items()),
        requirements=tuple(_requirements(compiled)),
        reasons=tuple(
            Reason(code, row["label"], row["label_en"], tuple(row["units"])) for code, row in compiled["reason"].items()
        ),
        facts=tuple(_facts(compiled)),
        missing_papers=next(
            reversed([cite(compiled, *item) for item in compiled["document"].items() if "blocks" in item[1]])
        ),
        document_limit=_document(compiled, "largest_bytes"),
        document_types=tuple(_document(compiled, "types")),
        graduating_wipe=next(((cite(compiled, *item), item[1]["day"]) for item in compiled["wipe"].items()), None),
        parameters=compiled["parameter"],
    )


def cite(compiled: Compiled, name: str, row: Row) -> Citation:
    """The citation of a row: its catalogue id, its article under the source's short title, its basis, its pack."""
    source, _, place = row.get("article", "").partition(" ")
    short = compiled["source"].get(source, {}).get("short", source)
    return Citation(row.get("rule", name), f"{short}{place}", row.get("basis", "decided"), row["pack"])


def limit_of(compiled: Compiled, state: str) -> tuple[str, Row]:
    """The limit of a state: the lowest pack's that names it. Raises `LookupError` where there is none."""
    found = [(name, row) for name, row in compiled["limit"].items() if state in row["steps"] and not row.get("shared")]
    if not found:
        raise LookupError(f"{state} has no limit")
    return found[-1]


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


def _step(compiled: Compiled, state: str, row: Row) -> Step:
    name, limit = limit_of(compiled, state)
    return Step(
        state=state,
        holders=tuple(row["holders"]),
        role=row["role"],
        events=tuple(row["events"]),
        label=row["label"],
        label_en=row["label_en"],
        approve_label=row["approve_label"],
        approve_label_en=row["approve_label_en"],
        working_days=limit["working_days"],
        limit=cite(compiled, name, limit),
        silence=row["silence"],
    )


def _route(compiled: Compiled, name: str, row: Row) -> Route:
    return Route(cite(compiled, name, row), condition(row["when"]), row["starter"], tuple(row["steps"]))


def _shared(compiled: Compiled, name: str, row: Row) -> SharedLimit:
    return SharedLimit(
        cite(compiled, name, row), tuple(row["steps"]), row["working_days"], condition(row.get("when", {}))
    )


def _window(compiled: Compiled, name: str, row: Row) -> WindowRule:
    source = cite(compiled, name, row)
    return WindowRule(name, tuple(_span(span) for span in row["spans"]), source.article, source.basis)


def _span(span: Row) -> Span:
    if "solar" in span:
        return Solar(span["season"], span["solar"][0], span["solar"][1])
    if "lunar" in span:
        return Lunar(span["season"], span["lunar"][0], span["lunar"][1])
    first, last = span["days"]
    return TermRelative(span["season"], span["anchor"], first, last, span.get("region", "national"))


def _freeze(compiled: Compiled, name: str, row: Row) -> Freeze:
    source = cite(compiled, name, row)
    first, last = row["solar"]
    return Freeze(name, first, last, source.article, source.basis)


def _check(compiled: Compiled, name: str, row: Row) -> Check:
    waivers = tuple(
        Waiver(cite(compiled, key, {**waiver, "pack": row["pack"]}), condition(waiver["when"]))
        for key, waiver in row.get("except", {}).items()
    )
    return Check(
        id=name,
        cite=cite(compiled, name, row),
        does=row["does"],
        with_=row.get("with", {}),
        when=condition(row.get("when", {})),
        on=tuple(row["on"]),
        at=tuple(row.get("at", ())),
        side=row.get("side", "destination"),
        except_=waivers,
    )


def _ground(compiled: Compiled, name: str, row: Row) -> Ground:
    return Ground(name, cite(compiled, name, row), *GROUNDS[name])


def _requirements(compiled: Compiled) -> Iterator[Requirement]:
    for name, row in compiled["also"].items():
        for need in row["needs"]:
            yield from _requirement(compiled, need, cite(compiled, name, row), row, row.get("when", {}))
    for name, row in compiled["ground"].items():
        for need in row["needs"]:
            when = {"ground": name, **row.get("when", {})}
            yield from _requirement(compiled, need, cite(compiled, name, row), row, when)


def _requirement(compiled: Compiled, need: str, source: Citation, row: Row, when: Row) -> Iterator[Requirement]:
    """One requirement for each paper of a set that wants all, one for a set that wants any."""
    papers = compiled["papers"].get(need, [need])
    wanted = [(need, papers["one_of"])] if isinstance(papers, dict) else [(kind, [kind]) for kind in papers]
    for name, choices in wanted:
        bundles = tuple(tuple(choice) if isinstance(choice, list) else (choice,) for choice in choices)
        yield Requirement(
            id=name,
            cite=source,
            any_of=bundles,
            at=row.get("at", "draft"),
            by=row.get("by", "destination_school"),
            when=condition(when),
            side=row.get("side", "destination"),
        )


def _facts(compiled: Compiled) -> list[str]:
    """The names of `data` that a rule of this pack may ask, and those that it takes besides."""
    asked: set[str] = set(compiled["pack"].get("facts", ()))
    for table in ("check", "also", "ground", "limit"):
        for row in compiled[table].values():
            waivers = [waiver["when"] for waiver in row.get("except", {}).values()]
            asked.update(*([fact for fact in when if fact in DATA_FACTS] for when in (row.get("when", {}), *waivers)))
            asked.update(
                value for value in row.get("with", {}).values() if isinstance(value, str) and value in DATA_FACTS
            )
    return sorted(asked)


def _document(compiled: Compiled, key: str) -> Any:
    return [row[key] for row in compiled["document"].values() if key in row][-1]


__all__ = ["Chain", "Diagnostic", "PackError", "canonical", "cite", "read_canonical", "read_chain", "read_pack"]
