"""Definitions to test with: one made by hand that has every shape a step can have, and all that ship."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from itertools import permutations, product
from pathlib import Path

from states.calendar import SHANGHAI, Calendar, Term
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
from states.facts import Facts
from states.pack_reader import read_pack
from states.plan import Plan, compile_plan
from states.windows import Freeze, Lunar, Solar, WindowRule

POLICIES = Path(__file__).parents[2] / "states" / "policies"
PATH = "transfer.toml"


def cite(rule: str) -> Citation:
    return Citation(rule, f"示例 {rule}", "decided", "hand-made")


def step(
    state: str,
    *holders: str,
    role: str = "registrar",
    events: tuple[str, ...] = ("approve", "return", "reject"),
    silence: str = "escalate",
    days: int = 10,
) -> Step:
    return Step(state, holders, role, events, state, state, "同意", "Approve", days, cite("D-1"), silence)  # type: ignore[arg-type]


STEPS = {
    s.state: s
    for s in (
        step("awaiting_destination_principal", "destination_school", role="principal"),
        step("awaiting_destination_bureau", "destination_bureau"),
        step("awaiting_origin_school", "origin_school", role="principal", days=5),
        step("awaiting_province_bureaus", "destination_province", "origin_province"),
        step("awaiting_city", "origin_bureau", events=("file",)),
        step("awaiting_arrival", "destination_school", events=("confirm_arrival",), silence="expire", days=20),
    )
}
ROUTES = (
    Route(
        cite("R-1"),
        {"same_bureau": (True,)},
        "destination_school",
        ("awaiting_destination_principal", "awaiting_origin_school", "awaiting_city", "awaiting_arrival"),
    ),
    Route(
        cite("R-2"),
        {"same_bureau": (False,)},
        "origin_school",
        ("awaiting_origin_school", "awaiting_destination_bureau", "awaiting_province_bureaus", "awaiting_arrival"),
    ),
)
DECIDING = ("approve", "file", "return", "reject", "confirm_arrival")


def checks() -> Iterator[Check]:
    """The rows of the hand-made pack: (rule, check, parameters, events)."""
    everyone = ("submit", *DECIDING, "resubmit", "recall", "remind", "note")
    window: tuple[str, ...] = ("submit",)
    both = ("submit", "approve")
    yield Check("C-1", cite("C-1"), "actor_holds", on=everyone)
    yield Check("C-2", cite("C-2"), "four_eyes", on=("approve", "file", "return", "reject"))
    yield Check("C-3", cite("C-3"), "coded_reason", on=("reject",))
    yield Check("C-4", cite("C-4"), "starter_may", on=window)
    yield Check("C-5", cite("C-5"), "within_window", on=window)
    yield Check("C-6", cite("C-6"), "not_in_freeze", {"freeze": "F-1"}, on=window)
    yield Check("C-7", cite("C-7"), "graduating_freeze", {"from_day": "07-01", "to_day": "07-14"}, on=window)
    yield Check("C-8", cite("C-8"), "data_matches", on=both)
    yield Check("C-9", cite("C-9"), "no_open_request", on=window)
    yield Check("C-10", cite("C-10"), "no_problem_record", on=window)
    yield Check("C-11", cite("C-11"), "student_has_status", {"allowed": ["attending"]}, on=window)
    yield Check("C-12", cite("C-12"), "same_grade", on=window)
    yield Check("C-13", cite("C-13"), "not_graduating", on=window)
    yield Check(
        "C-14",
        cite("C-14"),
        "class_has_place",
        {"cap": {"primary": 55, "junior": 60}},
        on=both,
        except_=(Waiver(cite("C-14x"), {"special_education": (True,)}),),
    )
    yield Check("C-15", cite("C-15"), "ground_known", on=window)
    yield Check(
        "C-16",
        cite("C-16"),
        "months_since",
        {"fact": "business_since", "at_least": 12},
        when={"ground": ("business",)},
        on=both,
    )
    yield Check(
        "C-17", cite("C-17"), "date_reached", {"fact": "handed_over_on"}, when={"ground": ("moved_house",)}, on=both
    )


DEFINITION = Definition(
    pack="hand-made",
    version=1,
    kind="transfer",
    title="示例",
    title_en="Example",
    sha256="0" * 64,
    canonical="{}",
    valid_from="2026-01-01",
    valid_to=None,
    sources={},
    routes=ROUTES,
    steps=STEPS,
    shared_limits=(SharedLimit(cite("S-1"), ("awaiting_destination_principal", "awaiting_origin_school"), 12),),
    returned_days=10,
    returned_limit=cite("D-2"),
    draft_days=60,
    draft_limit=cite("D-3"),
    windows=(WindowRule("W-1", (Solar("autumn", "08-20", "09-20"), Lunar("spring", 8, 20)), "示例", "decided"),),
    freezes=(Freeze("F-1", "07-15", "08-14", "示例", "decided"),),
    checks=tuple(checks()),
    grounds=(
        Ground("moved_house", cite("G-1"), "住址变迁", "Moved"),
        Ground("business", cite("G-2"), "经商", "Business"),
    ),
    requirements=(
        Requirement(
            "home",
            cite("G-1"),
            (("property_certificate",), ("purchase_contract_address_page", "purchase_invoice")),
            "awaiting_destination_principal",
            "destination_school",
            {"ground": ("moved_house",)},
        ),
        Requirement(
            "certificate",
            cite("G-9"),
            (("transfer_certificate",),),
            "awaiting_origin_school",
            "origin_school",
            side="origin",
        ),
    ),
    reasons=(
        Reason("data_wrong", "信息不符", "Data wrong", ()),
        Reason("no_place", "无学位", "No place", ("destination_bureau",)),
    ),
    facts=("business_since", "handed_over_on"),
    missing_papers=cite("C-99"),
    document_limit=2_000_000,
)

CALENDAR = Calendar(
    days={},
    published_years=frozenset(range(2024, 2030)),
    terms={
        (region, year, season): Term(region, year, season, *days, "示例", "decided")
        for (region, later), year in product((("national", 1), ("beijing", 0)), range(2023, 2030))
        for season, days in (
            ("autumn", (date(year, 9, 1), date(year + 1, 1, 22 + later))),
            ("spring", (date(year + 1, 2, 24), date(year + 1, 7, 8 + later))),
        )
    },
)


def at(day: str, hour: int = 10) -> datetime:
    """An instant of a day, Shanghai."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), SHANGHAI).replace(hour=hour)


def good_facts(**changes: object) -> Facts:
    """A request that the hand-made pack lets through as far as its facts go; who asks is not said."""
    facts = Facts(
        now=at("2026-09-01"),
        calendar=CALENDAR,
        ground="moved_house",
        grade=3,
        current_grade=3,
        data={"handed_over_on": "2026-08-01"},
        class_name="三年级2班",
        class_size=50,
        class_held=2,
        documents=frozenset({"property_certificate", "transfer_certificate"}),
        starter="destination_school",
        destination_school="201",
        origin_school="202",
    )
    return facts.patched(changes)


@cache
def shipped(kind: str = "transfer") -> dict[str, Definition]:
    """Every pack that ships for a kind, by its id."""
    texts = {f"{path.parent.name}/{path.name}": path.read_text("utf-8") for path in sorted(POLICIES.glob("*/*.toml"))}
    return {
        name.partition("/")[0]: read_pack(text, name, texts.__getitem__)
        for name, text in texts.items()
        if name.endswith(f"/{kind}.toml")
    }


def all_definitions() -> dict[str, Definition]:
    return {"hand-made": DEFINITION, **shipped()}


def all_plans() -> list[Plan]:
    """A plan for every route of every definition, with its own pack on both sides; one without the principal's step."""
    single_handed = compile_plan(DEFINITION, DEFINITION, ROUTES[0], ROUTES[0].steps[1:])
    return [plan_of(d, n) for d in all_definitions().values() for n in range(len(d.routes))] + [single_handed]


@cache
def pair_plans() -> list[Plan]:
    """Between two counties: every shipped pack's routes with every other pack at the origin."""
    return [
        compile_plan(destination, origin, route, route.steps)
        for destination, origin in permutations(shipped().values(), 2)
        for route in destination.routes
        if True not in route.when.get("same_bureau", ())
    ]


@cache
def _plan(pack: str, number: int) -> Plan:
    definition = all_definitions()[pack]
    route = definition.routes[number]
    return compile_plan(definition, definition, route, route.steps)


def plan_of(definition: Definition = DEFINITION, number: int = 0) -> Plan:
    return _plan(definition.pack, number)


def named(plan: Plan) -> str:
    left_out = "" if plan.states == plan.route.steps else "-shortened"
    return f"{plan.definition.pack}-{plan.route.cite.rule}{left_out}"
