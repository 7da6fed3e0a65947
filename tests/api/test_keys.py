"""Idempotency keys: same person, route, key and body have one effect and one answer."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from sqlalchemy import func, select

from tests.api.conftest import Api
from tests.api.test_late import brought
from tests.workflow_service.world import picture
from workflow_service.db import reading
from workflow_service.models import History, Request, RequestDocument


def count(api: Api, table: Any, *where: Any) -> int:
    with reading(api.world.service.engine) as connection:
        return connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def at_the_same_time(api: Api, send: Any, times: int = 6) -> list[Any]:
    """Send from so many threads at once, each with a client of its own."""
    barrier = Barrier(times)

    def one(_: int) -> Any:
        barrier.wait()
        return send(Api(api.app, api.world, dict(api.tokens)))

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_a_draft_is_started_once_and_answered_the_same(api: Api) -> None:
    body = api.transfer(api.world.student("202"))
    api.world.school_class("201", 3)
    first = api.post("school201", "/requests", body, key="k")
    again = api.post("school201", "/requests", body, key="k")
    assert first.status_code == again.status_code == 201
    assert first.data == again.data
    assert first.headers["Location"] == again.headers["Location"] == f"/api/v1/requests/{first.json['id']}"
    assert first.headers["ETag"] == again.headers["ETag"]
    assert api.post("school201", "/requests", {**body, "ground": "business"}, key="k").status_code == 422
    assert count(api, Request) == 1


def test_the_same_key_is_another_persons_own(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    one = api.fire("school201", request, "note", comment="a", key="k")
    two = api.fire("school202", {**request, "version": 3}, "note", comment="a", key="k")
    assert (one.status_code, two.status_code) == (200, 200)
    assert two.json["version"] == 4


def test_the_first_answer_stays_although_the_request_moves_on(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    first = api.fire("school201", request, "note", comment="a", key="k")
    api.fire("school201", first.json, "recall")
    again = api.fire("school201", request, "note", comment="a", key="k")
    assert again.data == first.data
    assert again.headers["ETag"] == '"3"'


def test_the_order_of_members_makes_no_other_body(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    path = f"/requests/{request['id']}/events"
    raw = {"content_type": "application/json", "version": 2, "key": "k"}
    first = api.call("school201", "POST", path, data='{"event":"note","comment":"a"}', **raw)
    again = api.call("school201", "POST", path, data='{ "comment": "a", "event": "note" }', **raw)
    assert first.status_code == 200
    assert first.data == again.data


def test_two_clicks_at_the_same_time_have_one_effect(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    answers = at_the_same_time(api, lambda client: client.fire("school201", request, "note", comment="a", key="k"))
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert len({answer.data for answer in answers}) == 1
    assert count(api, History, History.object_id == int(request["id"]), History.event == "note") == 1


def test_two_drafts_at_the_same_time_are_one(api: Api) -> None:
    body = api.transfer(api.world.student("202"))
    api.world.school_class("201", 3)
    api.token("school201")
    answers = at_the_same_time(api, lambda client: client.post("school201", "/requests", body, key="k"))
    assert [answer.status_code for answer in answers] == [201] * len(answers)
    assert len({answer.data for answer in answers}) == 1
    assert count(api, Request) == 1


def test_two_who_decide_at_the_same_time_one_wins_and_the_other_hears_who(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    for who in ("school201", "school202"):
        api.token(who)
    events = iter([("school201", "recall"), ("school201", "note")])
    tasks = [next(events), next(events)]
    barrier = Barrier(2)

    def one(task: tuple[str, str]) -> Any:
        barrier.wait()
        return Api(api.app, api.world, dict(api.tokens)).fire(task[0], request, task[1], comment="x")

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, tasks))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    loser = next(answer for answer in answers if answer.status_code == 412)
    assert loser.json["current"]["version"] == 3


def test_of_two_who_approve_at_the_same_time_one_wins_and_the_other_hears_who(api: Api) -> None:
    request = brought(api)
    api.token("school201.principal")
    answers = at_the_same_time(api, lambda client: client.fire("school201.principal", request, "approve"), times=2)
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    loser = next(answer.json for answer in answers if answer.status_code == 412)
    winner = api.world.actor("school201.principal")
    assert loser["current"]["decided_by"] == {"name": winner.name, "organization": api.world.organization("201").name}
    assert (loser["current"]["event"], loser["current"]["state"]) == ("approve", "awaiting_origin_school")
    assert [change["event"] for change in loser["difference"]] == ["approve"]
    assert count(api, History, History.object_id == int(request["id"]), History.event == "approve") == 1


def test_a_file_is_part_of_the_body(api: Api) -> None:
    request = api.draft(api.world.student("202"))
    path = f"/requests/{request['id']}/documents"

    def send(content: bytes, name: str = "a.png") -> Any:
        data = {"kind": "property_certificate", "file": (io.BytesIO(content), name)}
        return api.call("school201", "POST", path, data=data, key="k")

    first, again, other = send(picture()), send(picture()), send(picture() + b"\0")
    assert (first.status_code, other.status_code) == (201, 422)
    assert first.data == again.data
    assert count(api, RequestDocument) == 1


def test_a_key_that_is_none_is_refused(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("202"))
    assert sqlite_api.fire("school201", request, "note", comment="a", key="x" * 201).status_code == 422
