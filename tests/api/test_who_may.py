"""Every route with every role, on one's own and on foreign objects; a route without a row here fails."""

from __future__ import annotations

from typing import Any

import pytest

from api.endpoint import Operation
from tests.api.conftest import Api
from workflow_service.db import begin
from workflow_service.grants import create_account, grant_role
from workflow_service.passwords import CHEAP, Passwords

PUBLIC = {
    "POST /api/v1/tokens", "GET /api/v1/verify/<code>", "GET /api/v1/openapi.json", "GET /api/v1/docs",
    "GET /api/v1/docs/<name>", "GET /healthz", "GET /readyz", "GET /metrics",
}  # fmt: skip

ALL = ("school201", "school201.principal", "school202", "school301", "county2", "county1", "county1.viewer",
       "county2.viewer", "county1.network", "school201.teacher", "admin", "security", "auditor", "city1", "province2",
       )  # fmt: skip
SEES = {"school201", "school201.principal", "school202", "county2", "county2.viewer", "city1", "auditor"}
"""Who sees a submitted transfer from 202 to 201."""
DECIDES = {"school201", "school201.principal", "school202", "county2", "city1"}
READS = set(ALL) - {"county1.network", "school201.teacher", "admin", "security"}

EXPECTED: dict[str, tuple[set[str], int]] = {
    # call: who is let in, and what the others are answered
    "GET /me": (set(ALL), 403),
    "GET /organizations": (set(ALL), 403),
    "GET /organizations/<organization_id>": (set(ALL), 403),
    "GET /organizations/<organization_id>/promotion": ({"school301", "auditor"}, 404),
    "GET /windows": (set(ALL), 403),
    "GET /codes": (set(ALL), 403),
    "GET /codes/<scheme>": (set(ALL), 403),
    "GET /policies": (set(ALL), 403),
    "GET /policies/<policy_id>": (set(ALL), 403),
    "DELETE /tokens/current": (set(ALL), 403),
    "GET /students": (READS, 403),
    "GET /requests": (READS, 403),
    "GET /dashboard": (READS, 403),
    "GET /audit": (SEES, 404),
    "GET /students/<student_id>": (SEES - {"school201", "school201.principal"}, 404),
    "GET /students/<student_id>/history": (SEES - {"school201", "school201.principal"}, 404),
    "GET /students/<student_id>/photo": (set(), 404),
    "GET /requests/<request_id>": (SEES, 404),
    "GET /documents/<document_id>": (SEES, 404),
    "PATCH /requests/<request_id>": (DECIDES, 404),
    "POST /requests/<request_id>/events": (DECIDES, 404),
    "POST /requests/<request_id>/documents": ({"school201", "school201.principal"}, 404),
    "DELETE /requests/<request_id>/documents/<document_id>": (DECIDES, 404),
    "GET /duplicates": (READS, 403),
    "GET /duplicates/<pair_id>": (set(), 404),
    "POST /duplicates/<pair_id>/decision": (set(), 404),
    "POST /duplicates/<pair_id>/undo": (set(), 404),
    "GET /newcomers": (READS, 403),
    "GET /quality": (READS, 403),
    "GET /quality/<check>": (READS, 403),
    "GET /batches": (READS, 403),
    "GET /batches/<batch_id>": (set(), 404),
    "GET /batches/<batch_id>/requests": (set(), 404),
    "POST /batches": ({"school201", "school202", "school301"}, 403),
    "POST /batches/<batch_id>/students": (set(), 404),
    "POST /batches/<batch_id>/events": (set(), 404),
    "POST /admissions": ({"county2", "county1", "city1", "province2"}, 403),
    "POST /requests": (READS - {"county1.viewer", "county2.viewer", "auditor"}, 403),
    "POST /requests/check": (READS - {"county1.viewer", "county2.viewer", "auditor"}, 403),
}


def operations(api: Api) -> dict[str, Operation]:
    found = {}
    for rule in api.app.url_map.iter_rules():
        operation = getattr(api.app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            found[f"{operation.method} {rule.rule}"] = operation
    return found


def test_every_route_has_auth_or_is_on_the_short_public_list(sqlite_api: Api) -> None:
    declared = operations(sqlite_api)
    assert {name for name, operation in declared.items() if operation.public} == PUBLIC
    undeclared = [
        rule.rule
        for rule in sqlite_api.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not hasattr(sqlite_api.app.view_functions[rule.endpoint], "operation")
    ]
    assert undeclared == []


def test_every_route_that_needs_auth_refuses_who_has_none(sqlite_api: Api) -> None:
    for name in operations(sqlite_api).keys() - PUBLIC:
        method, path = name.split()
        answer = sqlite_api.client.open(path.replace("<", "").replace(">", ""), method=method)
        assert answer.status_code == 401, name
        bad = sqlite_api.client.open(path.replace("<", "1"), method=method, headers={"Authorization": "Bearer x"})
        assert bad.status_code in (401, 404), name


def test_every_route_answers_every_role_as_the_matrix_says(api: Api) -> None:
    declared = {name.replace("/api/v1", "", 1) for name in operations(api).keys() - PUBLIC}
    assert declared == set(EXPECTED), "a route without a row here"
    _county2_viewer(api)
    request, document = _submitted_with_a_paper(api)
    ids = {
        "organization_id": str(api.world.organization("301").id), "policy_id": "national-k12", "scheme": "gbt3304",
        "student_id": request["student"]["id"], "request_id": request["id"], "document_id": document,
        "batch_id": "1", "pair_id": "1", "check": "missing_guardian",
    }  # fmt: skip
    wrong = []
    for who in ALL:
        for name, (let_in, otherwise) in EXPECTED.items():
            status = _try(api, who, name, ids)
            inside = status not in (401, 403, 404)
            if name.startswith(("PATCH", "DELETE /req", "POST /req")) and who in SEES - let_in:
                expected = {403}
            elif who in let_in:
                # One who decides may still hold a post that never does this in this request.
                expected = {status} if inside or (status == 403 and who in DECIDES) else set()
            elif name == "GET /audit" and who not in READS:
                expected = {403, 404}
            else:
                expected = {otherwise}
            if status not in expected:
                wrong.append((who, name, status, expected))
    assert wrong == []


def test_a_draft_is_its_schools_alone(api: Api) -> None:
    draft = api.draft(api.world.student("202"))
    sees = [
        who for who in ALL if who != "county2.viewer" and api.get(who, f"/requests/{draft['id']}").status_code == 200
    ]
    assert sees == ["school201", "school201.principal"]


def test_whoever_submitted_sees_why_somebody_else_must_approve_and_is_refused(api: Api) -> None:
    with begin(api.world.service.engine) as connection:
        grant_role(connection, api.world.service, api.world.actor("school201").account_id, "principal")
    request = api.submitted(api.world.student("202"))
    [approve] = [event for event in request["events"] if event["event"] == "approve"]
    assert not approve["allowed"]
    [reason] = [reason for reason in approve["blocked_by"] if reason["rule"] == "SYS-08"]
    assert "不得再由本人审核" in reason["message"]
    refused = api.fire("school201", request, "approve")
    assert refused.status_code == 409
    assert "SYS-08" in refused.text
    assert "SYS-08" not in api.fire("school201.principal", request, "approve").text  # only papers are missing


@pytest.mark.parametrize("field", ["state", "open", "final", "applicant_id", "version", "holder_id", "approvals"])
def test_no_column_can_be_set_from_outside(sqlite_api: Api, field: str) -> None:
    draft = sqlite_api.draft(sqlite_api.world.student("202"))
    body = {field: "completed"}
    assert sqlite_api.call("school201", "PATCH", f"/requests/{draft['id']}", json=body, version=1).status_code == 422


def _county2_viewer(api: Api) -> None:
    service = api.world.service
    with begin(service.engine) as connection:
        create_account(
            connection, service, username="county2.viewer", name="查看员",
            organization_id=api.world.organization("county2").id, roles=("viewer",),
            password_hash=Passwords(CHEAP).hash("demo-2026"),
        )  # fmt: skip


def _submitted_with_a_paper(api: Api) -> tuple[dict[str, Any], str]:
    draft = api.draft(api.world.student("202"))
    paper = api.upload("school201", draft, "property_certificate")
    assert paper.status_code == 201
    assert paper.headers["ETag"] == '"2"'
    submitted = api.fire("school201", {**draft, "version": 2}, "submit")
    return submitted.json, paper.json["id"]


def _try(api: Api, who: str, name: str, ids: dict[str, str]) -> int:
    """The status of a call that changes nothing: what would change something is sent without a body or version."""
    method, path = name.split()
    for argument, value in ids.items():
        path = path.replace(f"<{argument}>", value)
    if name == "GET /audit":
        path += f"?object={ids['request_id']}"
    if name == "DELETE /tokens/current":
        api.tokens.pop(who, None)
    status = api.call(who, method, path).status_code
    if name == "DELETE /tokens/current":
        api.tokens.pop(who, None)
    return status
