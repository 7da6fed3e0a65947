"""What is shown: a request, students, organizations, in the contract's shape, and nothing that must stay hidden."""

from __future__ import annotations

from sqlalchemy import select

from tests.api.conftest import Api
from workflow_service.db import reading
from workflow_service.models import AccessLog, Paper
from workflow_service.papers import issue_paper


def test_a_request_has_every_member_of_the_contract(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    shown = api.get("county2", f"/requests/{request['id']}")
    assert shown.headers["ETag"] == '"2"'
    body = shown.json
    assert set(body) >= {
        "id", "number", "kind", "state", "final", "version", "policy", "origin_policy", "route", "student",
        "origin_school", "destination_school", "grade", "ground", "data", "holder", "state_since", "due_at", "clock",
        "window", "documents", "events", "history",
    }  # fmt: skip
    assert body["holder"]["organization"]["code"] == "201"
    assert body["holder"]["role"] == "principal"
    assert set(body["clock"]) == {
        "rule", "article", "received", "starts", "working_days", "skipped", "due", "paused", "provisional",
    }  # fmt: skip
    assert body["window"]["opens"] == "2026-08-20T00:00:00+08:00"
    home = next(each for each in body["documents"] if ["property_certificate"] in each["any_of"])
    assert home["missing"] == ["property_certificate"]
    assert home["rule"] == "TR-G3"
    assert [event["event"] for event in body["history"]] == ["create", "submit"]
    assert body["steps"][0]["status"] == "current"


def test_every_event_says_for_the_one_who_asks_why_it_is_not_allowed(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    events = {e["event"]: e for e in api.get("school202", f"/requests/{request['id']}").json["events"]}
    approve = events["approve"]
    assert not approve["allowed"]
    assert len(approve["blocked_by"]) > 2
    for reason in approve["blocked_by"]:
        assert reason["rule"]
        assert reason["article"]
        assert reason["message"]
        assert reason["message_en"]
    assert events["remind"]["allowed"] or events["remind"]["blocked_by"]
    refused = api.fire("school201.principal", request, "approve")
    assert refused.status_code == 409
    own = {e["event"]: e for e in api.get("school201.principal", f"/requests/{request['id']}").json["events"]}
    assert refused.json["blocked_by"] == own["approve"]["blocked_by"]


def test_numbers_are_masked_and_a_reveal_is_logged(api: Api) -> None:
    pupil = api.world.student("202")
    shown = api.get("school202", f"/students/{pupil.id}")
    assert shown.headers["ETag"] == '"1"'
    assert pupil.number not in shown.text
    assert shown.json["student_number"].endswith(pupil.number[-4:])
    assert set(shown.json) >= {"name", "student_number", "status", "school", "class", "stage", "grade", "version"}
    assert pupil.number not in api.get("school202", "/students").text
    path = f"/students/{pupil.id}"
    assert api.get("school202", path, query_string={"reveal": "number"}).status_code == 422
    reveal = {"reveal": "number", "purpose": "核对转学证"}
    assert api.get("county2", path, query_string=reveal).status_code == 403
    assert api.get("school201", path, query_string=reveal).status_code == 404
    whole = api.get("school202", path, query_string=reveal)
    assert whole.json["student_number"] == pupil.number
    with reading(api.world.service.engine) as connection:
        logged = connection.execute(
            select(AccessLog.purpose, AccessLog.object_id).where(AccessLog.action == "reveal_student_number")
        ).all()
    assert [tuple(row) for row in logged] == [("核对转学证", pupil.id)]


def test_students_are_found_in_scope_only(api: Api) -> None:
    pupil = api.world.student("202", name="张小明")
    api.world.student("301", name="张小明")
    for q in ("张", "zxm", "zhang", pupil.number):
        found = api.get("county2", "/students", query_string={"q": q}).json["items"]
        assert [item["id"] for item in found] == [str(pupil.id)], q
    assert api.get("school201", "/students", query_string={"q": "张"}).json["items"] == []
    by = {"school": str(api.world.organization("202").id), "grade": "3", "stage": "primary", "status": "attending"}
    assert len(api.get("county2", "/students", query_string=by).json["items"]) == 1
    assert api.get("county2", "/students", query_string={**by, "grade": "4"}).json["items"] == []


def test_an_organization_shows_policy_and_places_in_scope_only(api: Api) -> None:
    api.world.student("202")
    own = api.world.organization("202")
    inside = api.get("county2", f"/organizations/{own.id}")
    assert inside.headers["ETag"] == '"1"'
    assert inside.json["policy"] == "catchment-k12"
    assert inside.json["places"][0]["attending"] == 1
    outside = api.get("school301", f"/organizations/{own.id}").json
    assert "policy" not in outside
    assert "places" not in outside
    found = api.get("school301", "/organizations", query_string={"code": "202"}).json["items"]
    assert [item["id"] for item in found] == [str(own.id)]


def test_a_page_of_organizations_goes_on_where_it_stopped(sqlite_api: Api) -> None:
    whole = sqlite_api.get("county2", "/organizations", query_string={"limit": "200"}).json
    assert whole["next"] is None
    found, cursor = [], ""
    while cursor is not None:
        page = sqlite_api.get(
            "county2", "/organizations", query_string={"limit": "7", **({"cursor": cursor} if cursor else {})}
        ).json
        found += page["items"]
        cursor = page["next"]
    assert found == whole["items"]


def test_the_trail_shows_its_chain(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    trail = api.get("county2", "/audit", query_string={"object": request["id"]}).json["items"]
    assert [(event["seq"], event["chained"]) for event in trail] == [(1, True), (2, True)]
    student = api.get("school202", "/audit", query_string={"object": request["student"]["id"]})
    assert student.json["items"][0]["event"] == "imported"


def test_a_draft_is_corrected_under_its_version(api: Api) -> None:
    draft = api.draft(api.world.student("202"))
    path = f"/requests/{draft['id']}"
    changed = api.call("school201", "PATCH", path, json={"data": {"home_moved": True}}, version=1)
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    assert changed.json["data"]["home_moved"] is True
    assert api.call("school201", "PATCH", path, json={"data": {}}, version=1).status_code == 412
    assert api.call("school201", "PATCH", path, json={"data": {}}).status_code == 428


def test_a_check_stores_nothing_and_says_everything(api: Api) -> None:
    api.world.school_class("201", 3)
    body = api.transfer(api.world.student("202"))
    check = api.post("school201", "/requests/check", body)
    assert check.status_code == 200
    assert set(check.json) >= {"blocked_by", "documents", "places", "next_opening", "route"}
    assert check.json["route"][0] == "awaiting_destination_principal"
    assert api.get("school201", "/requests").json["items"] == []
    api.world.go(2026, 10, 8)
    api.tokens.clear()
    closed = api.post("school201", "/requests/check", body).json
    assert closed["next_opening"].startswith("2027-02-13")
    assert any(reason["rule"] == "TR-07" for reason in closed["blocked_by"])


def test_whoever_holds_a_paper_may_ask_whether_it_is_genuine_and_learns_little_more(api: Api) -> None:
    pupil = api.world.student("202", name="欧阳小满")
    request = api.submitted(pupil)
    issue_paper(api.world.service, int(request["id"]), api.world.actor("school201"), "transfer_application_form")
    with reading(api.world.service.engine) as connection:
        paper = connection.execute(select(Paper.code, Paper.number)).one()
    answer = api.get(None, f"/verify/{paper.code}")
    assert answer.status_code == 200
    assert answer.json == {
        "genuine": True, "void_since": None, "outcome": None, "answer": None, "kind": "transfer_application_form",
        "number": paper.number,
        "issued_at": "2026-08-24T09:00:00+08:00", "name": "欧***", "state": "awaiting_destination_principal",
    }  # fmt: skip
    assert "小满" not in answer.text
    assert pupil.number not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    wrong = [api.get(None, f"/verify/{code}") for code in (paper.code[:-1], paper.code + "0", paper.number, "x")]
    assert {(each.status_code, each.data) for each in wrong} == {(404, wrong[0].data)}
