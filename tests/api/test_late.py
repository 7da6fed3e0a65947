"""Too late by a moment: an end counts from its instant, whether or not a sweep has come; an official is only late."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from tests.api.conftest import Api
from workflow_service.db import begin
from workflow_service.models import Request
from workflow_service.sweeps import catch_up

PAPERS = ("transfer_form_stamped", "household_register_head_page", "household_register_student_page",
          "property_certificate")  # fmt: skip


def brought(api: Api) -> dict[str, Any]:
    """A request with all its papers, before its own principal."""
    request = api.submitted(api.world.student("202"))
    for kind in PAPERS:
        assert api.upload("school201", request, kind).status_code == 201
    return shown(api, request)


def shown(api: Api, request: dict[str, Any]) -> dict[str, Any]:
    answer = api.get("school201", f"/requests/{request['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json


def sent(api: Api, request: dict[str, Any], *steps: tuple[str, str]) -> dict[str, Any]:
    for event, who in steps:
        answer = api.fire(who, request, event, comment="办理")
        assert answer.status_code == 200, answer.text
        request = answer.json
    return request


def go(api: Api, micros: int) -> None:
    """Move the clock; what signed in before has run out by then."""
    api.world.at = micros
    api.tokens.clear()


def refused(answer: Any, rule: str) -> None:
    assert answer.status_code == 409, answer.text
    [reason] = answer.json["blocked_by"]
    assert (reason["rule"], reason["cures"]) == (rule, [])
    assert reason["article"]
    assert "届满" in reason["message"]


def test_a_resubmission_counts_until_the_last_moment_and_not_after_it(api: Api) -> None:
    returned = sent(api, brought(api), ("return", "school201.principal"))
    end = api.world.request(int(returned["id"])).due_at
    go(api, end)
    greyed = {event["event"]: event["allowed"] for event in shown(api, returned)["events"]}
    assert greyed == {"resubmit": False, "recall": False, "remind": True, "note": True}
    assert shown(api, returned)["may_upload"] is False
    paper = returned["documents"][0]["files"][0]["id"]
    path = f"/requests/{returned['id']}"
    refused(api.fire("school201", returned, "resubmit"), "WS-01")
    refused(api.call("school201", "PATCH", path, json={"data": {}}, version=returned["version"]), "WS-01")
    refused(api.upload("school201", returned, "purchase_invoice"), "WS-01")
    refused(api.call("school201", "DELETE", f"{path}/documents/{paper}"), "WS-01")
    assert shown(api, returned)["version"] == returned["version"]
    go(api, end - 1)
    assert api.fire("school201", returned, "resubmit").status_code == 200


def test_what_nobody_wrote_down_yet_has_ended_all_the_same(api: Api) -> None:
    returned = sent(api, brought(api), ("return", "school201.principal"))
    go(api, api.world.request(int(returned["id"])).due_at)
    refused(api.fire("school201", returned, "recall"), "WS-01")
    catch_up(api.world.service)
    over = shown(api, returned)
    assert (over["state"], over["history"][-1]["event"]) == ("expired", "expire")
    late = api.fire("school201", returned, "resubmit")
    assert (late.status_code, late.json["current"]["state"]) == (412, "expired")


def test_an_arrival_after_its_days_moves_nobody(api: Api) -> None:
    pupil = api.world.student("202")
    request = api.submitted(pupil)
    for kind in PAPERS:
        api.upload("school201", request, kind)
    request = sent(api, shown(api, request), ("approve", "school201.principal"), ("approve", "school202.principal"),
                   ("approve", "county2"))  # fmt: skip
    go(api, api.world.request(int(request["id"])).due_at)
    refused(api.fire("school201", request, "confirm_arrival"), "WS-03")
    assert api.world.enrolment(pupil.id).school_id == api.world.organization("202").id


def test_a_draft_of_sixty_days_is_not_revived(api: Api) -> None:
    draft = api.draft(api.world.student("202"))
    go(api, api.world.request(int(draft["id"])).wake_at)
    submit = api.fire("school201", draft, "submit")
    assert submit.status_code == 409
    assert "WS-02" in [reason["rule"] for reason in submit.json["blocked_by"]]
    refused(api.call("school201", "PATCH", f"/requests/{draft['id']}", json={"grade": 3}, version=1), "WS-02")


def test_an_official_who_is_late_still_decides(api: Api) -> None:
    request = brought(api)
    go(api, api.world.request(int(request["id"])).due_at + 1)
    answer = api.fire("school201.principal", request, "approve")
    assert (answer.status_code, answer.json["state"]) == (200, "awaiting_origin_school")


def test_a_graduating_students_day_ends_an_officials_step_too(api: Api) -> None:
    request = brought(api)
    with begin(api.world.service.engine) as connection:
        connection.execute(update(Request).values(wipe_at=api.world.at))
    refused(api.fire("school201.principal", request, "approve"), "SYS-46")
