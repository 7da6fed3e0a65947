"""The catalogue against the packs: every clause is enforced and shown both ways, or says why software cannot."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from click import Command, Group

from api.cli import cli
from states.cases.judge import known_rules
from states.catalogue import CATALOGUE, answering, entries
from states.kinds import KINDS
from states.numbers import FORMATS
from tests.states.definitions import POLICIES
from tests.states.shelf import own_rules, shipped_shelf

ROOT = Path(__file__).parents[2]
FILES = shipped_shelf().files()
NOTHING_RUNS = ("TR-G3-months",)
"""A time that is not asked for: no month at all."""
ENTRIES = list(entries((POLICIES / CATALOGUE).read_text("utf-8")))
PACKS = {
    "henan-vocational-2008", "school-records", "primary-records", "archive-rules", "higher-education-2020",
    "national-k12-2013", "beijing-k12", "chengdu-k12", "nenjiang-k12", "higher-education", "hebei-vocational",
    "henan-vocational", "zhejiang-k12", "student-archive-rules", "shiyan-k12", "catchment-k12", "national-k12",
}  # fmt: skip
"""The sixteen texts of the seed, and the national rules in force."""


def test_the_catalogue_is_read_whole() -> None:
    ids = [entry.id for entry in ENTRIES]
    assert len(ids) == len(set(ids))
    for prefix, number in {"N25": 24, "NUM": 12, "V10": 16, "HN08": 12, "HE14": 19, "BJ": 15, "NJ": 15, "SY": 12,
                           "TR": 20, "X": 9, "SCH": 7, "HB": 8}.items():  # fmt: skip
        assert sum(id_.startswith(f"{prefix}-") for id_ in ids) == number, prefix


def test_every_text_of_the_seed_has_its_pack_with_cases_of_its_own() -> None:
    there = {file.partition("/")[0] for file in FILES}
    assert there >= PACKS
    for pack in sorted(PACKS):
        assert any(shipped_shelf().rows(file) for file in FILES if file.startswith(f"{pack}/")), pack


def test_a_pack_answers_for_every_rule_of_the_catalogue() -> None:
    rules = [rule for file in FILES for rule in own_rules(file)]
    answers = answering(rules, [entry.id for entry in ENTRIES])
    assert [id_ for id_, found in answers.items() if not found] == []


def test_what_is_no_matter_for_software_says_why() -> None:
    for file in FILES:
        assert [rule.id for rule in own_rules(file) if not rule.software and not rule.because] == [], file


def test_what_the_service_keeps_is_shown_by_a_test_that_exists() -> None:
    for file in FILES:
        for rule in own_rules(file):
            assert rule.kind != "kept" or rule.shown, (file, rule.id)
            assert rule.shown is None or is_a_test(rule.shown), (file, rule.id, rule.shown)


def test_a_parameter_that_a_program_reads_by_its_id_names_the_test_that_shows_it() -> None:
    """Without one it would be taken for words, which no mutant touches and no table holds."""
    code = "".join(path.read_text("utf-8") for folder in ("states", "workflow_service", "api")
                   for path in (ROOT / folder).rglob("*.py"))  # fmt: skip
    assert {(file, id_) for file, id_, row in parameters() if "shown" in row} == {
        (file, id_) for file, id_, _ in parameters() if f'"{id_}"' in code
    }


def test_a_parameter_that_is_a_number_says_which_one_runs() -> None:
    for file, id_, row in parameters():
        number = type(row["value"]) is int or re.fullmatch(r"[\d-]+", str(row["value"]))
        assert not number or "of" in row or "shown" in row or id_ in NOTHING_RUNS, (file, id_)


def parameters() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(file, id, row) of every parameter, where it is stated."""
    for file in FILES:
        for id_, row in shipped_shelf().chain(file).sources[-1].document.get("parameter", {}).items():
            yield file, id_, row


def test_what_is_no_matter_for_software_points_to_a_kind_a_command_or_a_test_that_exists() -> None:
    for file in FILES:
        for rule in own_rules(file):
            assert rule.see is None or rule.see in KINDS or is_a_command(rule.see) or is_a_test(rule.see), (
                file, rule.id, rule.see)  # fmt: skip


def test_a_place_that_does_not_exist_is_not_taken_for_one() -> None:
    assert not is_a_command("backup")
    assert not is_a_command("user seal")
    assert not is_a_command("user")
    assert not is_a_test("tests/states/test_catalogue.py::test_that_nobody_wrote")


def is_a_command(words: str) -> bool:
    found: Command | None = cli
    for word in words.split():
        found = found.commands.get(word) if isinstance(found, Group) else None
    return found is not None and not isinstance(found, Group)


def is_a_test(shown: str) -> bool:
    path, _, name = shown.partition("::")
    return (ROOT / path).is_file() and f"def {name}(" in (ROOT / path).read_text("utf-8")


def test_every_rule_that_the_code_cites_is_stated_by_a_pack() -> None:
    """Whoever is refused looks the rule up: `policy explain` must not answer that there is none."""
    shelf = shipped_shelf()
    known = {id_ for file in FILES for id_ in known_rules(shelf.definition(file))}
    cited = {id_ for folder in ("states", "workflow_service", "api") for id_ in cited_in(ROOT / folder)}
    assert {"DUP-03", "CD-05", "WS-202"} <= cited
    assert sorted(cited - known) == []


def cited_in(folder: Path) -> Iterator[str]:
    """The ids that a folder's code writes out: of a citation, of what makes one, and of the formats of numbers."""
    yield from (form.rule for form in FORMATS.values())
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Citation", "_cite") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)
