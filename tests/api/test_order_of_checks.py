"""The contract's order: 401 · 404 · 403 · 413/415 · 400 · 422 · key replay · 428 · 412 · 409."""

from __future__ import annotations

import io

from tests.api.conftest import Api

NOWHERE = "/requests/123456789"


def test_each_check_comes_before_the_next(api: Api) -> None:
    """One call with everything wrong; each fault is mended in turn, and the next one is answered."""
    pupil = api.world.student("202")
    request = api.submitted(pupil)
    path = f"/requests/{request['id']}/events"
    junk = {"data": b"\xff{", "content_type": "text/csv"}
    assert api.call(None, "POST", NOWHERE + "/events", **junk).status_code == 401
    assert api.call("school201", "POST", NOWHERE + "/events", **junk).status_code == 404
    assert api.call("school301", "POST", path, **junk).status_code == 404  # there, but not in scope: no difference
    assert api.call("county1.viewer", "POST", path, **junk).status_code == 404
    assert api.call("school201", "POST", path, **junk).status_code == 415
    assert api.call("school201", "POST", path, data=b"{" * 300_000, content_type="application/json").status_code == 413
    assert api.call("school201", "POST", path, data=b"\xff{", content_type="application/json").status_code == 400
    assert api.call("school201", "POST", path, json={"event": "recall", "colour": 1}).status_code == 422
    assert api.call("school201", "POST", path, json={"event": "recall"}).status_code == 428
    assert api.call("school201", "POST", path, json={"event": "resubmit"}, version=1).status_code == 412
    assert api.call("school201", "POST", path, json={"event": "resubmit"}, version=2).status_code == 409
    assert api.call("school201", "POST", path, json={"event": "recall"}, version=2).status_code == 200


def test_a_role_that_never_decides_is_refused_before_its_body_is_read(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    path = f"/requests/{request['id']}/events"
    junk = {"data": b"nonsense", "content_type": "application/json"}
    viewer = api.call("auditor", "POST", path, **junk)
    assert viewer.status_code == 403
    # The origin's registrar sees it and has a role that decides, but never this event in this request.
    never = api.post("school202", path, {"event": "recall"})
    assert never.status_code == 403


def test_a_replayed_key_comes_before_the_version(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    first = api.fire("school201", request, "recall", key="once")
    again = api.fire("school201", request, "recall", key="once")
    assert (first.status_code, first.data) == (200, again.data)
    assert again.headers["ETag"] == first.headers["ETag"] == '"3"'
    path = f"/requests/{request['id']}/events"
    no_version = api.post("school201", path, {"event": "recall"}, key="once")
    assert no_version.data == first.data
    other_body = api.post("school201", path, {"event": "note", "comment": "x"}, key="once")
    assert other_body.status_code == 422
    assert "Idempotency-Key" in other_body.json["errors"][0]["field"]


def test_a_file_is_judged_before_the_fields_around_it(api: Api) -> None:
    request = api.draft(api.world.student("202"))
    path = f"/requests/{request['id']}/documents"

    def send(content: bytes, **fields: str) -> int:
        data = {**fields, "file": (io.BytesIO(content), "x.pdf")}
        return api.call("school201", "POST", path, data=data).status_code

    assert send(b"<html>", kind="property_certificate") == 415
    assert send(b"<html>") == 415
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.pdf"\r\n\r\n'
    large = head + b"x" * 3_000_000 + b"\r\n--b--\r\n"
    multipart = "multipart/form-data; boundary=b"
    assert api.call("school201", "POST", path, data=large, content_type=multipart).status_code == 413
    # A file just above the limit of 2 MB comes in under the limit of the whole body, and is judged by itself.
    medium = head + b"x" * (2 * 1024 * 1024 + 1) + b"\r\n--b--\r\n"
    assert api.call("school201", "POST", path, data=medium, content_type=multipart).status_code == 413
    assert send(b"", kind="property_certificate") == 422
    assert api.call("school201", "POST", path, data={"kind": "property_certificate"}).status_code in (415, 422)
    assert api.call("school201", "POST", path, data=b"x", content_type="multipart/form-data").status_code == 400
    assert api.post("school201", path, {}).status_code == 415


def test_what_is_not_offered_is_said_with_its_status(api: Api) -> None:
    wrong_method = api.call("school201", "DELETE", "/me")
    assert wrong_method.status_code == 405
    assert "GET" in wrong_method.headers["Allow"]
    assert api.get("school201", "/me", headers={"Accept": "text/csv"}).status_code == 406
    assert api.get("school201", "/nothing").status_code == 404
    unknown = api.get(None, "/me")
    assert unknown.status_code == 401
    assert unknown.headers["WWW-Authenticate"].startswith("Bearer")
    assert unknown.content_type == "application/problem+json"
    assert set(unknown.json) >= {"type", "title", "status", "detail"}


def test_an_older_version_is_answered_with_who_decided_and_what_has_changed(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    api.fire("school201", request, "note", comment="补充说明")
    late = api.fire("school201", request, "recall")
    assert late.status_code == 412
    assert late.json["current"]["version"] == 3
    assert late.json["current"]["decided_by"]["organization"]
    assert [change["event"] for change in late.json["difference"]] == ["note"]


def test_if_match_must_name_a_version(api: Api) -> None:
    request = api.submitted(api.world.student("202"))
    path = f"/requests/{request['id']}/events"

    def send(tag: str) -> int:
        return api.post("school201", path, {"event": "note", "comment": "x"}, headers={"If-Match": tag}).status_code

    assert send("*") == 428
    assert send('W/"2"') == 412
    assert send('"abc"') == 412
    assert send('""') == 412
    assert send('"1", "2"') == 200
