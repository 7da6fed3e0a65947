"""A submission that came in on the last evening counts, however long it had to wait for its turn."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from api import requests
from tests.api.conftest import Api
from workflow_service.db import reading


def test_the_window_is_judged_by_the_instant_of_receipt(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    world = api.world
    world.go(2026, 9, 20, 23, 59, 30)
    draft = api.draft(world.student("202"))
    gather = requests.gather

    def slow_gather(*arguments: Any) -> Any:
        world.at += 90 * 1_000_000  # The clock runs on while the call waits for a connection.
        return gather(*arguments)

    monkeypatch.setattr(requests, "gather", slow_gather)
    answer = api.fire("school201", draft, "submit")
    assert answer.status_code == 200, answer.text
    assert answer.json["window"]["id"] == "TR-07"
    assert answer.json["submitted_at"].startswith("2026-09-20T23:59:30")
    with reading(world.service.engine) as connection:
        row = connection.execute(text("SELECT recorded_at, at FROM history WHERE event = 'submit'")).one()
    assert row.recorded_at - row.at >= 90 * 1_000_000
