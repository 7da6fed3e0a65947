"""Case tables as registrars write them: what is misspelt is named with its line and the word that was meant."""

from __future__ import annotations

from datetime import date

import pytest

from states.cases.exercise import exercised
from states.cases.gate import outcomes, tables_wrong
from states.cases.judge import cases_in, facts_of
from states.cases.rendered import with_tables
from states.cases.shelf import Shelf
from states.cases.table import CaseError, Table, case_rows, read_blocks, with_cases, written
from states.facts import Entry
from tests.states.shelf import shipped_shelf

FILE, NAME = "nenjiang-k12/transfer.toml", "典型"
HEADING = "| 情形 | 时间 | 路线 | 理由 | 年级 | 事实 | 材料 | 其他 | 事件 | 规则 | 何时 |\n" + "|---" * 11 + "|\n"
TYPICAL = (
    "| 典型 | 2026-09-03 | 同局 | register_and_home_moved | 4 → 4 "
    "| register_moved=family; home_moved=是; moved_across=township | | 无 | submit | | |\n"
)


def drafted(*rows: str) -> Shelf:
    shelf = shipped_shelf()
    return shelf.with_files({}, {"nenjiang-k12/transfer.cases.md": HEADING + TYPICAL + "".join(f"{r}\n" for r in rows)})


def found(row: str) -> tuple[str, str]:
    *_, last = outcomes(drafted(row), FILE)
    return last.state, last.wrong


@pytest.mark.parametrize(("row", "said"), [
    ("| 错字 | | | | | register_move=family | | | | | |", "line 4 错字: register_move is no fact; did you mean"),
    ("| 错值 | | | | | register_moved=famly | | | | | |", "register_moved is never famly; did you mean family?"),
    ("| 错路线 | | 同县 | | | | | | | | |", "同县 is no route"),
    ("| 错理由 | | | moved_hous | | | | | | | |", "moved_hous is no ground; did you mean moved_house?"),
    ("| 错项 | | | | | | | class_siz=55 | | | |", "class_siz is no fact; did you mean class_size?"),
    ("| 错规则 | | | | | | | class_size=55 | | NJ-77 | |", "NJ-77 is no rule here; did you mean NJ-07?"),
    ("| 错环节 | | | | | | | | approve@awaiting_arival | | |", "awaiting_arival; did you mean awaiting_arrival?"),
    ("| 错材料 | | | | | | -transfer_certificat | | | | |", "did you mean transfer_certificate"),
    ("| 错日子 | 2026-13-01 | | | | | | | | | |", "“2026-13-01” is no day"),
    ("| 错年级 | | | | 13 → 13 | | | | | | |", "is no grade"),
    ("| 错单位 | | | | | | | by=origin_schol | | | |", "did you mean origin_school?"),
    ("| 错包 | | | | | | | origin=beijing-k1 | | | |", "there is no pack beijing-k1; did you mean beijing-k12?"),
])  # fmt: skip
def test_what_is_misspelt_is_named_with_what_was_meant(row: str, said: str) -> None:
    state, wrong = found(row)
    assert state == "failed"
    assert said in wrong


def test_a_row_that_fails_tells_what_was_expected_what_came_and_every_rule_that_was_asked() -> None:
    *_, last = outcomes(drafted("| 满了 | | | | | | | class_size=55 | | | 2026-09-03 |"), FILE)
    assert (last.state, last.expected, last.got, last.until) == ("failed", (), ("NJ-07",), "2026-09-03")
    assert next(one.saw["class_size"] for one in last.traced if one.answer == "no") == 55


def test_a_row_that_nobody_signed_is_neither_passed_nor_failed() -> None:
    for mark in ("？", "?"):
        *_, last = outcomes(drafted(f"| 满了 | | | | | | | class_size=55 | | {mark} | |"), FILE)
        assert (last.state, last.got) == ("unsigned", ("NJ-07",))


def test_headings_are_held_to_the_known_ones() -> None:
    with pytest.raises(CaseError, match="line 1: the table 情形 has no column 规侧; it has 情形、时间"):
        read_blocks("| 情形 | 时间 | 事件 | 规侧 |")
    with pytest.raises(CaseError, match="there is no table 情况"):
        read_blocks("| 情况 | 时间 |")
    with pytest.raises(CaseError, match="line 3: the first row must be 典型"):
        list(case_rows("| 情形 | 时间 | 事件 | 规则 |\n|---|---|---|---|\n| 甲 | 2026-09-03 | submit | |"))


def test_a_kind_may_leave_out_the_columns_that_it_does_not_need() -> None:
    text = "| 情形 | 时间 | 其他 | 事件 | 规则 |\n|---|---|---|---|---|\n| 典型 | 2026-09-03 | " \
           "entries=suspension:2026-03-01..; birth_date=2017-05-01 | submit | |\n"  # fmt: skip
    [case] = cases_in("any", text)
    assert case.cells["何时"] == ""
    assert facts_of(case).grade is None
    from states.cases.judge import _changes

    assert _changes(case.cells["其他"]) == {
        "entries": (Entry("suspension", date(2026, 3, 1), None),), "birth_date": date(2017, 5, 1)
    }  # fmt: skip


def test_aligning_changes_no_cell_and_aligning_again_changes_nothing() -> None:
    for text in shipped_shelf().cases.values():
        once = written(read_blocks(text))
        assert [(t, row) for t, _, row in case_rows(once)] == [(t, row) for t, _, row in case_rows(text)]
        assert written(read_blocks(once)) == once


def test_a_bar_within_a_cell_comes_back_as_a_bar() -> None:
    blocks = with_cases(read_blocks(HEADING + TYPICAL), [{"情形": "典型 甲|乙", "时间": "2026-09-03"}])
    [table] = [one for one in read_blocks(written(blocks)) if isinstance(one, Table)]
    assert table.rows[0][1]["情形"] == "典型 甲|乙"


def test_tables_that_say_otherwise_than_the_pack_are_told_row_by_row() -> None:
    shelf = shipped_shelf()
    text = shelf.case_text(FILE).replace("| 草稿保留（日） | 60 WS-02 |", "| 草稿保留（日） | 90 WS-02 |")
    changed = shelf.with_files({}, {"nenjiang-k12/transfer.cases.md": text})
    assert tables_wrong(shelf, FILE) == []
    assert tables_wrong(changed, FILE) == ["数字 缺 草稿保留（日） | 60 WS-02", "数字 多 草稿保留（日） | 90 WS-02"]


def test_a_rule_is_at_work_only_where_it_is_asked_and_an_exception_only_where_it_excuses() -> None:
    found = exercised(drafted(), FILE)
    assert (found["nenjiang-k12/check.NJ-07"].yes, found["nenjiang-k12/check.NJ-07"].no) == ([NAME], [])
    assert found["nenjiang-k12/check.NJ-13-accepted"].no == []
    assert found["nenjiang-k12/except.NJ-11-register"].yes == []
    assert found["national-k12/check.SYS-10"].yes == [], "what a pack replaced is not asked"
    told = "| 单人，教育局安排 | | | | | placed_by_bureau=是; register_moved=student_only | | | | | |"
    unsigned = "| 满了 | | | | | | | class_size=55 | | ？ | |"
    found = exercised(drafted(told, unsigned), FILE)
    assert found["nenjiang-k12/except.NJ-11-register"].yes == ["单人，教育局安排"]
    assert found["nenjiang-k12/check.NJ-07"].no == [], "nobody has said yet what comes out"


def test_a_row_of_a_table_that_nobody_signed_is_wrong_until_somebody_does() -> None:
    shelf = shipped_shelf()
    text = written(with_tables(shelf.definition(FILE), read_blocks(shelf.case_text(FILE).replace("60 WS-02", "90"))))
    marked = shelf.with_files({}, {"nenjiang-k12/transfer.cases.md": text})
    assert tables_wrong(marked, FILE) == ["数字 未签 草稿保留（日） | 60 WS-02"]
    assert marked.table(FILE, "数字") == shelf.table(FILE, "数字"), "who signed is no part of what the row says"
    text = written(with_tables(shelf.definition(FILE), read_blocks(text), "张老师 2026-12-01"))
    assert tables_wrong(shelf.with_files({}, {"nenjiang-k12/transfer.cases.md": text}), FILE) == []
    assert text.count("张老师 2026-12-01") == 1
