"""Every kind of request from form to completion in the browser, every party in turn, all through pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from states.kinds import KINDS, statuses_before
from states.student_status import STATUSES
from tests.browser.conftest import Live
from tests.browser.test_every_page import HAN, OUTSIDE, SMALL, STICKING_OUT
from tests.browser.walks import EARLIER, JOURNEYS, Journey, Walk
from tests.workflow_service.universities import found_university
from tests.workflow_service.world import TODAY, Pupil, picture
from workflow_service.ids import parse_id
from workflow_service.models.columns import to_micros
from workflow_service.offers import offers


@pytest.fixture(scope="module")
def everywhere(shared: Live) -> Live:
    """The demo's schools and a university."""
    found_university(shared.world)
    return shared


def test_every_kind_of_request_is_walked() -> None:
    """A new kind needs a row among the walks."""
    assert {walk.kind for journey in JOURNEYS.values() for walk in journey.walks} == set(KINDS)


def journeys() -> Iterator[Any]:
    """One journey of every group of kinds for `make test`, the others for `make test-long`: a merge waits for both."""
    begun = set()
    for name, journey in JOURNEYS.items():
        group = KINDS[journey.walks[0].kind].group
        yield pytest.param(journey, id=name, marks=pytest.mark.long if group in begun else ())
        begun.add(group)


@pytest.mark.parametrize("journey", [*journeys()])
def test_from_form_to_completion(everywhere: Live, page: Page, journey: Journey, tmp_path: Path) -> None:
    live, world = everywhere, everywhere.world
    world.at = to_micros(TODAY)
    scan = tmp_path / "scan.png"
    scan.write_bytes(picture())
    number, subject = None, None
    for walk in journey.walks:
        if walk.on:
            world.go(walk.on.year, walk.on.month, walk.on.day)
        if number is None:
            subject = lay_out(live, journey)
        elif journey.person:
            subject = Pupil(world.request(number).student_id, "", "", walk.grade or 0)
        earlier = world.request(number).number if number else ""
        facts = {name: earlier if value == EARLIER else value for name, value in walk.facts.items()}
        number = fill_in(live, page, journey, walk, subject, facts)
        hand_in(live, page, walk, number, journey.by, scan)
        decide(live, page, walk, number)
        if walk.record:
            live.come_back(page, journey.by, f"/students/{world.request(number).student_id}")
            expect(page.locator("#main")).to_contain_text(walk.record)
    live.come_back(page, journey.by, f"/requests/{number}?lang=en")
    assert_well_shown(page)


def lay_out(live: Live, journey: Journey) -> Pupil | None:
    """What a journey stands on: classes, and its student where the first form does not bring one."""
    for code, grade, stage, sequence in journey.classes:
        live.world.school_class(code, grade, stage, sequence)
    if journey.found:
        return journey.found(live.world)
    if journey.person or journey.about:
        return None
    pupil: Pupil = live.world.student(journey.of, journey.grade, stage=journey.stage, name="阿依努尔·买买提")
    return pupil


def fill_in(live: Live, page: Page, journey: Journey, walk: Walk, subject: Pupil | None, facts: dict[str, Any]) -> int:
    """The form of a kind, filled in by whoever starts it; the id of the draft."""
    named = KINDS[walk.kind].sides == "two" or (journey.named and walk is journey.walks[0])
    asked = {"kind": walk.kind}
    if journey.about:
        asked |= {"school": str(live.world.organization(journey.about).id)} if journey.by.startswith("county") else {}
    elif named:
        asked |= {} if KINDS[walk.kind].sides == "two" else {"who": "named"}
    else:
        asked |= {"student": str(subject.id)} if subject else {"who": "new"}
    live.come_back(page, journey.by, f"/requests/new?{urlencode(asked)}")
    if named and subject:
        page.locator('[name="student.name"]').fill(subject.name)
        page.locator('[name="student.student_number"]').fill(subject.number)
    for name, value in ((journey.person or {}) if subject is None else {}).items():
        put(page.locator(f'[name="{name}"]'), value)
    if walk.grade:
        page.locator("[name=grade]").select_option(str(walk.grade))
    choose_ground(page, walk.ground)
    give(page, facts)
    expect(page.locator("#check")).to_contain_text("可以提交")
    page.get_by_role("button", name="保存草稿").click()
    expect(page.locator("#message")).to_contain_text("草稿已保存")
    found = parse_id(page.url.partition("?")[0].rpartition("/")[2])
    assert found is not None
    return found


def choose_ground(page: Page, ground: str) -> None:
    """Where the ground is a list, that entry; where it is a choice, that one; some kinds have none."""
    if not ground:
        return
    if (listed := page.locator("select[name=ground]")).count():
        listed.select_option(ground)
    else:
        page.locator(f'[name=ground][value="{ground}"]').check()


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


def hand_in(live: Live, page: Page, walk: Walk, number: int, by: str, scan: Path) -> None:
    """Submit the draft whose page is shown; its papers are laid beside it, or chosen on the page."""
    if walk.by_hand:
        missing = page.locator(".requirement", has=page.locator(".tag.orange"))
        for _ in range(missing.count()):
            before = missing.count()
            missing.first.locator("input[type=file]").set_input_files(scan)
            expect(missing).to_have_count(before - 1)
    else:
        live.world.upload(number, by, *walk.papers)
        live.world.upload_all(number, by)
        page.reload()
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator("#message")).to_contain_text("已办理")


def decide(live: Live, page: Page, walk: Walk, number: int) -> None:
    """Each step by whoever holds it, to the end."""
    while not (row := live.world.request(number)).final:
        username, event = live.world.decider(number)
        live.world.upload_all(number, username)
        live.come_back(page, username, f"/requests/{number}")
        give(page, {name: value for name, value in walk.brings.items()
                    if page.locator(f'[name="data.{name}"]').locator("visible=true").count()})  # fmt: skip
        page.locator(f'#decide button.primary[value="{event}"]').click()
        expect(page.locator("#message")).to_be_visible()
        assert live.world.request(number).version > row.version
    assert row.state == "completed"
    expect(page.locator("main")).to_contain_text(walk.done)


def assert_well_shown(page: Page) -> None:
    """In English, on a telephone: nothing sticks out, all can be touched, no Chinese but data."""
    page.set_viewport_size({"width": 390, "height": 844})
    faults = page.evaluate(STICKING_OUT) + page.evaluate(SMALL)
    faults += [text.strip() for text in page.evaluate(OUTSIDE)[:-1] if HAN.search(text)]  # its title may be a name
    assert faults == []


def test_a_key_data_change_asks_its_holder_for_the_duplicate_check(live: Live, page: Page, tmp_path: Path) -> None:
    renamed = JOURNEYS["renamed"]
    [change] = renamed.walks
    number = fill_in(live, page, renamed, change, live.world.student("201", 3, name="林小满"), change.facts)
    hand_in(live, page, change, number, "school201", tmp_path)
    check = page.locator('#decide button.primary[value="approve"]')
    check.click()
    assert live.world.request(number).state == "awaiting_duplicate_check", "the required fact was not asked for"
    give(page, change.brings)
    check.click()
    expect(page.locator("#message")).to_contain_text("已办理")
    assert live.world.request(number).data["duplicate_excluded"] is True


def test_what_cannot_be_asked_for_a_student_is_listed_with_its_reason(live: Live, page: Page) -> None:
    pupil = live.world.student("201", 3, status="suspended")
    live.sign_in(page, "school201", f"/students/{pupil.id}")
    page.get_by_text("不能办理的业务及原因").click()
    expect(page.locator(".reasons-of")).to_contain_text("状态须为：在读")


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
