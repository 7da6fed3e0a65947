"""Admission and the border of the installation, on both engines: each kind from draft to completion, and what stops it."""

from datetime import date

import pytest
from sqlalchemy import select

from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Blocked, Invalid
from workflow_service.models import Enrolment, History
from workflow_service.newcomers import Person

IN_CLASS = date(2020, 5, 1)


def newcomer(name: str = "新来", **more: object) -> Person:
    return Person(name, "1", more.pop("birth_date", IN_CLASS), **more)  # type: ignore[arg-type]


def subject(world: World, request_id: int) -> int:
    return int(world.request(request_id).student_id)


def rules(refused: pytest.ExceptionInfo[Blocked]) -> set[str]:
    return {reason.cite.rule for reason in refused.value.reasons}


def number_of(world: World, student_id: int) -> str:
    sealed = world.student_row(student_id).student_number
    return world.service.cipher.decrypt(sealed, "student.student_number")


def test_a_newcomer_is_enrolled_and_gets_a_number_of_his_own(world: World) -> None:
    world.go(2026, 9, 3)
    home = world.school_class("401", 1)
    draft = world.start(
        "school401", "enrolment", person=newcomer(), grade=1, ground="catchment_admission",
        data={"reported_on": "2026-09-01", "entered_on": "2026-09-01"},
    )  # fmt: skip
    done = world.complete(draft)
    pupil = subject(world, draft)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_bureau"])
    assert world.student_row(pupil).status == "attending"
    assert world.enrolment(pupil).class_id == home
    assert str(world.enrolment(pupil).valid_from) == "2026-09-01"
    assert world.seats(home) == (1, 0)
    assert number_of(world, pupil).startswith("L23010320200501")
    assert [entry.ended_at is None for entry in world.entries(pupil)] == [False]
    sound(world)
