"""Universities for tests: the demo's organizations have none."""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert

from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.demo.accounts import PASSWORD
from workflow_service.grants import create_account
from workflow_service.models import Organization, SchoolStage, Supervision


def found_university(world: World, code: str = "10001", province: str = "province", city: str = "city1") -> None:
    """A university of four years in a city, with its registrar `school{code}` and its principal; the province's own."""
    service, above, bureau = world.service, world.organization(city), world.organization(province)
    id_ = service.ids.new_subject()
    row = {
        "id": id_, "code": code, "name": f"示例大学{code}", "kind": "school", "level": "school", "parent_id": above.id,
        "path": f"{above.path}{code}/", "stages": ["higher"], "schooling": {"higher": 4},
    }  # fmt: skip
    supervision = {
        "id": service.ids.new_subject(), "school_id": id_, "stage": "higher", "bureau_id": bureau.id,
        "valid_from": date(2015, 9, 1), "valid_to": None,
    }  # fmt: skip
    hashed = service.passwords.hash(PASSWORD)
    with db.begin(service.engine) as connection:
        connection.execute(insert(Organization), row)
        connection.execute(insert(Supervision), supervision)
        connection.execute(insert(SchoolStage), {"school_id": id_, "stage": "higher", "quota": None})
        for name, role in (("", "registrar"), (".principal", "principal")):
            create_account(connection, service, username=f"school{code}{name}", name=f"{code}{role}",
                           organization_id=id_, password_hash=hashed, roles=(role,))  # fmt: skip
