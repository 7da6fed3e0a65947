"""A holder that is no bureau (主管单位, ZJ-06) over HTTP: it starts, sees and signs in as a bureau does."""

from __future__ import annotations

import pytest

from tests.api.conftest import PASSWORD, Api
from tests.api.test_pages import sign_in
from workflow_service import db
from workflow_service.grants import create_account
from workflow_service.holders import add_holder
from workflow_service.publication import check_may_publish

FOUNDED = {"school_code": "991", "school_name": "示例农场幼儿园", "years_kindergarten": "3"}


@pytest.fixture
def farm(sqlite_api: Api) -> Api:
    """A farm below county9 that follows the rules of Zhejiang, with a registrar `farm9`."""
    world = sqlite_api.world
    id_ = add_holder(world.service, code="farm9", name="示例国营农场", above="county9", policy="zhejiang-k12")
    hashed = world.service.passwords.hash(PASSWORD)
    with db.begin(world.service.engine) as connection:
        create_account(connection, world.service, username="farm9", name="农场学籍员", organization_id=id_,
                       password_hash=hashed, roles=("registrar",))  # fmt: skip
    return sqlite_api


def test_a_farm_is_told_what_it_may_start_and_starts_it(farm: Api) -> None:
    me = farm.get("farm9", "/me").json
    assert "organization_change" in me["may_start"]
    shown = farm.get("farm9", f"/organizations/{me['organization']['id']}").json
    assert (shown["kind"], shown["name"]) == ("holder", "示例国营农场")
    data = {**FOUNDED, "years_kindergarten": 3}
    made = farm.post("farm9", "/requests", {"kind": "organization_change", "ground": "founding", "data": data})
    assert made.status_code == 201, made.text
    # The bureau of its area sees it, in its list too; another county does not.
    listed = [one["code"] for one in farm.get("county9", "/organizations?kind=holder").json["items"]]
    assert listed == ["farm9"]
    assert "policy" not in farm.get("county2", f"/organizations/{me['organization']['id']}").json


def test_a_farm_founds_a_school_by_page(farm: Api) -> None:
    csrf = sign_in(farm, "farm9")
    assert "/requests/new" in farm.client.get("/").text
    assert "kind=organization_change" in farm.client.get("/requests/new").text
    choice = farm.client.get("/requests/new?kind=organization_change").text
    farm_id = farm.world.organization("farm9").id
    assert f"school={farm_id}" in choice  # It asks about itself, or about one of its schools.
    form = farm.client.get(f"/requests/new?kind=organization_change&school={farm_id}")
    assert form.status_code == 200
    sent = {"csrf": csrf, "kind": "organization_change", "school": str(farm_id), "ground": "founding",
            **{f"data.{name}": value for name, value in FOUNDED.items()}}  # fmt: skip
    made = farm.client.post("/requests/new", data=sent)
    assert made.status_code == 303, made.text
    assert "示例农场幼儿园" in farm.client.get(made.headers["Location"]).text


def test_the_pages_of_a_bureau_are_there_for_a_farm(farm: Api) -> None:
    sign_in(farm, "farm9")
    pages = ("/", "/requests", "/students", "/bureau", "/windows", "/duplicates", "/policies")
    assert {address: farm.client.get(address).status_code for address in pages} == dict.fromkeys(pages, 200)


def test_a_farms_registrar_publishes_the_pack_that_it_follows(farm: Api) -> None:
    check_may_publish(farm.world.service, farm.world.actor("farm9"), "zhejiang-k12")
