"""Old numbers and local codes over HTTP: they find their student in scope, and are shown as they should be."""

from __future__ import annotations

from sqlalchemy import update

from tests.api.conftest import Api
from tests.workflow_service.test_numbering import CARD, give, pupil
from workflow_service.db import begin
from workflow_service.models import Organization


def test_an_old_number_and_a_pupil_code_find_the_student_in_scope(api: Api) -> None:
    with begin(api.world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "202").values(policy="shiyan-k12"))
    who = pupil(api.world, "L231183201705010000", CARD)
    assert give(api.world, who, checked=True) == f"G{CARD}"
    [found] = api.get("school202", "/students?q=L231183201705010000").json["items"]
    assert (found["id"], found["student_number"][0]) == (str(who.id), "G")
    assert found["local_code"] == found["class_code"] + "001"
    [again] = api.get("county2", f"/students?q={found['local_code']}").json["items"]
    assert again["id"] == str(who.id)
    assert api.get("school202", f"/students/{who.id}").json["local_code"] == found["local_code"]
    for q in ("L231183201705010000", found["local_code"]):
        assert api.get("school201", f"/students?q={q}").json["items"] == []
