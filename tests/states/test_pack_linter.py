"""Planted defects: each is named with its code, on its line, with the word that was meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from states.pack_linter import lint_all, lint_pack
from states.pack_reader import read_pack
from states.pack_source import Diagnostic, PackError
from states.plan import compile_plan

POLICIES = Path(__file__).parents[2] / "states" / "policies"
PACKS = ("national-k12", "catchment-k12", "nenjiang-k12", "beijing-k12")
SHIPPED = {pack: (POLICIES / pack / "transfer.toml").read_text(encoding="utf-8") for pack in PACKS}


def all_texts() -> dict[str, str]:
    return {f"{path.parent.name}/{path.name}": path.read_text("utf-8") for path in POLICIES.glob("*/transfer.toml")}


def base(file: str) -> str:
    if not (POLICIES / file).exists():
        raise LookupError(file)
    return (POLICIES / file).read_text(encoding="utf-8")


def files(packs: dict[str, str]) -> dict[str, str]:
    return {f"{pack}/transfer.toml": text for pack, text in packs.items()}


def planted(pack: str, old: str, new: str) -> tuple[str, int]:
    """The pack with the first `old` replaced, and the line where the difference begins."""
    text = SHIPPED[pack]
    assert old in text, f"{pack} has no {old!r}: the planted defect is out of date"
    before, _, after = text.partition(old)
    same = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return before + new + after, (before + new[:same]).count("\n") + 1


def errors(pack: str, text: str) -> list[Diagnostic]:
    return [found for found in lint_pack(text, f"{pack}/transfer.toml", base) if found.severity == "error"]


DEFECTS = {
    "a table nobody knows": ("national-k12", "[freeze.SYS-45]", "[freezes.SYS-45]", "P001", "freeze"),
    "a key nobody knows": ("national-k12", 'silence = "escalate"', 'silense = "escalate"', "P002", "silence"),
    "a fact nobody knows": (
        "catchment-k12",
        "when = { same_bureau = false }",
        "when = { same_bureaux = false }",
        "P003",
        "same_bureau",
    ),
    "a fact in `with`": (
        "catchment-k12",
        '{ fact = "handed_over_on" }',
        '{ fact = "handed_over" }',
        "P003",
        "handed_over_on",
    ),
    "a date in a condition": (
        "catchment-k12",
        "when = { same_bureau = false }",
        "when = { handed_over_on = false }",
        "P003",
        None,
    ),
    "a value no fact takes": (
        "catchment-k12",
        '["independent", "attached"]',
        '["independant", "attached"]',
        "P004",
        "independent",
    ),
    "an event nobody knows": (
        "national-k12",
        'events = ["approve", "return", "reject"]',
        'events = ["aprove", "return"]',
        "P004",
        "approve",
    ),
    "a state nobody knows": (
        "nenjiang-k12",
        '"awaiting_shared_bureau", "awaiting_arrival"]',
        '"awaiting_share_bureau", "awaiting_arrival"]',
        "P004",
        "awaiting_shared_bureau",
    ),
    "a check nobody knows": ("catchment-k12", 'does = "months_since"', 'does = "month_since"', "P005", "months_since"),
    "a parameter nobody knows": (
        "catchment-k12",
        'fact = "business_since", at_least = 12',
        'fact = "business_since", atleast = 12',
        "P006",
        "at_least",
    ),
    "a parameter left out": (
        "catchment-k12",
        'fact = "business_since", at_least = 12',
        'fact = "business_since"',
        "P006",
        None,
    ),
    "a stage nobody knows": ("nenjiang-k12", "cap = { primary = 55", "cap = { primery = 55", "P004", "primary"),
    "a value the fact never has": ("nenjiang-k12", 'allowed = ["township"', 'allowed = ["town"', "P004", None),
    "a status nobody knows": ("national-k12", 'allowed = ["attending"]', 'allowed = ["atending"]', "P004", "attending"),
    "a document in `with`": (
        "catchment-k12",
        '"other_residence_proof", "other_document"] }\non',
        '"other_residence_prof", "other_document"] }\non',
        "P007",
        "other_residence_proof",
    ),
    "an empty condition": ("catchment-k12", "when = { same_bureau = false }", "when = {}", "P009", None),
    "no event at all": ("beijing-k12", 'on = ["submit"]', "on = []", "P009", None),
    "a limit of no days": ("national-k12", "working_days = 10", "working_days = 0", "P009", None),
    "an id that is not the folder's": ("beijing-k12", 'id = "beijing-k12"', 'id = "beijing"', "P009", None),
    "a condition on a plain limit": ("catchment-k12", "shared = true\n", "", "P002", None),
    "a reason nobody knows": ("catchment-k12", 'codes = ["no_place"', 'codes = ["no_places"', "P006", "no_place"),
    "a freeze nobody knows": (
        "national-k12",
        'with = { freeze = "SYS-45" }',
        'with = { freeze = "SYS-46" }',
        "P006",
        "SYS-45",
    ),
    "a document nobody knows": (
        "catchment-k12",
        '"housing_bureau_certificate"',
        '"housing_bureau_certifcate"',
        "P007",
        "housing_bureau_certificate",
    ),
    "papers nobody needs": ("catchment-k12", 'needs = ["home"]', "needs = []", "P008", None),
    "a number in quotes": ("national-k12", "working_days = 10", 'working_days = "10"', "P009", None),
    "a day that no year has": (
        "national-k12",
        'solar = ["07-15", "08-14"]',
        'solar = ["07-15", "08-32"]',
        "P009",
        None,
    ),
    "a full-width id": ("catchment-k12", "[also.TR-06]", '[also."TR－06"]', "P009", None),
    "no article": (
        "catchment-k12",
        'needs = ["studied_there"]\nwhen = { same_bureau = false }\narticle = "tr 问3"\n',
        'needs = ["studied_there"]\nwhen = { same_bureau = false }\n',
        "P010",
        None,
    ),
    "an id in two tables": ("beijing-k12", "[check.BJ-14-window]", "[check.BJ-14]", "P012", None),
    "an id given twice": ("beijing-k12", "[check.BJ-03]", "[check.BJ-14-window]", "P012", None),
    "a source nobody knows": (
        "beijing-k12",
        'article = "bj14 转学：毕业年级"',
        'article = "bj_14 转学：毕业年级"',
        "P013",
        "bj14",
    ),
    "a parameter that tells of another number": (
        "nenjiang-k12",
        'of = "check.NJ-07.with.cap.senior", value = 60',
        'of = "check.NJ-07.with.cap.senior", value = 65',
        "P014",
        None,
    ),
    "a parameter that tells of nothing": (
        "nenjiang-k12",
        'of = "check.NJ-07.with.cap.senior"',
        'of = "check.NJ-07.with.cap.old"',
        "P014",
        None,
    ),
    "a parameter in words with another number": (
        "national-k12",
        "各方各 10 个工作日",
        "各方各 12 个工作日",
        "P014",
        None,
    ),
    "a gap of routes": (
        "national-k12",
        "when = { same_bureau = false, same_province = false }",
        "when = { same_bureau = true, same_province = false }",
        "P020",
        None,
    ),
    "an overlap of routes": (
        "national-k12",
        "when = { same_bureau = false, same_province = false }",
        "when = { same_bureau = false }",
        "P020",
        None,
    ),
    "a window in the freeze": (
        "catchment-k12",
        'solar = ["08-20", "09-20"]',
        'solar = ["07-20", "08-10"]',
        "P021",
        None,
    ),
    "windows that overlap": ("catchment-k12", 'solar = ["08-20", "09-20"]', 'solar = ["01-20", "03-20"]', "P021", None),
    "two exceptions that can fit": (
        "nenjiang-k12",
        'register_moved = "student_only", placed_by_bureau = false',
        'register_moved = "student_only"',
        "P022",
        None,
    ),
    "a dead alternative": (
        "catchment-k12",
        '"purchase_invoice", "housing_bureau_certificate"]',
        '"purchase_contract_owner_page", "housing_bureau_certificate"]',
        "P024",
        None,
    ),
    "a paper no state accepts": ("nenjiang-k12", 'at = "awaiting_origin_school"', 'at = "returned"', "P025", None),
    "a paper its unit cannot upload": ("nenjiang-k12", 'by = "origin_school"', 'by = "origin_bureau"', "P025", None),
    "a step without holder": ("national-k12", 'holders = ["origin_bureau"]', "holders = []", "P026", None),
    "a step without way out": ("national-k12", 'events = ["confirm_arrival"]', "events = []", "P026", None),
    "a step without limit": (
        "national-k12",
        'steps = ["awaiting_arrival"]\nworking_days',
        'steps = ["awaiting_record"]\nworking_days',
        "P026",
        None,
    ),
    "an unreachable state": (
        "national-k12",
        '"awaiting_province_bureaus", "awaiting_record", "awaiting_arrival",',
        '"awaiting_province_bureaus", "awaiting_arrival",',
        "P026",
        None,
    ),
    "a base that is not there": ("beijing-k12", 'extends = "national-k12@1"', 'extends = "nation-k12@1"', "P030", None),
    "an older base": ("beijing-k12", 'extends = "national-k12@1"', 'extends = "national-k12@0"', "P030", None),
    "a change of nothing": ("nenjiang-k12", 'changes = "SYS-10"', 'changes = "SYS-100"', "P030", "SYS-10"),
    "a change of what is fixed": ("nenjiang-k12", 'changes = "SYS-10"', 'changes = "SYS-04"', "P031", None),
    "a base's id used again": ("beijing-k12", "[check.BJ-03]", "[check.SYS-10]", "P033", None),
    "a change without article": (
        "nenjiang-k12",
        'rule = "NJ-12"\narticle = "nj 三(三)"\n',
        'rule = "NJ-12"\n',
        "P034",
        None,
    ),
}
ELSEWHERE = {
    # What is left out or left over is named where it belongs, not where the text was edited.
    "papers nobody needs": "home = {", "no article": "[also.TR-06]", "an unreachable state": "[step.awaiting_record]",
    "a step without limit": "[step.awaiting_arrival]", "windows that overlap": "[window.TR-07]",
    "a window in the freeze": "[window.TR-07]", "a gap of routes": "[route.SYS-T3]",
    "an overlap of routes": "[route.SYS-T3]",
    "two exceptions that can fit": "except.NJ-11-register", "a paper its unit cannot upload": 'by = "origin_bureau"',
    "a change of what is fixed": "[check.NJ-12]", "a change of nothing": 'changes = "SYS-100"',
    "a change without article": "[check.NJ-12]", "an id given twice": "[check.BJ-14-window]",
    "a condition on a plain limit": "when = { same_bureau = true }",
    "a base that is not there": "extends =", "an older base": "extends =",
}  # fmt: skip


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_named_on_its_line(defect: str) -> None:
    pack, old, new, code, suggestion = DEFECTS[defect]
    text, line = planted(pack, old, new)
    found = errors(pack, text)
    assert code in {one.code for one in found}, f"{defect}: {[*map(str, found)]}"
    if defect in ELSEWHERE:
        lines = [number for number, words in enumerate(text.splitlines(), 1) if ELSEWHERE[defect] in words]
    else:
        lines = [line]
    here = [one for one in found if one.code == code and one.line in lines]
    assert here, f"{defect}: not on line {lines}: {[*map(str, found)]}"
    if suggestion:
        assert suggestion in {one.suggestion for one in here}


def test_every_shipped_pack_is_clean_alone_and_with_every_other() -> None:
    found = [str(one) for one in lint_all(files(SHIPPED)) if one.severity in ("error", "warning")]
    assert found == []


def test_what_was_not_read_is_listed_and_not_refused() -> None:
    legal = [one for one in lint_all(files(SHIPPED)) if one.code == "P011"]
    assert any("N25-24" in one.message and "unseen" in one.message for one in legal)
    assert {one.severity for one in legal} == {"legal"}


def test_the_reader_refuses_with_the_same_findings_as_the_linter() -> None:
    text, _ = planted("catchment-k12", 'does = "months_since"', 'does = "month_since"')
    with pytest.raises(PackError) as refused:
        read_pack(text, "catchment-k12/transfer.toml", base)
    assert list(refused.value.diagnostics) == errors("catchment-k12", text)
    assert "catchment-k12/transfer.toml:" in str(refused.value)
    assert "Did you mean `months_since`?" in str(refused.value)


def test_text_that_is_no_toml_is_named_with_its_line() -> None:
    [found] = errors("beijing-k12", '[pack]\nid = "x"\ntitle = \n')
    assert (found.code, found.line) == ("P000", 3)


def test_an_overdue_review_is_a_warning_only_when_the_day_is_known() -> None:
    text = SHIPPED["beijing-k12"]
    late = lint_pack(text, "beijing-k12/transfer.toml", base, today=date(2027, 7, 1))
    assert [(one.severity, one.code) for one in late if one.code == "P040"] == [("warning", "P040")]
    assert not [one for one in lint_pack(text, "b", base) if one.code == "P040"]


def test_a_county_that_writes_the_route_between_two_counties_anew_is_found_with_every_other() -> None:
    opened, _ = planted(
        "national-k12",
        'basis = "read"\nlocal = "fixed"\n\n[route.SYS-T3]',
        'basis = "read"\nlocal = "open"\n\n[route.SYS-T3]',
    )
    own = SHIPPED["nenjiang-k12"] + (
        '[route.NJ-15-own]\nchanges = "SYS-T2"\nstarter = "origin_school"\narticle = "nj 三(四)"\nbasis = "decided"\n'
    )
    found = lint_all(files(SHIPPED | {"national-k12": opened, "nenjiang-k12": own}))
    codes = {(one.code, one.file) for one in found if one.severity == "error"}
    assert ("P060", "nenjiang-k12/transfer.toml") in codes


def test_two_starters_of_one_route_are_found() -> None:
    opened, _ = planted(
        "national-k12",
        'starter = "destination_school"\nsteps = ["awaiting_destination_principal", "awaiting_destination_bureau"',
        'starter = "origin_school"\nsteps = ["awaiting_destination_principal", "awaiting_destination_bureau"',
    )
    found = lint_all(
        files({"national-k12": opened, "other": SHIPPED["national-k12"].replace('"national-k12"', '"other"', 1)})
    )
    assert "P061" in {one.code for one in found if one.severity == "error"}


def test_a_paper_that_the_origin_only_makes_later_contradicts() -> None:
    asks = (
        SHIPPED["beijing-k12"]
        + '[also.BJ-99]\nneeds = ["transfer_certificate"]\narticle = "bj 第四条"\nbasis = "decided"\n'
    )
    found = [one for one in lint_all(files(SHIPPED | {"beijing-k12": asks})) if one.code == "P063"]
    assert [(one.file, one.line) for one in found] == [
        ("beijing-k12/transfer.toml", asks.count("\n", 0, asks.index("[also.BJ-99]")) + 2)
    ]


def test_a_freeze_of_one_side_alone_is_a_warning() -> None:
    freezes = (
        SHIPPED["beijing-k12"]
        + '[freeze.BJ-98]\nsolar = ["05-01", "05-07"]\narticle = "bj 第四条"\nbasis = "decided"\n'
    )
    found = [one for one in lint_all(files(SHIPPED | {"beijing-k12": freezes})) if one.code == "P062"]
    assert {one.severity for one in found} == {"warning"}


def broken(text: str, step: int) -> Iterator[str]:
    """The text with one line left out, or its value replaced by one of another form; every `step`-th line."""
    lines = text.splitlines()
    for at, line in list(enumerate(lines))[::step]:
        yield "\n".join(lines[:at] + lines[at + 1 :])
        key, equals, _ = line.partition("=")
        for other in ("[]", "{}", "1", '["x"]', "{ one_of = 3 }") if equals else ():
            yield "\n".join([*lines[:at], f"{key}= {other}", *lines[at + 1 :]])


def read_or_refused(pack: str, step: int) -> int:
    """How many broken variants of a pack are refused; anything but a `PackError` falls through to the test."""
    refused = 0
    for text in broken(SHIPPED[pack], step):
        try:
            file = f"{pack}/transfer.toml"
            definition = read_pack(text, file, {**all_texts(), file: text}.__getitem__)
            for route in definition.routes:
                compile_plan(definition, definition, route, route.steps)
        except PackError as error:
            refused += all(one.line >= 1 and one.message for one in error.diagnostics)
    return refused


@pytest.mark.parametrize("pack", PACKS)
def test_a_broken_pack_is_read_or_refused_with_a_line_and_never_a_traceback(pack: str) -> None:
    assert read_or_refused(pack, step=11) > 10


@pytest.mark.long
@pytest.mark.parametrize("pack", PACKS)
def test_every_broken_line_of_every_pack_is_read_or_refused(pack: str) -> None:
    assert read_or_refused(pack, step=1) > 100
