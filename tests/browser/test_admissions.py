"""The bureau's admission list in the browser: it goes up, and comes down again with a verdict for every row."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live
from tests.browser.test_every_page import SMALL, STICKING_OUT
from tests.workflow_service.test_admissions import child
from workflow_service.roster.workbook import write_roster


@pytest.mark.parametrize("width", [1280, 390])
def test_a_list_goes_up_and_its_verdicts_come_down(live: Live, page: Page, tmp_path: Path, width: int) -> None:
    path = tmp_path / "录取名单.xlsx"
    wrong = child(2, name="阿依努尔·买买提江", school_code="999", grade="八班")
    write_roster(path, [child(1, name="甲"), child(1, name="甲"), wrong])
    page.set_viewport_size({"width": width, "height": 800})
    live.sign_in(page, "county4", "/bureau")
    page.get_by_role("link", name="导入录取名单").click()
    for button, said in (("只校验，不写入", "仅校验，没有写入"), ("导入", "已导入")):
        page.get_by_label("录取名单").set_input_files(path)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("#result-title + .tag")).to_have_text(said)
        assert page.evaluate(STICKING_OUT) == []
        assert page.evaluate(SMALL) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="下载处理结果").click()
    told = tmp_path / "told.xlsx"
    download.value.save_as(told)
    assert download.value.suggested_filename == "录取名单-处理结果.xlsx"
    column = openpyxl.load_workbook(told).worksheets[0]["A"]
    verdicts = [str(cell.value).partition("：")[0].partition(" / ")[0] for cell in column]
    assert verdicts == ["处理结果", "已录取，待注册", "未录取", "未录取"]
