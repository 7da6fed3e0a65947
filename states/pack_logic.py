"""What a compiled pack says (规则包逻辑): routes without gap, steps that end, papers that some state accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations, product
from typing import Any, Final

from states.calendar import Calendar
from states.lunar import LAST_YEAR
from states.pack_chain import Chain, applicant, condition, limit_of, span_of
from states.pack_source import Diagnostic
from states.pack_values import arguments, fact_domain
from states.shortened import STAND_IN
from states.vocabulary import MARK
from states.windows import Solar, TermRelative

WAYS_OUT: Final = ("approve", "file", "confirm_arrival")
YEARS: Final = 5
_NO_NOTICES: Final = Calendar({}, frozenset())
Row = Mapping[str, Any]


def logic(chain: Chain) -> Iterator[Diagnostic]:
    """Every finding about what the pack and its base say together."""
    for part in (_routes, _steps, _reasons, _papers, _uploads, _conditions, _exceptions, _windows, _named):
        yield from part(chain)


# --- Routes and steps (P020, P026) ---


def _routes(chain: Chain) -> Iterator[Diagnostic]:
    """Exactly one route for every combination of the facts that routes ask; of grounds, the pack's own."""
    routes = chain.compiled["route"]
    if not routes:
        yield chain.finding("error", "P020", "route", "", "there is no route")
        return
    facts = sorted({fact for row in routes.values() for fact in row.get("when", {})})
    told: set[tuple[str, ...]] = set()
    own = tuple(chain.compiled["ground"])
    for values in product(*((own or fact_domain(fact)) if fact == "ground" else fact_domain(fact) for fact in facts)):
        case = dict(zip(facts, values, strict=True))
        if case.get("same_bureau") and case.get("same_province") is False:
            continue  # One bureau lies in one province: nobody can be in this case.
        fitting = [name for name, row in routes.items() if _fits(row.get("when", {}), case)]
        spoken = ", ".join(f"{fact} = {str(value).lower()}" for fact, value in case.items())
        if not fitting:
            yield chain.finding("error", "P020", "route", next(reversed(routes)), f"no route for {spoken}")
        elif len(fitting) > 1 and tuple(fitting) not in told:
            told.add(tuple(fitting))
            message = f"{' and '.join(fitting)} both fit {spoken}"
            yield chain.finding("error", "P020", "route", fitting[-1], message)


def _fits(when: Row, case: Row) -> bool:
    return all(case[fact] in (wanted if isinstance(wanted, list) else [wanted]) for fact, wanted in when.items())


def _steps(chain: Chain) -> Iterator[Diagnostic]:
    steps, routes = chain.compiled["step"], chain.compiled["route"]
    reached = {state for row in routes.values() for state in row["steps"]}
    for name, row in routes.items():
        for state in row["steps"]:
            if state not in steps:
                yield chain.finding("error", "P026", "route", name, f"there is no [step.{state}]", state, steps)
        if len(set(row["steps"])) < len(row["steps"]) or not row["steps"]:
            yield chain.finding("error", "P026", "route", name, f"`{name}` has no steps, or goes through one twice")
    if any(steps[state]["role"] == "principal" for state in reached if state in steps):
        reached.add(STAND_IN)  # A single-handed school's bureau stands in for the principal.
    for state, row in steps.items():
        yield from _step(chain, state, row, state in reached)
    for name, row in chain.compiled["limit"].items():
        if row.get("shared") and type(row.get("working_days")) is not int:
            yield chain.finding("error", "P026", "limit", name, f"`{name}` gives no working_days")
        if "when" in row and not row.get("shared"):
            yield chain.finding("error", "P002", "limit", name, "only a `shared` limit has a `when`", "when")
    for state, days in (("returned", "working_days"), ("draft", "calendar_days")):
        yield from _limited(chain, state, days)


def _step(chain: Chain, state: str, row: Row, reached: bool) -> Iterator[Diagnostic]:
    if not reached and not chain.framed(row):
        yield chain.finding("error", "P026", "step", state, f"`{state}` is unreachable: no route leads there")
    if not row["holders"]:
        yield chain.finding("error", "P026", "step", state, f"`{state}` has no holder", "holders")
    if not set(row["events"]) & set(WAYS_OUT):
        message = f"`{state}` has no way out: none of {', '.join(WAYS_OUT)}"
        yield chain.finding("error", "P026", "step", state, message, "events")
    yield from _limited(chain, state, "working_days")


def _limited(chain: Chain, state: str, days: str) -> Iterator[Diagnostic]:
    """The state has a limit, in the right unit, and a single one in each pack."""
    try:
        name, row = limit_of(chain.compiled, state)
    except LookupError:
        table, at = ("step", state) if state in chain.compiled["step"] else ("limit", "")
        yield chain.finding("error", "P026", table, at, f"`{state}` has no limit")
        return
    if type(row.get(days)) is not int or row[days] < 1:
        yield chain.finding("error", "P026", "limit", name, f"`{name}` gives `{state}` no {days}")
    twice = [
        other
        for other, limit in chain.compiled["limit"].items()
        if state in limit["steps"] and not limit.get("shared") and limit["pack"] == row["pack"] and other != name
    ]
    for other in twice:
        yield chain.finding("error", "P026", "limit", name, f"`{other}` already limits `{state}`", state)


def _reasons(chain: Chain) -> Iterator[Diagnostic]:
    """Whoever may refuse has a coded reason to give; otherwise the button could never be pressed (SYS-T6)."""
    given = chain.compiled["reason"].values()
    for state, row in chain.compiled["step"].items():
        for unit in row["holders"] if "reject" in row["events"] else ():
            if not any(not reason["units"] or unit in reason["units"] for reason in given):
                yield chain.finding(
                    "error", "P026", "step", state, f"{unit} may refuse and has no coded reason to give"
                )


# --- Papers (P008, P024, P025) ---


def _papers(chain: Chain) -> Iterator[Diagnostic]:
    used = {need for table in ("also", "ground") for row in chain.compiled[table].values() for need in row["needs"]}
    source = chain.sources[-1]
    for name, papers in source.document.get("papers", {}).items():
        if name not in used:
            yield source.finding("error", "P008", ("papers", name), f"nobody needs the papers `{name}`", name, used)
        bundles = [set(b) if isinstance(b, list) else {b} for b in papers["one_of"]] if isinstance(papers, dict) else []
        for small, large in ((a, b) for a in bundles for b in bundles if a < b):
            message = f"{sorted(large)} contains {sorted(small)}, which is enough: a dead alternative"
            yield source.finding("error", "P024", ("papers", name), message)


def _uploads(chain: Chain) -> Iterator[Diagnostic]:
    """Each paper is asked in a state that a route has, of a unit that can upload it there."""
    routes, steps = chain.compiled["route"], chain.compiled["step"]
    for table in ("also", "ground"):
        for name, row in chain.compiled[table].items():
            at, by = row.get("at", "draft"), row.get("by", applicant(chain.compiled))
            when = row.get("when", {})
            fitting = {key: route for key, route in routes.items() if _can_meet(when, route.get("when", {}))}
            asked = {key: route for key, route in fitting.items() if at == "draft" or at in route["steps"]}
            if row["needs"] and not asked:
                message = f"`{name}` asks its papers in `{at}`, which no route of its kind has: no state accepts them"
                yield chain.finding("error", "P025", table, name, message, at if at != "draft" else None)
            for key, route in asked.items() if row["needs"] else ():
                if by != route["starter"] and (at == "draft" or by not in steps.get(at, {"holders": [by]})["holders"]):
                    message = f"{by} can upload nothing in `{at}` of {key}"
                    yield chain.finding("error", "P025", table, name, message, row.get("by"))


def _can_meet(one: Row, other: Row) -> bool:
    """Whether both conditions can hold at once."""
    left, right = condition(one), condition(other)
    return all(set(left[fact]) & set(right[fact]) for fact in left.keys() & right.keys())


# --- Conditions and exceptions (P022, P023) ---


def _conditions(chain: Chain) -> Iterator[Diagnostic]:
    grounds = chain.compiled["ground"]
    source = chain.sources[-1]
    for table in ("check", "also"):
        for name, row in source.document.get(table, {}).items():
            if row.get("at") and "on" in row and not _meets(chain, row):
                message = f"`{name}` is never asked: no state of `at` has an event of `on`"
                yield source.finding("warning", "P023", (table, name), message, "at")
            asked = row.get("when", {}).get("ground", [])
            for ground in asked if isinstance(asked, list) else [asked]:
                if ground not in grounds:
                    message = f"`{name}` is never asked: this pack has no ground `{ground}`"
                    yield source.finding("warning", "P023", (table, name), message, ground, grounds)


def _meets(chain: Chain, row: Row) -> bool:
    """Whether some state of `at` has some event of `on`."""
    always = {"draft": {"submit", "recall", MARK}, "returned": {"resubmit", "recall", "remind", "note", MARK}}
    for state in row["at"]:
        held = set(chain.compiled["step"].get(state, {}).get("events", ())) | {"recall", "remind", "note", MARK}
        if always.get(state, held) & set(row["on"]):
            return True
    return False


def _exceptions(chain: Chain) -> Iterator[Diagnostic]:
    for name, row in chain.compiled["check"].items():
        for (one, left), (other, right) in combinations(row.get("except", {}).items(), 2):
            if _can_meet(left["when"], right["when"]):
                message = f"{one} and {other} can both fit: which of them excuses is not said"
                yield chain.finding("error", "P022", "check", name, message, other)


# --- Windows and freezes (P006, P021, P044) ---


def _windows(chain: Chain) -> Iterator[Diagnostic]:
    first = date.fromisoformat(chain.compiled["pack"]["in_force"]["from"]).year
    for name, row in chain.compiled["window"].items():
        seasons = [span["season"] for span in row["spans"]]
        for season in {season for season in seasons if seasons.count(season) > 1}:
            yield chain.finding("error", "P021", "window", name, f"`{name}` has two spans for {season}", season)
        dated = [span for span in map(span_of, row["spans"]) if not isinstance(span, TermRelative)]
        if len(dated) < len(row["spans"]):
            message = f"`{name}` follows the terms: a year without a school calendar has no window"
            yield chain.finding("note", "P044", "window", name, message)
        for year in range(first, min(first + YEARS, LAST_YEAR + 1)):
            yield from _year(chain, name, [span.days(_NO_NOTICES, year) for span in dated], year)


def _year(chain: Chain, name: str, spans: list[tuple[date, date]], year: int) -> Iterator[Diagnostic]:
    for (start, end), (after, last) in combinations(sorted(spans), 2):
        if after <= end:
            message = f"the spans of `{name}` overlap in {year}: {start}…{end}, {after}…{last}"
            yield chain.finding("error", "P021", "window", name, message)
    for freeze, row in chain.compiled["freeze"].items():
        frozen = Solar("autumn", row["solar"][0], row["solar"][1]).days(_NO_NOTICES, year)
        for start, end in spans:
            if start <= frozen[1] and frozen[0] <= end:
                inside = frozen[0] <= start and end <= frozen[1]
                message = (
                    f"{start}…{end} {'lies in' if inside else 'meets'} the freeze {freeze}, {frozen[0]}…{frozen[1]}"
                )
                yield chain.finding("error" if inside else "warning", "P021", "window", name, message)


def _named(chain: Chain) -> Iterator[Diagnostic]:
    freezes, reasons = chain.compiled["freeze"], chain.compiled["reason"]
    for name, row in chain.compiled["check"].items():
        if "changes" in row:  # What it does is the base's; its parameters may be its own.
            yield from arguments(chain.source_of(row), ("check", name), row)
        freeze = row.get("with", {}).get("freeze")
        for code in row.get("with", {}).get("codes", ()):
            if code not in reasons:
                yield chain.finding("error", "P006", "check", name, f"there is no reason `{code}`", code, reasons)
        if freeze is not None and freeze not in freezes:
            yield chain.finding("error", "P006", "check", name, f"there is no freeze `{freeze}`", freeze, freezes)
        if row["does"] == "within_window" and not chain.compiled["window"]:
            yield chain.finding("error", "P006", "check", name, f"`{name}` asks for a window and the pack has none")
    for key in ("largest_bytes", "types", "blocks"):
        if not any(key in row for row in chain.compiled["document"].values()):
            yield chain.finding("error", "P026", "document", "", f"no row of [document] says `{key}`")
