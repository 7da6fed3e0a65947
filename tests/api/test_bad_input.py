"""Bad input, each with a clear answer and nothing lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.api.conftest import Api
from tests.workflow_service.world import picture
from workflow_service import grants
from workflow_service.db import begin, reading
from workflow_service.models import History, Request


def rows(api: Api) -> tuple[int, int]:
    with reading(api.world.service.engine) as connection:
        return tuple(
            connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (Request, History)
        )


@pytest.mark.parametrize("id_", ["1", "0", "-1", "abc", "99999999999999999999", "1%00", "%E2%98%83", "1e3", "１２"])
@pytest.mark.parametrize("path", ["/requests/{}", "/students/{}", "/organizations/{}", "/documents/{}",
                                  "/students/{}/history", "/audit?object={}"])  # fmt: skip
def test_an_id_that_is_unknown_or_none_is_not_found(sqlite_api: Api, path: str, id_: str) -> None:
    answer = sqlite_api.get("county2", path.format(id_))
    assert answer.status_code == 404, answer.text
    assert answer.content_type == "application/problem+json"


def test_a_name_that_differs_reads_like_a_student_who_does_not_exist(api: Api) -> None:
    pupil = api.world.student("202")
    body = api.transfer(pupil)
    before = rows(api)
    differing = api.post("school201", "/requests", {**body, "student": {**body["student"], "name": "林大满"}})
    unknown = api.post("school201", "/requests", {**body, "student": {**body["student"], "student_number": "G1"}})
    assert differing.status_code == unknown.status_code == 422
    assert differing.data == unknown.data
    assert differing.json["errors"][0]["rule"] == "SYS-04"
    check = api.post("school201", "/requests/check", {**body, "student": {**body["student"], "name": "林大满"}})
    assert [reason["rule"] for reason in check.json["blocked_by"]] == ["SYS-04"]
    assert rows(api) == before


def test_a_second_submitted_transfer_is_refused_with_the_first_ones_number(api: Api) -> None:
    pupil = api.world.student("202")
    first = api.submitted(pupil)
    second = api.draft(pupil, "203")
    answer = api.fire("school203", second, "submit")
    assert answer.status_code == 409
    reason = next(r for r in answer.json["blocked_by"] if "2002" in r["rule"] or first["number"] in r["message"])
    assert reason["article"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"grade": "3"}, "grade"),
        ({"grade": True}, "grade"),
        ({"grade": 3.5}, "grade"),
        ({"grade": 13}, "grade"),
        ({"kind": "transfer_to_the_moon"}, "kind"),
        ({"ground": "boredom"}, "ground"),
        ({"data": {"handed_over_on": "2026-02-30"}}, "data.handed_over_on"),
        ({"data": {"handed_over_on": "20260801"}}, "data.handed_over_on"),
        ({"data": {"home_moved": "yes"}}, "data.home_moved"),
        ({"data": {"state": "completed"}}, "data.state"),
        ({"data": []}, "data"),
        ({"student": {"name": "林小满"}}, "student.student_number"),
        ({"student": {"name": "\ud800", "student_number": "G1"}}, "student.name"),
        ({"student": {"name": "a\0b", "student_number": "G1"}}, "student.name"),
        ({"student_id": "1"}, "student"),
        ({"destination_school_id": 5}, "destination_school_id"),
        ({"version": 7}, "version"),
        ({"state": "completed"}, "state"),
    ],
)
def test_a_value_of_the_wrong_shape_is_named(sqlite_api: Api, change: dict[str, Any], field: str) -> None:
    body = sqlite_api.transfer(sqlite_api.world.student("202"))
    answer = sqlite_api.post("school201", "/requests", {**body, **change})
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json["errors"]]
    assert all(error["message"] and error["message_en"] for error in answer.json["errors"])


@pytest.mark.parametrize("raw", [b"", b"nonsense", b'{"a":', b'{"a": NaN}', b"\xff\xfe", b"[" * 50_000])
def test_what_is_not_json_is_said_to_be_none(sqlite_api: Api, raw: bytes) -> None:
    answer = sqlite_api.call("school201", "POST", "/requests", data=raw, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"null", b"7"])
def test_json_that_is_no_object_has_the_wrong_shape(sqlite_api: Api, raw: bytes) -> None:
    answer = sqlite_api.call("school201", "POST", "/requests", data=raw, content_type="application/json")
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (picture()[:40], 422),
        (b"<html><script>alert(1)</script></html>", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (b"MZ\x90\0", 415),
        (b"%PDF-1.7\nnothing", 422),
    ],
)
def test_a_file_that_is_no_document_is_refused_and_leaves_nothing(sqlite_api: Api, content: bytes, status: int) -> None:
    request = sqlite_api.draft(sqlite_api.world.student("202"))
    before = rows(sqlite_api)
    answer = sqlite_api.upload("school201", request, "property_certificate", content)
    assert answer.status_code == status
    assert rows(sqlite_api) == before
    assert list(sqlite_api.world.service.store.iter_all()) == []


def test_a_document_of_an_unknown_kind_is_refused(sqlite_api: Api) -> None:
    request = sqlite_api.draft(sqlite_api.world.student("202"))
    assert sqlite_api.upload("school201", request, "love_letter").status_code == 422


def test_a_full_disk_is_507_and_nothing_is_lost(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    request = api.draft(api.world.student("202"))
    before = rows(api)

    def full(_descriptor: int, _content: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    answer = api.upload("school201", request, "property_certificate")
    monkeypatch.undo()
    assert answer.status_code == 507
    assert rows(api) == before
    assert api.upload("school201", request, "property_certificate").status_code == 201


def test_a_disk_that_is_full_before_the_store_is_reached_is_507_too(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    class Full(io.BytesIO):
        def write(self, _content: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    request = sqlite_api.draft(sqlite_api.world.student("202"))
    before = rows(sqlite_api)
    monkeypatch.setattr("werkzeug.wrappers.request.default_stream_factory", lambda *_, **__: Full())
    answer = sqlite_api.upload("school201", request, "property_certificate")
    assert answer.status_code == 507
    assert rows(sqlite_api) == before


def test_another_schools_request_and_student_are_not_there_to_be_edited(api: Api) -> None:
    pupil = api.world.student("202")
    request = api.submitted(pupil)
    made = api.upload("school201", request, "property_certificate").json
    before = rows(api)
    path = f"/requests/{request['id']}"
    for who, status in (("school301", 404), ("school202", 403), ("county2", 403)):
        for method, where, more in (
            ("PATCH", path, {"json": {"data": {}}, "version": 3}),
            ("DELETE", f"{path}/documents/{made['id']}", {}),
            ("POST", f"{path}/events", {"json": {"event": "recall"}, "version": 3}),
        ):
            assert api.call(who, method, where, **more).status_code == status, (who, method)
        assert api.upload(who, request, "property_certificate").status_code == status
    for method in ("PATCH", "PUT", "POST", "DELETE"):  # No call edits a student: what changes one is a request.
        assert api.call("school202", method, f"/students/{pupil.id}", json={"name": "林大满"}).status_code == 405
    assert rows(api) == before


def test_the_client_name_of_a_file_is_only_a_name(api: Api) -> None:
    request = api.draft(api.world.student("202"))
    data = {"kind": "property_certificate", "file": (io.BytesIO(picture()), '../../etc/房产证"\u202e.html')}
    made = api.call("school201", "POST", f"/requests/{request['id']}/documents", data=data)
    assert made.status_code == 201
    file = api.get("school201", f"/documents/{made.json['id']}")
    assert file.status_code == 200
    assert file.data == picture()
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert ".html" not in file.headers["Content-Disposition"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.content_type == "image/png"


@pytest.mark.parametrize(
    "change", [lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]), lambda path: path.unlink()]
)
def test_a_file_that_was_altered_or_taken_away_is_not_delivered_and_somebody_is_told(
    sqlite_api: Api, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    request = sqlite_api.draft(sqlite_api.world.student("202"))
    made = sqlite_api.upload("school201", request, "property_certificate").json
    [kept] = (path for path in sqlite_api.world.service.settings.data.rglob(made["sha256"]))
    kept.chmod(0o600)
    change(kept)
    answer = sqlite_api.get("school201", f"/documents/{made['id']}")
    assert (answer.status_code, answer.json["type"]) == (500, "urn:workflow-service:problem:document-damaged")
    assert made["sha256"] in caplog.text


def test_markup_in_a_name_comes_back_as_the_text_it_is(api: Api) -> None:
    name = "<script>alert(1)</script>"
    api.world.student("202", name=name)
    answer = api.get("school202", "/students", query_string={"q": "<script>"})
    assert answer.content_type == "application/json"
    assert answer.json["items"][0]["name"] == name


def test_a_revoked_role_is_refused_at_once(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    account = api.world.actor("school201").account_id
    with begin(api.world.service.engine) as connection:
        grants.revoke_role(connection, api.world.service, account, "registrar")
    assert api.fire("school201", request, "recall").status_code in (403, 404)


def test_submit_counts_by_the_second_of_its_receipt(api: Api) -> None:
    pupils = [api.world.student("202") for _ in range(2)]
    drafts = [api.draft(pupil) for pupil in pupils]
    api.world.go(2026, 9, 20, 23, 59, 59)
    api.tokens.clear()
    assert api.fire("school201", drafts[0], "submit").status_code == 200
    api.world.go(2026, 9, 21, 0, 0, 0)
    late = api.fire("school201", drafts[1], "submit")
    assert late.status_code == 409
    assert any("2027-02-13" in (cure["until"] or "") for r in late.json["blocked_by"] for cure in r["cures"])


def test_wrong_passwords_are_slowed_down_and_the_right_one_never(api: Api) -> None:
    wrong = [api.post(None, "/tokens", {"username": "county1", "password": "x"}) for _ in range(12)]
    assert [answer.status_code for answer in wrong] == [401] * 10 + [429] * 2
    assert int(wrong[-1].headers["Retry-After"]) > 0
    unknown = [api.post(None, "/tokens", {"username": "nobody", "password": "x"}) for _ in range(11)]
    assert [answer.status_code for answer in unknown] == [401] * 10 + [429]
    assert unknown[0].data == wrong[0].data
    assert api.post(None, "/tokens", {"username": "county1", "password": "demo-2026"}).status_code == 201


def test_a_token_ends_when_it_is_signed_out(api: Api) -> None:
    token = api.token("school201")
    assert api.get("school201", "/me").status_code == 200
    assert api.call("school201", "DELETE", "/tokens/current").status_code == 204
    assert api.tokens["school201"] == token
    assert api.get("school201", "/me").status_code == 401


def test_a_token_expires_by_real_time(api: Api) -> None:
    api.token("school201")
    api.world.go(2026, 8, 24, 21, 0, 1)
    assert api.get("school201", "/me").status_code == 401


def test_a_database_that_is_away_is_503_with_a_time_to_come_back(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    sqlite_api.token("school201")

    def away(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("api.endpoint.actor_of_token", away)
    answer = sqlite_api.get("school201", "/me")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
