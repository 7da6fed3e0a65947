"""A day at the desk: case after case by keyboard, papers beside the opinion, photographs as a phone makes them."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Live
from tests.workflow_service.world import picture

LIMIT = 2 * 1024 * 1024


def submitted(live: Live, name: str, *kinds: str) -> int:
    live.world.school_class("201", 3)
    pupil = live.world.student("202", 3, name=name)
    data = {"guardian_register_in_catchment": True, "student_register": "with_guardian"}
    number: int = live.world.draft("school201", pupil, "201", ground="return_to_registered_home", data=data)
    live.world.upload(number, "school201", *kinds)
    live.world.fire(number, "submit", "school201")
    return number


def test_an_opinion_stays_while_the_papers_are_looked_through(live: Live, page: Page) -> None:
    number = submitted(live, "林小满", "transfer_form_stamped", "household_register_head_page")
    live.sign_in(page, "school201.principal", f"/requests/{number}")
    page.get_by_label("意见", exact=True).fill("已看登记表")
    page.locator(".file a").first.click()
    heading = page.locator("#viewer h3")
    expect(heading).to_contain_text("1 / 2")
    page.wait_for_load_state()
    page.keyboard.press("n")
    expect(heading).to_contain_text("2 / 2")
    page.wait_for_load_state()
    page.keyboard.press("p")
    expect(heading).to_contain_text("1 / 2")
    expect(page.get_by_label("意见", exact=True)).to_have_value("已看登记表")


def test_what_was_typed_is_not_shown_to_the_next_person_at_the_same_desk(live: Live, page: Page) -> None:
    number = submitted(live, "林小满")
    live.sign_in(page, "school201.principal", f"/requests/{number}")
    page.get_by_label("意见", exact=True).fill("只给自己看的话")
    live.sign_in(page, "school201", f"/requests/{number}")
    expect(page.get_by_label("意见", exact=True)).to_have_value("")


def test_after_a_decision_enter_opens_the_next_case(live: Live, page: Page) -> None:
    kinds = ("transfer_form_stamped", "household_register_head_page", "household_register_student_page")
    first, second = submitted(live, "王𬭎", *kinds), submitted(live, "阿不都热依木·买买提明", *kinds)
    live.sign_in(page, "school201.principal", f"/requests/{first}")
    page.get_by_role("button", name="同意转入", exact=True).click()
    following = page.get_by_role("link", name="下一件：阿不都热依木·买买提明")
    expect(following).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/requests/{second}")


def test_a_chip_keeps_the_search(live: Live, page: Page) -> None:
    submitted(live, "林小满")
    live.sign_in(page, "school201.principal", "/requests?box=todo&q=林小满")
    page.get_by_role("link", name="3 个工作日内").click()
    expect(page.locator("input[type=search]")).to_have_value("林小满")
    expect(page.locator(".empty")).to_be_visible()
    page.get_by_role("link", name="不限期限").click()
    expect(page.locator("tr[data-href]")).to_have_count(1)


@pytest.fixture
def draft(live: Live, page: Page) -> Page:
    """The page of a draft, before its first paper."""
    live.world.school_class("201", 3)
    number = live.world.draft("school201", live.world.student("202", 3), "201", ground="moved_house")
    live.sign_in(page, "school201", f"/requests/{number}")
    return page


def test_a_photograph_that_is_too_large_is_made_smaller_before_it_is_sent(draft: Page) -> None:
    picture = io.BytesIO()
    Image.effect_noise((3000, 2200), 70).convert("RGB").save(picture, "JPEG", quality=92)
    assert len(picture.getvalue()) > LIMIT
    file = {"name": "手机照片.JPG", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    draft.locator("input[type=file]").first.set_input_files(files=[file])  # type: ignore[list-item]
    expect(draft.locator("#message")).to_contain_text("材料已上传")
    shown = draft.locator(".file").first
    expect(shown).to_contain_text("手机照片.jpg")
    size = re.findall(r"(\d+) KB", shown.inner_text())[0]
    assert 100 * 1024 < int(size) * 1024 <= LIMIT + 1024


def test_a_scan_that_is_too_large_is_told_before_it_is_sent(draft: Page, tmp_path: Path) -> None:
    scan = tmp_path / "户口本.pdf"
    scan.write_bytes(b"%PDF-1.7\n" + bytes(3 * 1024 * 1024))
    sent: list[str] = []
    draft.on("request", lambda request: sent.append(request.method))
    draft.locator("input[type=file]").first.set_input_files(scan)
    said = draft.locator("[data-said]").first
    expect(said).to_contain_text("户口本.pdf 有 3 MB，每份不能超过 2 MB")
    expect(said).to_contain_text("200 dpi")
    assert "POST" not in sent


def test_a_file_that_was_chosen_before_the_script_came_is_uploaded_too(draft: Page, tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    scan.write_bytes(picture())
    held: list[Route] = []
    draft.route("**/upload.js", lambda route: held.append(route))
    draft.reload(wait_until="commit")
    draft.locator("input[type=file]").first.set_input_files(scan)
    held[0].continue_()
    expect(draft.locator("#message")).to_contain_text("材料已上传")


def test_what_narrows_a_list_stands_in_one_line_with_its_search(live: Live, page: Page) -> None:
    live.sign_in(page, "school201", "/requests")
    left = {round(place.bounding_box()["x"]) for place in (page.locator("#q"), page.locator(".chips a").first)}
    assert len(left) == 1
