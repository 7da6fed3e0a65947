"""Whole transfers by HTTP alone: every party decides in its turn, the student moves, and nothing is left over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.workflow_service.world import Pupil
from workflow_service.check import check

DATA = {
    "handed_over_on": "2024-05-01", "contract_signed_on": "2023-05-01", "guardian_register_in_catchment": False,
    "student_register": "with_guardian", "student_register_since": "2020-01-01", "register_moved": "family",
    "home_moved": True, "moved_across": "city", "placed_by_bureau": False, "ground_text": "随父母迁居",
    "rural_family": True, "lives_in_bought_home": True, "arrived_on": "2026-08-24", "attends_since": "2026-08-24",
    "entered_on": "2023-09-01",
}  # fmt: skip

ROUTES = [
    # from, to, who starts, ground, the states on the way
    ("202", "201", "201", "moved_house", ["destination_principal", "origin_school", "shared_bureau", "arrival"]),
    ("401", "201", "201", "moved_house", None),
    ("102", "101", "102", "register_and_home_moved", None),
    ("901", "201", "201", "moved_house", None),
]


def accounts(request: dict[str, Any]) -> list[str]:
    """Those who may act: the registrar and the principal of every unit of a request."""
    codes = {unit["code"] for unit in request["units"].values()}
    return [name for code in sorted(codes) for name in (
        (f"school{code}", f"school{code}.principal") if code.isdecimal() else (code,))]  # fmt: skip


def next_step(api: Api, request_id: str) -> dict[str, Any]:
    """Let whoever holds the step upload what is missing and approve; the request afterwards."""
    seen: list[Any] = []
    somebody = accounts(api.get("province", f"/requests/{request_id}").json
                        if api.get("province", f"/requests/{request_id}").status_code == 200
                        else api.get("province2", f"/requests/{request_id}").json)  # fmt: skip
    for who in somebody:
        shown = _with_papers(api, who, request_id)
        for event in shown["events"]:
            if event["event"] in ("approve", "file", "confirm_arrival") and event["allowed"]:
                done = api.fire(who, shown, event["event"], comment="同意")
                assert done.status_code == 200, done.text
                return done.json
            if event["event"] in ("approve", "file", "confirm_arrival"):
                seen.append((who, event["event"], [r["message"] for r in event["blocked_by"]]))
    raise AssertionError(f"nobody can go on: {seen}")


def _with_papers(api: Api, who: str, request_id: str) -> dict[str, Any]:
    """The request for one account, after it has uploaded what is missing, where it may."""
    shown = api.get(who, f"/requests/{request_id}").json
    if shown["may_upload"]:
        for paper in shown["documents"]:
            for kind in paper["missing"]:
                answer = api.upload(who, shown, kind)
                assert answer.status_code == 201, answer.text
    return api.get(who, f"/requests/{request_id}").json


@pytest.mark.parametrize(("origin", "destination", "starter", "ground", "states"), ROUTES)
def test_a_transfer_goes_from_the_first_call_to_the_students_new_school(
    api: Api, origin: str, destination: str, starter: str, ground: str, states: list[str] | None
) -> None:
    pupil = api.world.student(origin)
    api.world.school_class(destination, pupil.grade)
    body = {**api.transfer(pupil, destination), "ground": ground, "data": DATA}
    made = api.post(f"school{starter}", "/requests", body)
    assert made.status_code == 201, made.text
    draft = _with_papers(api, f"school{starter}", made.json["id"])
    submitted = api.fire(f"school{starter}", draft, "submit")
    assert submitted.status_code == 200, submitted.text
    request = submitted.json
    assert request["state"] == request["route"][0]
    while not request["final"]:
        before = request["state"]
        request = next_step(api, request["id"])
        assert request["state"] != before or request["approvals"]
    assert request["state"] == "completed"
    if states is not None:
        assert request["route"] == [f"awaiting_{state}" for state in states]
    _moved(api, pupil, origin, destination)
    assert check(api.world.service) == []


def _moved(api: Api, pupil: Pupil, origin: str, destination: str) -> None:
    """The new school has the student, the old one sees him no more, the history names both."""
    here = api.get(f"school{destination}", f"/students/{pupil.id}").json
    assert here["school"]["code"] == destination
    assert here["status"] == "attending"
    assert here["open_request"] is None
    assert api.get(f"school{origin}", f"/students/{pupil.id}").status_code == 404
    history = api.get(f"school{destination}", f"/students/{pupil.id}/history").json["items"]
    assert [stretch["school"]["code"] for stretch in history] == [origin, destination]
    assert history[0]["to"] == history[1]["from"] == "2026-08-24"
    day = api.get(f"school{destination}", f"/students/{pupil.id}/history", query_string={"as_of": "2026-08-01"})
    assert [stretch["school"]["code"] for stretch in day.json["items"]] == [origin]
