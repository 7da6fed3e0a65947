"""The admission list over HTTP: the bureau's page and call, and the workbook with a verdict for every row."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import openpyxl
import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import Api
from tests.api.test_bureau_page import sign_in
from tests.workflow_service.test_admissions import child, waiting
from workflow_service.roster.workbook import write_roster


def listed(*rows: dict[str, str]) -> bytes:
    book = io.BytesIO()
    write_roster(book, rows)
    return book.getvalue()


def verdicts(workbook: bytes) -> list[str]:
    sheet = openpyxl.load_workbook(io.BytesIO(workbook)).worksheets[0]
    return [str(cell.value).partition(" / ")[0] for cell in sheet["A"]]


LIST = listed(child(1, name="甲"), child(2, name="乙", school_code="999"))


def send(api: Api, who: str, content: bytes = LIST, **fields: str) -> TestResponse:
    return api.call(who, "POST", "/admissions", data={"file": (io.BytesIO(content), "../名单.xlsx"), **fields})


def send_page(api: Api, csrf: str, content: bytes = LIST, **fields: str) -> TestResponse:
    data: dict[str, Any] = {"csrf": csrf, "file": (io.BytesIO(content), "名单.xlsx"), **fields}
    return api.client.post("/admissions", data=data)


def test_the_call_gives_the_list_back_with_a_verdict_for_every_row(api: Api) -> None:
    checked = send(api, "county4", check_only="true")
    assert (checked.status_code, waiting(api.world)) == (200, [])
    done = send(api, "county4")
    told = verdicts(done.data)
    assert told[:2] == ["处理结果", "已录取，待注册"] == verdicts(checked.data)[:2]
    assert told[2].startswith("未录取：填写有误")
    assert "attachment" in done.headers["Content-Disposition"]
    assert done.headers["Cache-Control"] == "no-store"
    assert verdicts(send(api, "county4", done.data).data)[1] == "先前已录取，未变"
    assert [row.name for row in waiting(api.world)] == ["甲"]


def test_a_list_that_cannot_be_read_is_refused_with_what_is_wrong(sqlite_api: Api) -> None:
    wrong = send(sqlite_api, "county4", b"PK")
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "file")
    assert "不是 .xlsx" in wrong.json["errors"][0]["message"]
    assert "Not an .xlsx" in wrong.json["errors"][0]["message_en"]
    no_file = sqlite_api.call("county4", "POST", "/admissions", data={"check_only": "true", "file": "名单"},
                              content_type="multipart/form-data")  # fmt: skip
    assert (no_file.status_code, no_file.json["errors"][0]["field"]) == (422, "file")
    # 8 MB is the most that any body may have: it is not even read.
    large = {"data": b"x" * (8 << 20), "content_type": "multipart/form-data; boundary=x"}
    assert sqlite_api.call("county4", "POST", "/admissions", **large).status_code == 413
    assert send(sqlite_api, "school401").status_code == 403  # It is the bureau's act (SYS-40).


def test_the_page_says_what_came_of_every_row(sqlite_api: Api) -> None:
    csrf = sign_in(sqlite_api, "county4")
    assert 'href="/admissions"' in sqlite_api.client.get("/bureau").text
    empty = openpyxl.load_workbook(io.BytesIO(sqlite_api.client.get("/admissions/template").data))
    assert "选填" in next(cell.comment.text for cell in empty.worksheets[0][1] if cell.value == "学籍号")
    checked = send_page(sqlite_api, csrf, check_only="true")
    assert "仅校验，没有写入" in checked.text
    assert waiting(sqlite_api.world) == []
    done = send_page(sqlite_api, csrf)
    assert "已导入" in done.text
    assert re.search(r"未录取：填写有误.*?学校标识码", done.text, re.DOTALL)
    told = re.findall(r'href="data:[^;]+;base64,([^"]+)" download', done.text)
    assert verdicts(base64.b64decode(told[0]))[1] == "已录取，待注册"
    assert [row.name for row in waiting(sqlite_api.world)] == ["甲"]


@pytest.mark.parametrize(("content", "said"), [(b"", "不是 .xlsx 工作簿"), (listed(), "没有找到|0 行")])
def test_the_page_says_why_it_cannot_read_a_list(sqlite_api: Api, content: bytes, said: str) -> None:
    shown = send_page(sqlite_api, sign_in(sqlite_api, "county4"), content)
    assert re.search(said, shown.text)


@pytest.mark.parametrize("who", ["school401", "county1.network", "school401.principal"])
def test_only_a_bureaus_registrar_has_the_page(sqlite_api: Api, who: str) -> None:
    csrf = sign_in(sqlite_api, who)
    assert sqlite_api.client.get("/admissions").status_code == 403
    assert sqlite_api.client.get("/admissions/template").status_code == 403
    assert send_page(sqlite_api, csrf).status_code == 403
    assert waiting(sqlite_api.world) == []
