"""The OpenAPI document is true: answers to made-up calls fit it, and none of them is a 500."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import Api
from workflow_service.sweeps.catch_up import heartbeat

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


def test_the_document_names_every_call_with_its_problems(sqlite_api: Api) -> None:
    document = sqlite_api.get(None, "/openapi.json").json
    assert document["openapi"].startswith("3.1")
    fire = document["paths"]["/api/v1/requests/{request_id}/events"]["post"]
    assert set(fire["responses"]) >= {
        "200",
        "400",
        "401",
        "403",
        "404",
        "409",
        "412",
        "413",
        "415",
        "422",
        "428",
        "503",
    }
    assert "application/problem+json" in fire["responses"]["409"]["content"]
    assert fire["security"] == [{"bearer": []}]
    assert {p["name"] for p in fire["parameters"]} >= {"If-Match", "Idempotency-Key", "request_id"}
    upload = document["paths"]["/api/v1/requests/{request_id}/documents"]["post"]
    assert "multipart/form-data" in upload["requestBody"]["content"]


@pytest.mark.parametrize("who", ["school201", "county2"])
def test_made_up_calls_are_answered_as_the_document_says(sqlite_api: Api, who: str) -> None:
    pupil = sqlite_api.world.student("202")
    request = sqlite_api.submitted(pupil)
    known = {
        "request_id": request["id"],
        "student_id": str(pupil.id),
        "organization_id": request["origin_school"]["id"],
        "policy_id": "catchment-k12",
    }
    heartbeat(sqlite_api.world.service, "scheduler")
    headers = {"Authorization": f"Bearer {sqlite_api.token(who)}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", sqlite_api.app)
    # Signing out would end the run; what Swagger UI is made of is another's.
    for found in schema.exclude(path_regex="/tokens/current|/docs").get_all_operations():
        _exercise(found.ok(), headers, known)


def _exercise(operation: Any, headers: dict[str, str], known: dict[str, str]) -> None:
    """A handful of calls to one operation, the same ones each time; half of them to objects that are there."""

    @given(case=operation.as_strategy(), there=booleans())
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any, there: bool) -> None:
        if there:
            case.path_parameters = {**(case.path_parameters or {}), **known}
        case.call_and_validate(headers=headers, checks=list(CHECKS))

    run()
