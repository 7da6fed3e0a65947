"""Packs become definitions: flattened, each row with its pack, hashed over exactly what counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from states.definition import Definition
from states.pack_reader import read_canonical, read_pack
from states.pack_source import PackError
from states.plan import compile_plan
from states.rules import CHECKS
from states.vocabulary import DATA_FACTS, DOCUMENT_KINDS

POLICIES = Path(__file__).parents[2] / "states" / "policies"
PACKS = ("national-k12", "catchment-k12", "nenjiang-k12", "beijing-k12")


def base(file: str) -> str:
    return (POLICIES / file).read_text(encoding="utf-8")


def text_of(pack: str) -> str:
    return base(f"{pack}/transfer.toml")


def read(pack: str) -> Definition:
    return read_pack(text_of(pack), f"{pack}/transfer.toml", base)


@pytest.mark.parametrize("pack", PACKS)
def test_what_was_stored_reads_back_as_the_same_rules(pack: str) -> None:
    definition = read(pack)
    assert read_canonical(definition.canonical) == definition
    assert read(pack).sha256 == definition.sha256


def test_comments_spaces_and_the_order_of_keys_do_not_change_the_hash() -> None:
    text = text_of("beijing-k12")
    other = "# 注\n" + text.replace(
        'does = "school_has_place"\non = ["submit"]', 'on   = [ "submit" ] # 只判一次\ndoes = "school_has_place"'
    )
    assert other.count("\n") == text.count("\n") + 1
    assert read_pack(other, "beijing-k12", base).sha256 == read("beijing-k12").sha256


def test_one_number_of_the_base_changes_the_hash_of_every_pack_above_it() -> None:
    changed = text_of("national-k12").replace("largest_bytes = 2097152", "largest_bytes = 1048576")
    assert read_pack(text_of("beijing-k12"), "b", lambda _: changed).sha256 != read("beijing-k12").sha256


@pytest.mark.parametrize("pack", PACKS)
def test_every_rule_has_an_id_an_article_and_a_basis_and_keeps_the_pack_it_came_from(pack: str) -> None:
    definition = read(pack)
    cited = [
        *(row.cite for row in (*definition.routes, *definition.checks, *definition.grounds, *definition.requirements)),
        *(waiver.cite for check in definition.checks for waiver in check.except_),
        *(step.limit for step in definition.steps.values()), *(limit.cite for limit in definition.shared_limits),
        definition.returned_limit, definition.missing_papers,
    ]  # fmt: skip
    assert all(cite.rule and cite.article and cite.basis for cite in cited)
    assert {cite.pack for cite in cited} == {"national-k12", pack}
    assert len({check.id for check in definition.checks}) == len(definition.checks)


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_only_says_what_the_vocabulary_and_the_checks_know(pack: str) -> None:
    definition = read(pack)
    assert {kind for need in definition.requirements for bundle in need.any_of for kind in bundle} <= set(
        DOCUMENT_KINDS
    )
    assert set(definition.facts) <= set(DATA_FACTS)
    assert {check.does for check in definition.checks} <= set(CHECKS)


@pytest.mark.parametrize("pack", PACKS)
def test_every_label_has_both_languages(pack: str) -> None:
    definition = read(pack)
    labels = [(step.label, step.label_en) for step in definition.steps.values()]
    labels += [(step.approve_label, step.approve_label_en) for step in definition.steps.values()]
    labels += [(row.label, row.label_en) for row in (*definition.grounds, *definition.reasons)]
    assert all(zh and en and zh != en and en.isascii() for zh, en in labels)


@pytest.mark.parametrize("destination", PACKS)
@pytest.mark.parametrize("origin", PACKS)
def test_every_route_between_every_two_packs_compiles(destination: str, origin: str) -> None:
    here, there = read(destination), read(origin)
    for route in here.routes:
        plan = compile_plan(here, there, route, route.steps)
        assert plan.by_event["draft", "submit"].target == route.steps[0]


def test_the_four_routes_are_those_of_the_regulations() -> None:
    steps = {route.cite.rule: (route.starter, route.steps) for pack in PACKS for route in read(pack).routes}
    assert steps == {
        "SYS-T1": ("destination_school", ("awaiting_destination_principal", "awaiting_origin_school",
                                          "awaiting_shared_bureau", "awaiting_arrival")),
        "SYS-T2": ("destination_school", ("awaiting_destination_principal", "awaiting_destination_bureau",
                                          "awaiting_origin_school", "awaiting_origin_bureau", "awaiting_arrival")),
        "SYS-T3": ("destination_school", ("awaiting_destination_principal", "awaiting_destination_bureau",
                                          "awaiting_origin_school", "awaiting_origin_bureau",
                                          "awaiting_province_bureaus", "awaiting_record", "awaiting_arrival")),
        "NJ-13": ("origin_school", ("awaiting_origin_school", "awaiting_shared_bureau", "awaiting_arrival")),
    }  # fmt: skip
    assert [route.cite.rule for route in read("nenjiang-k12").routes] == ["NJ-13", "SYS-T2", "SYS-T3"]


def test_a_county_that_lists_its_grounds_does_not_take_any_other() -> None:
    assert [ground.name for ground in read("national-k12").grounds] == ["other"]
    assert [ground.name for ground in read("beijing-k12").grounds] == ["other"]
    assert "other" not in {ground.name for ground in read("catchment-k12").grounds}
    assert "other" not in {ground.name for ground in read("nenjiang-k12").grounds}


def test_the_home_of_a_family_that_moved_is_proved_by_any_of_four() -> None:
    [home] = [need for need in read("catchment-k12").requirements if need.id == "home"]
    assert home.any_of == (
        ("property_certificate",),
        ("purchase_contract_address_page", "purchase_contract_handover_page", "purchase_contract_owner_page"),
        ("purchase_invoice",),
        ("housing_bureau_certificate",),
    )
    assert (home.cite.rule, home.by, dict(home.when)) == ("TR-G3", "destination_school", {"ground": ("moved_house",)})


def test_a_boolean_that_was_not_given_counts_as_false() -> None:
    [home] = [need for need in read("nenjiang-k12").requirements if need.id == "register_or_home"]
    assert home.when["data.placed_by_bureau"] == (False, None)


def test_the_days_of_the_schools_are_one_total_only_in_the_catchment() -> None:
    assert {pack: [limit.cite.rule for limit in read(pack).shared_limits] for pack in PACKS} == {
        "national-k12": [], "catchment-k12": ["TR-08"], "nenjiang-k12": [], "beijing-k12": [],
    }  # fmt: skip
    steps = read("catchment-k12").steps
    assert {state: step.working_days for state, step in steps.items() if step.limit.rule == "N25-09"} == dict.fromkeys(
        set(steps) - {"awaiting_arrival"}, 10
    )


def test_only_what_waits_for_the_family_expires() -> None:
    """In Nenjiang the last step is the destination's own decision (NJ-13): a school's silence ends nothing."""
    for pack in PACKS:
        expiring = {state for state, step in read(pack).steps.items() if step.silence == "expire"}
        assert expiring == (set() if pack == "nenjiang-k12" else {"awaiting_arrival"})


def test_the_origin_has_no_reason_of_places_or_grounds_to_refuse() -> None:
    reasons = read("national-k12").reasons
    origin = {reason.code for reason in reasons if not reason.units or "origin_school" in reason.units}
    assert origin == {"data_wrong", "other_business_open", "problem_record", "court_or_police_order"}


def test_a_limit_that_changes_another_takes_only_the_steps_it_names() -> None:
    own = text_of("beijing-k12") + (
        '[limit.BJ-90]\nchanges = "N25-09"\nsteps = ["awaiting_origin_school"]\nworking_days = 5\n'
        'article = "bj 第四条"\nbasis = "decided"\n'
    )
    steps = read_pack(own, "b", base).steps
    assert (steps["awaiting_origin_school"].working_days, steps["awaiting_origin_school"].limit.rule) == (5, "BJ-90")
    assert (steps["awaiting_origin_bureau"].working_days, steps["awaiting_origin_bureau"].limit.rule) == (10, "N25-09")
    with pytest.raises(PackError, match="may only be tightened"):
        read_pack(own.replace("working_days = 5", "working_days = 15"), "b", base)


def test_a_parameter_may_be_tightened_and_not_loosened() -> None:
    freeze = (
        '[check.BJ-91]\nchanges = "SYS-46"\nwith = {{ from_day = "{}", to_day = "08-14" }}\n'
        'article = "bj 第四条"\nbasis = "decided"\n'
    )
    stricter = read_pack(text_of("beijing-k12") + freeze.format("06-15"), "b", base)
    assert [check.with_["from_day"] for check in stricter.checks if check.id == "BJ-91"] == ["06-15"]
    with pytest.raises(PackError, match="P032"):
        read_pack(text_of("beijing-k12") + freeze.format("07-10"), "b", base)


def test_two_packs_that_extend_each_other_are_refused() -> None:
    circle = text_of("national-k12").replace('id = "national-k12"', 'id = "national-k12"\nextends = "beijing-k12@1"')
    with pytest.raises(PackError, match="would extend itself"):
        read_pack(text_of("beijing-k12"), "b", lambda file: circle if file.startswith("national-k12/") else base(file))


def test_the_canonical_text_is_readable_and_names_the_pack_of_each_row() -> None:
    stored = json.loads(read("nenjiang-k12").canonical)
    assert stored["check"]["NJ-12"]["pack"] == "nenjiang-k12"
    assert stored["check"]["SYS-04"]["pack"] == "national-k12"
    assert "嫩江" in read("nenjiang-k12").canonical
