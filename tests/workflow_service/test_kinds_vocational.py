"""Vocational schools on both engines: who registers, who decides by programme, and how a student leaves."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from states.identity import make_identity_number
from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import World
from workflow_service import db
from workflow_service.errors import Blocked, Forbidden
from workflow_service.grants import create_account
from workflow_service.models import Organization, Paper, SchoolClass, SchoolStage, Supervision
from workflow_service.newcomers import Person
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.students import NewStudent, register

ADMITTED = {
    "reported_on": "2026-09-01", "entered_on": "2026-09-01", "compulsory_finished": True, "other_record": False,
}  # fmt: skip
FIFTEEN = date(2011, 5, 1)


def vocational(world: World, code: str, above: str, supervised_by: str, policy: str | None = None, *,
               programmes: tuple[str | None, ...] = (None,), entered: int = 2026) -> None:  # fmt: skip
    """A vocational school under a county, with its posts and a class of each programme in each of three years."""
    service, bureau, parent = world.service, world.organization(supervised_by), world.organization(above)
    id_ = service.ids.new_subject()
    with db.begin(service.engine) as connection:
        connection.execute(insert(Organization), {
            "id": id_, "code": code, "name": f"示例职业学校{code}", "kind": "school", "level": "school",
            "parent_id": parent.id, "path": f"{parent.path}{code}/", "division_code": parent.division_code,
            "stages": ["vocational"], "schooling": {"vocational": 3}, "policy": policy,
        })  # fmt: skip
        connection.execute(insert(SchoolStage), {"school_id": id_, "stage": "vocational", "attending": 0, "held": 0})
        connection.execute(insert(Supervision), {
            "id": service.ids.new_subject(), "school_id": id_, "stage": "vocational", "bureau_id": bureau.id,
            "valid_from": date(2010, 1, 1)})  # fmt: skip
        connection.execute(insert(SchoolClass), [
            {"id": service.ids.new_subject(), "school_id": id_, "stage": "vocational", "entered_year": entered - back,
             "first_grade": 10, "last_grade": 12, "sequence": number, "name": f"{programme or '中专'}班",
             "programme": programme, "attending": 0, "held": 0}
            for back in range(3) for number, programme in enumerate(programmes, 1)])  # fmt: skip
        hashed = Passwords(CHEAP).hash("demo-2026")
        for suffix, role in (("", "registrar"), (".principal", "principal")):
            create_account(connection, service, username=f"school{code}{suffix}", name="职校", organization_id=id_,
                           password_hash=hashed, roles=(role,))  # fmt: skip


def rules(refused: pytest.ExceptionInfo[Blocked]) -> set[str]:
    return {reason.cite.rule for reason in refused.value.reasons}


def newcomer(name: str = "职新") -> Person:
    return Person(name, "1", FIFTEEN)


def enrol(world: World, code: str, name: str = "职新", **more: Any) -> int:
    """A draft that registers a new student in grade 10."""
    return world.start(f"school{code}", "enrolment", person=newcomer(name), grade=10, ground="school_admission",
                       data={**ADMITTED, **more})  # fmt: skip


def test_registration_closes_on_the_twentieth_of_november(world: World) -> None:
    vocational(world, "451", "county4", "city2")
    world.go(2026, 11, 20, 23, 59, 59)
    request_id = enrol(world, "451")
    late = enrol(world, "451", "迟到")
    done = world.complete(request_id)
    assert (done.state, done.route) == ("completed", ["awaiting_principal", "awaiting_bureau"])
    student = world.student_row(done.student_id)
    assert (student.status, student.student_number is None) == ("attending", False)
    world.go(2026, 11, 21)
    with pytest.raises(Blocked) as refused:
        world.fire(late, "submit", "school451")
    assert rules(refused) == {"V14-01"}
    sound(world)


def test_who_is_in_compulsory_education_or_elsewhere_is_not_registered(world: World) -> None:
    vocational(world, "451", "county4", "city2")
    world.go(2026, 9, 10)
    request_id = enrol(world, "451", compulsory_finished=False, other_record=True)
    with pytest.raises(Blocked) as refused:
        world.fire(request_id, "submit", "school451")
    assert rules(refused) == {"V21-04"}


def registered(world: World, code: str, name: str = "职新") -> int:
    world.go(2026, 9, 10)
    return int(world.complete(enrol(world, code, name)).student_id)


def test_the_school_that_is_left_asks_and_agrees_first_and_not_in_the_first_term(world: World) -> None:
    vocational(world, "451", "county4", "city2")
    vocational(world, "452", "county4", "city2")
    student = registered(world, "451")
    ask = {"destination_school_id": world.organization("452").id, "grade": 10, "ground": "other",
           "data": {"ground_text": "随父母迁居"}}  # fmt: skip
    first = world.start("school451", "transfer", _Student(student), **ask)
    with pytest.raises(Blocked) as refused:
        world.fire(first, "submit", "school451")
    assert rules(refused) == {"V10-06"}
    world.fire(first, "recall", "school451")
    world.go(2027, 3, 10)
    done = world.complete(world.start("school451", "transfer", _Student(student), **ask))
    assert done.route == ["awaiting_origin_school", "awaiting_destination_principal", "awaiting_arrival"]
    assert world.enrolment(student).school_id == world.organization("452").id
    sound(world)


def test_a_leave_is_filed_up_to_the_city_and_ends_with_a_return_or_with_leaving(world: World) -> None:
    vocational(world, "451", "county4", "county4")
    student = _Student(registered(world, "451"))
    away = world.start("school451", "suspension", student, ground="illness", data={"until": "2026-12-31"})
    assert world.complete(away).route == ["awaiting_principal", "awaiting_filing", "awaiting_city_filing"]
    world.go(2027, 1, 14)
    gone = world.start("school451", "leaving", student, ground="not_returned",
                       data={"return_was_due_on": "2026-12-31", "minor": True})  # fmt: skip
    with pytest.raises(Blocked) as refused:
        world.fire(gone, "submit", "school451")
    assert rules(refused) == {"V10-11"}
    world.fire(gone, "recall", "school451")
    back = world.start("school451", "resumption", student, ground="recovered")
    world.complete(back)
    assert world.student_row(student.id).status == "attending"
    sound(world)


def test_ninety_hours_of_truancy_may_be_treated_as_leaving(world: World) -> None:
    vocational(world, "451", "county4", "city2")
    student = _Student(registered(world, "451"))
    for hours, expected in ((89, {"V10-10"}), (90, set())):
        data = {"truant_hours": hours, "minor": False}
        request_id = world.start("school451", "leaving", student, ground="truancy", data=data)
        if expected:
            with pytest.raises(Blocked) as refused:
                world.fire(request_id, "submit", "school451")
            assert rules(refused) == expected
            world.fire(request_id, "recall", "school451")
        else:
            world.complete(request_id)
    assert world.student_row(student.id).status == "left"
    sound(world)


def test_graduation_comes_twenty_working_days_before_leaving_and_has_a_number_of_twelve_digits(world: World) -> None:
    vocational(world, "400451", "county4", "city2", entered=2024)
    world.go(2026, 5, 8)
    student = _graduating(world, "400451")
    data = {"all_courses_passed": True, "aid_entered": True, "leaves_school_on": "2026-05-29"}
    request_id = world.start("school400451", "graduation", student, data=data)
    with pytest.raises(Blocked) as refused:
        world.fire(request_id, "submit", "school400451")
    assert rules(refused) == {"V21-03"}
    world.fire(request_id, "recall", "school400451")
    again = world.start("school400451", "graduation", student, data={**data, "leaves_school_on": "2026-06-30"})
    world.complete(again)
    assert world.student_row(student.id).status == "graduated"
    with db.reading(world.service.engine) as connection:
        number = connection.execute(select(Paper.number).where(Paper.request_id == again)).scalar_one()
    assert (len(number), number[:8]) == (12, "40045126")
    sound(world)


def test_who_has_all_credits_graduates_early(world: World) -> None:
    vocational(world, "400451", "county4", "city2")
    student = _Student(registered(world, "400451"))
    request_id = world.start("school400451", "early_graduation", student, data={"credits_complete": True})
    world.complete(request_id)
    assert world.student_row(student.id).status == "graduated"
    sound(world)


def test_an_unnatural_death_is_filed_up_to_the_province(world: World) -> None:
    vocational(world, "451", "county4", "county4")
    student = _Student(registered(world, "451"))
    data = {"died_on": "2026-09-08", "unnatural_death": True}
    done = world.complete(world.start("school451", "death_report", student, data=data))
    assert done.route == ["awaiting_principal", "awaiting_filing", "awaiting_city_filing", "awaiting_province_filing"]
    assert world.student_row(student.id).status == "deceased"
    sound(world)


def test_a_vocational_student_changes_his_programme_in_the_first_two_weeks(world: World) -> None:
    vocational(world, "451", "county4", "city2", programmes=(None, "vocational_high"))
    student = _Student(registered(world, "451"))
    world.go(2027, 3, 3)
    data = {"class_name": "vocational_high班"}
    done = world.complete(world.start("school451", "class_change", student, ground="special_talent", data=data))
    assert done.state == "completed"
    with db.reading(world.service.engine) as connection:
        held = connection.execute(select(SchoolClass.programme).where(
            SchoolClass.id == world.enrolment(student.id).class_id)).scalar_one()  # fmt: skip
    assert held == "vocational_high"
    sound(world)


@pytest.mark.parametrize(("programme", "powers", "decides"), [
    ("ordinary_specialized", False, "province"), ("three_plus_two", False, "province"),
    ("vocational_high", False, "city2"), ("adult_specialized", True, "county4"),
])  # fmt: skip
def test_in_henan_until_2022_the_programme_says_who_decides(
    world: World, programme: str, powers: bool, decides: str
) -> None:
    vocational(world, "451", "county4", "city2", "henan-vocational-2008", programmes=(programme,), entered=2021)
    with db.begin(world.service.engine) as connection:
        connection.execute(update(Organization).where(Organization.code == "county4").values(city_powers=powers))
    world.go(2022, 6, 2)
    request_id = enrol(world, "451", reported_on="2022-05-05", entered_on="2022-05-05")
    world.upload_all(request_id, "school451")
    world.fire(request_id, "submit", "school451")
    world.fire(request_id, "approve", "school451.principal")
    assert world.request(request_id).holder_id == world.organization(decides).id
    if decides != "county4":
        with pytest.raises((Blocked, Forbidden)):
            world.fire(request_id, "approve", "county4")
    world.fire(request_id, "approve", decides)
    assert world.request(request_id).state == "completed"
    sound(world)


def test_in_henan_from_2022_types_are_no_more_and_registration_is_filed(world: World) -> None:
    vocational(world, "451", "county4", "city2", "henan-vocational", programmes=("ordinary_specialized",))
    world.go(2026, 9, 10)
    done = world.complete(enrol(world, "451"))
    assert done.route == ["awaiting_principal", "awaiting_filing"]
    away = world.start("school451", "suspension", _Student(done.student_id), ground="illness",
                       data={"until": "2026-12-31"})  # fmt: skip
    assert world.complete(away).route == ["awaiting_principal", "awaiting_filing"]
    sound(world)


def test_the_rule_of_2008_ends_the_day_before_the_one_of_2022(world: World) -> None:
    vocational(world, "451", "county4", "city2", "henan-vocational-2008", programmes=("vocational_high",), entered=2021)
    world.go(2022, 6, 3)
    request_id = enrol(world, "451")
    assert world.request(request_id).route == ["awaiting_principal", "awaiting_bureau"]


def test_hebei_registers_full_time_students_for_three_years(world: World) -> None:
    vocational(world, "451", "county4", "city2", "hebei-vocational")
    world.go(2026, 9, 10)
    request_id = enrol(world, "451", full_time=False)
    with pytest.raises(Blocked) as refused:
        world.fire(request_id, "submit", "school451")
    assert rules(refused) == {"HB-01"}
    world.complete(enrol(world, "451", "全日", full_time=True))
    sound(world)


class _Student:
    """A student by id, as `World.start` asks for one."""

    def __init__(self, id_: int) -> None:
        self.id = id_


def _graduating(world: World, code: str) -> _Student:
    """A student of the last grade."""
    number = make_identity_number("990101", date(2008, 5, 1), 7)
    with db.begin(world.service.engine) as connection:
        school = world.organization(code)
        class_id = connection.execute(select(SchoolClass.id).where(
            SchoolClass.school_id == school.id, SchoolClass.entered_year == 2023)).scalar()  # fmt: skip
        if class_id is None:
            class_id = world.service.ids.new_subject()
            connection.execute(insert(SchoolClass), {
                "id": class_id, "school_id": school.id, "stage": "vocational", "entered_year": 2023,
                "first_grade": 10, "last_grade": 12, "sequence": 9, "name": "毕业班", "attending": 0, "held": 0,
            })  # fmt: skip
        [id_] = register(connection, world.service, [NewStudent(
            name="毕业生", sex="1", birth_date=date(2008, 5, 1), identity_type="1", identity_number=number,
            student_number=f"G{number}", status="attending", school_id=school.id, class_id=class_id, stage="vocational",
            valid_from=date(2023, 9, 1))], None)  # fmt: skip
    return _Student(id_)
