"""`policy explain RULE`: where a rule stands, how it is founded, what it asks in words, and the cases that show it."""

from __future__ import annotations

import json

import pytest

from api.cli import main
from states.rule_words import row_words
from tests.states.shelf import shipped_shelf


def explained(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(("policy", "explain", *arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_rule_of_the_catalogue_is_explained_with_its_numbers_and_cases(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = explained(capsys, "NJ-07")
    assert status == 0
    assert "nenjiang-k12/transfer\n  [check] NJ-07\n" in out
    assert "依据：《嫩江县中小学学生学籍管理办法（试行）》二〔有原文〕" in out
    assert "班额上限：小学 55、初中 60、高中 60" in out
    assert "说明：“中学”班额 60 人，推定也含高中" in out
    assert "情形，说“不”：小学班额 55 人；初中班额 60 人；高中班额 60 人；另 1 例" in out
    assert "情形，通过：典型：户口和住址都迁移" in out


def test_in_english_too(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "TR-G4-year", "--lang", "en")[1]
    assert "at least (months): 12" in out
    assert "only where ground is “A parent in business” and school of the town is “yes”" in out
    assert "Cases that it refuses: " in out


def test_what_replaces_a_rule_is_named_with_its_pack(capsys: pytest.CaptureFixture[str]) -> None:
    out = explained(capsys, "SYS-10")[1]
    assert "被替换：nenjiang-k12/transfer NJ-12" in out
    assert "〔未见原文〕" in out
    assert "例外 N25-11：特殊教育学生为“是”" in out
    assert "另解" not in out
    assert "不取“系统自动调档”" in explained(capsys, "SYS-T4")[1]


def test_what_is_not_for_software_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert "说明：停机" in explained(capsys, "SYS-T7")[1] or "停机由教育局登记" in explained(capsys, "SYS-T7")[1]


def test_a_rule_that_nobody_states_is_met_with_the_one_that_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = explained(capsys, "NJ-7")
    assert status == 1
    assert "did you mean NJ-07" in err


@pytest.mark.parametrize("file", shipped_shelf().files())
def test_every_row_of_every_pack_has_words_in_both_languages(file: str) -> None:
    compiled = json.loads(shipped_shelf().definition(file).canonical)
    for table, rows in compiled.items():
        if table in ("format", "pack", "papers", "source", "not_software"):
            continue
        for name, row in rows.items():
            words = row_words(table, name, row, compiled["papers"])
            assert words, (table, name)
            for zh, en in words:
                assert zh.strip(), (table, name)
                assert en.strip(), (table, name)
