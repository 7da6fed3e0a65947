"""Two packs side by side: stricter and looser are said only where it is certain."""

import pytest

from states.pack_diff import differences
from states.pack_reader import read_pack
from tests.states.definitions import PATH, POLICIES, shipped

TEXTS = {f"{path.parent.name}/{PATH}": path.read_text("utf-8") for path in POLICIES.glob(f"*/{PATH}")}
CAP = 'does = "class_has_place"\nwith = { cap = { '
EDITS = {
    "fewer places": ("nenjiang-k12", CAP + "primary = 55", CAP + "primary = 50",
                     "stricter check NJ-07 with.cap.primary"),
    "a stage without a cap": ("nenjiang-k12", CAP + "primary = 55, junior = 60, senior = 60",
                              CAP + "primary = 55, senior = 60", "looser check NJ-07 with.cap.junior"),
    "fewer months": ("catchment-k12", 'business_since", at_least = 12', 'business_since", at_least = 6',
                     "looser check TR-G4-year with.at_least"),
    "a value less": ("nenjiang-k12", '["township", "county",', '["county",',
                     "stricter check NJ-09-across with.allowed"),
    "an event more": ("beijing-k12", 'does = "school_has_place"\non = ["submit"]',
                      'does = "school_has_place"\non = ["submit", "approve"]', "stricter check BJ-03 on"),
    "another fact": ("catchment-k12", 'date_reached"\nwith = { fact = "handed_over_on" }',
                     'date_reached"\nwith = { fact = "contract_signed_on" }',
                     "different check TR-G3-handover with.fact"),
    "a condition less": ("catchment-k12", 'business", town = true }', 'business" }', "stricter check TR-G4-year when"),
    "a condition more": ("catchment-k12", "when = { same_bureau = false }",
                         "when = { same_bureau = false, town = true }", "looser also TR-06 when"),
    "an exception less": ("nenjiang-k12",
                          'except.NJ-11-town = { when = { placed_by_bureau = true }, rule = "NJ-11", '
                          'article = "nj 三(二)", basis = "inferred" }\n', "",
                          "stricter check NJ-09-town except.NJ-11-town"),
    "an alternative less": ("catchment-k12", '"purchase_invoice", ', "", "stricter papers home one alternative less"),
    "a paper more": ("catchment-k12", 'register = ["household_register_head_page", ',
                     'register = ["household_register_parent_page", "household_register_head_page", ',
                     "stricter papers register one paper more"),
    "a window that closes earlier": ("catchment-k12", '["08-20", "09-20"]', '["08-20", "09-10"]',
                                     "stricter window TR-07 autumn"),
    "a window that opens earlier": ("catchment-k12", "lunar = [8, 20]", "lunar = [5, 20]",
                                    "looser window TR-07 spring"),
    "a window that moves": ("catchment-k12", '["08-20", "09-20"]', '["08-25", "09-25"]',
                            "different window TR-07 autumn"),
    "a longer freeze": ("national-k12", 'solar = ["07-15", "08-14"]', 'solar = ["07-10", "08-14"]',
                        "stricter freeze SYS-45 solar"),
    "fewer days": ("national-k12", "working_days = 20", "working_days = 15", "stricter limit WS-03 working_days"),
    "another silence": ("national-k12", 'events = ["confirm_arrival"]\nsilence = "expire"',
                        'events = ["confirm_arrival"]\nsilence = "escalate"',
                        "different step awaiting_arrival silence"),
    "another article": ("beijing-k12", 'article = "bj 第四条"\nbasis = "read"\n\n# Judged',
                        'article = "bj 第五条"\nbasis = "read"\n\n# Judged', "wording check BJ-03 article"),
    "another date": ("beijing-k12", "from = 2025-01-03", "from = 2026-01-03", "different pack in_force"),
    "a rule less": ("beijing-k12", '[check.BJ-03]\ndoes = "school_has_place"\non = ["submit"]\n'
                    'article = "bj 第四条"\nbasis = "read"\n', "", "removed check BJ-03"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_told_in_one_word(edit: str) -> None:
    pack, old, new, expected = EDITS[edit]
    assert TEXTS[f"{pack}/{PATH}"].count(old) == 1, old
    changed = read_pack(TEXTS[f"{pack}/{PATH}"].replace(old, new), f"{pack}/{PATH}", TEXTS.__getitem__)
    told = [" ".join(part for part in (d.word, d.table, d.id, d.what) if part)
            for d in differences(shipped()[pack], changed)]  # fmt: skip
    assert told == [expected]


def test_what_is_looser_one_way_is_stricter_the_other() -> None:
    turned = {"stricter": "looser", "looser": "stricter", "added": "removed", "removed": "added"}
    packs = shipped()
    for one in packs.values():
        assert differences(one, one) == []
        for other in packs.values():
            there = sorted((turned.get(d.word, d.word), d.table, d.id) for d in differences(one, other))
            assert there == sorted((d.word, d.table, d.id) for d in differences(other, one))
