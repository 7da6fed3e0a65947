"""The demo on both databases: what the contract promises is there, and a later TODAY moves time on."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from states.calendar import grade_of, school_year
from tests.conftest import Database
from workflow_service import db
from workflow_service.accounts import actor_of_token, sign_in
from workflow_service.check import check
from workflow_service.config import load
from workflow_service.demo import prepare
from workflow_service.demo.accounts import PASSWORD, demo_accounts
from workflow_service.demo.organizations import schools
from workflow_service.demo.roster import YEARS_BEFORE, pupils, write_rosters
from workflow_service.demo.stories import STORIES
from workflow_service.legal_time import EarlierToday
from workflow_service.models import (
    Account,
    Enrolment,
    History,
    Organization,
    Request,
    SchoolClass,
    SchoolStage,
    Student,
    Supervision,
)
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.service import Service, build_service

TODAY = date(2026, 8, 24)


@pytest.fixture
def service(empty_database_url: Database, tmp_path: Path) -> Iterator[Service]:
    """Give a test a service on an empty database, in an environment where a demo may be."""
    settings = load({
        "WORKFLOW_ENV": "demo", "DATA": str(tmp_path / "data"), "DATABASE_URL": empty_database_url.url,
        "DATABASE_OWNER_URL": empty_database_url.owner_url,
    })  # fmt: skip
    service = build_service(settings, passwords=Passwords(CHEAP))
    yield service
    service.engine.dispose()
    service.hot.dispose()


def test_the_demo_is_what_the_contract_promises_and_goes_on_with_time(service: Service) -> None:
    said: list[str] = []
    assert prepare(service, None, said.append) == TODAY
    played = f"示例业务 {len(STORIES)} 件。/ {len(STORIES)} requests."
    assert [line for line in said if line.startswith("示例业务")] == [played]
    organizations_stand_as_promised(service)
    everybody_can_sign_in(service)
    students_come_from_rosters(service)
    plain_students_and_places_are_left(service)
    requests_stand_in_every_state(service)
    assert check(service) == []
    time_goes_on(service)
    assert check(service) == []


def organizations_stand_as_promised(service: Service) -> None:
    with db.reading(service.engine) as connection:
        rows = {row.code: row for row in connection.execute(select(Organization.__table__))}
        bureaus = connection.execute(
            select(Supervision.school_id, Supervision.stage, Organization.code).join(
                Organization, Organization.id == Supervision.bureau_id
            )
        ).all()
    policies = {code: rows[code].policy for code in ("county1", "county2", "county3", "county4", "county9")}
    assert policies == {
        "county1": "nenjiang-k12", "county2": "catchment-k12", "county3": "beijing-k12", "county4": "national-k12",
        "county9": "national-k12",
    }  # fmt: skip
    assert rows["101"].path == "/province/city1/county1/101/"
    assert rows["401"].path.startswith("/province/city2/county4/")
    assert rows["901"].path.startswith("/province2/county9/")
    assert [rows[code].town for code in ("201", "202", "203")] == [True, False, False]
    supervised = {(school, stage): code for school, stage, code in bureaus}
    assert supervised[rows["205"].id, "primary"] == supervised[rows["205"].id, "junior"] == "county2"
    assert supervised[rows["205"].id, "senior"] == "city1"
    assert all(row.registrars == row.principals == 1 for row in rows.values() if row.kind == "school")


def everybody_can_sign_in(service: Service) -> None:
    with db.reading(service.engine) as connection:
        usernames = set(connection.execute(select(Account.username)).scalars())
        assert connection.execute(select(func.count(Account.password.distinct()))).scalar_one() == 1
    assert usernames == {account.username for account in demo_accounts()}
    assert {"province2", "city2", "county1.viewer", "county1.network", "school201.teacher", "auditor"} <= usernames
    token, _ = sign_in(service, "school201.principal", PASSWORD, "api")
    actor = actor_of_token(service, token)
    assert actor is not None
    assert (actor.organization_code, actor.roles) == ("201", {"principal"})


def students_come_from_rosters(service: Service) -> None:
    with db.reading(service.engine) as connection:
        count = connection.execute(select(func.count()).select_from(Student)).scalar_one()
        imported = connection.execute(select(func.count()).where(History.event == "imported")).scalar_one()
        names = set(connection.execute(select(Student.name)).scalars())
        numbers = connection.execute(select(Student.student_number)).scalars().all()
        problems = connection.execute(select(func.count()).where(Student.problem.is_not(None))).scalar_one()
        suspended = connection.execute(select(func.count()).where(Student.status == "suspended")).scalar_one()
        fullest = connection.execute(select(func.max(SchoolClass.attending))).scalar_one()
        quota = connection.execute(
            select(SchoolStage.quota - SchoolStage.attending)
            .join(Organization, Organization.id == SchoolStage.school_id)
            .where(Organization.code == "305", SchoolStage.stage == "primary")
        ).scalar_one()
    assert count == imported >= 2000
    assert {"王𬭎", "李㛃", "龚䶮", "𠮷小满", "买买提·阿不都热依木", "孟知春", "孟知秋"} <= names
    plain = [service.cipher.decrypt(number, "student.student_number") for number in numbers if number]
    # A temporary number became a formal one at a month's end (NUM-02); the old one still finds its student.
    assert {number[0] for number in plain} == {"G", "J"}
    assert all(number[1:3] == "99" for number in plain)
    # Each x05 has a child who stands twice by a mistyped number; in 205 a stranger's number is as near to it.
    assert (problems, suspended, fullest, quota) == (11, 6, 55, 0)
    assert (service.settings.data / "rosters" / "county1-2025.xlsx").exists()


def plain_students_and_places_are_left(service: Service) -> None:
    """At least ten in every grade of x01 to x04: attending, nothing open, no problem; and room in every class."""
    query = (
        select(Organization.code, SchoolClass.first_grade, SchoolClass.entered_year, func.count())
        .join(Enrolment, Enrolment.school_id == Organization.id)
        .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
        .join(Student, Student.id == Enrolment.student_id)
        .where(Enrolment.ended_at.is_(None), Student.status == "attending", Student.problem.is_(None))
        .where(~select(Request.id).where(Request.student_id == Student.id, ~Request.final).exists())
        .group_by(Organization.code, SchoolClass.first_grade, SchoolClass.entered_year)
    )
    with db.reading(service.engine) as connection:
        plain = {
            (code, grade_of(first, entered, TODAY)): count for code, first, entered, count in connection.execute(query)
        }
        fullest = connection.execute(
            select(func.max(SchoolClass.attending + SchoolClass.held))
            .join(Organization, Organization.id == SchoolClass.school_id)
            .where(~Organization.code.like("%05"))
        ).scalar_one()
    for county in "12349":
        for school, grades in (("1", range(1, 7)), ("2", range(1, 7)), ("3", range(1, 7)), ("4", range(7, 10))):
            assert all(plain[f"{county}0{school}", grade] >= 10 for grade in grades), (county, school)
    assert fullest < 40


def requests_stand_in_every_state(service: Service) -> None:
    now = service.clocks.legal()
    with db.reading(service.engine) as connection:
        states = dict(connection.execute(select(Request.state, func.count()).group_by(Request.state)).all())
        overdue = connection.execute(select(func.count()).where(Request.open, Request.due_at < now)).scalar_one()
        escalated = connection.execute(select(func.count()).where(Request.escalated)).scalar_one()
        newest = connection.execute(select(func.max(History.at))).scalar_one()
        awkward = connection.execute(
            select(func.count())
            .select_from(Request)
            .join(Organization, Organization.id == Request.origin_school_id)
            .where(Organization.code == "205", Request.open)
        ).scalar_one()
    wanted: dict[str, int] = {}
    for story in STORIES:
        wanted[story.state] = wanted.get(story.state, 0) + 1
    assert states == wanted
    assert len({story.state for story in STORIES if story.kind == "transfer"}) == 14
    assert overdue >= 3
    assert escalated >= overdue
    assert newest <= now
    assert awkward == 1


def time_goes_on(service: Service) -> None:
    later = TODAY + timedelta(days=50)
    with db.reading(service.engine) as connection:
        students, requests = (
            connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (Student, Request)
        )
    assert prepare(service, None) == TODAY
    assert prepare(service, later) == later
    with db.reading(service.engine) as connection:
        assert connection.execute(select(func.count()).where(Request.state == "returned")).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(Student)).scalar_one() == students
        assert connection.execute(select(func.count()).select_from(Request)).scalar_one() == requests
    with pytest.raises(EarlierToday):
        prepare(service, TODAY)
    assert service.clocks.now().date() == later


def test_a_day_before_any_rule_and_production_are_refused(service: Service, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="没有生效的规则"):
        prepare(service, date(2024, 9, 2))
    with db.reading(service.engine) as connection:
        assert connection.execute(select(func.count()).select_from(Organization)).scalar_one() == 0


@pytest.mark.parametrize("today", [date(2026, 8, 11), date(2027, 3, 1)])
def test_grades_and_birth_dates_are_relative_to_today(today: date) -> None:
    year = school_year(today)
    for school in schools():
        for pupil in pupils(school, year):
            assert pupil.stage.first_grade + year - pupil.entered == pupil.grade
            age = year - pupil.birth_date.year - (pupil.birth_date > date(pupil.birth_date.year, 8, 31))
            assert age == pupil.grade + YEARS_BEFORE.get(pupil.stage.name, 0) + 5, (
                "six by the last of August of the year of grade 1 (TR-12)"
            )


def test_the_same_today_gives_the_same_students_and_no_number_twice() -> None:
    everyone = [pupil for school in schools() for pupil in pupils(school, 2026)]
    assert everyone == [pupil for school in schools() for pupil in pupils(school, 2026)]
    numbers = [pupil.student_number for pupil in everyone]
    assert len(set(numbers)) == len(numbers)


def test_two_rosters_of_each_county_are_written(tmp_path: Path) -> None:
    old, new = write_rosters(tmp_path / "rosters", TODAY)
    places = (*(f"county{n}" for n in "123495"), "city1")
    assert [path.name for path in old] == [f"{place}-2025.xlsx" for place in places]
    assert [path.name for path in new] == [f"{place}-2026.xlsx" for place in places]
