"""The consolidated text of a pack (规则全文): a chapter for each kind, each article with the numbers that run.

Made from the stored pack: what a reader sees is what decides. Its cases are the examples; they are those of the very
text that was stored, or none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from states.cases.exercise import Exercised, exercised
from states.cases.shelf import Shelf
from states.definition import Definition
from states.kinds import KINDS
from states.pack_chain import Compiled
from states.pack_reader import cite
from states.rule_words import other_reading, row_words
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import PackVersion, PolicyProposal
from workflow_service.pack_files import shipped_shelf
from workflow_service.service import Service

EXAMPLES = 3
"""Cases shown of each sort; `policy explain` names more."""
ORDER = ("ground", "also", "route", "step", "limit", "window", "freeze", "wipe", "check", "document", "reason",
         "parameter", "not_software")  # fmt: skip


def chapters_of(
    service: Service, pack: str, kind: str | None = None, version: int | None = None
) -> list[dict[str, Any]]:
    """The kinds of a pack, its newest version of each, in the order of the table of kinds. Raises NotFound.

    With `version` it is that one of `kind`: what a request keeps may have been followed by another since.
    """
    columns = (PackVersion.id, PackVersion.kind, PackVersion.version, PackVersion.sha256, PackVersion.valid_from,
               PackVersion.valid_to)  # fmt: skip
    query = select(*columns).where(PackVersion.pack == pack).order_by(PackVersion.version)
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
    newest = {row.kind: row for row in rows if version is None or row.kind != kind or row.version == version}
    if not newest:
        raise NotFound
    return [
        {"id": newest[kind].id, "kind": kind, "version": newest[kind].version, "sha256": newest[kind].sha256,
         "valid_from": newest[kind].valid_from.isoformat(),
         "valid_to": newest[kind].valid_to.isoformat() if newest[kind].valid_to else None}
        for kind in [*(kind for kind in KINDS if kind in newest), *(kind for kind in newest if kind not in KINDS)]
    ]  # fmt: skip


def chapter(service: Service, version_id: int) -> dict[str, Any]:
    """One stored version as text: its own articles, then those that it takes over, then what is not for software."""
    definition = service.packs.definition(version_id)
    compiled: Compiled = json.loads(definition.canonical)
    examples = _examples(service, definition)
    own: dict[str, dict[str, Any]] = {}
    inherited: dict[str, dict[str, Any]] = {}
    beyond: list[dict[str, Any]] = []
    for table, name, row in _rows(compiled):
        entry = _entry(compiled, table, name, row)
        if table == "not_software":
            beyond.append(entry)
            continue
        articles = own if row["pack"] == definition.pack else inherited
        article = articles.setdefault(entry["article"], {"article": entry["article"], "rows": []})
        article["rows"].append(entry)
    for article in (*own.values(), *inherited.values()):
        article["examples"] = _of_article(examples, article["rows"])
    return {
        "pack": definition.pack, "kind": definition.kind, "title": definition.title, "title_en": definition.title_en,
        "version": definition.version, "articles": list(own.values()), "inherited": list(inherited.values()),
        "beyond": [entry for entry in beyond if entry["pack"] == definition.pack],
        "doubtful": sum(entry["doubtful"] for article in own.values() for entry in article["rows"]),
    }  # fmt: skip


def _rows(compiled: Compiled) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for table in ORDER:
        for name, row in compiled.get(table, {}).items():
            if "article" in row:  # A step that only carries labels is cited by its route.
                yield table, name, row


def _entry(compiled: Compiled, table: str, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    source = cite(compiled, name, row)
    reading_ = other_reading(row) if table != "parameter" else None
    return {
        "id": name, "rule": source.rule, "table": table, "article": source.article, "basis": source.basis,
        "pack": source.pack, "because": row.get("because", ""), "doubtful": source.basis != "read",
        "lines": [{"text": zh, "text_en": en} for zh, en in row_words(table, name, row, compiled["papers"])],
        "other": {"text": reading_[0], "text_en": reading_[1]} if reading_ else None,
    }  # fmt: skip


# --- Examples ---


def _of_article(examples: Mapping[str, Exercised], rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, dict[str, None]] = {"no": {}, "yes": {}}
    for row in rows:
        if shown := examples.get(f"{row['pack']}/{row['table']}.{row['id']}"):
            found["no"] |= dict.fromkeys(shown.no)
            found["yes"] |= dict.fromkeys(shown.yes)
    return {"no": list(found["no"])[:EXAMPLES], "yes": list(found["yes"])[:EXAMPLES] if found["no"] else []}


def _examples(service: Service, definition: Definition) -> Mapping[str, Exercised]:
    """What the cases show, of exactly this text: as it ships, or as it was proposed; {} where neither is it."""
    file = f"{definition.pack}/{definition.kind}.toml"
    shelf = _shelf()
    if file in shelf.texts and shelf.definition(file).sha256 == definition.sha256:
        return _shipped(file)
    with reading(service.engine) as connection:
        proposed = connection.execute(
            select(PolicyProposal.text, PolicyProposal.cases).where(
                PolicyProposal.pack == definition.pack, PolicyProposal.kind == definition.kind,
                PolicyProposal.sha256 == definition.sha256,
            )
        ).first()  # fmt: skip
    if proposed is None:
        return {}
    return _proposed(file, proposed.text, proposed.cases)


@lru_cache(maxsize=1)
def _shelf() -> Shelf:
    """What ships does not change while a process runs."""
    return shipped_shelf()


@lru_cache(maxsize=512)
def _shipped(file: str) -> Mapping[str, Exercised]:
    return exercised(_shelf(), file)


@lru_cache(maxsize=64)
def _proposed(file: str, text: str, cases: str) -> Mapping[str, Exercised]:
    return exercised(_shelf().with_files({file: text}, {file.removesuffix(".toml") + ".cases.md": cases}), file)
