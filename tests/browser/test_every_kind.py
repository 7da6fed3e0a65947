"""Kinds of request from form to completion in the browser: one live server, several kinds, every party in turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from states.kinds import KINDS, statuses_before
from states.student_status import STATUSES
from tests.browser.conftest import Live
from tests.browser.test_every_page import SMALL, STICKING_OUT
from workflow_service.ids import parse_id
from workflow_service.offers import offers


@dataclass(frozen=True)
class Walk:
    """A kind from form to completion: the ground, the facts typed into the form, those that later holders bring."""

    kind: str
    ground: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    person: dict[str, str] = field(default_factory=dict)
    grade: str = ""
    brings: dict[str, Any] = field(default_factory=dict)
    done: str = ""  # what the page says when it is completed


def put(place: Locator, value: Any) -> None:
    """Fill in one input of a fact, whatever sort of input it is."""
    field_ = place.locator("visible=true").first
    if field_.get_attribute("type") == "radio":
        chosen = str(value).lower() if isinstance(value, bool) else value
        place.and_(place.page.locator(f'[value="{chosen}"]')).locator("visible=true").check()
    elif field_.evaluate("field => field.tagName") == "SELECT":
        field_.select_option(str(value))
    else:
        field_.fill(str(value))


def give(page: Page, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        put(page.locator(f'[name="data.{name}"]'), value)


def fill_in(live: Live, page: Page, walk: Walk, student: int | None) -> int:
    """The form of a kind, as the school's registrar fills it in; the id of the draft."""
    who = f"&student={student}" if student else "&who=new" if walk.person else ""
    live.sign_in(page, "school201", f"/requests/new?kind={walk.kind}{who}")
    for name, value in walk.person.items():
        put(page.locator(f'[name="{name}"]'), value)
    if walk.grade:
        page.get_by_label("就读年级").select_option(walk.grade)
    if walk.ground:
        page.locator(f'[name=ground][value="{walk.ground}"]').check()
    give(page, walk.facts)
    expect(page.locator("#check")).to_contain_text("可以提交")
    page.get_by_role("button", name="保存草稿").click()
    expect(page.locator("#message")).to_contain_text("草稿已保存")
    found = parse_id(page.url.partition("?")[0].rpartition("/")[2])
    assert found is not None
    return found


def walk_through(live: Live, page: Page, walk: Walk, student: int | None = None) -> int:
    """From the form to the end, each step by whoever holds it, all through pages; papers are laid beside them."""
    number = fill_in(live, page, walk, student)
    live.world.upload_all(number, "school201")
    page.reload()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("#message")).to_contain_text("已办理")
    while not (row := live.world.request(number)).final:
        username, event = live.world.decider(number)
        live.world.upload_all(number, username)
        live.sign_in(page, username, f"/requests/{number}")
        give(
            page, {name: value for name, value in walk.brings.items() if page.locator(f'[name="data.{name}"]').count()}
        )
        page.locator(f'#decide button.primary[value="{event}"]').click()
        expect(page.locator("#message")).to_contain_text("已办理")
        assert live.world.request(number).version > row.version
    assert row.state == "completed"
    expect(page.locator("#decide")).to_contain_text(walk.done)
    return number


def test_kinds_of_one_school_from_form_to_completion(live: Live, page: Page) -> None:
    world = live.world
    pupil = world.student("201", 3, name="阿依努尔·买买提")
    world.school_class("201", 1)
    walk_through(
        live, page, Walk("suspension", "illness", {"until": "2027-07-31"}, done="学籍状态变为“休学”"), pupil.id
    )
    assert world.student_row(pupil.id).status == "suspended"

    world.go(2027, 2, 26)
    live.sign_in(page, "school201", f"/students/{pupil.id}")
    expect(page.locator("#main")).to_contain_text("期满日期：2027年7月31日")
    page.get_by_text("不能办理的业务及原因").click()
    expect(page.locator(".reasons-of")).to_contain_text("状态须为：在读")
    walk_through(live, page, Walk("resumption", "recovered", done="学籍状态变为“在读”"), pupil.id)
    assert world.student_row(pupil.id).status == "attending"


def test_a_key_data_change_asks_its_holder_for_the_duplicate_check(live: Live, page: Page) -> None:
    pupil = live.world.student("201", 3, name="林小满")
    change = Walk("key_data_change", "changed_by_police", {"new_name": "林大满"}, brings={"duplicate_excluded": True})
    number = fill_in(live, page, change, pupil.id)
    live.world.upload_all(number, "school201")
    page.reload()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("#message")).to_contain_text("已办理")
    check = page.locator('#decide button.primary[value="approve"]')
    check.click()
    assert live.world.request(number).state == "awaiting_duplicate_check", "the required fact was not asked for"
    give(page, change.brings)
    check.click()
    expect(page.locator("#message")).to_contain_text("已办理")
    assert live.world.request(number).data["duplicate_excluded"] is True


def test_an_objection_is_answered_in_the_browser(live: Live, page: Page) -> None:
    """Two facts come with the deciding event, of two sorts: a choice and a text."""
    pupil = live.world.student("201", 3, name="林小满")
    brings = {"objection_outcome": "upheld", "answer": "经核，申诉成立，已更正。"}
    facts = {"objects_to": "成绩", "objection": "成绩录入有误。"}
    walk_through(live, page, Walk("objection", "about_record", facts, brings=brings, done="已生效"), pupil.id)
    live.sign_in(page, "school201", f"/students/{pupil.id}")
    expect(page.locator("#main")).to_contain_text("申诉成立")


def test_a_new_person_is_enrolled_and_a_total_is_changed(live: Live, page: Page) -> None:
    live.world.school_class("201", 1)
    born = {"person.name": "新生甲", "person.sex": "1", "person.birth_date": "2020-03-01", "guardian1.relation": "母亲",
            "guardian1.name": "林母"}  # fmt: skip
    facts = {"guardian_register_in_catchment": True, "reported_on": "2026-08-24"}
    walk_through(live, page, Walk("enrolment", "catchment_admission", facts, born, "1", done="编入"))
    facts = {"for_stage": "primary", "plans_total": 300, "quota": 300}
    walk_through(live, page, Walk("quota_change", facts=facts, done="已生效"))


@pytest.mark.parametrize("width", [1280, 390])
def test_no_form_of_a_kind_has_a_barrier_or_runs_off_the_screen(live: Live, page: Page, width: int) -> None:
    """Those with most on them: a new person, many grounds, the choice itself, the choice of a student."""
    page.set_viewport_size({"width": width, "height": 844})
    pupils = {status: live.world.student("201", 3, status=status).id for status in STATUSES}
    live.sign_in(page, "school201")
    paths = ["/requests/new", "/requests/new?kind=enrolment&who=new", "/requests/new?kind=suspension&q=林",
             f"/students/{pupils['suspended']}"]  # fmt: skip
    for offer in offers(live.world.service, live.world.actor("school201")):
        fitting = sorted(statuses_before(offer.kind, None)) or ["attending"]
        if KINDS[offer.kind].sides == "one" and KINDS[offer.kind].subject == "student":
            paths.append(f"/requests/new?kind={offer.kind}&student={pupils[fitting[0]]}")
    faults = []
    for number, path in enumerate(paths if width == 390 else [*paths[:6], *paths[6::4]]):
        page.goto(live.url + path)
        faults += [f"{path}: {part}" for part in page.evaluate(STICKING_OUT) + page.evaluate(SMALL)]
        if width == 390 and number < 5:
            found = Axe().run(page).response["violations"]
            faults += [f"{path}: {fault['id']}: {fault['nodes'][0]['html']}" for fault in found]
    assert faults == []
