"""The pages of doubles and of the quality of data: who has them, what their forms do once, what they say."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from werkzeug.test import TestResponse

from tests.api.conftest import Api
from tests.api.test_bureau_page import sign_in
from tests.workflow_service.test_documents_content import pdf
from tests.workflow_service.test_duplicates import GOOD, TYPED, pair, record
from tests.workflow_service.world import picture
from workflow_service.check import check


def send(api: Api, csrf: str, action: str = "decision", **form: Any) -> TestResponse:
    found = pair(api.world)
    given = {"csrf": csrf, "key": "k", "version": found.version, "comment": "户口簿原件核对无误", **form}
    return api.client.post(f"/duplicates/{found.id}/{action}", data=given)


@pytest.mark.parametrize("who", ["admin", "county1.network"])
def test_posts_without_business_with_records_have_neither_page(sqlite_api: Api, who: str) -> None:
    sign_in(sqlite_api, who)
    assert 'href="/duplicates"' not in sqlite_api.client.get("/").text
    for path in ("/duplicates", "/duplicates/1", "/quality", "/quality/missing_photo"):
        assert sqlite_api.client.get(path).status_code == 403


def test_the_queue_leads_to_both_records_side_by_side_with_masked_numbers(api: Api) -> None:
    record(api.world, "201")
    record(api.world, "202", "林晓曼", TYPED)
    sign_in(api, "school202")
    assert 'href="/duplicates"' in api.client.get("/").text
    queue = api.client.get("/duplicates").text
    [link] = set(re.findall(r'href="(/duplicates/\d+)"', queue))
    for lang in ("zh", "en"):
        shown = api.client.get(f"{link}?lang={lang}").text
        assert len(re.findall("<mark>", shown)) == 2
        assert not any(number in re.sub("<[^>]+>", "", shown) for number in (GOOD, TYPED))
    assert "place 16 differs" in shown
    assert re.search("[㐀-鿿]", re.sub(r'<(\w+)[^>]*lang="zh-CN"[^>]*>.*?</\1>', "", shown.split("<main")[1])) is None
    assert api.client.get("/duplicates/12").status_code == 404
    sign_in(api, "school203")
    assert api.client.get(link).status_code == 404


def test_a_word_is_taken_once_and_the_page_says_what_stands(api: Api) -> None:
    kept = record(api.world, "201")
    record(api.world, "202", "周明远")
    csrf = sign_in(api, "school201")
    answers = [send(api, csrf, outcome="merge", student_id=kept, version=1) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    shown = api.client.get(answers[0].location).text
    assert "您的意见已记录：合并学籍" in shown
    assert shown.count("待表态") == 1
    late = send(api, csrf, outcome="proof", version=1, key="k2")
    assert late.status_code == 412
    assert "您的操作没有执行" in late.text
    blocked = send(api, csrf, outcome="proof", comment=" ", key="k3")
    assert (blocked.status_code, "须写明证明材料和理由" in blocked.text) == (409, True)
    assert send(api, csrf, outcome="change", key="k4").status_code == 422
    csrf = sign_in(api, "school202")
    send(api, csrf, outcome="merge", student_id=kept)
    assert "合并学籍" in api.client.get("/duplicates?state=decided").text
    assert "已并入另一份学籍" in api.client.get(f"/duplicates/{pair(api.world).id}").text
    assert send(api, csrf, "undo", key="k5").status_code == 403
    csrf = sign_in(api, "county2")
    undone = send(api, csrf, "undo", key="k6")
    assert undone.status_code == 303
    assert "合并已撤销" in api.client.get(undone.location).text
    assert check(api.world.service) == []


def test_whoever_does_not_decide_is_told_who_does(api: Api) -> None:
    record(api.world, "201")
    record(api.world, "201", "周明远")
    sign_in(api, "county2")
    shown = api.client.get(f"/duplicates/{pair(api.world).id}").text
    assert "这一对不由您处理" in shown
    assert "SYS-33" in shown


def test_every_check_leads_to_its_list(api: Api) -> None:
    record(api.world, "201", "错小码", TYPED)
    for who in ("school201", "county2"):
        sign_in(api, who)
        shown = api.client.get("/quality").text
        lists = re.findall(r'href="(/quality/\w+)"', shown)
        assert set(lists) == {f"/quality/{code}" for code in ("missing_photo", "missing_guardian", "wrong_number")}
        for path in lists:
            assert "错小码" in api.client.get(path).text
            assert (
                re.search("[㐀-鿿]", api.client.get(f"{path}?lang=en").text.split("<h1>")[1].split("</h1>")[0]) is None
            )
            api.client.get(f"{path}?lang=zh")
    assert api.client.get("/quality/nothing").status_code == 404


def test_the_list_of_those_without_a_photograph_leads_to_the_change_that_clears_it(api: Api) -> None:
    pupil, other = api.world.student("201", 3), api.world.student("201", 3)
    page, photo = f"/students/{pupil.id}", f"/students/{pupil.id}/photo"
    sign_in(api, "school201")
    listed = api.client.get("/quality/missing_photo").text
    start = f"/requests/new?kind=basic_data_change&amp;student={pupil.id}"
    assert f'href="{start}"' in listed
    assert "数码照片（可附）" in api.client.get(start.replace("&amp;", "&")).text
    assert "<img" not in api.client.get(page).text
    assert api.client.get(photo).status_code == api.get("school201", photo).status_code == 404
    draft = api.world.start("school201", "basic_data_change", pupil, ground="by_school")
    assert 'name="kind" value="photo"' in api.client.get(f"/requests/{draft}").text
    refused = api.upload("school201", {"id": str(draft)}, "photo", pdf())
    assert (refused.status_code, "JPG 或 PNG" in refused.text) == (415, True)
    assert api.upload("school201", {"id": str(draft)}, "photo").status_code == 201
    assert api.world.complete(draft).state == "completed"
    left = api.client.get("/quality/missing_photo").text
    assert (page in left, f"/students/{other.id}" in left) == (False, True)
    for shown in (page, f"{page}/record"):
        [tag] = re.findall(f'<img[^>]*src="{photo}"[^>]*>', api.client.get(shown).text)
        assert f'alt="{pupil.name}的照片"' in tag
    for answer in (api.client.get(photo), api.get("county2", photo)):
        assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", picture())
        assert answer.headers["Cache-Control"] == "no-store"
    assert api.get("school202", photo).status_code == api.get("county1.network", photo).status_code == 404
    sign_in(api, "school202")
    assert api.client.get(photo).status_code == 404
    assert check(api.world.service) == []


def test_the_newest_photograph_is_the_record_s_until_its_change_is_reversed(api: Api) -> None:
    pupil = api.world.student("201", 3)
    seen = []
    for colour in ("white", "black"):
        draft = api.world.start("school201", "basic_data_change", pupil, ground="by_school",
                                data={"ethnicity": "汉族"})  # fmt: skip
        for shade in ("grey", colour):
            assert api.upload("school201", {"id": str(draft)}, "photo", coloured(shade)).status_code == 201
        done = api.world.complete(draft)
        seen.append(api.get("school201", f"/students/{pupil.id}/photo").data)
        assert api.world.student_row(pupil.id).profile["ethnicity"] == "汉族"
    assert seen == [coloured("white"), coloured("black")]
    api.world.complete(
        api.world.start("school201", "reversal", pupil, data={"reverses": done.number, "why_wrong": "错传"})
    )
    assert api.get("school201", f"/students/{pupil.id}/photo").data == coloured("white")
    assert check(api.world.service) == []


def coloured(name: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 40), name).save(out, "PNG")
    return out.getvalue()
