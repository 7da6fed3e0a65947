"""`/batches`: filed together, answered row by row."""

from tests.api.conftest import Api


def test_a_batch_by_http_is_made_once_and_answers_row_by_row(api: Api) -> None:
    api.world.go(2026, 8, 5)
    for number in "一二":
        api.world.student("201", 3, name=f"同学{number}")
    stranger = api.world.student("202", 3, name="外校生")
    body = {"kind": "promotion", "students": [{"student_id": str(stranger.id)}]}
    refused = api.post("school201", "/batches", body).json
    assert (refused["done"], refused["refused"], refused["verdicts"][0]["student"]["name"]) == (0, 1, None)

    made = api.post("school201", "/batches", {"kind": "promotion", "all": True}, key="b-1")
    assert (made.status_code, made.json["done"], made.json["states"]) == (201, 2, {"draft": 2})
    again = api.post("school201", "/batches", {"kind": "promotion", "all": True}, key="b-1")
    assert again.json == made.json
    path = f"/batches/{made.json['id']}"
    sent = api.post("school201", f"{path}/events", {"event": "submit"}).json
    assert (sent["done"], sent["refused"], sent["remaining"]) == (2, 0, 0)
    agreed = api.post("school201.principal", f"{path}/events", {"event": "approve"}).json
    assert agreed["states"] == {"completed": 2}
    children = api.get("county2", f"{path}/requests?limit=1").json
    assert (len(children["items"]), children["items"][0]["state"], bool(children["next"])) == (1, "completed", True)
    listed = api.get("city1", "/batches").json["items"]
    assert [(row["children"], row["ended"]) for row in listed] == [(2, 2), (0, 0)]
    assert api.get("county1", path).status_code == 404


def test_a_batch_of_a_wrong_shape_is_told_what_is_wrong(sqlite_api: Api) -> None:
    for body, field in (
        ({"kind": "promotion"}, "students"),
        ({"kind": "promotion", "all": True, "students": [{"student_id": "7"}]}, "students"),
        ({"kind": "suspension", "all": True}, "kind"),
        ({"kind": "promotion", "students": [{"student_id": "x"}]}, "students.0.student_id"),
    ):
        answer = sqlite_api.post("school201", "/batches", body)
        assert answer.status_code == 422, body
        assert field in [error["field"] for error in answer.json["errors"]]
