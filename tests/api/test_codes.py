"""The code tables as anybody signed in reads them, by HTTP and at the command line."""

from __future__ import annotations

import json

from click.testing import CliRunner

from api.cli import cli
from tests.api.conftest import Api


def test_whoever_is_signed_in_reads_the_tables_and_nobody_else(sqlite_api: Api) -> None:
    answer = sqlite_api.get("school201.teacher", "/codes")
    assert answer.status_code == 200
    found = {table["scheme"]: table for table in answer.json["items"]}
    assert found["gbt3304"]["size"] == 58
    assert found["jyt1001-xsdqzt"] == {
        "scheme": "jyt1001-xsdqzt", "title": "学生当前状态", "title_en": "Statuses of a student",
        "standard": "JY/T 1001-2012 §4.2.42 (XSDQZT)", "version": "2012", "valid_from": "2012-03-15",
        "source": "regulations §9", "basis": "inferred",
        "because": "标准文本未见；代码取自三四种相互一致的公开资料", "size": 16,
    }  # fmt: skip
    assert sqlite_api.get(None, "/codes").status_code == 401


def test_a_table_shows_its_rows_and_what_our_words_are_in_it(sqlite_api: Api) -> None:
    table = sqlite_api.get("school201", "/codes/jyt1001-xsdqzt").json
    assert table["items"][4] == {"code": "05", "zh": "复学", "en": "resumed", "parent": None}
    assert (len(table["items"]), table["next"]) == (16, None)
    [crosswalk] = table["crosswalks"]
    assert crosswalk["id"] == "status-xsdqzt"
    assert {"from": "record_retained", "to": "04", "when": ""} in crosswalk["rows"]


def test_a_long_table_comes_page_by_page(sqlite_api: Api) -> None:
    codes: list[str] = []
    cursor = ""
    while True:
        page = sqlite_api.get("school201", f"/codes/gbt2260?limit=200&cursor={cursor}").json
        codes += [row["code"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(codes) == len(set(codes)) == page["size"] > 3300


def test_a_version_is_asked_for_by_its_day(sqlite_api: Api) -> None:
    assert sqlite_api.get("school201", "/codes/gbt4761?on=2026-09-01").json["version"] == "2008"
    assert sqlite_api.get("school201", "/codes/gbt4761?on=2008-12-31").status_code == 404
    assert sqlite_api.get("school201", "/codes/gbt4761?on=yesterday").status_code == 422
    assert sqlite_api.get("school201", "/codes/gbt0000").status_code == 404


def test_the_command_line_lists_tables_and_rows() -> None:
    runner = CliRunner()
    assert "gbt3304" in runner.invoke(cli, ["codes"]).output
    assert "02       蒙古族 / Mongol\n" in runner.invoke(cli, ["codes", "gbt3304"]).output
    assert "  51       父亲 / father\n" in runner.invoke(cli, ["codes", "gbt4761"]).output
    shown = json.loads(runner.invoke(cli, ["codes", "gbt2261-1", "--json"]).output)
    assert [row["code"] for row in shown["codes"]] == ["0", "1", "2", "9"]
    assert len(json.loads(runner.invoke(cli, ["codes", "--json", "--on", "2010-01-01"]).output)) < 13
    missing = runner.invoke(cli, ["codes", "nothing"])
    assert missing.exit_code == 1
    assert "no code table nothing" in missing.output
