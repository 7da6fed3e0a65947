"""Packs as stored (规则包): shipped files become immutable versions; what runs is what was stored."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, insert, select

from states.catalogue import CATALOGUE, Entry, entries
from states.definition import Definition, Route
from states.pack_reader import read_canonical, read_pack
from states.plan import Plan, compile_plan
from workflow_service.db import reading
from workflow_service.models import PackVersion

if TYPE_CHECKING:
    from workflow_service.ids import IdMaker


class PackChanged(RuntimeError):
    """A shipped file differs from what was published under the same id and version; the start is refused."""


def shipped_texts() -> dict[str, str]:
    """The packs that come with this version: {"national-k12/transfer.toml": text}."""
    return _shipped(".toml")


def shipped_cases() -> dict[str, str]:
    """The cases beside the packs: {"national-k12/transfer.cases.md": text}."""
    return _shipped(".cases.md")


def shipped_catalogue() -> list[Entry]:
    """Every rule of the catalogue that the packs are held against."""
    return list(entries((resources.files("states") / "policies" / CATALOGUE).read_text(encoding="utf-8")))


def _shipped(ending: str) -> dict[str, str]:
    folder = resources.files("states") / "policies"
    return {
        f"{pack.name}/{file.name}": file.read_text(encoding="utf-8")
        for pack in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if pack.is_dir()
        for file in sorted(pack.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(ending)
    }


def shipped_definitions(kind: str | None = None) -> list[Definition]:
    """Every shipped pack, of one kind or of all, its base flattened in. Raises `PackError` with file, line and code."""
    return [definition for definition in _read_shipped() if kind in (None, definition.kind)]


@cache
def _read_shipped() -> tuple[Definition, ...]:
    """All shipped packs, read once: they are part of the program, and reading them all takes seconds."""
    texts = shipped_texts()
    return tuple(
        read_pack(text, name, texts.__getitem__) for name, text in texts.items() if not name.endswith("/frame.toml")
    )


def publish_shipped(connection: Connection, ids: IdMaker, at: int) -> None:
    """Store every shipped version that is not stored yet. Raises `PackChanged`."""
    known = {
        (r.pack, r.kind, r.version): r.sha256
        for r in connection.execute(select(PackVersion.pack, PackVersion.kind, PackVersion.version, PackVersion.sha256))
    }
    for definition in shipped_definitions():
        key = (definition.pack, definition.kind, definition.version)
        if key not in known:
            connection.execute(
                insert(PackVersion),
                {
                    "id": ids.new_subject(),
                    "pack": key[0],
                    "kind": key[1],
                    "version": key[2],
                    "sha256": definition.sha256,
                    "content": definition.canonical,
                    "valid_from": date.fromisoformat(definition.valid_from),
                    "valid_to": date.fromisoformat(definition.valid_to) if definition.valid_to else None,
                    "published_at": at,
                    "published_by": None,
                },
            )
        elif known[key] != definition.sha256:
            raise PackChanged(
                f"{key[0]} {key[1]} version {key[2]} differs from what was published under that number; "
                "a changed rule needs a new version"
            )


class Packs:
    """The stored definitions and their compiled plans; both never change, so both are kept for good."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._definitions: dict[int, Definition] = {}
        self._plans: dict[tuple[int, int, str, tuple[str, ...]], Plan] = {}

    def definition(self, pack_id: int) -> Definition:
        """The stored version with this id."""
        found = self._definitions.get(pack_id)
        if found is None:
            with reading(self._engine) as connection:
                content = connection.execute(select(PackVersion.content).where(PackVersion.id == pack_id)).scalar_one()
            found = self._definitions[pack_id] = read_canonical(content)
        return found

    def in_force(self, pack: str, kind: str, on: date) -> int:
        """Id of the newest version of a pack that is in force on a day. Raises LookupError."""
        with reading(self._engine) as connection:
            found = connection.execute(
                select(PackVersion.id)
                .where(PackVersion.pack == pack, PackVersion.kind == kind, PackVersion.valid_from <= on)
                .where((PackVersion.valid_to.is_(None)) | (PackVersion.valid_to >= on))
                .order_by(PackVersion.version.desc())
                .limit(1)
            ).scalar()
        if found is None:
            raise LookupError(f"no version of {pack} for {kind} is in force on {on}")
        return found

    def plan(self, pack_id: int, origin_pack_id: int, rule: str, states: tuple[str, ...]) -> Plan:
        """The compiled plan of a request: destination's and origin's pack, the route's rule id, its states."""
        key = (pack_id, origin_pack_id, rule, states)
        found = self._plans.get(key)
        if found is None:
            definition = self.definition(pack_id)
            found = self._plans[key] = compile_plan(
                definition, self.definition(origin_pack_id), route_named(definition, rule), states
            )
        return found


def route_named(definition: Definition, rule: str) -> Route:
    """The route with this rule id."""
    return next(route for route in definition.routes if route.cite.rule == rule)
