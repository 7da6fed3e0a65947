"""The form of every kind that is offered: it renders with its facts, in both languages, and refuses what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from api.pages.forms import facts_of_form
from api.pages.one_school_form import statuses_of, ways_of
from states.asked import known_of
from states.kinds import KINDS
from states.student_status import STATUSES
from tests.api.conftest import Api
from tests.api.test_pages import sign_in
from tests.workflow_service.test_kinds_admission import graduate
from tests.workflow_service.world import Pupil
from workflow_service.db import begin, reading
from workflow_service.models import Enrolment, Guardian, History, RegisterEntry, SchoolClass, Student
from workflow_service.offers import Offer, offers

HAN = re.compile(r"[㐀-鿿]")


class Outside(HTMLParser):
    """All text of a page that is not marked as Chinese data."""

    def __init__(self) -> None:
        super().__init__()
        self.depth: list[bool] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        marked = dict(attrs)
        if marked.get("lang") != "zh-CN" and not (self.depth and self.depth[-1]):
            self.found += [marked.get(name) or "" for name in ("aria-label", "placeholder", "title", "alt")]
        if tag not in ("input", "meta", "link", "br", "img"):
            data = tag in ("script", "style", "textarea", "option", "title")
            self.depth.append(marked.get("lang") == "zh-CN" or data or bool(self.depth and self.depth[-1]))

    def handle_endtag(self, tag: str) -> None:
        if self.depth and tag not in ("input", "meta", "link", "br", "img"):
            self.depth.pop()

    def handle_data(self, data: str) -> None:
        if not (self.depth and self.depth[-1]):
            self.found.append(data)


def chinese_of(text: str) -> list[str]:
    """The Chinese of a page that stands there as if it were English."""
    page = Outside()
    page.feed(text)
    return [part.strip() for part in page.found if HAN.search(part)]


@pytest.fixture
def pupils(sqlite_api: Api) -> dict[str, Pupil]:
    """One student of school 201 for every status, the last grade of primary school."""
    return {status: sqlite_api.world.student("201", 3, status=status) for status in STATUSES}


def one_school(offered: tuple[Offer, ...]) -> Iterator[Offer]:
    yield from (offer for offer in offered if KINDS[offer.kind].sides == "one")


def address_of(offer: Offer, pupils: dict[str, Pupil]) -> str:
    """The address of a kind's form with somebody chosen whose status fits."""
    if not ways_of(offer.kind):
        return f"/requests/new?kind={offer.kind}"
    fitting = sorted(statuses_of(offer.kind, offer.definition)) or ["attending"]
    return f"/requests/new?kind={offer.kind}&student={pupils[fitting[0]].id}"


def test_every_kind_that_a_school_may_start_has_its_form(sqlite_api: Api, pupils: dict[str, Pupil]) -> None:
    offered = offers(sqlite_api.world.service, sqlite_api.world.actor("school201"))
    sign_in(sqlite_api, "school201")
    choice = sqlite_api.client.get("/requests/new").text
    for offer in offered:
        assert f"kind={offer.kind}" in choice
    for offer in one_school(offered):
        answer = sqlite_api.client.get(address_of(offer, pupils))
        assert answer.status_code == 200, offer.kind
        assert f"<h1>{KINDS[offer.kind].label}</h1>" in answer.text
        for fact in facts_of_form(offer.definition, known_of(True, ["primary"])).names:
            assert f'name="data.{fact}"' in answer.text, f"{offer.kind}: {fact}"
        for ground in offer.definition.grounds:
            assert f'value="{ground.name}"' in answer.text, f"{offer.kind}: {ground.name}"


def said_of(page: str, fact: str) -> str:
    """What stands beside a fact's name: whether it must be given."""
    before = page[: page.index(f'name="data.{fact}"')]
    return str(re.findall(r'<span class="need(?: may)?">([^<]*)</span>', before)[-1])


def test_what_must_be_given_is_said_in_words_by_the_rules_of_the_kind(
    sqlite_api: Api, pupils: dict[str, Pupil]
) -> None:
    sign_in(sqlite_api, "school201")
    pupil = pupils["attending"].id
    page = sqlite_api.client.get(f"/requests/new?kind=dropout_report&student={pupil}").text
    assert said_of(page, "dropout_cause") == "必填"
    assert said_of(page, "township_told_on") == "必填"
    assert said_of(page, "home_county") == "必填（“随迁子女”为“是”时）"
    assert said_of(page, "effective_on") == "选填"
    enrolment = sqlite_api.client.get("/requests/new?kind=enrolment&who=new&lang=en").text
    assert said_of(enrolment, "reported_on") == "required (unless “Taught at home” is “Yes”)"
    assert said_of(enrolment, "class_name") == "optional"
    assert 'for="person-name">Name <span class="need">required</span>' in enrolment


def test_a_ground_that_is_not_chosen_yet_is_still_to_be_given_and_one_of_another_kind_is_wrong(
    sqlite_api: Api, pupils: dict[str, Pupil]
) -> None:
    csrf = sign_in(sqlite_api, "school201")
    form = {"csrf": csrf, "kind": "suspension", "who": "own", "student_id": str(pupils["attending"].id)}
    fresh = sqlite_api.client.post("/requests/check", data=form, headers={"X-Fragment": "1"}).text
    assert "未选择事由" in fresh
    assert "提交前还需填写" in fresh
    assert "tag red" not in fresh
    assert "reason hard" not in fresh
    form["ground"] = "crime"
    wrong = sqlite_api.client.post("/requests/check", data=form, headers={"X-Fragment": "1"}).text
    assert "所选事由不被接受" in wrong
    assert "tag red" in wrong
    assert "reason hard" in wrong


def test_who_may_not_leave_is_shown_what_there_is_instead(sqlite_api: Api, pupils: dict[str, Pupil]) -> None:
    """Nobody leaves in the compulsory stages (N25-16); who stays away is reported, who is ill suspended (N13-26)."""
    csrf = sign_in(sqlite_api, "school201")
    pupil = pupils["attending"].id
    form = {"csrf": csrf, "kind": "leaving", "who": "own", "student_id": str(pupil), "ground": "own_wish"}
    page = sqlite_api.client.post("/requests/check", data=form, headers={"X-Fragment": "1"}).text
    assert "义务教育阶段不办理退学" in page
    for kind, rule in (("suspension", "N13-23"), ("dropout_report", "N13-26")):
        address = f"/requests/new?kind={kind}&amp;student={pupil}"
        assert f'<a href="{address}">{KINDS[kind].label}</a>（{rule}）' in page
        assert sqlite_api.client.get(address.replace("&amp;", "&")).status_code == 200
    asked = {"kind": "leaving", "student_id": str(pupil), "ground": "own_wish"}
    answer: Any = sqlite_api.post("school201", "/requests/check", asked).json
    [refusal] = [row for row in answer["blocked_by"] if row["rule"] == "N25-16"]
    assert [one["kind"] for one in refusal["other_kinds"]] == [
        "transfer", "suspension", "dropout_report", "going_abroad"]  # fmt: skip


def test_a_guest_sits_in_a_class_that_the_host_has(sqlite_api: Api) -> None:
    world = sqlite_api.world
    here = world.school_class("201", 3)
    guest = world.student("202", 3)
    csrf = sign_in(sqlite_api, "school201")
    page = sqlite_api.client.get("/requests/new?kind=guest_attendance").text
    [choice] = re.findall(r'<select id="fact-class_name".*?</select>', page, re.DOTALL)
    with reading(world.service.engine) as connection:
        name = connection.execute(select(SchoolClass.name).where(SchoolClass.id == here)).scalar_one()
    assert f'<option value="{name}">{name}（三年级）' in choice
    form = {"csrf": csrf, "kind": "guest_attendance", "way": "in", "student.name": guest.name, "grade": "3",
            "student.student_number": guest.number, "ground": "other", "data.until": "2027-07-01"}  # fmt: skip
    refused = "没有“九十九班”"
    for class_name, there in ((name, False), ("九十九班", True)):
        sent = {**form, "data.class_name": class_name}
        answer = sqlite_api.client.post("/requests/check", data=sent, headers={"X-Fragment": "1"}).text
        assert (refused in answer) is there


def test_a_sino_foreign_programme_is_asked_about_only_where_there_are_senior_classes(sqlite_api: Api) -> None:
    """N25-13 is of ordinary senior schools; in a primary school the question only puzzles."""
    definition = offers(sqlite_api.world.service, sqlite_api.world.actor("school201"))
    [enrolment] = [offer.definition for offer in definition if offer.kind == "enrolment"]
    for stages, there in ((["primary"], False), (["junior"], False), (["junior", "senior"], True), (["senior"], True)):
        assert ("sino_foreign_programme" in facts_of_form(enrolment, known_of(True, stages)).names) is there
    sign_in(sqlite_api, "school201")
    page = sqlite_api.client.get("/requests/new?kind=enrolment&who=new").text
    assert "data.sino_foreign_programme" not in page
    assert "data.reported_on" in page


def test_every_form_is_english_without_chinese_but_data(sqlite_api: Api, pupils: dict[str, Pupil]) -> None:
    sign_in(sqlite_api, "school201")
    offered = offers(sqlite_api.world.service, sqlite_api.world.actor("school201"))
    addresses = [f"{address_of(offer, pupils)}&lang=en" for offer in one_school(offered)]
    ways = [f"/requests/new?kind={offer.kind}&who={way}&lang=en" for offer in offered for way in ways_of(offer.kind)]
    found = {}
    for address in ["/requests/new?lang=en", *addresses, *ways, f"/students/{pupils['attending'].id}?lang=en"]:
        answer = sqlite_api.client.get(address)
        assert answer.status_code == 200, address
        if left := chinese_of(answer.text):
            found[address] = left
    assert found == {}


@pytest.mark.parametrize("who", ["county1", "city1", "province"])
def test_a_bureau_chooses_a_school_of_its_area_and_no_other(sqlite_api: Api, who: str) -> None:
    world = sqlite_api.world
    inside, outside = world.organization("101"), world.organization("901")
    sign_in(sqlite_api, who)
    kinds = [offer.kind for offer in offers(world.service, world.actor(who))]
    # About a student of a closed school it asks itself, for it keeps the records.
    assert [kind for kind in kinds if KINDS[kind].subject == "student"] == ["erratum"]
    assert sqlite_api.client.get("/requests/new?kind=erratum").status_code == 200
    kinds.remove("erratum")
    for kind in kinds:
        assert "101" in sqlite_api.client.get(f"/requests/new?kind={kind}").text
        assert sqlite_api.client.get(f"/requests/new?kind={kind}&school={inside.id}").status_code == 200, kind
        assert sqlite_api.client.get(f"/requests/new?kind={kind}&school={outside.id}").status_code == 404, kind


def test_what_is_offered_is_what_me_names(sqlite_api: Api) -> None:
    for who in ("school201", "school205", "county2", "school201.principal", "county1.viewer", "auditor"):
        mine: Any = sqlite_api.get(who, "/me").json
        assert mine["may_start"] == [o.kind for o in offers(sqlite_api.world.service, sqlite_api.world.actor(who))]
        for kind in mine["kinds"]:
            assert {"label", "label_en", "group", "facts", "grounds", "starters"} <= set(kind)
    viewer: Any = sqlite_api.get("county1.viewer", "/me").json
    assert viewer["may_start"] == []


def test_a_kind_that_is_none_or_not_offered_has_no_form(sqlite_api: Api) -> None:
    sign_in(sqlite_api, "school201")
    assert sqlite_api.client.get("/requests/new?kind=holiday").status_code == 404
    offered = {offer.kind for offer in offers(sqlite_api.world.service, sqlite_api.world.actor("school201"))}
    for kind in set(KINDS) - offered:
        assert sqlite_api.client.get(f"/requests/new?kind={kind}").status_code == 403


def test_a_pupil_of_another_school_cannot_be_put_into_the_address(sqlite_api: Api) -> None:
    other = sqlite_api.world.student("202", 3)
    csrf = sign_in(sqlite_api, "school201")
    assert sqlite_api.client.get(f"/requests/new?kind=suspension&student={other.id}").status_code == 404
    form = {"csrf": csrf, "kind": "suspension", "who": "own", "student_id": str(other.id), "ground": "illness"}
    assert sqlite_api.client.post("/requests/new", data=form).status_code == 404


def test_what_is_missing_of_a_new_person_is_told_beside_its_field(sqlite_api: Api) -> None:
    sqlite_api.world.school_class("201", 1)
    csrf = sign_in(sqlite_api, "school201")
    form = {"csrf": csrf, "kind": "enrolment", "who": "new", "person.name": "新生甲", "guardian1.name": "林父",
            "person.birth_date": "2020-02-31"}  # fmt: skip
    answer = sqlite_api.client.post("/requests/new", data=form)
    assert answer.status_code == 422
    for field in ("grade", "person-sex", "person-birth_date", "guardian1-relation"):
        assert f'id="wrong-{field}"' in answer.text
    assert 'value="新生甲"' in answer.text


def drafted(api: Api) -> dict[str, Any]:
    """A draft of school 201 for somebody who is on no register yet."""
    api.world.school_class("201", 1)
    person = {"name": "新生甲", "sex": "1", "birth_date": "2020-03-01",
              "guardians": [{"relation": "父亲", "name": "林父", "phone": "13800000001"}]}  # fmt: skip
    asked = {"kind": "enrolment", "person": person, "grade": 1, "ground": "catchment_admission"}
    made: dict[str, Any] = api.post("school201", "/requests", asked).json  # type: ignore[assignment]
    return made


def person_of(api: Api, request: str) -> Any:
    row = api.world.request(int(request))
    with reading(api.world.service.engine) as connection:
        person = connection.execute(select(Student).where(Student.id == row.student_id)).one()
        trail = connection.execute(
            select(History).where(History.object_id == row.student_id).order_by(History.seq)).all()  # fmt: skip
        guardians = connection.execute(select(Guardian).where(Guardian.student_id == row.student_id)).all()
    return person, [one.event for one in trail], guardians


def test_who_a_new_pupil_is_can_be_corrected_in_the_draft(api: Api) -> None:
    draft = drafted(api)
    path, right = f"/requests/{draft['id']}", {"name": "新生乙", "sex": "2", "birth_date": "2020-04-01"}
    answer = api.call("school201", "PATCH", path, json={"person": right}, version=draft["version"])
    assert answer.status_code == 200, answer.text
    person, trail, guardians = person_of(api, draft["id"])
    assert (person.name, person.sex, person.birth_date, person.version) == ("新生乙", "2", date(2020, 4, 1), 2)
    assert trail == ["admitted", "amend"]
    assert [one.relation for one in guardians] == ["51"]
    stale = api.call("school201", "PATCH", path, json={"person": right}, version=draft["version"])
    assert stale.status_code == 412
    assert person_of(api, draft["id"])[0].version == 2


def test_a_drafts_person_is_corrected_on_its_page_and_nobody_elses(sqlite_api: Api) -> None:
    draft = drafted(sqlite_api)
    csrf = sign_in(sqlite_api, "school201")
    page = sqlite_api.client.get(f"/requests/{draft['id']}/edit").text
    assert 'name="person.name" value="新生甲"' in page
    form = {"csrf": csrf, "version": "1", "grade": "1", "ground": "catchment_admission", "person.name": "新生丙",
            "person.sex": "1", "person.birth_date": "2020-03-01", "person.identity_type": "1",
            "guardian1.relation": "母亲", "guardian1.name": "林母"}  # fmt: skip
    wrong = sqlite_api.client.post(f"/requests/{draft['id']}/edit", data={**form, "person.birth_date": "2030-01-01"})
    assert wrong.status_code == 422
    assert 'id="wrong-person-birth_date">不能晚于今天' in wrong.text
    assert sqlite_api.client.post(f"/requests/{draft['id']}/edit", data=form).status_code == 303
    person, _, guardians = person_of(sqlite_api, draft["id"])
    assert (person.name, [one.relation for one in guardians]) == ("新生丙", ["52"])
    pupil = sqlite_api.world.student("201", 3)
    other = sqlite_api.world.start("school201", "suspension", pupil, ground="illness")
    assert "person.name" not in sqlite_api.client.get(f"/requests/{other}/edit").text
    asked = {"person": {"name": "另一人", "sex": "1", "birth_date": "2018-01-01"}}
    refused = sqlite_api.call("school201", "PATCH", f"/requests/{other}", json=asked, version=1)
    assert refused.status_code == 422
    assert "只能更正" in refused.text


def test_no_reason_is_offered_that_the_rules_then_refuse(sqlite_api: Api) -> None:
    """Each reason of the list is sent on a request of its own; none is answered with a refusal."""
    world = sqlite_api.world
    world.school_class("201", 3)
    refused = []
    for number in range(4):
        facts = {"guardian_register_in_catchment": True, "student_register": "with_guardian"}
        draft = world.draft("school201", world.student("202", 3, name=f"学生{number}"), "201",
                            ground="return_to_registered_home", data=facts)  # fmt: skip
        world.fire(draft, "submit", "school201")
        csrf = sign_in(sqlite_api, "school201.principal")
        page = sqlite_api.client.get(f"/requests/{draft}").text
        codes = re.findall(r'<select id="reason".*?</select>', page, re.DOTALL)
        offered = re.findall(r'value="(\w+)"', codes[0]) if codes else []
        if number < len(offered):
            form = {"csrf": csrf, "event": "reject", "reason": offered[number],
                    "version": str(world.request(draft).version)}  # fmt: skip
            answer = sqlite_api.client.post(f"/requests/{draft}/events", data=form)
            refused += [] if answer.status_code == 303 else [offered[number]]
    assert refused == []


def test_an_auditor_sees_what_is_open_and_what_is_done(sqlite_api: Api) -> None:
    world = sqlite_api.world
    pupil = world.student("201", 3)
    first = world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"})
    world.fire(first, "submit", "school201")
    sign_in(sqlite_api, "auditor")
    assert pupil.name in sqlite_api.client.get("/requests").text
    assert pupil.name not in sqlite_api.client.get("/requests?box=done").text
    world.complete(first)
    assert pupil.name in sqlite_api.client.get("/requests?box=done").text
    assert sqlite_api.client.get(f"/requests/{first}").status_code == 200


def test_who_is_enrolled_nowhere_has_a_page_at_the_last_school_and_at_the_admitting_one(sqlite_api: Api) -> None:
    """A school must still issue what a leaver needs, and a person who was admitted can be found before the class."""
    world = sqlite_api.world
    pupil = world.student("201", 6)
    with begin(world.service.engine) as connection:
        connection.execute(
            update(Enrolment).where(Enrolment.student_id == pupil.id).values(
                ended_at=world.at, valid_to=date(2026, 8, 24), end_reason="graduation")
        )  # fmt: skip
        connection.execute(update(Student).where(Student.id == pupil.id).values(status="graduated"))
    sign_in(sqlite_api, "school201")
    page = sqlite_api.client.get(f"/students/{pupil.id}")
    assert page.status_code == 200
    assert "原学校" in page.text
    assert pupil.name in sqlite_api.client.get("/requests/new?kind=graduation_undo").text
    assert sqlite_api.get("school201", f"/students/{pupil.id}").json["status"] == "graduated"  # type: ignore[index]
    sign_in(sqlite_api, "school204")
    assert sqlite_api.client.get(f"/students/{pupil.id}").status_code == 404
    with begin(world.service.engine) as connection:
        connection.execute(insert(RegisterEntry), {
            "id": world.service.ids.new(0), "bucket": 0, "student_id": pupil.id, "section": "admission",
            "school_id": world.organization("204").id, "valid_from": date(2026, 8, 24), "valid_to": None,
            "recorded_at": world.at, "ended_at": None, "request_id": None, "end_request_id": None,
            "data": {}})  # fmt: skip
    assert "录取学校" in sqlite_api.client.get(f"/students/{pupil.id}").text


def test_a_request_leads_to_the_version_of_the_rules_that_it_keeps(sqlite_api: Api) -> None:
    world = sqlite_api.world
    draft = world.start("school201", "suspension", world.student("201", 3), ground="illness")
    sign_in(sqlite_api, "school201")
    found = re.findall(r'href="(/policies/[^"]+)"', sqlite_api.client.get(f"/requests/{draft}").text)
    address = found[0].replace("&amp;", "&")
    assert "kind=suspension" in address
    assert re.search(r"version=\d+", address)
    assert sqlite_api.client.get(address).status_code == 200
    assert sqlite_api.client.get(re.sub(r"version=\d+", "version=99", address)).status_code == 404


def test_a_draft_never_loses_its_route_by_a_correction(sqlite_api: Api) -> None:
    """It could not be opened again."""
    pupil = sqlite_api.world.student("201", 3)
    draft: Any = sqlite_api.post("school201", "/requests", {
        "kind": "objection", "student_id": str(pupil.id), "ground": "about_record"}).json  # fmt: skip
    path = f"/requests/{draft['id']}"
    for ground in (None, "illness"):
        answer = sqlite_api.call("school201", "PATCH", path, json={"ground": ground}, version=draft["version"])
        assert answer.status_code == 422, answer.text
    assert sqlite_api.get("school201", path).status_code == 200
    csrf = sign_in(sqlite_api, "school201")
    form = {"csrf": csrf, "version": str(draft["version"]), "ground": ""}
    answer = sqlite_api.client.post(f"{path}/edit", data=form)
    assert answer.status_code == 422
    assert "没有适用的办理流程" in answer.text
    form = {"csrf": csrf, "kind": "objection", "who": "own", "student_id": str(pupil.id)}
    checked = sqlite_api.client.post("/requests/check", data=form, headers={"X-Fragment": "1"})
    assert "还需填写" in checked.text
    assert "事由" in checked.text


@pytest.mark.parametrize(("who", "school"), [("county2", "201"), ("county3", "301")])
def test_a_change_of_a_school_asks_for_its_name_and_each_key_datum_and_a_merger_for_none(
    sqlite_api: Api, who: str, school: str
) -> None:
    """In Beijing only a founding needs them; a rename is asked with the same fields, none of which is needed."""
    world = sqlite_api.world
    sign_in(sqlite_api, who)
    address = f"/requests/new?kind=organization_change&school={world.organization(school).id}"
    page = sqlite_api.client.get(address).text
    definition = next(o.definition for o in offers(world.service, world.actor(who)) if o.kind == "organization_change")
    facts = facts_of_form(definition, known_of(False, ["primary"]))
    keys = {"school_name", "school_code", "school_type", "school_nature", "run_by", "campuses", "years_junior"}
    for fact in keys:
        assert f'name="data.{fact}"' in page
    asked = {fact.fact: fact for fact in facts.by_ground["school_data"]}
    assert keys <= set(asked)
    assert {one.needed for one in asked.values()} == {None}
    assert keys <= {fact.fact for fact in facts.by_ground["founding"]}
    assert not keys & {fact.fact for fact in [*facts.common, *facts.by_ground["merging"], *facts.by_ground["closing"]]}


def test_a_graduates_entry_shows_the_certificate_with_its_number(sqlite_api: Api) -> None:
    pupil = graduate(sqlite_api.world, "201")
    number = sqlite_api.world.entries(pupil.id)[0].data["number"]
    sign_in(sqlite_api, "school201")
    page = sqlite_api.client.get(f"/students/{pupil.id}").text
    content = re.findall(r'<td data-label="内容">(.*?)</td>', page, re.DOTALL)
    assert content == [f'<span>毕业证书 <span class="num">{number}</span></span>']


def test_a_recalled_request_is_not_drawn_as_a_refused_one(sqlite_api: Api) -> None:
    """A step is red where somebody said no; the applicant's own taking back is neither."""
    world = sqlite_api.world
    looks = {}
    for event, who, more in (("recall", "school201", {}), ("reject", "school201.principal", {"reason": "data_wrong"})):
        draft = world.start("school201", "suspension", world.student("201", 3, name=event), ground="other",
                            data={"until": "2027-02-01"})  # fmt: skip
        world.upload_all(draft, "school201")
        world.fire(draft, "submit", "school201")
        world.fire(draft, event, who, **more)
        sign_in(sqlite_api, "school201")
        looks[event] = re.findall(r'<li class="step ([\w-]*)"', sqlite_api.client.get(f"/requests/{draft}").text)
    assert "stopped" in looks["reject"]
    assert "stopped" not in looks["recall"]
    assert looks["recall"][-1] == "paused"
