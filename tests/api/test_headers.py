"""No answer leaves without its headers, and nothing personal stays in a cache."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api
from workflow_service.sweeps.catch_up import heartbeat

PATHS = ("/api/v1/me", "/api/v1/requests", "/api/v1/students", "/api/v1/nothing", "/api/v1/docs",
         "/api/v1/openapi.json", "/api/v1/verify/x", "/healthz", "/metrics")  # fmt: skip


@pytest.mark.parametrize("who", [None, "school201"])
def test_every_answer_carries_the_headers(sqlite_api: Api, who: str | None) -> None:
    headers = {} if who is None else {"Authorization": f"Bearer {sqlite_api.token(who)}"}
    for path in PATHS:
        answer = sqlite_api.client.get(path, headers=headers)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_docs_need_nothing_from_elsewhere_and_no_script_in_the_page(sqlite_api: Api) -> None:
    page = sqlite_api.get(None, "/docs").text
    assert "http" not in page.lower().replace("<!doctype html>", "")
    assert "<script>" not in page
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        file = sqlite_api.get(None, f"/docs/{name}")
        assert file.status_code == 200
        assert file.content_type.startswith("text/")
    assert sqlite_api.get(None, "/docs/..%2f..%2fapp.py").status_code == 404


def test_ready_says_what_is_missing(api: Api) -> None:
    assert api.client.get("/healthz").json == {"status": "ok"}
    waiting = api.client.get("/readyz")
    assert waiting.status_code == 503
    assert waiting.headers["Retry-After"]
    assert waiting.json["checks"]["scheduler"] != "ok"
    heartbeat(api.world.service, "scheduler")
    ready = api.client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "ok")


def test_metrics_count_by_state(api: Api) -> None:
    api.submitted(api.world.student("202"))
    text = api.client.get("/metrics").text
    assert 'workflow_requests{kind="transfer",state="awaiting_destination_principal"} 1' in text
