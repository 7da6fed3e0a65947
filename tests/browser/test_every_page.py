"""Laws that hold on every page: readable by all, in both languages, on a phone too, and never a script from a name."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.browser.conftest import Live
from workflow_service.db import begin
from workflow_service.models import Organization

HAN = re.compile(r"[\u3400-\u9fff]")
OUTSIDE = """() => {
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walk.nextNode()) {
    const place = walk.currentNode.parentElement;
    if (!place.closest("[lang='zh-CN'], script, style, textarea, title")) found.push(walk.currentNode.textContent);
  }
  for (const part of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
    if (part.closest("[lang='zh-CN']")) continue;
    for (const name of ["aria-label", "placeholder", "title", "alt"]) found.push(part.getAttribute(name) || "");
  }
  return [...found, document.title.replaceAll("阿依努尔·买买提", "")];
}"""
"""All text that is not marked as Chinese data."""

SMALL = """() => [...document.querySelectorAll("button, a.button, .nav a, .tabs a, .chips a, select, summary, input")]
  .filter((part) => part.offsetParent && !/^(radio|checkbox|hidden)$/.test(part.type || "")
    && part.getBoundingClientRect().height < 39.5)
  .map((part) => part.outerHTML.slice(0, 120))"""


STICKING_OUT = """() => {
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const parts = [...document.querySelectorAll(".card *")].filter((part) => {
    if (part.closest(".sr, svg, [hidden], thead") || !part.getClientRects().length) return false;
    const inner = part.getBoundingClientRect(), card = part.closest(".card").getBoundingClientRect();
    return inner.right > card.right + 1 || inner.left < card.left - 1;
  });
  const wide = over > 0 ? [`${over} px too wide`] : [];
  return [...wide, ...parts.slice(0, 3).map((part) => part.outerHTML.slice(0, 120))];
}"""


@pytest.fixture
def case(live: Live) -> str:
    """A submitted request at school 201, with one paper; its path."""
    live.world.school_class("201", 3)
    pupil = live.world.student("202", 3, name="阿依努尔·买买提")
    facts = {"handed_over_on": "2026-08-01", "guardian_register_in_catchment": False}
    number = live.world.draft("school201", pupil, "201", ground="moved_house", data=facts)
    live.world.upload(number, "school201", "transfer_form_stamped")
    live.world.fire(number, "submit", "school201")
    return f"/requests/{number}"


def pages_of(case: str) -> list[str]:
    return [
        "/", "/requests", "/requests?box=waiting", "/requests/new", case, "/students", "/windows", "/policies",
        "/policies/catchment-k12", "/policies/nenjiang-k12", "/requests/1", "/verify", "/verify/NOTHING",
    ]  # fmt: skip


def test_no_page_has_a_barrier_and_everything_can_be_touched(live: Live, page: Page, case: str) -> None:
    """One look at each kind of page, where it is narrowest; what axe finds does not depend on the width."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live.url}/login")
    faults = _faults(page, "/login")
    live.sign_in(page, "school201")
    twins = {"/requests?box=waiting", "/policies/nenjiang-k12", "/verify"}
    for path in [path for path in pages_of(case) if path not in twins]:
        page.goto(live.url + path)
        faults += _faults(page, path)
    live.sign_in(page, "school201.principal", f"{case}?lang=en")
    assert _faults(page, f"{case} as its principal, in English") == []
    assert faults == []


def _faults(page: Page, path: str) -> list[str]:
    found = [f"{path}: {fault['id']}: {fault['nodes'][0]['html']}" for fault in Axe().run(page).response["violations"]]
    return found + [f"{path}: too small to touch: {part}" for part in page.evaluate(SMALL)]


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_runs_off_the_screen_or_out_of_its_card(live: Live, page: Page, case: str, width: int) -> None:
    """In both languages, with the longest names that there are: what sticks out lies under the next column."""
    with begin(live.world.service.engine) as connection:
        name = "黑水市嫩水县双山镇人民政府附属九年一贯制寄宿制民族团结实验学校（东校区）第二分校"
        connection.execute(update(Organization).where(Organization.code.in_(["201", "202"])).values(name=name))
    page.set_viewport_size({"width": width, "height": 844})
    found = []
    for language in ("en", "zh"):
        page.goto(f"{live.url}/login?lang={language}")
        live.sign_in(page, "school201")
        for path in [*pages_of(case), f"{case}/edit"]:
            page.goto(live.url + path)
            found += [f"{path} in {language}: {part}" for part in page.evaluate(STICKING_OUT)]
    assert found == []


def test_english_pages_hold_no_chinese_but_data(live: Live, page: Page, case: str) -> None:
    live.sign_in(page, "school201", "/?lang=en")
    left = []
    for path in pages_of(case):
        page.goto(live.url + path)
        assert page.locator("html").get_attribute("lang") == "en"
        left += [f"{path}: {text.strip()}" for text in page.evaluate(OUTSIDE) if HAN.search(text)]
    live.sign_in(page, "school201.principal", f"{case}?lang=en")
    left += [f"principal: {text.strip()}" for text in page.evaluate(OUTSIDE) if HAN.search(text)]
    assert left == []


def test_the_language_is_kept_and_said_truly(live: Live, page: Page) -> None:
    page.goto(f"{live.url}/login")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.fill("[name=username]", "county2")
    page.fill("[name=password]", "demo-2026")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.goto(f"{live.url}/students")
    expect(page.get_by_role("heading", name="Students")).to_be_visible()
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page).to_have_url(re.compile(r"/students\?lang=zh"))


def test_a_script_in_a_name_is_shown_as_text(live: Live, page: Page) -> None:
    evil = "<script>document.title='x'</script><img src=x onerror=alert(1)>{{7*7}}"
    live.world.school_class("201", 3)
    pupil = live.world.student("202", 3, name=evil)
    number = live.world.draft("school201", pupil, "201", ground="moved_house", data={"ground_text": evil})
    live.world.fire(number, "submit", "school201", comment=evil)
    for path in (f"/requests/{number}", "/requests?box=mine", "/"):
        live.sign_in(page, "school201", path)
        expect(page.locator("#main")).to_contain_text(evil)
        assert page.locator("main script, main img[src='x']").count() == 0
    live.sign_in(page, "school201", f"/requests/{number}?lang=en")
    expect(page.locator("#main")).to_contain_text(evil)


def test_the_list_is_worked_with_the_keyboard_alone(live: Live, page: Page, case: str) -> None:
    live.sign_in(page, "school201.principal", "/requests?box=todo")
    page.keyboard.press("j")
    expect(page.locator("tr.selected")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{case}")
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/requests?box=todo")
    page.keyboard.press("/")
    expect(page.locator("input[type=search]")).to_be_focused()
    page.keyboard.type("jk?")
    expect(page.locator("input[type=search]")).to_have_value("jk?")


def test_a_tile_leads_to_the_list_it_counts(live: Live, page: Page, case: str) -> None:
    live.sign_in(page, "school201.principal")
    for index in range(page.locator(".tile").count()):
        tile = page.locator(".tile").nth(index)
        count = int(tile.locator("b").inner_text())
        address = tile.get_attribute("href")
        tile.click()
        page.wait_for_url(f"**{address}")
        expect(page.locator("tr[data-href]")).to_have_count(count)
        page.go_back()
        page.wait_for_url(f"{live.url}/")


def test_a_paper_is_numbered_printed_and_verified_by_anybody(live: Live, page: Page, case: str) -> None:
    live.sign_in(page, "school202", case)
    page.get_by_role("button", name="出具 转学证").click()
    expect(page.get_by_role("heading", name="转学证回执")).to_be_visible()
    expect(page.locator(".tear")).to_have_count(2)
    assert Axe().run(page).response["violations"] == []
    code = page.locator(".paper-foot b").inner_text()
    number = page.locator(".number").first.inner_text().removeprefix("编号：")
    page.goto(live.url + case)
    expect(page.get_by_role("link", name="转学证")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{live.url}/verify/{code}")
    expect(page.locator(".note.ok")).to_contain_text("真实")
    expect(page.locator("#main")).to_contain_text(number)
    expect(page.locator("#main")).not_to_contain_text("买买提")
