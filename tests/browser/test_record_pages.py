"""The record as families read it: a numbered sheet, an answer to an objection, and what the public may verify."""

import os

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Live
from workflow_service.crypto import mask_number
from workflow_service.students import NewGuardian

SHOTS = os.environ.get("SHOTS")


def shot(page: Page, name: str) -> None:
    """Keep a picture at both widths, where somebody wants to look."""
    if not SHOTS:
        return
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_record_is_issued_and_verified_and_shows_no_whole_number(page: Page, live: Live) -> None:
    world = live.world
    pupil = world.student("201", 3)
    change = world.start("school201", "basic_data_change", pupil, ground="by_guardian",
                         data={"ethnicity": "汉族", "home_phone": "13800001111", "guardian_name": "林父",
                               "guardian_relation": "父亲", "guardian_phone": "13900002222"})  # fmt: skip
    world.upload(change, "school201", "photo")
    world.complete(change)
    world.complete(world.start("school201", "results_change", pupil, ground="new_entry",
                               data={"entry_section": "result", "entry_of": "语文", "entry_value": "92"}))  # fmt: skip
    live.sign_in(page, "school201", f"/students/{pupil.id}")
    shot(page, "student")
    page.get_by_role("link", name="学籍卡").click()
    assert "预览" in page.locator("main").inner_text()
    page.get_by_role("button", name="按今日信息出具").click()
    portrait = page.get_by_alt_text(f"{pupil.name}的照片")
    assert portrait.evaluate("picture => picture.naturalWidth") == 4
    text = page.locator("main").inner_text()
    assert "语文" in text
    assert "138****1111" in text
    assert pupil.number not in text
    shot(page, "record")
    code = page.locator(".paper-foot b").inner_text()
    page.context.clear_cookies()
    page.goto(f"{live.url}/verify/{code}")
    assert "真实" in page.locator("main").inner_text()
    shot(page, "verify-record")


def test_a_guardian_of_a_roster_stands_on_the_record_in_words(page: Page, live: Live) -> None:
    pupil = live.world.student("201", 3, guardians=(NewGuardian("52", "林母", None),))
    more = {
        "birth_date": "1987-01-02",
        "identity_number": "990101198701020028",
        "education": "本科",
        "occupation": "教师",
    }
    given = {"guardian_relation": "母亲", **{f"guardian_{name}": value for name, value in more.items()}}
    live.world.complete(live.world.start("school201", "basic_data_change", pupil, ground="by_guardian", data=given))
    live.sign_in(page, "school201", f"/students/{pupil.id}/record")
    shown = page.locator("tr", has_text="林母").locator("td").all_inner_texts()
    assert shown == ["林母", "母亲", "", "1987-01-02", mask_number(more["identity_number"]), "本科", "教师"]
    shot(page, "record-guardian")


def test_what_happened_on_a_day_is_not_shown_as_going_on(page: Page, live: Live) -> None:
    world = live.world
    pupil = world.student("201", 3)
    world.complete(world.start("school201", "hardship_recognition", pupil, ground="family_hardship",
                               data={"hardship_level": "general"}))  # fmt: skip
    award = {"entry_section": "award", "entry_of": "三好学生", "entry_value": "校级"}
    world.complete(world.start("school201", "results_change", pupil, ground="new_entry", data=award))
    live.sign_in(page, "school201", f"/students/{pupil.id}")
    entries = page.locator("section", has=page.locator("#entries")).locator("tbody tr")
    going_on = entries.filter(has_text="进行中").all_inner_texts()
    assert (entries.count(), len(going_on)) == (2, 1)
    assert "贫困生认定" in going_on[0]


def test_an_answer_is_printed_and_the_public_page_shows_it(page: Page, live: Live) -> None:
    world = live.world
    pupil = world.student("201", 3)
    draft = world.start("school201", "objection", pupil, ground="about_record",
                        data={"objects_to": "出生日期", "objection": "与户口簿不符"})  # fmt: skip
    world.complete(draft, data={"objection_outcome": "upheld", "answer": "已核对户口簿，将予更正。"})
    live.sign_in(page, "school201", f"/requests/{draft}")
    shot(page, "objection")
    page.locator("form[action$='/papers/objection_answer'] button").click()
    assert "申诉成立" in page.locator("main").inner_text()
    shot(page, "answer")
    code = page.locator(".paper-foot b").inner_text()
    page.goto(f"{live.url}/verify/{code}")
    assert "将予更正" in page.locator("main").inner_text()
    shot(page, "verify-answer")


@pytest.mark.parametrize("kind", ["key_data_change", "problem_record", "reversal", "archive_access", "results_change"])
def test_each_form_of_the_record_opens(page: Page, live: Live, kind: str) -> None:
    pupil = live.world.student("201", 3)
    live.sign_in(page, "school201", f"/requests/new?kind={kind}&student={pupil.id}")
    assert page.locator("form").count() > 0
    shot(page, f"form-{kind}")


def test_data_are_fetched_once(page: Page, live: Live) -> None:
    world = live.world
    for _ in range(10):
        world.student("201", 3, name=f"学生{next(world.sequence)}")
    draft = world.start("county2", "data_release",
                        data={"recipient": "统计局", "release_purpose": "统计", "approving_government": "县政府",
                              "approval_number": "2026-1", "release_grade": True})  # fmt: skip
    world.complete(draft)
    live.sign_in(page, "county2", f"/requests/{draft}")
    shot(page, "release")
    with page.expect_download() as fetched:
        page.get_by_role("button", name="下载 CSV").click()
    assert fetched.value.suggested_filename.endswith(".csv")
    page.reload()
    page.get_by_role("button", name="下载 CSV").click()
    page.get_by_text("已被取走").first.wait_for()
    assert "已被取走" in page.locator("body").inner_text()
