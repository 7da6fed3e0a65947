"""`policy rules`: nothing that a pack says is left out; each rule is shown at work, or says why not."""

import json

import pytest

from states.cases.table import case_rows
from states.pack_rules import listed_rules, scenarios
from tests.states.definitions import POLICIES, shipped
from tests.states.shelf import own_rules, shipped_shelf, with_cases

HEADING = "| 数字 | 值 |\n|---|---|\n"


def shown(pack: str) -> dict[str, tuple[str, ...]]:
    return scenarios((POLICIES / pack / "transfer.cases.md").read_text("utf-8"))


def test_every_row_with_an_article_is_listed_once() -> None:
    for pack, definition in shipped().items():
        listed = [rule.id for rule in listed_rules(definition)]
        stored = json.loads(definition.canonical)
        rows = [
            name for table, rows in stored.items() if isinstance(rows, dict) for name, row in rows.items()
            if isinstance(row, dict) and "article" in row
        ]  # fmt: skip
        assert set(rows) <= set(listed), pack
        assert len(listed) == len(set(listed)), pack


def test_what_is_not_software_says_why_and_what_was_not_seen_says_so() -> None:
    rules = {rule.id: rule for rule in listed_rules(shipped()["catchment-k12"])}
    assert all(rule.because for rule in rules.values() if not rule.software)
    assert rules["N25-24"].cite.basis == "unseen"
    assert rules["TR-G1-year"].cite.rule == "TR-G1"
    assert rules["TR-07-dates"].other_reading


@pytest.mark.parametrize("file", with_cases())
def test_what_is_answered_in_no_case_stands_in_a_table_of_steps_papers_refusals_or_numbers(file: str) -> None:
    found = scenarios(shipped_shelf().case_text(file))
    for rule in own_rules(file):
        if rule.kind in ("limit", "also", "reason", "document", "wipe"):
            assert found.get(rule.id) or found.get(rule.cite.rule), rule


@pytest.mark.parametrize("pack", shipped())
def test_what_does_not_stand_in_a_text_that_was_read_says_why(pack: str) -> None:
    for rule in listed_rules(shipped()[pack]):
        if rule.cite.basis == "inferred" and rule.kind not in ("except", "reason"):
            assert rule.because, rule


def test_a_rule_names_what_shows_it() -> None:
    assert "经商差一天" in shown("catchment-k12")["TR-G4"]
    assert "流程 同局" in shown("national-k12")["SYS-T1"]
    assert "数字 草稿保留（日）" in shown("national-k12")["WS-02"]
    assert "check.NJ-10.with.allowed" not in str(shown("nenjiang-k12")), "an edit that changes nothing shows nothing"
    assert any(name.startswith("上传 transfer_certificate") for name in shown("nenjiang-k12")["NJ-15"])


def test_a_row_with_a_column_too_many_is_refused_with_its_line() -> None:
    assert [row for _, _, row in case_rows(HEADING + "| 甲 | 1 |")] == [{"数字": "甲", "值": "1", "签认": ""}]
    with pytest.raises(ValueError, match="line 3: the table 数字"):
        list(case_rows(HEADING + "| 甲 | 1 | 2 |"))
    with pytest.raises(ValueError, match="line 1"):
        list(case_rows("| 数字 | 量 |"))
