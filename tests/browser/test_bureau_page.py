"""A bureau's registrar keeps his own affairs, as he would on a desk and on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Live

LEFT_IN_CHINESE = r"""() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const place = walk.currentNode.parentElement;
    if (!place.closest("[lang='zh-CN'], script, textarea")) found.push(walk.currentNode.textContent);
  }
  document.querySelectorAll("[placeholder], [aria-label]").forEach((part) => {
    if (!part.closest("[lang='zh-CN']")) found.push(part.placeholder || "", part.ariaLabel || "");
  });
  return found.filter((text) => /[\u3400-\u9fff]/.test(text));
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_a_registrar_marks_a_school_and_declares_an_outage(live: Live, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    live.sign_in(page, "county2")
    page.get_by_role("link", name="本局事务").click()
    school = page.locator("#school-203")
    school.locator("summary").click()
    expect(school).to_contain_text("由主管教育局的决定代替")
    school.get_by_role("button", name="确认登记").click()
    expect(page.locator("#message")).to_contain_text("已登记为一人学校")
    expect(page.locator("#school-203 .tag.purple")).to_have_text("一人学校")
    assert live.world.organization("203").single_handed

    page.get_by_label("从", exact=True).fill("2026-08-23T20:00")
    page.get_by_label("至", exact=True).fill("2026-08-23T19:00")
    page.get_by_label("原因", exact=True).fill("机房停电")
    page.get_by_role("button", name="登记停机").click()
    expect(page.locator("#ends-wrong")).to_have_text("须晚于开始时间")
    expect(page.get_by_label("原因", exact=True)).to_have_value("机房停电")
    page.get_by_label("至", exact=True).fill("2026-08-23T23:30")
    page.get_by_role("button", name="登记停机").click()
    expect(page.locator("#message")).to_contain_text("停机已登记")
    expect(page.locator("#outages")).to_contain_text("2026年8月23日 20:00 至 23:30")
    faults(page)

    page.goto(f"{live.url}/bureau?lang=en")
    page.locator("#school-203 summary").click()
    assert page.evaluate(LEFT_IN_CHINESE) == []
    faults(page)


def faults(page: Page) -> None:
    assert [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
