"""What a client that read only the contract sends, and what it may expect to work or to be told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_late import PAPERS, brought, sent

SHOWN_IN_PARTS = ("/audit?object={request}", "/students/{student}/history?", "/windows?", "/policies?", "/requests?",
                  "/students?", "/organizations?")  # fmt: skip


@pytest.mark.parametrize("accept", ["application/json; charset=utf-8", "application/json, text/plain, */*", "*/*", "*",
                                    "application/*", "text/html, image/gif, *; q=.2, */*; q=.2", "Application/JSON",
                                    "application/problem+json", ""])  # fmt: skip
def test_json_is_what_these_accept(sqlite_api: Api, accept: str) -> None:
    assert sqlite_api.get("school201", "/me", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json;q=0, */*", "image/*", "x"])
def test_json_is_not_what_these_accept(sqlite_api: Api, accept: str) -> None:
    assert sqlite_api.get("school201", "/me", headers={"Accept": accept}).status_code == 406


def test_a_slash_at_the_end_is_the_same_address(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("202"))
    assert sqlite_api.get("school201", "/requests/").json == sqlite_api.get("school201", "/requests").json
    path = f"/requests/{request['id']}/events"
    first = sqlite_api.post("school201", path, {"event": "note", "comment": "a"}, version=2, key="k")
    again = sqlite_api.post("school201", f"{path}/", {"event": "note", "comment": "a"}, version=2, key="k")
    assert (first.status_code, first.data) == (200, again.data)


def test_a_name_without_a_value_was_not_given(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("202"))
    empty = sqlite_api.get("county2", "/requests?box=&kind=&state=&due_before=&q=&cursor=&limit=")
    assert [item["id"] for item in empty.json["items"]] == [request["id"]]
    assert sqlite_api.get("county2", "/audit?object=").status_code == 422


@pytest.mark.parametrize("path", ["/me?expand=1", "/dashboard?kind=x", "/requests?page=2", "/windows?open=1",
                                  "/requests?box=mine&box=todo", "/organizations?code=101&code=102"])  # fmt: skip
def test_a_name_that_no_call_knows_or_that_comes_twice_is_refused(sqlite_api: Api, path: str) -> None:
    answer = sqlite_api.get("school201", path)
    assert answer.status_code == 422
    [error] = answer.json["errors"]
    assert error["field"] in path
    assert sqlite_api.get("school201", f"{path.partition('?')[0]}?lang=en").status_code == 200


@pytest.mark.parametrize("path", SHOWN_IN_PARTS)
def test_every_list_comes_in_parts(sqlite_api: Api, path: str) -> None:
    pupil = sqlite_api.world.student("202")
    sqlite_api.world.student("202", name="林大满")
    for request in (sqlite_api.submitted(pupil), sqlite_api.submitted(sqlite_api.world.student("202"))):
        path = path.format(request=request["id"], student=pupil.id)
    whole = sqlite_api.get("province", f"{path}&limit=200")
    assert (whole.status_code, whole.json["next"]) == (200, None)
    parts, cursor = [], ""
    while cursor is not None:
        answer = sqlite_api.get("province", f"{path}&limit=1&cursor={cursor}")
        assert (answer.status_code, len(answer.json["items"])) == (200, 1), answer.text
        parts += answer.json["items"]
        cursor = answer.json["next"]
    assert parts == whole.json["items"]
    for wrong in ("limit=0", "limit=201", "limit=all", "cursor=first"):
        assert sqlite_api.get("province", f"{path}&{wrong}").status_code == 422


def test_due_before_takes_a_day_or_an_instant(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    assert (request["clock"]["due"], request["due_at"]) == ("2026-09-07", "2026-09-08T00:00:00+08:00")

    def listed(before: str) -> int:
        answer = api.get("county2", "/requests", query_string={"due_before": before})
        assert answer.status_code == 200, answer.text
        return len(answer.json["items"])

    assert [listed(day) for day in ("2026-09-07", "2026-09-08")] == [0, 1]
    assert [listed(f"2026-09-08T00:00:0{second}+08:00") for second in (0, 1)] == [0, 1]
    assert listed("2026-09-07T16:00:01Z") == 1


def test_a_kind_that_does_not_work_is_answered_with_those_that_do(sqlite_api: Api) -> None:
    body = {**sqlite_api.transfer(sqlite_api.world.student("202")), "kind": "sleepover"}
    answer = sqlite_api.post("school201", "/requests", body)
    assert answer.status_code == 422
    [error] = answer.json["errors"]
    assert error["field"] == "kind"
    assert error["message"].startswith("应为其中之一：")
    named = set(error["message_en"].removeprefix("Must be one of: ").removesuffix(".").split(", "))
    assert {"transfer", "suspension", "graduation"} <= named


def test_a_second_draft_is_refused_with_the_first_ones_number_and_id(api: Api) -> None:
    pupil = api.world.student("202")
    draft = api.draft(pupil)
    answer = api.post("school201", "/requests", api.transfer(pupil))
    assert answer.status_code == 409
    assert answer.json["existing"] == {"id": draft["id"], "number": draft["number"]}
    [reason] = answer.json["blocked_by"]
    assert draft["number"] in reason["message"]
    assert draft["number"] in reason["cure"]


def test_an_event_that_is_none_is_answered_with_those_there_are(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("202"))
    path = f"/requests/{request['id']}/events"
    for event in ("fly", "APPROVE", ""):
        answer = sqlite_api.post("school201", path, {"event": event})
        assert answer.status_code == 422
        assert "confirm_arrival" in answer.json["errors"][0]["message"]
    for event in ("expire", "escalate", "recompute_clock"):
        assert sqlite_api.post("school201", path, {"event": event}).status_code == 403


def test_an_event_out_of_place_is_answered_with_what_is_possible(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    again = api.fire("school201", request, "submit")
    assert again.status_code == 409
    [reason] = again.json["blocked_by"]
    assert (reason["rule"], bool(reason["article"])) == ("SYS-T1", True)
    assert "撤回" in reason["message"]
    assert "recall" in reason["message_en"]
    path = f"/requests/{request['id']}"
    corrected = api.call("school201", "PATCH", path, json={"grade": 4}, version=request["version"])
    assert (corrected.status_code, len(corrected.json["blocked_by"])) == (409, 1)
    recalled = api.fire("school201", request, "recall").json
    over = api.fire("school201", recalled, "note", comment="x")
    assert over.status_code == 409
    assert "已结束" in over.json["blocked_by"][0]["message"]
    late = api.upload("school201", recalled, "property_certificate")
    assert (late.status_code, len(late.json["blocked_by"])) == (409, 1)


def test_facts_that_do_not_come_with_the_event_are_refused_before_the_version(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("202"))
    body = {"event": "recall", "data": {"home_moved": True}}
    answer = sqlite_api.post("school201", f"/requests/{request['id']}/events", body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "data.home_moved"


def test_nobody_arrives_tomorrow(api: Api) -> None:
    request = sent(api, brought(api), ("approve", "school201.principal"), ("approve", "school202.principal"),
                   ("approve", "county2"))  # fmt: skip
    early = api.fire("school201", request, "confirm_arrival", data={"arrived_on": "2026-08-25"})
    assert (early.status_code, early.json["errors"][0]["field"]) == (422, "data.arrived_on")
    arrived = api.fire("school201", request, "confirm_arrival", data={"arrived_on": "2026-08-24"})
    assert (arrived.status_code, arrived.json["data"]["arrived_on"]) == (200, "2026-08-24")


@pytest.mark.parametrize("who", ["school201.principal", "school202.principal", "county2"])
def test_every_reason_that_is_offered_is_taken_and_no_other(sqlite_api: Api, who: str) -> None:
    way = {"school201.principal": 0, "school202.principal": 1, "county2": 2}[who]
    steps = (("approve", "school201.principal"), ("approve", "school202.principal"))[:way]
    first = sent(sqlite_api, brought(sqlite_api), *steps)
    [reject] = [e for e in sqlite_api.get(who, f"/requests/{first['id']}").json["events"] if e["event"] == "reject"]
    offered = [reason["code"] for reason in reject["reasons"]]
    assert reject["allowed"]
    assert ("no_place" in offered) == (who != "school202.principal")
    for wrong in ("", "fees", *({"no_place", "data_wrong"} - set(offered))):
        refused = sqlite_api.fire(who, first, "reject", reason=wrong)
        assert (refused.status_code, refused.json["blocked_by"][0]["rule"]) == (409, "SYS-T6"), wrong
    assert sqlite_api.fire(who, first, "reject", reason=offered[-1]).json["state"] == "rejected"


def test_what_was_made_is_found_where_the_answer_says(api: Api) -> None:
    draft = api.draft(api.world.student("202"))
    made = api.upload("school201", draft, "property_certificate")
    assert made.headers["Location"] == f"/api/v1/documents/{made.json['id']}"
    where = made.headers["Location"].removeprefix("/api/v1")
    file = api.get("school201", where)
    assert (file.status_code, file.content_length) == (200, made.json["size"])
    head = api.call("school201", "HEAD", where)
    assert (head.status_code, head.content_length, head.data) == (200, made.json["size"], b"")
    assert api.call("school201", "DELETE", f"/requests/{draft['id']}/documents/{made.json['id']}").status_code == 204
    assert api.get("school201", where).status_code == 404


def test_json_with_a_byte_order_mark_is_json(sqlite_api: Api) -> None:
    raw = b"\xef\xbb\xbf" + json.dumps({"username": "school201", "password": "demo-2026"}).encode()
    answer = sqlite_api.call(None, "POST", "/tokens", data=raw, content_type="application/json")
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("change", "says"),
    [({"grade": 13}, "应为其中之一："), ({"student_id": "1"}, "student、student_id、person 须且只须给出一个"),
     ({"student": {"name": "", "student_number": "G1"}}, "应有 1 至 100 个字"),
     ({"ground": "boredom"}, "应为其中之一：")],
)  # fmt: skip
def test_what_is_wrong_is_said_in_chinese_too(sqlite_api: Api, change: dict[str, Any], says: str) -> None:
    body = {**sqlite_api.transfer(sqlite_api.world.student("202")), **change}
    answer = sqlite_api.post("school201", "/requests", body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["message"].startswith(says)


def test_a_document_of_an_unknown_kind_is_answered_with_those_that_are_asked_for(sqlite_api: Api) -> None:
    request = sqlite_api.draft(sqlite_api.world.student("202"))
    answer = sqlite_api.upload("school201", request, "love_letter")
    assert answer.status_code == 422
    assert all(kind in answer.json["errors"][0]["message"] for kind in PAPERS)


def test_what_is_null_was_not_given(api: Api) -> None:
    pupil = api.world.student("202")
    api.world.school_class("201", 3)
    made = api.post("school201", "/requests", {**api.transfer(pupil), "student_id": None, "data": None})
    assert (made.status_code, made.json["data"]) == (201, {})
    path = f"/requests/{made.json['id']}"
    same = api.call("school201", "PATCH", path, json={"data": None, "grade": 3}, version=1)
    assert (same.status_code, same.json["data"]) == (200, {})
    nothing = {"comment": None, "reason": None, "data": None}
    assert api.post("school201", f"{path}/events", {"event": "submit", **nothing}, version=2).status_code == 200
    neither = api.post("school201", "/requests", {**api.transfer(pupil), "student": None})
    assert (neither.status_code, neither.json["errors"][0]["field"]) == (422, "student")


ANSWERED = {
    "archive_access": (
        None, {"reader": "林父", "reader_is": "guardian", "access_purpose": "核对成绩", "copies_wanted": True},
        {"copies_permitted": True},
    ),
    "objection": (
        "about_record", {"objects_to": "出生日期", "objection": "与户口簿不符"},
        {"objection_outcome": "not_upheld", "answer": "维持"},
    ),
    "problem_record": ("proof", {}, {"police_verified": True}),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERED)
def test_what_another_unit_answers_is_not_the_applicants_to_say(sqlite_api: Api, kind: str) -> None:
    ground, own, answers = ANSWERED[kind]
    pupil = sqlite_api.world.student("201")
    body = {"kind": kind, "student_id": str(pupil.id), "ground": ground, "data": {**own, **answers}}
    for path in ("/requests", "/requests/check"):
        refused = sqlite_api.post("school201", path, body)
        assert refused.status_code == 422, refused.text
        assert {error["field"] for error in refused.json["errors"]} == {f"data.{name}" for name in answers}
    draft = sqlite_api.post("school201", "/requests", {**body, "data": own}).json
    refused = sqlite_api.call("school201", "PATCH", f"/requests/{draft['id']}", json={"data": answers}, version=1)
    assert refused.status_code == 422
    assert "填写" in refused.json["errors"][0]["message"]
    kept = sqlite_api.call("school201", "PATCH", f"/requests/{draft['id']}", json={"data": own}, version=1)
    assert kept.status_code == 200, kept.text
