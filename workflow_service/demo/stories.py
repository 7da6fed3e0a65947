"""What happens in the demo (示例情节): data only. `workflow_service.demo.requests` plays it.

A story begins on the latest day that lies `age` days or more before TODAY and on which the destination's window is
open, and goes on, event by event, a few times a working day, until its events are used up or TODAY is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Data = Mapping[str, Any]

MOVED = MappingProxyType({"guardian_register_in_catchment": False, "handed_over_on": -120})
"""Facts of a ground; a number is a day so many days after the submission."""
REGISTERED = MappingProxyType({"guardian_register_in_catchment": True, "student_register": "with_guardian"})
TRADING = MappingProxyType({"guardian_register_in_catchment": False, "business_since": -700})
WORKING = MappingProxyType({"guardian_register_in_catchment": False})
FAMILY_MOVED = MappingProxyType({"register_moved": "family", "home_moved": True, "moved_across": "township"})
SETTLED = MappingProxyType({"rural_family": True, "lives_in_bought_home": True})
IN_WORDS = MappingProxyType({"ground_text": "父母工作调动，全家迁居至本区，申请就近入学。"})


@dataclass(frozen=True, slots=True)
class Story:
    """A request from draft to where it stands today.

    `events`: submit, approve, return, resubmit, recall, confirm_arrival, note; `reject:REASON`; `wait:N` lets N
    working days pass. `state` is where it stands in the end. `bare` leaves the papers out. `grade` is today's.
    """

    origin: str
    destination: str
    events: str
    state: str
    ground: str = "moved_house"
    data: Data = field(default_factory=lambda: MOVED)
    age: int = 1
    grade: int = 4
    bare: bool = False
    kind: str = "transfer"  # of one school: `destination` is the same school


def _catchment(*rows: tuple[str, str, str, str, str, Data, int]) -> tuple[Story, ...]:
    return tuple(Story(o, d, events, state, ground, data, age) for o, d, events, state, ground, data, age in rows)


_WITHIN_COUNTY_2 = _catchment(
    ("202", "201", "", "draft", "moved_house", MOVED, 1),
    ("203", "201", "submit", "awaiting_destination_principal", "return_to_registered_home", REGISTERED, 1),
    ("202", "201", "submit approve", "awaiting_origin_school", "job_relocation", WORKING, 2),
    ("201", "202", "submit approve", "awaiting_origin_school", "moved_house", MOVED, 3),
    ("202", "201", "submit approve approve", "awaiting_shared_bureau", "business", TRADING, 2),
    ("203", "201", "submit approve approve approve", "awaiting_arrival", "migrant_work", WORKING, 4),
    ("201", "203", "submit approve approve approve confirm_arrival", "completed", "job_relocation", WORKING, 4),
    ("202", "203", "submit return", "returned", "moved_house", MOVED, 2),
    ("203", "202", "submit approve return resubmit", "awaiting_origin_school", "moved_house", MOVED, 4),
    ("203", "201", "submit reject:ground_not_met", "rejected", "business", TRADING, 3),
    ("202", "201", "submit recall", "recalled", "moved_house", MOVED, 2),
    ("203", "201", "submit return", "expired", "moved_house", MOVED, 60),
    ("201", "202", "submit approve", "awaiting_origin_school", "job_relocation", WORKING, 60),
    ("205", "201", "submit approve", "awaiting_origin_school", "return_to_registered_home", REGISTERED, 2),
)
_WITHIN_COUNTY_1 = (
    Story("102", "101", "", "draft", "rural_family_settled_in_town", SETTLED),
    Story("102", "101", "submit", "awaiting_origin_school", "rural_family_settled_in_town", SETTLED),
    Story("102", "101", "submit approve", "awaiting_shared_bureau", "register_and_home_moved", FAMILY_MOVED, age=3),
    Story("103", "102", "submit approve approve", "awaiting_arrival", "register_and_home_moved", FAMILY_MOVED, age=4),
    Story(
        "103", "101", "submit approve approve confirm_arrival", "completed", "rural_family_settled_in_town", SETTLED,
        age=6,
    ),
    Story("101", "103", "submit approve return", "returned", "register_and_home_moved", FAMILY_MOVED, age=2),
    Story("102", "103", "submit approve", "awaiting_shared_bureau", "register_and_home_moved", FAMILY_MOVED, age=50),
    Story("105", "101", "submit", "awaiting_origin_school", "register_and_home_moved", FAMILY_MOVED, age=2),
)  # fmt: skip
_WITHIN_COUNTY_3 = (
    Story("302", "301", "", "draft", "other", IN_WORDS),
    Story("303", "301", "submit approve approve approve confirm_arrival", "completed", "other", IN_WORDS, age=5),
    Story("302", "303", "submit approve approve", "awaiting_shared_bureau", "other", IN_WORDS, age=1),
    Story("301", "302", "submit approve reject:data_wrong", "rejected", "other", IN_WORDS, age=5),
)
_WITHIN_COUNTY_4 = (
    Story("402", "401", "submit", "awaiting_destination_principal", "other", IN_WORDS, bare=True),
    Story("403", "401", "submit approve", "awaiting_origin_school", "other", IN_WORDS),
    Story("402", "403", "submit approve approve approve confirm_arrival", "completed", "other", IN_WORDS, age=4),
    Story("401", "402", "submit approve", "awaiting_origin_school", "other", IN_WORDS, age=45),
    Story("404", "405", "submit approve approve", "awaiting_shared_bureau", "other", IN_WORDS, grade=8),
    Story("401", "403", "submit approve approve approve", "expired", "other", IN_WORDS, age=75),
    Story("403", "402", "", "expired", "other", IN_WORDS, age=80),
)
_BETWEEN_COUNTIES = (
    Story("401", "201", "submit", "awaiting_destination_principal", "job_relocation", WORKING),
    Story("402", "201", "submit approve", "awaiting_destination_bureau", "moved_house", MOVED, age=2),
    Story("401", "201", "submit approve approve", "awaiting_origin_school", "migrant_work", WORKING, age=3),
    Story("202", "401", "submit approve approve approve", "awaiting_origin_bureau", "other", IN_WORDS, age=4),
    Story("101", "402", "submit approve approve approve approve", "awaiting_arrival", "other", IN_WORDS, age=5),
    Story("202", "101", "submit approve approve", "awaiting_origin_school", "register_and_home_moved", FAMILY_MOVED,
          age=4),
    Story("403", "202", "submit approve approve approve approve confirm_arrival", "completed", "moved_house", MOVED,
          age=20),
    Story("404", "204", "submit approve return", "returned", "job_relocation", WORKING, age=2, grade=8),
)  # fmt: skip
_BETWEEN_PROVINCES = (
    Story("901", "401", "submit approve", "awaiting_destination_bureau", "other", IN_WORDS, age=2),
    Story("901", "402", "submit approve approve approve approve", "awaiting_province_bureaus", "other", IN_WORDS,
          age=6),
    Story("901", "403", "submit approve approve approve approve approve", "awaiting_province_bureaus", "other",
          IN_WORDS, age=6),
    Story("902", "401", "submit approve approve approve approve approve approve", "awaiting_record", "other", IN_WORDS,
          age=8),
    Story("903", "401", "submit approve approve approve approve approve approve approve confirm_arrival", "completed",
          "other", IN_WORDS, age=25),
    Story("401", "901", "submit approve approve", "awaiting_origin_school", "other", IN_WORDS, age=3),
)  # fmt: skip
RESTING = MappingProxyType({"until": 200})
POOR = MappingProxyType({"hardship_level": "general"})


def _own(kind: str, *rows: tuple[str, str, str, str, Data, int]) -> tuple[Story, ...]:
    """Stories of one kind of a school's own: school, events, state, ground, facts, age in days."""
    return tuple(
        Story(school, school, events, state, ground, data, age, kind=kind)
        for school, events, state, ground, data, age in rows
    )


_OF_ONE_SCHOOL = (
    *_own(
        "suspension",
        ("201", "", "draft", "illness", RESTING, 1),
        ("201", "submit", "awaiting_principal", "illness", RESTING, 1),
        ("202", "submit approve", "awaiting_filing", "illness", RESTING, 2),
        ("101", "submit approve file", "completed", "illness", RESTING, 4),
        ("401", "submit return", "returned", "illness", RESTING, 2),
    ),
    *_own(
        "hardship_recognition",
        ("201", "submit approve", "awaiting_bureau", "family_hardship", POOR, 2),
        ("202", "submit approve approve", "completed", "family_hardship", POOR, 3),
    ),
)
_OF_OTHER_STAGES = (
    *_own("hardship_recognition", ("506", "submit approve", "awaiting_bureau", "family_hardship", POOR, 2)),
    *_own("suspension", ("706", "submit", "awaiting_principal", "illness", RESTING, 1)),
    Story("606", "606", "submit approve", "awaiting_filing", "illness", RESTING, age=2, grade=3, kind="suspension"),
)
COUNTY_STORIES = (
    *_WITHIN_COUNTY_2,
    *_WITHIN_COUNTY_1,
    *_WITHIN_COUNTY_3,
    *_WITHIN_COUNTY_4,
    *_BETWEEN_COUNTIES,
    *_BETWEEN_PROVINCES,
    *_OF_ONE_SCHOOL,
)
"""The stories of the counties alike, which a generated province repeats."""
STORIES = (*COUNTY_STORIES, *_OF_OTHER_STAGES)
