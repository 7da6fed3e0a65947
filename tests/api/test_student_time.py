"""The register on a day, by HTTP: `as_of` and `known` for one student and for a school."""

from __future__ import annotations

from tests.api.conftest import Api


def test_a_student_and_a_school_are_shown_as_they_were_known_on_a_day(api: Api) -> None:
    world = api.world
    pupil = world.student("201", 3)
    world.go(2026, 9, 15)
    away = {"effective_on": "2026-09-01", "until": "2027-07-31"}
    world.complete(world.start("school201", "suspension", pupil, ground="illness", data=away))
    path = f"/students/{pupil.id}/history?as_of=2026-09-07"
    assert [row["status"] for row in api.get("school201", path).json["items"]] == ["suspended"]
    assert [row["status"] for row in api.get("county2", f"{path}&known=2026-09-14").json["items"]] == ["attending"]
    school = f"/students?school={world.organization('201').id}&as_of=2026-09-07"
    [now] = api.get("school201", school).json["items"]
    [then] = api.get("school201", f"{school}&known=2026-09-14").json["items"]
    assert (now["status"], then["status"], then["class"]) == ("suspended", "attending", "1班")
    assert pupil.number not in str(now)
    assert api.get("school202", school).json["items"] == []
    assert api.get("school201", f"{school}&status=attending").status_code == 422
    assert api.get("school201", f"{path}&known=yesterday").status_code == 422
