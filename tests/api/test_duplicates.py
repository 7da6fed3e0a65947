"""The queue of doubles and the quality of data over HTTP: who sees what, in the contract's order of checks."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.api.conftest import Api
from tests.api.test_bureau_page import sign_in
from tests.workflow_service.test_duplicates import GOOD, TYPED, record
from tests.workflow_service.test_kinds_admission import newcomer
from workflow_service.check import check
from workflow_service.quality import CHECKS

WORD = {"outcome": "proof", "comment": "户口簿原件核对无误"}


def only(api: Api, who: str = "school201") -> dict[str, Any]:
    [item] = api.get(who, "/duplicates").json["items"]
    return item


def test_a_pair_is_listed_on_both_sides_and_nowhere_else(api: Api) -> None:
    record(api.world, "201")
    record(api.world, "401", "林晓曼", TYPED)
    for who in ("school201", "school401", "county2", "county4", "province"):
        assert only(api, who)["kind"] == "near_number"
    for who in ("school202", "county1", "county9"):
        assert api.get(who, "/duplicates").json["items"] == []
        assert api.get(who, f"/duplicates/{only(api)['id']}").status_code == 404
    for who in ("admin", "county1.network"):
        assert api.get(who, "/duplicates").status_code == 403
    assert api.get(None, "/duplicates").status_code == 401


def test_the_list_is_filtered_and_paged(api: Api) -> None:
    for name in ("林小满", "周明远", "陈安"):
        record(api.world, "201", name)
    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get("school201", f"/duplicates?limit=2&state=open&kind=same_number&cursor={cursor}").json
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next"]
    assert len(seen) == len(set(seen)) == 3
    assert api.get("school201", "/duplicates?state=decided").json["items"] == []
    assert api.get("school201", "/duplicates?kind=other").status_code == 422
    assert api.get("school201", "/duplicates?cursor=x").status_code == 422


def test_one_pair_shows_both_records_masked_with_the_differing_place_marked(api: Api) -> None:
    record(api.world, "201")
    record(api.world, "202", "林晓曼", TYPED)
    answer = api.get("school202", f"/duplicates/{only(api)['id']}")
    shown = answer.json
    assert answer.headers["ETag"] == '"1"'
    assert GOOD not in answer.text
    assert TYPED not in answer.text
    assert shown["differing_places"] == [16]
    assert [[part["differs"] for part in one["identity_parts"]].index(True) for one in shown["records"]] == [15, 15]
    assert [(party["organization"]["name"], party["rule"]) for party in shown["parties"]] == [
        (api.world.organization("201").name, "SYS-33"), (api.world.organization("202").name, "SYS-33"),
    ]  # fmt: skip
    assert shown["may_decide"]["allowed"]
    assert not api.get("county2", f"/duplicates/{shown['id']}").json["may_decide"]["allowed"]


def test_the_checks_come_in_the_contracts_order(api: Api) -> None:
    record(api.world, "201")
    record(api.world, "201", "周明远")
    path = f"/duplicates/{only(api)['id']}/decision"
    assert api.post("school202", path, WORD, version=1).status_code == 404
    assert api.post("school201.principal", path, {"outcome": "?"}, version=1).status_code == 403
    assert api.post("county2", path, {"outcome": "?"}, version=1).status_code == 403
    assert api.post("school201", path, {"outcome": "?"}, version=1).status_code == 422
    assert api.post("school201", path, {**WORD, "more": 1}, version=1).status_code == 422
    assert api.post("school201", path, WORD).status_code == 428
    stale = api.post("school201", path, WORD, version=7)
    assert (stale.status_code, stale.json["current"]["version"]) == (412, 1)
    blocked = api.post("school201", path, {**WORD, "comment": ""}, version=1)
    assert (blocked.status_code, blocked.json["blocked_by"][0]["rule"]) == (409, "SYS-31")


def test_a_decision_with_a_key_happens_once_and_a_merge_is_undone(api: Api) -> None:
    kept = record(api.world, "201")
    record(api.world, "201", "周明远")
    path = f"/duplicates/{only(api)['id']}"
    word = {"outcome": "merge", "student_id": str(kept), "comment": "同一名学生，建籍两次"}
    answers = [api.post("school201", f"{path}/decision", word, version=1, key="k1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    shown = answers[0].json
    assert (shown["state"], shown["outcome"], shown["student_id"]) == ("decided", "merge", str(kept))
    assert [one["merged_into"] for one in shown["records"]] == [None, str(kept)]
    assert shown["records"][1]["history"][-1]["status"] == "attending"
    assert shown["may_undo"]
    version = shown["version"]
    assert api.post("school201", f"{path}/undo", {"comment": ""}, version=version).status_code == 422
    undone = api.post("school201", f"{path}/undo", {"comment": "误合并"}, version=version, key="k2")
    assert (undone.status_code, undone.json["state"], undone.json["records"][1]["status"]) == (200, "open", "attending")
    assert check(api.world.service) == []


def counts(api: Api, who: str) -> dict[str, int]:
    return {row["check"]: row["count"] for row in api.get(who, "/quality").json["items"] if row["count"]}


def test_every_check_counts_what_it_lists(api: Api) -> None:
    world = api.world
    record(world, "201", "错小码", TYPED, sex="2", birth_date=date(2009, 1, 1))
    record(world, "202", "无证", None)
    for who in ("school201", "county2", "province", "school301"):
        for row in api.get(who, "/quality").json["items"]:
            items, cursor = [], ""
            while cursor is not None:
                answer = api.get(who, f"/quality/{row['check']}?limit=1&cursor={cursor}").json
                items += answer["items"]
                cursor = answer["next"]
            assert len(items) == row["count"], row["check"]
    assert counts(api, "school201") == {
        "missing_photo": 1, "missing_guardian": 1, "wrong_number": 1, "number_against_birth_date": 1,
        "number_against_sex": 1, "age_against_grade": 1,
    }  # fmt: skip
    assert counts(api, "school202") == {"missing_photo": 1, "missing_guardian": 1, "missing_number": 1}
    assert counts(api, "school301") == {}
    assert [row["check"] for row in api.get("county2", "/quality").json["items"]] == [c.code for c in CHECKS]
    assert api.get("county2", "/quality/nothing").status_code == 404
    assert api.get("admin", "/quality").status_code == 403


def test_a_pupil_who_sits_where_the_record_is_not_is_seen_from_both_schools(api: Api) -> None:
    world = api.world
    pupil = world.student("202")
    world.school_class("201", 3)
    data = {"handed_over_on": "2026-08-01", "attends_since": "2026-08-20"}
    draft = world.draft("school201", pupil, "201", ground="moved_house", data=data)
    assert "record_without_pupil" not in counts(api, "school202")
    world.fire(draft, "submit", "school201")
    assert counts(api, "school201") == {"attends_without_record": 1}
    assert counts(api, "school202")["record_without_pupil"] == 1
    assert counts(api, "school203") == {}
    assert api.get("school201", "/quality/attends_without_record").json["items"][0]["name"] == pupil.name


def test_a_pupil_in_class_without_any_record_is_seen_where_he_sits(api: Api) -> None:
    world = api.world
    world.go(2026, 10, 12)
    world.school_class("401", 2)
    data = {"attends_since": "2026-09-01", "record_elsewhere": False}
    draft = world.start("school401", "missing_record_creation", person=newcomer("无籍"), grade=2,
                        ground="without_record", data=data)  # fmt: skip
    assert counts(api, "school401") == {}
    world.fire(draft, "submit", "school401")
    assert counts(api, "school401") == {"attends_without_record": 1}
    assert counts(api, "province")["attends_without_record"] == 1
    assert counts(api, "school402") == {}
    [row] = api.get("school401", "/quality/attends_without_record").json["items"]
    assert (row["name"], row["school"], row["grade"]) == ("无籍", None, None)
    sign_in(api, "school401")
    assert "尚无学籍" in api.client.get("/quality/attends_without_record").text


def test_suspected_doubles_and_children_too_young_or_past_the_last_grade_are_found(api: Api) -> None:
    world = api.world
    record(world, "201")
    record(world, "202", "林晓曼", TYPED)
    assert counts(api, "school201")["problem_record"] == 1
    assert "age_against_grade" not in counts(api, "school201")
    record(world, "203", "早慧", None, birth_date=date(2021, 9, 1))
    assert counts(api, "school203")["age_against_grade"] == 1
    assert "beyond_last_grade" not in counts(api, "school203")
    world.go(2033, 10, 12)
    assert counts(api, "county2")["beyond_last_grade"] >= 1
