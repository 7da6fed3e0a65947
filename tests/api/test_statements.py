"""How many statements the hot calls and pages send: one more is a round trip more for everybody, and shows here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from tests.api.conftest import Api
from tests.api.test_pages import sign_in
from workflow_service.sql import Query, Transaction

CALLS = {
    "/api/v1/requests/{id}": 3,
    "/api/v1/requests": 3,
    "/api/v1/students": 2,
    "/api/v1/students/{student}": 3,
    "/api/v1/dashboard": 10,
    "/api/v1/me": 4,
}
PAGES = {
    "/": 20,
    "/requests": 7,
    "/requests/{id}": 11,
    "/students": 4,
    "/students/{student}": 8,
}
SUBMIT, RETURN = 7, 5
"""Of `POST …/events`: who asks and what his key has led to, the facts (of a draft its route too), all writes, what the
answer shows, and the answer kept."""


def counted(api: Api, ask: Callable[[], Any]) -> int:
    """Statements on both pools, whether SQLAlchemy or the driver sends them; all writes of a transition are one."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    with pytest.MonkeyPatch.context() as patched:
        for kind, name in ((Query, "_ask"), (Query, "all"), (Transaction, "run")):
            patched.setattr(kind, name, _noted(getattr(kind, name), sent))
        engines = (api.world.service.engine, api.world.service.hot)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        answer = ask()
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200
    return len(sent)


def _noted(sending: Callable[..., Any], sent: list[str]) -> Callable[..., Any]:
    def noting(self: Any, *arguments: Any) -> Any:
        sent.append(repr(self))
        return sending(self, *arguments)

    return noting


def test_hot_calls_send_as_many_statements_as_ever(api: Api) -> None:
    request, mate = api.submitted(api.world.student("202")), api.world.student("201", name="白一鸣")
    bearer = {"Authorization": f"Bearer {api.token('school201.principal')}"}
    places = {path: path.format(id=request["id"], student=mate.id) for path in CALLS}
    found = {}
    for path, place in places.items():
        api.client.get(place, headers=bearer)  # What is kept from then on is read at the first call.
        found[path] = counted(api, partial(api.client.get, place, headers=bearer, buffered=True))
    assert found == CALLS


def test_hot_pages_send_as_many_statements_as_ever(api: Api) -> None:
    request, mate = api.submitted(api.world.student("202")), api.world.student("201", name="白一鸣")
    sign_in(api, "school201.principal")
    places = {path: path.format(id=request["id"], student=mate.id) for path in PAGES}
    found = {}
    for path, place in places.items():
        api.client.get(place)
        found[path] = counted(api, partial(api.client.get, place, buffered=True))
    assert found == PAGES


def test_a_transition_sends_as_many_statements_as_ever(api: Api) -> None:
    draft = api.draft(api.world.student("202"))
    api.get("school201", f"/requests/{draft['id']}")
    api.token("school201.principal")
    answers: list[Any] = []

    def fire(who: str, request: dict[str, Any], name: str) -> Any:
        answers.append(api.fire(who, request, name, comment="同意", key=name))
        return answers[-1]

    assert counted(api, lambda: fire("school201", draft, "submit")) == SUBMIT
    assert counted(api, lambda: fire("school201.principal", answers[0].json, "return")) == RETURN
