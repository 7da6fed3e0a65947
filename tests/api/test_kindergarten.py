"""A kindergarten over HTTP: its grades stand before primary school, in the API and on the pages."""

from __future__ import annotations

from datetime import date

import pytest

from states.identity import make_identity_number
from tests.api.conftest import Api
from tests.api.test_pages import sign_in
from tests.workflow_service.test_kindergarten import found_kindergarten, roster_of
from workflow_service.roster.importer import import_workbook


@pytest.fixture
def nursery(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """Kindergarten 906 with one child in each of its three classes."""
    found_kindergarten(api.world)
    path = roster_of(tmp_path_factory.mktemp("roster") / "幼儿园.xlsx")
    import_workbook(api.world.service, path, None, lambda _line: None)
    return api


def body(grade: int) -> dict[str, object]:
    born = date(2023, 4, 5)
    person = {"name": "新来", "sex": "1", "birth_date": "2023-04-05", "identity_type": "1",
              "identity_number": make_identity_number("990901", born, 9)}  # fmt: skip
    return {"kind": "enrolment", "person": person, "grade": grade, "ground": "kindergarten_admission",
            "data": {"reported_on": "2026-09-01"}}  # fmt: skip


def test_a_child_is_enrolled_and_found_by_its_grade(nursery: Api) -> None:
    made = nursery.post("school906", "/requests", body(-3))
    assert (made.status_code, made.json["grade"]) == (201, -3), made.text
    nursery.world.complete(int(made.json["id"]))
    found = nursery.get("school906", "/students?grade=-3&stage=kindergarten").json["items"]
    assert {(one["name"], one["grade"], one["stage"]) for one in found} == {
        ("甲小满", -3, "kindergarten"), ("新来", -3, "kindergarten")}  # fmt: skip
    assert [one["name"] for one in nursery.get("county9", "/students?grade=-1").json["items"]] == ["丙小满"]
    for none in (0, -4, 13):
        assert nursery.post("school906", "/requests", body(none)).status_code == 422


def test_the_pages_name_the_classes_and_take_a_new_child(nursery: Api) -> None:
    sign_in(nursery, "school906")
    shown = nursery.client.get("/students?grade=-2").text
    assert "乙小满" in shown
    assert "甲小满" not in shown
    assert '<option value="-2" selected>中班</option>' in shown
    form = nursery.client.get("/requests/new?kind=enrolment").text
    assert all(f'<option value="{grade}"' in form for grade in (-3, -2, -1))
    assert "kindergarten, junior class" in nursery.client.get("/requests/new?kind=enrolment&lang=en").text
