"""The roll before the promotion, by HTTP and as a page: nobody stays behind without a reason."""

from __future__ import annotations

from tests.api.conftest import Api


def test_the_roll_names_everyone_and_says_why_who_stays_does(api: Api) -> None:
    world = api.world
    world.go(2027, 7, 10)
    moves, away, last = (
        world.student("202", 3, name="甲"), world.student("202", 3, name="乙", status="suspended"),
        world.student("202", 6, name="丙"),
    )  # fmt: skip
    busy = world.student("202", 2, name="丁")
    draft = world.start("school202", "promotion", busy)
    world.fire(draft, "submit", "school202")
    world.complete(world.start("school202", "promotion", moves))
    school = world.organization("202").id
    found = api.get("school202", f"/organizations/{school}/promotion")
    assert found.status_code == 200, found.text
    roll = {row["student"]["name"]: (row["moves"], row["reason"], row["recorded"]) for row in found.json["items"]}
    assert roll == {
        "甲": (True, None, True), "乙": (False, "suspended", False), "丙": (False, "graduating", False),
        "丁": (False, "open_request", False),
    }  # fmt: skip
    assert len(found.json["items"]) == len({moves.id, away.id, last.id, busy.id})
    assert api.get("county2", f"/organizations/{school}/promotion").status_code == 200
    assert api.get("school201", f"/organizations/{school}/promotion").status_code == 404
    assert api.get("county2", "/organizations/x/promotion").status_code == 404


def test_the_page_shows_who_stays_first_and_leads_to_the_batch(sqlite_api: Api) -> None:
    world = sqlite_api.world
    world.student("202", 3, name="甲")
    world.student("202", 6, name="丙")
    sqlite_api.client.post("/login", data={"username": "school202", "password": "demo-2026"})
    shown = sqlite_api.client.get("/promotion").text
    assert "毕业年级，办理毕业" in shown
    assert "/batches/new?kind=promotion" in shown


def test_a_batch_of_promotions_says_who_was_left_out_when_it_was_filed(sqlite_api: Api) -> None:
    world = sqlite_api.world
    world.go(2027, 7, 10)
    pupil, away = world.student("202", 3, name="甲"), world.student("202", 3, name="乙", status="suspended")
    body = {"kind": "promotion", "students": [{"student_id": str(pupil.id)}]}
    made = sqlite_api.post("school202", "/batches", body, key="p-1")
    [left_out] = made.json["staying"]
    assert (left_out["student"], left_out["reason"]) == ({"id": str(away.id), "name": "乙"}, "suspended")
    sqlite_api.client.post("/login", data={"username": "school202", "password": "demo-2026"})
    assert "学籍状态为休学" in sqlite_api.client.get(f"/batches/{made.json['id']}").text
    assert "要留在原年级的，办理留级" in sqlite_api.client.get("/promotion").text


def test_the_english_page_keeps_a_grade_together_and_writes_the_day_as_others_do(sqlite_api: Api) -> None:
    sqlite_api.world.student("202", 3, name="甲")
    sqlite_api.client.post("/login", data={"username": "school202", "password": "demo-2026"})
    shown = sqlite_api.client.get("/promotion?lang=en").text
    assert "10 Aug 24:00" in shown
    assert "grade\N{NO-BREAK SPACE}4" in shown
    assert "grade 4" not in shown
