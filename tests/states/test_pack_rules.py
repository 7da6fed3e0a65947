"""`policy rules`: nothing that a pack says is left out, and what is not software says why."""

import json

from states.pack_rules import listed_rules, scenarios
from tests.states.definitions import POLICIES, shipped


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


def test_a_rule_names_the_case_that_shows_it() -> None:
    shown = scenarios((POLICIES / "catchment-k12" / "transfer.cases.md").read_text("utf-8"))
    assert shown["TR-G4"] == "经商差一天"
    assert "TR-03" in shown
