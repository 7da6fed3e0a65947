"""Code tables (代码表): JY/T 1001, GB/T and the national form as versioned data, with crosswalks to our own words.

Each table is a TOML file with its scheme, version and source; `basis` says how sure its codes are, and `because` why
where the standard itself was not read. A table that is wrong stops the first caller: a missing code would otherwise be
an empty cell in an export.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, get_args

from states.definition import Basis
from states.student_status import RESUMED_CODE, STATUSES, status_plan
from workflow_service.division_codes import divisions

_BASES: Final = get_args(Basis)
_WORDS: Final[Mapping[str, Callable[[], Collection[str]]]] = MappingProxyType({
    "status": lambda: STATUSES, "event": lambda: {event for _, event in status_plan()}
})  # fmt: skip
"""What a crosswalk may begin from beside a table: our statuses, and the events of the status machine."""
_TABLE_KEYS: Final = frozenset(
    {"scheme", "title", "title_en", "standard", "version", "valid_from", "source", "basis"}
)  # fmt: skip


class CodeTableFault(ValueError):
    """A shipped table that contradicts itself; the text says where and how."""


@dataclass(frozen=True, slots=True)
class Code:
    """A row. `en` is None only where the list that it comes from has no English names; `parent` is a code too."""

    code: str
    zh: str
    en: str | None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class CodeTable:
    """A scheme in one version, valid from a day on until its next version."""

    scheme: str
    title: str
    title_en: str
    standard: str
    version: str
    valid_from: date
    source: str
    basis: Basis
    because: str
    codes: Mapping[str, Code]


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """From our words (`source_scheme` status or event), or from a table, to the codes of another table.

    `rows`: (from, to, when in Chinese). A word with two codes has two rows that say when each is meant.
    """

    id: str
    source_scheme: str
    target_scheme: str
    title: str
    title_en: str
    basis: Basis
    because: str
    rows: tuple[tuple[str, str, str], ...]

    def codes(self, word: str) -> tuple[str, ...]:
        """The codes for a word, in order; () where it has none."""
        return tuple(to for from_, to, _ in self.rows if from_ == word)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a 学籍异动类别 does in one product (§9): status code afterwards, and the kinds of which one comes before."""

    kind: str
    in_school: bool | None
    state: str | None
    kept: bool | None
    needs: tuple[str, ...]


@cache
def code_tables() -> tuple[CodeTable, ...]:
    """Every table, by scheme and then by version, oldest first. Raises CodeTableFault."""
    tables = sorted(
        (table_of(name, text) for name, text in _read("")), key=lambda table: (table.scheme, table.valid_from)
    )
    for one, two in pairwise(tables):
        if (one.scheme, one.valid_from) == (two.scheme, two.valid_from):
            raise CodeTableFault(f"{one.scheme}: two versions are valid from {one.valid_from}")
    return tuple(tables)


def code_table(scheme: str, on: date | None = None) -> CodeTable | None:
    """The version of a scheme that is valid on a day, the newest without a day; None where there is none."""
    known = [table for table in code_tables() if table.scheme == scheme and (on is None or table.valid_from <= on)]
    return known[-1] if known else None


@cache
def crosswalks() -> Mapping[str, Crosswalk]:
    """Every crosswalk by its id. Raises CodeTableFault for a code that its table does not have."""
    found = [crosswalk_of(name, text) for name, text in _read("crosswalks") if name != _EFFECTS]
    return MappingProxyType({crosswalk.id: crosswalk for crosswalk in found})


@cache
def effects() -> Mapping[str, Effect]:
    """What each 学籍异动类别 does and needs, of those that §9 names. Raises CodeTableFault."""
    table = _parsed(_EFFECTS, dict(_read("crosswalks"))[_EFFECTS])
    _keys(_EFFECTS, table, frozenset({"scheme", "states", "source", "basis", "rows", "needs"}), {"because"})
    kinds, states = _known(_EFFECTS, table["scheme"]), _known(_EFFECTS, table["states"])
    results = {kind: rest for kind, *rest in table["rows"]}
    needs = {kind: tuple(before) for kind, before in table["needs"]}
    for code in [*results, *needs, *(before for row in needs.values() for before in row)]:
        _must_know(_EFFECTS, kinds, code)
    for _, state, _ in results.values():
        _must_know(_EFFECTS, states, state)
    found = {}
    for kind in sorted(results.keys() | needs):
        in_school, state, kept = results.get(kind, (None, None, None))
        found[kind] = Effect(kind, in_school, state, kept, needs.get(kind, ()))
    return MappingProxyType(found)


def exported_status(status: str, *, resumed: bool = False) -> str | None:
    """学生当前状态 of a status for an export; None before the register.

    `resumed`: the student came back (复学) and the next term has not begun: 05 stands for 01 until then.
    """
    codes = crosswalks()["status-xsdqzt"].codes(status)
    return RESUMED_CODE if resumed and status == "attending" else next(iter(codes), None)


_EFFECTS: Final = "xjydlb-effects"


def _read(folder: str) -> Iterator[tuple[str, str]]:
    for entry in sorted((files(__name__) / folder).iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".toml"):
            yield entry.name.removesuffix(".toml"), entry.read_text(encoding="utf-8")


def _parsed(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CodeTableFault(f"{name}: {error}") from error


def table_of(name: str, text: str) -> CodeTable:
    """The table of a TOML text; `name` stands before what is wrong. Raises CodeTableFault."""
    table = _parsed(name, text)
    _keys(name, table, _TABLE_KEYS, {"because", "rows", "rows_from"})
    if ("rows" in table) == ("rows_from" in table):
        raise CodeTableFault(f"{name}: give either rows or rows_from")
    if type(table["valid_from"]) is not date:
        raise CodeTableFault(f"{name}: valid_from is no day")
    codes = _divisions() if table.get("rows_from") == "division_codes" else _codes(name, table.get("rows"))
    return CodeTable(**{key: table[key] for key in _TABLE_KEYS}, because=table.get("because", ""), codes=codes)


def _keys(name: str, table: dict[str, Any], required: frozenset[str], also: set[str]) -> None:
    """Refuse a table with other keys, without a text, or without a reason where its source was not read."""
    if required - set(table) or set(table) - required - also:
        raise CodeTableFault(f"{name}: expected {sorted(required)}, found {sorted(table)}")
    empty = [key for key in (required | {"because"}) & set(table) if table[key] == ""]
    if empty or table["basis"] not in _BASES or (table["basis"] != "read") != ("because" in table):
        raise CodeTableFault(f"{name}: {', '.join(empty) or 'basis and because'} do not fit")


def _codes(name: str, rows: Any) -> Mapping[str, Code]:
    if not isinstance(rows, list) or not rows:
        raise CodeTableFault(f"{name}: rows is no list of rows")
    found: dict[str, Code] = {}
    for row in rows:
        if not isinstance(row, list) or not 3 <= len(row) <= 4 or not all(isinstance(x, str) and x for x in row):
            raise CodeTableFault(f"{name}: {row!r} is no [code, Chinese, English, parent]")
        code = Code(*row)
        if code.code in found:
            raise CodeTableFault(f"{name}: {code.code} stands twice")
        if code.parent is not None and code.parent not in found:
            raise CodeTableFault(f"{name}: {code.code} stands before its parent {code.parent}")
        found[code.code] = code
    return MappingProxyType(found)


def _divisions() -> Mapping[str, Code]:
    known = divisions()
    return MappingProxyType({code: Code(code, name, None, _above(code, known)) for code, name in known.items()})


def _above(code: str, known: Mapping[str, str]) -> str | None:
    parents = (code[:4] + "00", code[:2] + "0000")
    return next((parent for parent in parents if parent != code and parent in known), None)


def crosswalk_of(name: str, text: str) -> Crosswalk:
    """The crosswalk of a TOML text: both its sides must exist. Raises CodeTableFault."""
    table = _parsed(name, text)
    _keys(name, table, frozenset({"id", "from", "to", "title", "title_en", "source", "basis", "rows"}), {"because"})
    if table["id"] != name:
        raise CodeTableFault(f"{name}: its id is {table['id']}")
    target = _known(name, table["to"])
    source = _WORDS[table["from"]]() if table["from"] in _WORDS else _known(name, table["from"])
    rows = tuple((row[0], row[1], row[2] if len(row) > 2 else "") for row in table["rows"])
    for from_, to, _ in rows:
        _must_know(name, target, to)
        _must_know(name, source, from_)
    if len(set(rows)) != len(rows):
        raise CodeTableFault(f"{name}: a row stands twice")
    return Crosswalk(
        name, table["from"], table["to"], table["title"], table["title_en"], table["basis"], table.get("because", ""),
        rows,
    )  # fmt: skip


def _known(name: str, scheme: str) -> Mapping[str, Code]:
    table = code_table(scheme)
    if table is None:
        raise CodeTableFault(f"{name}: there is no table {scheme}")
    return table.codes


def _must_know(name: str, codes: Collection[str], code: str) -> None:
    if code not in codes:
        raise CodeTableFault(f"{name}: {code} is not in its table")
