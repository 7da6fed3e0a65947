"""The boxes: the same predicate for list, count and permission, and paging that loses nothing."""

from __future__ import annotations

from datetime import datetime

import pytest

from api.pages.language import figure
from tests.api.conftest import Api
from workflow_service.boxes import BOXES, MANY, Wanted, count_requests
from workflow_service.models.columns import to_micros

WHO = ("school201", "school201.principal", "school202", "school202.principal", "county2", "city1", "school301")


def listed(api: Api, who: str, **query: str) -> list[str]:
    """All ids of a list, page by page."""
    found, cursor = [], None
    while True:
        page = api.get(who, "/requests", query_string={**query, **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, page.text
        found += [item["id"] for item in page.json["items"]]
        cursor = page.json["next"]
        if cursor is None:
            return found


def test_a_request_lies_where_it_belongs_at_every_step(api: Api) -> None:
    draft = api.draft(api.world.student("202"))
    where = {(who, box): listed(api, who, box=box) == [draft["id"]] for who in WHO for box in BOXES}
    assert {key for key, there in where.items() if there} == {("school201", "mine"), ("school201.principal", "mine")}
    api.fire("school201", draft, "submit")
    there = {(who, box) for who in WHO for box in BOXES if listed(api, who, box=box)}
    assert there == {
        ("school201", "mine"), ("school201", "waiting"), ("school201.principal", "mine"),
        ("school201.principal", "todo"), ("school202", "waiting"), ("school202.principal", "waiting"),
        ("county2", "waiting"),
    }  # fmt: skip
    returned = api.fire("school201.principal", {**draft, "version": 2}, "return", comment="请补材料")
    assert returned.status_code == 200, returned.text
    assert listed(api, "school201", box="todo") == [draft["id"]]
    assert listed(api, "school201.principal", box="todo") == []
    api.fire("school201", returned.json, "recall")
    assert listed(api, "school202", box="done") == [draft["id"]]
    assert listed(api, "school202", box="waiting") == []


def test_every_count_is_the_length_of_its_list(api: Api) -> None:
    for number in range(5):
        request = api.submitted(api.world.student("202", name=f"学生{'一二三四五'[number]}"))
        if number % 2:
            api.fire("school201.principal", request, "return", comment="补")
    for who in WHO:
        actor = api.world.actor(who)
        for box in (*BOXES, None):
            query = {} if box is None else {"box": box}
            assert len(listed(api, who, **query)) == count_requests(api.world.service, actor, Wanted(box=box))
        dashboard = api.get(who, "/dashboard").json
        assert sum(row["count"] for row in dashboard["counts"]) == len(listed(api, who))
        assert dashboard["capped"] is False
        assert dashboard["boxes"] == {box: len(listed(api, who, box=box)) for box in BOXES}


def test_counting_stops_where_nobody_reads_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("甲", "乙", "丙"):
        api.submitted(api.world.student("202", name=name))
    actor = api.world.actor("school201.principal")
    for box in ("todo", "mine"):
        assert count_requests(api.world.service, actor, Wanted(box=box), 2) == 2
    monkeypatch.setattr("workflow_service.views.dashboard.MANY", 2)
    monkeypatch.setattr("workflow_service.views.dashboard.MOST", 2)
    dashboard = api.get("county2", "/dashboard").json
    assert dashboard["capped"] is True
    assert (dashboard["boxes"]["waiting"], dashboard["pending"]) == (2, 2)


def test_a_count_that_stopped_is_shown_as_more() -> None:
    assert [figure(count) for count in (0, 99, MANY)] == ["0", "99", "99+"]


def test_a_bureau_sees_what_waits_below_it_by_organization(api: Api) -> None:
    due, _ = [api.submitted(api.world.student("202", name=name))["due_at"] for name in ("甲", "乙")]
    below = api.get("city1", "/dashboard").json["below"]
    assert (below["pending"], below["overdue"]) == (2, 0)
    [county] = below["organizations"]
    assert county["organization"]["code"] == "county2"
    assert api.get("city2", "/dashboard").json["below"]["organizations"] == []
    assert api.get("school201", "/dashboard").json["below"] == {"pending": 0, "overdue": 0, "organizations": []}
    api.world.at = to_micros(datetime.fromisoformat(due))
    api.tokens.clear()
    below = api.get("county2", "/dashboard").json["below"]["organizations"]
    assert [(row["organization"]["code"], row["pending"], row["overdue"]) for row in below] == [("201", 2, 2)]


def test_pages_follow_each_other_soonest_due_first(api: Api) -> None:
    for day in (24, 25, 26):
        api.world.go(2026, 8, day)
        api.tokens.clear()
        api.submitted(api.world.student("202"))
        api.draft(api.world.student("202"))
    whole = api.get("school201", "/requests").json["items"]
    due = [item["due_at"] or "9999" for item in whole]
    assert due == sorted(due)
    assert len(whole) == 6
    assert listed(api, "school201", limit="1") == listed(api, "school201", limit="4") == [item["id"] for item in whole]


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"cursor": "x"}, {"box": "x"},
                                   {"due_before": "today"}, {"colour": "red"}])  # fmt: skip
def test_a_query_that_is_none_is_refused(sqlite_api: Api, query: dict[str, str]) -> None:
    assert sqlite_api.get("school201", "/requests", query_string=query).status_code == 422


def test_a_request_is_found_by_name_initials_and_whole_number(api: Api) -> None:
    pupil = api.world.student("202", name="张小明")
    request = api.submitted(pupil)
    api.submitted(api.world.student("202", name="李大伟"))
    for q in ("张小", "zxm", "xiao ming", pupil.number, request["number"]):
        assert listed(api, "county2", q=q) == [request["id"]], q
    for q in ("王", pupil.number[:-1], "%", "_"):
        assert listed(api, "county2", q=q) == [], q


def test_filters_narrow_a_list(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    assert listed(api, "county2", state="awaiting_destination_principal") == [request["id"]]
    assert listed(api, "county2", state="draft") == []
    assert listed(api, "county2", kind="suspension") == []
    assert listed(api, "county2", due_before="2026-09-01") == []
    assert listed(api, "county2", due_before="2026-12-01") == [request["id"]]
