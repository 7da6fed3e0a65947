"""Values that a pack may hold (规则包取值): one judge for each form, which says what is wrong and on which line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from states.kinds import KINDS, SECTIONS
from states.pack_source import Diagnostic, Path, Source
from states.rules import CHECKS
from states.vocabulary import DATA_FACTS, DOCUMENT_KINDS, GROUNDS, STAGES, STATUSES, WHEN_FACTS

_MONTH_DAY: Final = re.compile(r"\d\d-\d\d", re.ASCII)

Findings = Iterator[Diagnostic]
Judge = Callable[[Source, Path, Any], Findings]


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a row may have."""

    judge: Judge
    required: bool = False


def _typed(source: Source, path: Path, value: Any, kind: type, called: str) -> Findings:
    if type(value) is not kind:
        quoted = " (a number in quotes?)" if kind is int and isinstance(value, str) else ""
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants {called}, not {value!r}{quoted}")
    elif value == "" or (isinstance(value, int) and kind is int and value < 1):
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants {called}, and {value!r} says nothing")


def judge_word(among: Iterable[Any], code: str, called: str, source: Source, path: Path, value: Any) -> Findings:
    """One word against those that are known, with the one that was probably meant."""
    known = tuple(among)
    if value not in known or type(value) not in {type(one) for one in known}:
        yield source.finding("error", code, path, f"{value!r} is no {called}", value, known)


def _words(
    among: Iterable[Any], code: str, called: str, empty: bool, source: Source, path: Path, value: Any
) -> Findings:
    if not isinstance(value, list) or not (value or empty):
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants a list, not {value!r}")
        return
    for one in value:
        yield from judge_word(among, code, called, source, path, one)


TEXT: Final = partial(_typed, kind=str, called="a text")
NUMBER: Final = partial(_typed, kind=int, called="a whole number")
YES_NO: Final = partial(_typed, kind=bool, called="true or false")
DAY: Final = partial(_typed, kind=date, called="a date without quotes")


def word(among: Iterable[Any], called: str, code: str = "P004") -> Judge:
    """One of these words."""
    return partial(judge_word, among, code, called)


def words(among: Iterable[Any], called: str, code: str = "P004", empty: bool = False) -> Judge:
    """A list of these words; an empty one only where that means something."""
    return partial(_words, among, code, called, empty)


def anything(source: Source, path: Path, value: Any) -> Findings:
    """Whatever TOML can say; a check or a reader of the page judges it."""
    return iter(())


def when(source: Source, path: Path, value: Any) -> Findings:
    """A condition: fact = value, or a list of values; booleans and enumerations only (P003, P004)."""
    if not isinstance(value, dict) or not value:
        yield source.finding("error", "P009", path, f"`when` wants {{ fact = value }}, not {value!r}")
        return
    for fact, wanted in value.items():
        domain = fact_domain(fact)
        if not domain:
            why = "holds dates or texts; only a check may judge it" if fact in DATA_FACTS else "is no fact"
            known = [*WHEN_FACTS, *(name for name, kind in DATA_FACTS.items() if kind.values)]
            yield source.finding("error", "P003", path, f"`{fact}` {why}", fact, known)
            continue
        for one in wanted if isinstance(wanted, list) else [wanted]:
            if one not in domain or type(one) is not type(domain[0]):
                yield source.finding("error", "P004", path, f"`{fact}` is never {one!r}", one, domain)


def fact_domain(fact: str) -> tuple[Any, ...]:
    """Every value that a condition may compare `fact` with; () for an unknown fact, a date or a text."""
    if fact in WHEN_FACTS:
        return WHEN_FACTS[fact]
    return DATA_FACTS[fact].values if fact in DATA_FACTS else ()


def in_force(source: Source, path: Path, value: Any) -> Findings:
    """From which day, and until which."""
    if not isinstance(value, dict) or "from" not in value or not all(type(day) is date for day in value.values()):
        yield source.finding("error", "P009", path, "`in_force` wants { from = 2026-08-20 } and perhaps `to`")
        return
    for key in value.keys() - {"from", "to"}:
        yield source.finding("error", "P002", path, f"`in_force` has no `{key}`", key, ("from", "to"))


def month_days(source: Source, path: Path, value: Any) -> Findings:
    """Two days of every year, MM-DD."""
    days = value if isinstance(value, list) else [value]
    if len(days) != 2 or not all(_is_month_day(day) for day in days):
        yield source.finding("error", "P009", path, f'two days as ["07-15", "08-14"] are wanted, not {value!r}')


def _is_month_day(day: Any) -> bool:
    if not isinstance(day, str) or not _MONTH_DAY.fullmatch(day):
        return False
    try:
        date.fromisoformat(f"2024-{day}")
    except ValueError:
        return False
    return True


def month_day(source: Source, path: Path, value: Any) -> Findings:
    """One day of every year, MM-DD."""
    yield from month_days(source, path, [value, value])


SPAN: Final = "{ season, solar | lunar | anchor and days }"


def spans(source: Source, path: Path, value: Any) -> Findings:
    """The spans of a window."""
    if not isinstance(value, list) or not value:
        yield source.finding(
            "error", "P009", path, "`spans` wants a list of { season, solar | lunar | anchor and days }"
        )
        return
    for span in value:
        keys = set(span) if isinstance(span, dict) else set()
        forms = [{"season", "solar"}, {"season", "lunar"}, {"season", "anchor", "days"}]
        if keys - {"region"} not in forms:
            yield source.finding(
                "error", "P009", path, f"a span is {{ season, solar | lunar | anchor and days }}, not {span!r}"
            )
            continue
        yield from judge_word(("autumn", "spring"), "P004", "season", source, path, span["season"])
        if "solar" in span:
            yield from month_days(source, path, span["solar"])
        elif "anchor" in span:
            anchors = ("term_starts", "term_ends", "holiday_starts")
            yield from judge_word(anchors, "P004", "anchor", source, path, span["anchor"])
        low, high = (1, 29) if "lunar" in span else (-60, 60)
        pair = span.get("lunar") or span.get("days") or [low, high]
        if "solar" not in span and not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(n) is int and low <= n <= high for n in pair)
            and pair[0] <= pair[1]
        ):
            yield source.finding("error", "P009", path, f"two days from {low} to {high}, in order, not {pair!r}")


def papers(source: Source, path: Path, value: Any) -> Findings:
    """A set of documents: a list is all of them, `one_of` any, a list inside it goes together (P007)."""
    if isinstance(value, dict) and set(value) == {"one_of"} and isinstance(value["one_of"], list) and value["one_of"]:
        for bundle in value["one_of"]:
            yield from _documents(source, path, bundle if isinstance(bundle, list) else [bundle])
    elif isinstance(value, list) and value:
        yield from _documents(source, path, value)
    else:
        yield source.finding("error", "P009", path, "papers are a list (all of them) or { one_of = [...] }")


def _documents(source: Source, path: Path, kinds: list[Any]) -> Findings:
    for kind in kinds:
        yield from judge_word(DOCUMENT_KINDS, "P007", "document kind", source, path, kind)


def needs(source: Source, path: Path, value: Any) -> Findings:
    """Sets of papers and single documents."""
    sets = source.document.get("papers", {})
    known = [*(sets if isinstance(sets, dict) else ()), *DOCUMENT_KINDS]
    yield from words(known, "document kind or set of papers", "P007", empty=True)(source, path, value)


def does(source: Source, path: Path, value: Any) -> Findings:
    """A Python check (P005)."""
    yield from judge_word(CHECKS, "P005", "check", source, path, value)


# --- Parameters of checks ---


def _caps(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, dict):
        yield source.finding("error", "P009", path, "`cap` wants { primary = 55, … }")
        return
    for stage, places in value.items():
        yield from judge_word(STAGES, "P004", "stage", source, path, stage)
        yield from NUMBER(source, (*path, stage), places)


def _some(source: Source, path: Path, value: Any) -> Findings:
    if not isinstance(value, list) or not value:
        yield source.finding("error", "P009", path, f"`{path[-1]}` wants a list, not {value!r}")


def _other_kinds(source: Source, path: Path, value: Any) -> Findings:
    """Kinds of request with the rule of each: other_kinds = { suspension = "N13-23" }."""
    if not isinstance(value, dict) or not value:
        yield source.finding("error", "P009", path, f'kinds are wanted as {{ suspension = "N13-23" }}, not {value!r}')
        return
    yield from words(KINDS, "kind of request")(source, path, list(value))
    for kind, rule in value.items():
        yield from TEXT(source, (*path, kind), rule)


PARAMETERS: Final[dict[str, Judge]] = {
    "fact": word(DATA_FACTS, "fact", "P003"),
    "kinds": words(DOCUMENT_KINDS, "document kind", "P007"),
    "instead": word(GROUNDS, "ground"),
    "stage": word(STAGES, "stage"),
    "stages": words(STAGES, "stage"),
    "cap": _caps,
    "other_kinds": _other_kinds,
    "codes": _some,  # which reasons there are is only known when the base is flattened in
    "asked": word(DATA_FACTS, "fact", "P003"),
    "answer": word(DATA_FACTS, "fact", "P003"),
    "permitted": YES_NO,
    "at_least": NUMBER,
    "at_most": NUMBER,
    "grade": NUMBER,
    "by_day": month_day,
    "season": word(("autumn", "spring"), "season"),
    "from_day": month_day,
    "to_day": month_day,
    "region": TEXT,
    "since": word(DATA_FACTS, "fact", "P003"),
    "late": word(DATA_FACTS, "fact", "P003"),
    "fields": words(DATA_FACTS, "fact", "P003"),
    "section": word(SECTIONS, "section of the record"),
    "freeze": TEXT,  # which freezes there are is only known when the base is flattened in
}
"""How a parameter of a check is judged; `allowed` depends on the fact beside it."""


def arguments(source: Source, path: Path, row: Mapping[str, Any]) -> Findings:
    """`with` against the signature of the Python check (P006), and each value against what it may be."""
    name = row.get("does", "")
    function = CHECKS.get(name) if isinstance(name, str) else None
    given = row.get("with", {})
    if not isinstance(given, dict):
        yield source.finding("error", "P009", path, "`with` wants { parameter = value }")
        return
    if function is None:
        return
    signature = inspect.signature(function).parameters.items()
    parameters = {one: form for one, form in signature if one not in ("facts", "cell", "definition")}
    for one, value in given.items():
        if one not in parameters:
            yield source.finding("error", "P006", path, f"`{name}` has no parameter `{one}`", one, parameters)
        elif one == "allowed":
            domain = fact_domain(str(given["fact"])) if "fact" in given else STATUSES
            yield from words(domain, f"value of `{given.get('fact', 'status')}`")(source, (*path, "with"), value)
        elif one in PARAMETERS:
            yield from PARAMETERS[one](source, (*path, "with"), value)
    for one, form in parameters.items():
        if form.default is inspect.Parameter.empty and one not in given:
            yield source.finding("error", "P006", (*path, "with"), f"`{name}` wants the parameter `{one}`")
