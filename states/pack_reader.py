"""Reading packs (规则包读取): TOML text, its base flattened in, to a `Definition`; strictly, or not at all.

The compiled pack is canonical JSON: every row with the pack that it came from, nothing inherited by reference. That
text is what is hashed, stored with a published version, and read again for a request that still follows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

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
from states.pack_chain import (
    Compiled,
    Parents,
    Row,
    applicant,
    canonical,
    condition,
    limit_of,
    parents_in,
    read_chain,
    span_of,
)
from states.pack_linter import lint_all, lint_chain
from states.pack_source import PackError
from states.vocabulary import DATA_FACTS, GROUNDS
from states.windows import Freeze, WindowRule


def read_pack(text: str, name: str, parents: Parents) -> Definition:
    """The definition that a pack's text amounts to. Raises `PackError` with every error, each on its line.

    `name` is the file's name in messages; `parents` is asked for the text of the pack that this one extends.
    """
    chain = read_chain(text, name, parents)
    errors = [finding for finding in lint_chain(chain) if finding.severity == "error"]
    if errors:
        raise PackError(errors)
    return read_canonical(canonical(chain.compiled))


def read_packs(texts: Mapping[str, str]) -> dict[str, Definition]:
    """The definitions of several packs, file ("national-k12/transfer.toml") → text; each alone and every two together.

    Raises `PackError` with all errors of all files.
    """
    errors = [finding for finding in lint_all(texts) if finding.severity == "error"]
    if errors:
        raise PackError(errors)
    parents = parents_in(texts)
    return {file: read_canonical(canonical(read_chain(text, file, parents).compiled)) for file, text in texts.items()}


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
        draft_limit=cite(compiled, *draft),
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
        papers_block=tuple(_document(compiled, "blocks")),
        document_types=tuple(_document(compiled, "types")),
        graduating_wipe=next(((cite(compiled, *item), item[1]["day"]) for item in compiled["wipe"].items()), None),
        parameters=compiled["parameter"],
    )


def cite(compiled: Compiled, name: str, row: Row) -> Citation:
    """The citation of a row: its catalogue id, its article under the source's short title, its basis, its pack."""
    source, _, place = row.get("article", "").partition(" ")
    short = compiled["source"].get(source, {}).get("short", source)
    return Citation(row.get("rule", name), f"{short}{place}", row.get("basis", "decided"), row["pack"])


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
        brings=tuple(row.get("brings", ())),
    )


def _route(compiled: Compiled, name: str, row: Row) -> Route:
    return Route(cite(compiled, name, row), condition(row.get("when", {})), row["starter"], tuple(row["steps"]))


def _shared(compiled: Compiled, name: str, row: Row) -> SharedLimit:
    return SharedLimit(
        cite(compiled, name, row), tuple(row["steps"]), row["working_days"], condition(row.get("when", {}))
    )


def _window(compiled: Compiled, name: str, row: Row) -> WindowRule:
    source = cite(compiled, name, row)
    return WindowRule(name, tuple(span_of(span) for span in row["spans"]), source.article, source.basis)


def _freeze(compiled: Compiled, name: str, row: Row) -> Freeze:
    source = cite(compiled, name, row)
    first, last = row["solar"]
    return Freeze(name, first, last, source.article, source.basis)


def _check(compiled: Compiled, name: str, row: Row) -> Check:
    waivers = tuple(
        Waiver(cite(compiled, key, {"pack": row["pack"], **waiver}), condition(waiver["when"]))
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
            yield from _requirement(compiled, need, ("also", name), row, row.get("when", {}))
    for name, row in compiled["ground"].items():
        for need in row["needs"]:
            when = {"ground": name, **row.get("when", {})}
            yield from _requirement(compiled, need, ("ground", name), row, when)


def _requirement(compiled: Compiled, need: str, place: tuple[str, str], row: Row, when: Row) -> Iterator[Requirement]:
    """One requirement for each paper of a set that wants all, one for a set that wants any."""
    papers = compiled["papers"].get(need, [need])
    wanted = [(need, papers["one_of"])] if isinstance(papers, dict) else [(kind, [kind]) for kind in papers]
    for name, choices in wanted:
        bundles = tuple(tuple(choice) if isinstance(choice, list) else (choice,) for choice in choices)
        yield Requirement(
            id=name,
            cite=cite(compiled, place[1], row),
            any_of=bundles,
            at=row.get("at", "draft"),
            by=row.get("by", applicant(compiled)),
            when=condition(when),
            side=row.get("side", "destination"),
            optional=row.get("optional", False),
            row=f"{row['pack']}/{'.'.join(place)}",
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
            asked.update(row.get("with", {}).get("fields", ()))
    return sorted(asked)


def _document(compiled: Compiled, key: str) -> Any:
    return [row[key] for row in compiled["document"].values() if key in row][-1]
