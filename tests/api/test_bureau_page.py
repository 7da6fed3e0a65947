"""The bureau's page: who may open it, what its forms do once, and what it says to whoever was late or wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import PASSWORD, Api
from workflow_service.db import begin
from workflow_service.grants import revoke_role


def sign_in(api: Api, who: str) -> str:
    """Sign in through the page; the form token of the session."""
    assert api.client.post("/login", data={"username": who, "password": PASSWORD}).status_code == 303
    return re.findall(r'name="csrf" value="(\w+)"', api.client.get("/").text)[0]


def mark(api: Api, csrf: str, code: str = "203", on: bool = True, **more: Any) -> TestResponse:
    school = api.world.organization(code)
    form = {"csrf": csrf, "key": "k", "version": school.version, "single_handed": "on" if on else "off", **more}
    return api.client.post(f"/bureau/schools/{school.id}/single-handed", data=form)


OUTAGE = {"key": "k", "starts": "2026-08-23T20:00", "ends": "2026-08-23T23:30", "reason": "机房<停电>"}


@pytest.mark.parametrize("who", ["school201", "school201.principal", "county1.viewer", "county1.network", "admin"])
def test_only_a_bureaus_registrar_has_the_page(sqlite_api: Api, who: str) -> None:
    csrf = sign_in(sqlite_api, who)
    assert 'href="/bureau"' not in sqlite_api.client.get("/").text
    assert sqlite_api.client.get("/bureau").status_code == 403
    assert sqlite_api.client.post("/bureau/outages", data={**OUTAGE, "csrf": csrf}).status_code == 403
    assert mark(sqlite_api, csrf, "101").status_code in (403, 404)
    assert not sqlite_api.world.organization("101").single_handed


def test_a_school_is_marked_once_and_the_page_says_what_follows(api: Api) -> None:
    csrf = sign_in(api, "county2")
    assert 'href="/bureau"' in api.client.get("/").text
    version = api.world.organization("203").version
    answers = [mark(api, csrf, version=version) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (api.world.organization("203").version, api.world.organization("203").single_handed) == (version + 1, True)
    shown = api.client.get(answers[0].location).text
    assert "已登记为一人学校" in shown
    assert "流程图上标明" in shown
    assert re.search(r"由示例安丰县教育局\S+登记", shown)
    assert mark(api, csrf, on=False, key="k2").status_code == 303
    assert not api.world.organization("203").single_handed


def test_whoever_saw_an_older_version_is_told_who_was_first(api: Api) -> None:
    seen = api.world.organization("203").version
    assert mark(api, sign_in(api, "city1")).status_code == 303
    late = mark(api, sign_in(api, "county2"), on=False, version=seen)
    assert late.status_code == 412
    assert "示例黑水市教育局" in late.text
    assert api.world.organization("203").single_handed


def test_another_bureaus_school_is_not_there(sqlite_api: Api) -> None:
    csrf = sign_in(sqlite_api, "county2")
    assert mark(sqlite_api, csrf, "101").status_code == 404
    assert sqlite_api.client.post("/bureau/schools/x/single-handed", data={"csrf": csrf}).status_code == 404
    assert "嫩水县" not in sqlite_api.client.get("/bureau").text
    assert mark(sqlite_api, "forged").status_code == 403
    assert not sqlite_api.world.organization("203").single_handed


def test_an_outage_is_declared_once_and_moves_the_close(api: Api) -> None:
    csrf = sign_in(api, "county2")
    answers = [api.client.post("/bureau/outages", data={**OUTAGE, "csrf": csrf}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(api.world.service.calendars.current().outages) == 1
    shown = api.client.get(answers[0].location).text
    assert "停机已登记" in shown
    assert "2026年8月23日 20:00 至 23:30" in shown
    assert "3 小时 30 分" in shown
    assert "机房&lt;停电&gt;" in shown
    assert "电子学籍管理办法有关规定（学区转学） 现于 2026年9月21日 03:30 关闭" in shown
    other = api.client.post("/bureau/outages", data={**OUTAGE, "csrf": csrf, "reason": "另一原因"})
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"starts": ""}, "starts", "必填"), ({"ends": "yesterday"}, "ends", "必填"),
        ({"ends": "2026-08-23T19:00"}, "ends", "须晚于开始时间"),
        ({"ends": "2026-08-25T00:00"}, "ends", "只登记已经结束的停机"),
        ({"starts": "2025-08-23T20:00"}, "ends", "一次最多 14 天"), ({"reason": "  "}, "reason", "须写明原因"),
    ],
)  # fmt: skip
def test_a_wrong_outage_is_told_beside_the_field_with_what_was_typed(
    sqlite_api: Api, wrong: dict[str, str], field: str, said: str
) -> None:
    csrf = sign_in(sqlite_api, "county2")
    answer = sqlite_api.client.post("/bureau/outages", data={**OUTAGE, **wrong, "csrf": csrf})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'id="{field}-wrong"' in answer.text
    assert (wrong.get("reason") or "机房&lt;停电&gt;") in answer.text
    assert sqlite_api.world.service.calendars.current().outages == ()


def test_empty_offices_stand_first_and_lists_go_on_page_by_page(
    sqlite_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_api.world
    sign_in(sqlite_api, "county2")
    assert "各岗位都有账号" in sqlite_api.client.get("/bureau").text
    with begin(world.service.engine) as connection:
        revoke_role(connection, world.service, world.actor("school202.principal").account_id, "principal")
    shown = sqlite_api.client.get("/bureau").text
    assert "各岗位都有账号" not in shown
    assert shown.index("无校长") < shown.index("辖区学校")
    monkeypatch.setattr("api.pages.bureau.ROWS", 2)
    shown, seen = sqlite_api.client.get("/bureau?q=20").text, []
    while following := re.search(r'href="([^"]*)">下一页', shown):
        seen += re.findall(r'id="school-(\d+)"', shown)
        shown = sqlite_api.client.get(following[1].replace("&amp;", "&")).text
    seen += re.findall(r'id="school-(\d+)"', shown)
    assert seen == ["201", "202", "203", "204", "205"]
    assert "没有符合条件的学校" in sqlite_api.client.get("/bureau?only=single_handed").text
