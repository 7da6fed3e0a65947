"""The consolidated text of a pack: the numbers that run, what is doubtful marked, its cases as examples."""

from __future__ import annotations

import re

from sqlalchemy import insert

from tests.api.conftest import Api
from tests.api.test_pages import sign_in
from workflow_service.db import begin
from workflow_service.models import PackVersion
from workflow_service.packs import shipped_texts
from workflow_service.views.consolidated import chapter, chapters_of


def text_of(api: Api, path: str) -> str:
    answer = api.client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_an_article_stands_with_its_live_numbers_and_its_cases(sqlite_api: Api) -> None:
    sign_in(sqlite_api, "county1")
    text = text_of(sqlite_api, "/policies/nenjiang-k12")
    assert "班额上限：小学 55、初中 60、高中 60" in text
    assert "不通过 小学班额 55 人" in text
    assert "取“60”，不取“不设上限”" in text
    assert re.search(r"NJ-07 NJ-07-senior 推定", text)
    assert "沿用的条文" in text
    assert "本章有" in text
    english = text_of(sqlite_api, "/policies/nenjiang-k12?lang=en")
    assert "Class size: primary 55, junior secondary 60, senior secondary 60" in english


def test_every_chapter_of_every_pack_can_be_read(sqlite_api: Api) -> None:
    service = sqlite_api.world.service
    for pack in sorted({file.partition("/")[0] for file in shipped_texts() if not file.endswith("/frame.toml")}):
        for one in chapters_of(service, pack):
            text = chapter(service, one["id"])
            assert text["articles"] or text["inherited"], (pack, one["kind"])
            for article in (*text["articles"], *text["inherited"]):
                assert all(entry["lines"] for entry in article["rows"]), article["article"]


def test_a_chapter_is_chosen_by_its_kind_and_one_that_is_none_is_not_found(sqlite_api: Api) -> None:
    sign_in(sqlite_api, "school201")
    assert "（休学）" in text_of(sqlite_api, "/policies/national-k12?kind=suspension")
    for path in ("/policies/national-k12?kind=nothing", "/policies/nowhere"):
        assert sqlite_api.client.get(path).status_code == 404


def test_a_version_that_no_cases_belong_to_has_no_examples(sqlite_api: Api) -> None:
    """Cases of another text would show what this one does not say."""
    service = sqlite_api.world.service
    [transfer] = [one for one in chapters_of(service, "nenjiang-k12") if one["kind"] == "transfer"]
    definition = service.packs.definition(transfer["id"])
    content = definition.canonical.replace('"primary":55', '"primary":50').replace('"version":1', '"version":2')
    with begin(service.engine) as connection:
        row = {"id": service.ids.new_subject(), "pack": "nenjiang-k12", "kind": "transfer", "version": 2,
               "sha256": "0" * 64, "content": content, "valid_from": sqlite_api.world.service.clocks.now().date(),
               "valid_to": None, "published_at": 0, "published_by": None}  # fmt: skip
        connection.execute(insert(PackVersion), row)
    sign_in(sqlite_api, "county1")
    text = text_of(sqlite_api, "/policies/nenjiang-k12")
    assert "班额上限：小学 50" in text
    assert "小学班额 55 人" not in text


def test_the_api_shows_another_kind_of_a_pack(sqlite_api: Api) -> None:
    shown = sqlite_api.get("county1", "/policies/national-k12").json
    assert shown["kind"] == "transfer"
    assert {"transfer", "suspension"} <= set(shown["kinds"])
    assert sqlite_api.get("county1", "/policies/national-k12?kind=suspension").json["kind"] == "suspension"
    assert sqlite_api.get("county1", "/policies/national-k12?kind=nothing").status_code == 422
    assert sqlite_api.get("county1", "/policies/catchment-k12?kind=suspension").status_code == 404
