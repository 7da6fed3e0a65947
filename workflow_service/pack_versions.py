"""Packs by name, as shipped, as a file, or as stored (规则包各版): "nenjiang-k12", drafts/x/transfer.toml, "…@2"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from states.definition import Definition
from workflow_service.db import reading
from workflow_service.models import PackVersion
from workflow_service.pack_files import NoSuchPack, find_packs
from workflow_service.service import Service


@dataclass(frozen=True, slots=True)
class Version:
    """One pack for one kind: what it is called in messages, its definition, its text as somebody wrote it.

    `text` is "" where only the compiled pack is kept.
    """

    name: str
    definition: Definition
    text: str = ""

    @property
    def consolidated(self) -> str:
        """The compiled pack as text, a value a line, its bases flattened in."""
        return json.dumps(json.loads(self.definition.canonical), ensure_ascii=False, indent=1)


def find_versions(name: str, kind: str | None, service: Callable[[], Service]) -> dict[str, Version]:
    """The packs that `name` means, by kind. `service` is asked only for a stored version, `pack[/kind]@version`.

    Raises `NoSuchPack`, `PackError`.
    """
    stored, at, number = name.rpartition("@")
    if at and number.isdecimal():
        return {one.definition.kind: one for one in _stored(service(), stored, kind, int(number))}
    shelf, files = find_packs(name, kind)
    return {
        one.path.stem: Version(one.file, shelf.definition(one.file), shelf.texts[one.file]) for one in files
    }  # fmt: skip


def _stored(service: Service, name: str, kind: str | None, number: int) -> Iterator[Version]:
    pack, _, named = name.partition("/")
    query = select(PackVersion.id, PackVersion.kind).where(PackVersion.pack == pack, PackVersion.version == number)
    if kind or named:
        query = query.where(PackVersion.kind == (kind or named))
    with reading(service.engine) as connection:
        rows = connection.execute(query.order_by(PackVersion.kind)).all()
    if not rows:
        raise NoSuchPack(f"no version {number} of {name} is stored")
    for row in rows:
        yield Version(f"{pack}/{row.kind}@{number}", service.packs.definition(row.id))
