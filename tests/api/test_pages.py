"""Pages without a browser: who may send a form, and what a form that comes from elsewhere is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import api.pages
from tests.api.conftest import PASSWORD, Api


def sign_in(api: Api, who: str) -> str:
    """Sign in through the page; the form token of the session."""
    answer = api.client.post("/login", data={"username": who, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return re.findall(r'name="csrf" value="(\w+)"', api.client.get("/").text)[0]


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(sqlite_api: Api) -> None:
    answer = sqlite_api.client.post("/login", data={"username": "school201", "password": PASSWORD})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_wrong_password_is_told_and_the_name_is_kept(sqlite_api: Api) -> None:
    answer = sqlite_api.client.post("/login", data={"username": "school201", "password": "wrong"})
    assert answer.status_code == 401
    assert 'value="school201"' in answer.text
    assert "wrong" not in answer.text.replace("wrong.", "")


def test_signing_out_ends_the_token_and_not_only_the_cookie(sqlite_api: Api) -> None:
    csrf = sign_in(sqlite_api, "school201")
    kept = sqlite_api.client.get_cookie("session")
    assert kept is not None
    sqlite_api.client.post("/logout", data={"csrf": csrf})
    sqlite_api.client.set_cookie("session", kept.value)
    assert sqlite_api.client.get("/").status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_after_signing_in_nobody_is_led_to_another_site(sqlite_api: Api, target: str) -> None:
    data = {"username": "school201", "password": PASSWORD, "next": target}
    assert sqlite_api.client.post("/login", data=data).location == "/"


def test_a_form_without_its_token_or_from_another_site_changes_nothing(sqlite_api: Api) -> None:
    pupil = sqlite_api.world.student("202", 3)
    draft = sqlite_api.draft(pupil)
    csrf = sign_in(sqlite_api, "school201")
    path, form = f"/requests/{draft['id']}/events", {"event": "submit", "version": "1", "csrf": csrf}
    assert sqlite_api.client.post(path, data={**form, "csrf": ""}).status_code == 403
    assert sqlite_api.client.post(path, data={**form, "csrf": "0" * 64}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert sqlite_api.client.post(path, data=form, headers=headers).status_code == 403
        assert sqlite_api.client.post("/login", data={"username": "x"}, headers=headers).status_code == 403
    assert sqlite_api.world.request(int(draft["id"])).state == "draft"
    assert sqlite_api.client.post(path, data=form, headers={"Origin": "http://localhost"}).status_code == 303


def test_the_same_form_sent_twice_has_one_effect(api: Api) -> None:
    pupil = api.world.student("202", 3)
    draft = api.draft(pupil)
    csrf = sign_in(api, "school201")
    form = {"event": "submit", "version": str(draft["version"]), "csrf": csrf, "key": "k1"}
    answers = [api.client.post(f"/requests/{draft['id']}/events", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert api.world.request(int(draft["id"])).version == draft["version"] + 1
    other = api.client.post(f"/requests/{draft['id']}/events", data={**form, "comment": "another"})
    assert other.status_code == 422


def test_a_refused_form_shows_what_was_typed(sqlite_api: Api) -> None:
    csrf = sign_in(sqlite_api, "school201")
    sqlite_api.world.school_class("201", 3)
    student = {"student.name": "没有这人", "student.student_number": "G1", "grade": "3"}
    form = {"csrf": csrf, **student, "ground": "moved_house", "data.handed_over_on": "2026-08-02"}
    answer = sqlite_api.client.post("/requests/new", data=form)
    assert answer.status_code == 422
    assert "2001" in answer.text
    for typed in ("没有这人", "G1", "2026-08-02"):
        assert f'value="{typed}"' in answer.text


@pytest.mark.parametrize(
    "path", ["/requests/1", "/requests/x", "/students/1", "/documents/1", "/policies/none", "/nowhere"]
)
def test_what_is_not_there_or_not_in_scope_looks_the_same(sqlite_api: Api, path: str) -> None:
    sign_in(sqlite_api, "school201")
    answer = sqlite_api.client.get(path)
    assert answer.status_code == 404
    assert "不在您的管理范围内" in answer.text


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 422), (b"<html>", 415), (b"\xff\xd8\xff" + b"0" * 3_000_000, 413)]
)
def test_a_file_that_is_not_taken_is_told_beside_the_request(sqlite_api: Api, content: bytes, status: int) -> None:
    draft = sqlite_api.draft(sqlite_api.world.student("202", 3))
    csrf = sign_in(sqlite_api, "school201")
    head = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    fields = head % (b"csrf", csrf.encode()) + head % (b"kind", b"property_certificate")
    file = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + content + b"\r\n--x--\r\n"
    answer = sqlite_api.client.post(
        f"/requests/{draft['id']}/documents", data=fields + file, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == status
    assert draft["number"] in answer.text


@pytest.mark.parametrize("who", ["county1.viewer", "auditor", "county1.network", "admin", "school201.teacher"])
def test_who_only_looks_or_does_something_else_has_no_button(sqlite_api: Api, who: str) -> None:
    sign_in(sqlite_api, who)
    for path in ("/", "/requests", "/windows", "/policies"):
        answer = sqlite_api.client.get(path)
        assert answer.status_code == 200, path
        assert "新建申请" not in answer.text
    assert sqlite_api.client.get("/requests/new").status_code == 403


def test_a_whole_number_is_shown_for_a_purpose_only(sqlite_api: Api) -> None:
    pupil = sqlite_api.world.student("201", 3)
    csrf = sign_in(sqlite_api, "school201")
    assert pupil.number not in sqlite_api.client.get(f"/students/{pupil.id}").text
    path = f"/students/{pupil.id}/number"
    assert sqlite_api.client.post(path, data={"csrf": csrf, "purpose": ""}).status_code == 422
    assert pupil.number in sqlite_api.client.post(path, data={"csrf": csrf, "purpose": "核对转学证"}).text


def test_templates_hold_nothing_inline_and_nothing_from_outside() -> None:
    """The content policy would block it silently, on some page that nobody looked at."""
    inline = r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son(?:click|error|load|submit|change|input|focus)="
    forbidden = re.compile(inline + r"|https?://|\|\s*safe(?!\s*\}\}</svg>)")
    folder = Path(api.pages.__file__).parent
    files = [*folder.glob("templates/*.html"), *folder.glob("static/*.css"), *folder.glob("static/*.js")]
    assert len(files) > 20
    assert {f"{file.name}: {hit}" for file in files for hit in forbidden.findall(file.read_text())} == set()


def test_a_paper_is_one_paper_and_its_units_alone(sqlite_api: Api) -> None:
    pupil = sqlite_api.world.student("202", 3)
    request = sqlite_api.submitted(pupil)
    path = f"/requests/{request['id']}/papers/transfer_certificate"
    csrf = sign_in(sqlite_api, "school201")
    assert sqlite_api.client.get(path).status_code == 404
    assert sqlite_api.client.post(path, data={"csrf": csrf}).status_code == 403
    csrf = sign_in(sqlite_api, "school202")
    printed = set()
    for _ in range(2):
        assert sqlite_api.client.post(path, data={"csrf": csrf}).status_code == 303
        printed |= set(re.findall(r"ZZ2026-\w{8}", sqlite_api.client.get(path).text))
    assert len(printed) == 1
    assert pupil.number in sqlite_api.client.get(path).text
    sign_in(sqlite_api, "school201")
    assert pupil.number not in sqlite_api.client.get(path).text


@pytest.mark.parametrize("path", ["/students?q=%00", "/requests?q=%00&state=%00", "/policies/a%00b", "/verify/%00"])
def test_a_character_that_nothing_can_store_is_told(api: Api, path: str) -> None:
    csrf = sign_in(api, "school201")
    assert api.client.get(path).status_code == 422
    assert api.client.post("/requests/new", data={"csrf": csrf, "student.name": "a\0b"}).status_code == 422


@pytest.mark.parametrize(
    ("who", "told"),
    [("admin", "workflow-service user"), ("security", "user list"), ("auditor", "audit verify"),
     ("school201.teacher", "学籍管理员和校长办理"), ("county1.network", "网络和终端")],
)  # fmt: skip
def test_a_post_that_decides_nothing_is_told_where_its_work_is(sqlite_api: Api, who: str, told: str) -> None:
    sign_in(sqlite_api, who)
    answer = sqlite_api.client.get("/")
    assert told in answer.text
    assert "今日无待办" not in answer.text


def test_a_viewer_sees_what_is_in_progress_and_is_asked_for_nothing(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("102", 3))
    sign_in(sqlite_api, "county1.viewer")
    answer = sqlite_api.client.get("/")
    assert "在办业务" in answer.text
    assert request["number"] in answer.text
    assert "<span>待我办</span>" not in answer.text


@pytest.mark.parametrize(("lang", "told"), [("zh", "合计不能超过 8 MB"), ("en", "may have 8 MB together")])
def test_a_body_that_is_too_large_gets_a_page_that_says_what_to_do(sqlite_api: Api, lang: str, told: str) -> None:
    draft = sqlite_api.draft(sqlite_api.world.student("202", 3))
    sign_in(sqlite_api, "school201")
    page = f"/requests/{draft['id']}"
    answer = sqlite_api.client.post(
        f"{page}/documents?lang={lang}", data=b"-" * (8 * 1024 * 1024 + 1), headers={"Referer": f"http://localhost{page}"},
        content_type="multipart/form-data; boundary=x",
    )  # fmt: skip
    assert answer.status_code == 413
    assert told in answer.text
    assert "200 dpi" in answer.text
    assert f'href="{page}"' in answer.text


def test_the_way_back_from_an_error_never_leads_to_another_site(sqlite_api: Api) -> None:
    sign_in(sqlite_api, "school201")
    answer = sqlite_api.client.post("/requests/new", data={}, headers={"Referer": "https://evil.example/requests"})
    assert answer.status_code == 403
    assert "evil" not in answer.text
    assert ">回到原页面</a>" not in answer.text


def test_a_bureau_writes_no_contact_letter_to_itself(sqlite_api: Api) -> None:
    near = sqlite_api.submitted(sqlite_api.world.student("202", 3))
    far = sqlite_api.submitted(sqlite_api.world.student("402", 3))
    sign_in(sqlite_api, "county2")
    assert "就学联系函</button>" not in sqlite_api.client.get(f"/requests/{near['id']}").text
    sign_in(sqlite_api, "county4")
    assert "就学联系函</button>" in sqlite_api.client.get(f"/requests/{far['id']}").text


def test_an_ended_request_says_why_and_what_can_be_done_now(sqlite_api: Api) -> None:
    request = sqlite_api.submitted(sqlite_api.world.student("202", 3))
    number = int(request["id"])
    sqlite_api.world.fire(number, "reject", "school201.principal", reason="no_place", comment="本校四个班都满。")
    sign_in(sqlite_api, "school201")
    answer = sqlite_api.client.get(f"/requests/{number}").text
    for told in ("没有学位", "本校四个班都满。", "可以申诉", "重新申请"):
        assert told in answer
