"""The queue of doubles and the quality of data in a real browser: no barrier, complete English, a pair settled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live
from tests.browser.test_every_page import HAN, OUTSIDE, STICKING_OUT, _faults
from tests.workflow_service.test_duplicates import TYPED, pair, record
from workflow_service.students import NewGuardian


@pytest.fixture
def paths(live: Live) -> list[str]:
    """Two records of one girl at two schools; the pages that show them."""
    mother = (NewGuardian("母亲", "阿依古丽·买买提", "13800001111"),)
    record(live.world, "201", "阿依努尔·买买提", guardians=mother)
    record(live.world, "202", "阿依努尔·买买提", TYPED, guardians=mother, former_name="林小满")
    found = f"/duplicates/{pair(live.world).id}"
    return ["/duplicates", "/duplicates?state=decided", found, "/quality", "/quality/missing_photo"]


def test_the_pages_have_no_barrier_fit_a_phone_and_are_wholly_english(live: Live, page: Page, paths: list[str]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    faults: list[str] = []
    for language in ("zh", "en"):
        live.sign_in(page, "school201", f"/?lang={language}")
        for path in paths:
            page.goto(live.url + path)
            for summary in page.locator("details.choice > summary").all():
                summary.click()
            faults += [f"{path} in {language}: {part}" for part in page.evaluate(STICKING_OUT)]
            if language == "en":
                faults += _faults(page, path)
                faults += [f"{path}: {text.strip()}" for text in page.evaluate(OUTSIDE) if HAN.search(text)]
    assert faults == []


def test_two_schools_merge_a_pair_and_the_bureau_undoes_it(live: Live, page: Page, paths: list[str]) -> None:
    for who in ("school201", "school202"):
        live.sign_in(page, who, "/duplicates")
        page.locator("tbody a.open").click()
        page.locator("summary", has_text="合并学籍").click()
        form = page.locator("form", has=page.get_by_role("button", name="合并学籍"))
        form.get_by_label("学籍 2").check()
        form.get_by_label("证明材料和理由").fill("同一名学生，两校各建一次")
        form.get_by_role("button", name="合并学籍").click()
        expect(page.locator("#message")).to_contain_text("您的意见已记录：合并学籍")
    expect(page.locator("table.compare")).to_contain_text("已并入另一份学籍")
    live.sign_in(page, "county2", paths[2])
    page.get_by_label("理由", exact=True).fill("误合并")
    page.get_by_role("button", name="撤销合并").click()
    expect(page.locator("#message")).to_contain_text("合并已撤销")
