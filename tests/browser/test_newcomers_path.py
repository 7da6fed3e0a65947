"""A newcomer takes a student in, page by page, as every party in turn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Live
from tests.workflow_service.world import Pupil, picture


@pytest.fixture
def pupil(live: Live) -> Pupil:
    """A student of school 202, and a class of school 201 that has room."""
    live.world.school_class("201", 3)
    student: Pupil = live.world.student("202", 3, name="欧阳𬭎·买买提")
    return student


def labelled(page: Page, name: str) -> Locator:
    """The field with this label, whether or not the label says that it must be given."""
    return page.get_by_label(re.compile(rf"^\s*{re.escape(name)}\s*(必填|选填|$)"))


def fill_in(page: Page, pupil: Pupil) -> None:
    labelled(page, "姓名").fill(pupil.name)
    labelled(page, "学籍号").fill(pupil.number)
    labelled(page, "转入年级").select_option(str(pupil.grade))
    labelled(page, "理由").select_option("moved_house")


def start(live: Live, page: Page, pupil: Pupil) -> str:
    """A draft at school 201, by its registrar; the address of its page."""
    live.sign_in(page, "school201", "/requests/new?kind=transfer")
    fill_in(page, pupil)
    labelled(page, "交房日期").fill("2026-08-01")
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_role("status").first).to_contain_text("草稿已保存")
    return page.url.partition("?")[0]


def upload(page: Page, tmp_path: Path, label: str, kind: str | None = None) -> None:
    file = tmp_path / "scan.png"
    file.write_bytes(picture())
    item = page.locator(".requirement", has_text=label).first
    if kind:
        item.get_by_label("材料名称").select_option(kind)
    item.locator("input[type=file]").set_input_files(file)
    expect(page.locator("#message")).to_contain_text("材料已上传")


def decide(live: Live, page: Page, who: str, address: str, button: str) -> None:
    live.sign_in(page, who, address.removeprefix(live.url))
    labelled(page, "意见").fill("情况属实，同意。")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#message")).to_contain_text("已办理")


def test_school_201_takes_in_a_student_of_school_202(live: Live, page: Page, pupil: Pupil, tmp_path: Path) -> None:
    address = start(live, page, pupil)
    for label in ("转学登记表", "户口本户主页", "户口本学生本人页"):
        upload(page, tmp_path, label)
    upload(page, tmp_path, "以下任一项", "property_certificate")
    expect(page.get_by_text("4 / 4 项齐全")).to_be_visible()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("#message")).to_contain_text("转入学校核办")

    decide(live, page, "school201.principal", address, "同意转入")
    decide(live, page, "school202.principal", address, "同意转出")
    decide(live, page, "county2", address, "审核通过")

    live.sign_in(page, "school201", address.removeprefix(live.url))
    expect(page.locator("#decide")).to_contain_text("学籍由")
    page.get_by_role("button", name="确认接收", exact=True).click()
    expect(page.locator("#message")).to_contain_text("学籍已转入本校")
    expect(page.locator(".case-title .tag").first).to_have_text("办结")

    live.sign_in(page, "school201", f"/students?q={pupil.name}")
    page.get_by_role("link", name=pupil.name).click()
    expect(page.locator(".timeline")).to_have_count(0)
    expect(page.locator("#main")).to_contain_text(live.world.organization("201").name)
    assert live.world.enrolment(pupil.id).school_id == live.world.organization("201").id


def test_the_pre_check_answers_while_the_form_is_filled(live: Live, page: Page, pupil: Pupil) -> None:
    live.sign_in(page, "school201", "/requests/new?kind=transfer")
    check = page.locator("#check")
    labelled(page, "姓名").fill("某某某")
    labelled(page, "学籍号").fill(pupil.number)
    labelled(page, "转入年级").select_option("3")
    expect(check).to_contain_text("2001")
    expect(check).not_to_contain_text("在读")
    fill_in(page, pupil)
    expect(check).to_contain_text("可以提交")
    expect(check).to_contain_text("交房日期")
    expect(check).to_contain_text("房产证")
    expect(check).to_contain_text("转出学校核办")
    expect(check).to_contain_text("在册和占位")
    labelled(page, "交房日期").fill("2026-08-01")
    expect(check).not_to_contain_text("核办前还须补齐的事实")
    labelled(page, "转入年级").select_option("3")
    live.world.school_class("201", 4)
    page.reload()
    fill_in(page, pupil)
    labelled(page, "转入年级").select_option("4")
    expect(check).to_contain_text("现在不能提交")


def test_only_the_facts_that_the_ground_asks_are_shown(live: Live, page: Page) -> None:
    live.sign_in(page, "school201", "/requests/new?kind=transfer")
    ground = labelled(page, "理由")
    since = page.get_by_label("学生户口迁入学区日期")
    ground.select_option("return_to_registered_home")
    expect(labelled(page, "交房日期")).to_be_hidden()
    expect(since).to_be_hidden()
    page.get_by_label("挂靠户口").locator("visible=true").check()
    expect(since).to_be_visible()
    page.get_by_label("与父母或监护人同户").locator("visible=true").check()
    expect(since).to_be_hidden()
    ground.select_option("moved_house")
    expect(labelled(page, "交房日期")).to_be_visible()


def test_a_greyed_button_carries_every_reason_with_its_rule_and_cure(live: Live, page: Page, pupil: Pupil) -> None:
    address = start(live, page, pupil)
    page.get_by_role("button", name="提交", exact=True).click()
    live.sign_in(page, "school201.principal", address.removeprefix(live.url))
    approve = page.locator("button[data-event=approve]")
    expect(approve).to_be_disabled()
    expect(approve).to_have_attribute("aria-disabled", "true")
    reasons = page.locator(".choice.blocked", has=approve)
    expect(reasons.locator(".reason")).to_have_count(4)
    for reason in reasons.locator(".reason").all():
        expect(reason.locator(".law")).to_contain_text("TR-03")
        expect(reason.locator(".cure").first).to_contain_text("补交")
    described = page.locator(f"#{approve.get_attribute('aria-describedby')}")
    expect(described).to_contain_text("缺少材料")


def test_a_return_lists_everything_that_is_missing_and_comes_back(live: Live, page: Page, pupil: Pupil) -> None:
    address = start(live, page, pupil)
    page.get_by_role("button", name="提交", exact=True).click()
    live.sign_in(page, "school201.principal", address.removeprefix(live.url))
    page.locator("summary", has_text="退回补正").click()
    page.get_by_role("button", name="退回补正", exact=True).click()
    expect(page.locator("#message")).to_contain_text("退回补正")
    opinion = page.locator(".timeline blockquote").first
    expect(opinion).to_contain_text("1. 转学登记表（已签章）")
    expect(opinion).to_contain_text("4. 房产证 或")
    live.sign_in(page, "school201", "/")
    expect(page.locator(".tile", has_text="退回待补正").locator("b")).to_have_text("1")
    page.goto(address)
    page.get_by_role("button", name="重新提交", exact=True).click()
    expect(page.locator("#message")).to_contain_text("转入学校核办")


def test_refusing_needs_a_reason_of_the_list_and_keeps_what_was_typed(live: Live, page: Page, pupil: Pupil) -> None:
    address = start(live, page, pupil)
    page.get_by_role("button", name="提交", exact=True).click()
    live.sign_in(page, "school201.principal", address.removeprefix(live.url))
    labelled(page, "意见").fill("本校没有学位。")
    page.locator("summary", has_text="不予通过").click()
    page.get_by_role("button", name="不予通过", exact=True).click()
    expect(page.locator("#message")).to_contain_text("SYS-T6")
    expect(labelled(page, "意见")).to_have_value("本校没有学位。")
    page.get_by_label("理由（须从列表选择）").select_option("no_place")
    page.get_by_role("button", name="不予通过", exact=True).click()
    expect(page.locator(".case-title .tag").first).to_have_text("不予通过")


def test_whoever_decides_on_an_older_version_sees_the_difference(live: Live, page: Page, pupil: Pupil) -> None:
    address = start(live, page, pupil)
    page.get_by_role("button", name="提交", exact=True).click()
    live.sign_in(page, "school201.principal", address.removeprefix(live.url))
    number = int(re.findall(r"\d+$", address)[0])
    live.world.fire(number, "recall", "school201")
    labelled(page, "意见").fill("写了很久的意见")
    page.locator("summary", has_text="其他操作").click()
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        page.get_by_role("button", name="备注", exact=True).click()
    assert sent.value.status == 412
    expect(page.locator("#message")).to_contain_text("您看到的是“转入学校核办”")
    expect(page.locator("#message")).to_contain_text("现在是“已撤回”")


def test_a_double_click_submits_once(live: Live, page: Page, pupil: Pupil) -> None:
    live.sign_in(page, "school201", "/requests/new?kind=transfer")
    fill_in(page, pupil)
    page.get_by_role("button", name="保存草稿").dblclick()
    expect(page.get_by_role("status").first).to_contain_text("草稿已保存")
    page.goto(f"{live.url}/requests?box=mine")
    expect(page.locator("tr[data-href]")).to_have_count(1)


def test_an_opinion_survives_a_session_that_ended(live: Live, page: Page, pupil: Pupil) -> None:
    address = start(live, page, pupil)
    page.get_by_role("button", name="提交", exact=True).click()
    live.sign_in(page, "school201.principal", address.removeprefix(live.url))
    labelled(page, "意见").fill("写了很久的意见")
    page.context.clear_cookies()
    page.locator("summary", has_text="其他操作").click()
    page.get_by_role("button", name="备注", exact=True).click()
    page.wait_for_url("**/login**")
    page.fill("[name=username]", "school201.principal")
    page.fill("[name=password]", "demo-2026")
    page.get_by_role("button", name="登录").click()
    expect(labelled(page, "意见")).to_have_value("写了很久的意见")


def test_under_nenjiangs_order_the_school_that_is_left_starts(live: Live, page: Page, tmp_path: Path) -> None:
    live.world.school_class("101", 3)
    pupil = live.world.student("102", 3, name="林小满")
    live.sign_in(page, "school102", f"/students/{pupil.id}")
    page.get_by_role("link", name="办理转出").click()
    labelled(page, "转入学校").select_option(str(live.world.organization("101").id))
    labelled(page, "理由").select_option("register_and_home_moved")
    page.get_by_label("全家户口迁移").locator("visible=true").check()
    page.get_by_role("group", name="住址已迁移").get_by_label("是").locator("visible=true").check()
    labelled(page, "跨乡镇").locator("visible=true").check()
    expect(page.locator("#check")).to_contain_text("可以提交")
    expect(page.locator("#check")).to_contain_text("转学证")
    page.get_by_role("button", name="保存草稿").click()
    address = page.url.partition("?")[0]
    page.get_by_role("button", name="出具 转学证").click()
    expect(page.locator(".sheet")).to_contain_text(pupil.number)
    page.goto(address)
    for label in ("转学证回执", "转学证"):
        upload(page, tmp_path, label)
    page.get_by_role("button", name="提交", exact=True).click()
    decide(live, page, "school102.principal", address, "同意转出")
    decide(live, page, "county1", address, "审核通过")
    live.sign_in(page, "school101", address.removeprefix(live.url))
    page.get_by_role("button", name="确认接收", exact=True).click()
    expect(page.locator(".case-title .tag").first).to_have_text("办结")
    assert live.world.enrolment(pupil.id).school_id == live.world.organization("101").id
