"""A small world for tests: the demo's organizations and accounts, classes and students as a test asks for them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import insert, select, update

from states.calendar import SHANGHAI, school_year
from states.definition import WAITING
from states.identity import make_identity_number
from states.plan import APPROVING, fits
from workflow_service import db
from workflow_service.actors import Actor, Grant
from workflow_service.config import load
from workflow_service.demo.accounts import create_accounts
from workflow_service.demo.organizations import create_organizations
from workflow_service.draft_rows import NewRequest
from workflow_service.facts import gather
from workflow_service.legal_time import seed_calendar
from workflow_service.models import (
    Account,
    Enrolment,
    Organization,
    RegisterEntry,
    Request,
    RoleGrant,
    SchoolClass,
    Student,
)
from workflow_service.models.columns import to_micros
from workflow_service.packs import publish_shipped
from workflow_service.passwords import CHEAP, Passwords
from workflow_service.request_documents import add_document
from workflow_service.requests import create_request
from workflow_service.service import Clocks, Service, build_service
from workflow_service.students import NewStudent, register
from workflow_service.transitions import Fired, fire

TODAY = datetime(2026, 8, 24, 9, tzinfo=SHANGHAI)


def picture() -> bytes:
    """A small real PNG."""
    out = io.BytesIO()
    Image.new("RGB", (4, 4), "white").save(out, "PNG")
    return out.getvalue()


@dataclass
class World:
    """What a test stands on. `real` is the clock in microseconds; legal time is the same unless a test moves it."""

    service: Service
    at: int
    sequence: Iterator[int] = field(default_factory=lambda: count(1))

    def go(self, year: int, month: int, day: int, hour: int = 9, minute: int = 0, second: int = 0) -> None:
        """Move the clock to an instant, Asia/Shanghai."""
        self.at = to_micros(datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI))

    def goes_on_working(self, username: str) -> None:
        """Somebody has signed in until now: a test leaps over months, and he is not sealed for that (N25-19)."""
        used = update(Account).where(Account.username == username).values(last_used_at=self.service.clocks.real())
        with db.begin(self.service.engine) as connection:
            connection.execute(used)

    def organization(self, code: str) -> Any:
        with db.reading(self.service.engine) as connection:
            return connection.execute(select(Organization.__table__).where(Organization.code == code)).one()

    def actor(self, username: str) -> Actor:
        with db.reading(self.service.engine) as connection:
            account = connection.execute(select(Account.__table__).where(Account.username == username)).one()
            organization = connection.execute(
                select(Organization.__table__).where(Organization.id == account.organization_id)
            ).one()
            grants = connection.execute(
                select(RoleGrant.id, RoleGrant.role, RoleGrant.version).where(
                    RoleGrant.account_id == account.id, RoleGrant.revoked_at.is_(None)
                )
            ).all()
        return Actor(
            account.id,
            account.person_id,
            username,
            account.name,
            organization.id,
            organization.code,
            organization.path,
            organization.kind,
            organization.level,
            tuple(Grant(*g) for g in grants),
        )

    def school_class(self, code: str, grade: int, stage: str = "primary", sequence: int = 1) -> int:
        """The class of a grade, made when it is not there yet."""
        school, entered = self.organization(code), school_year(TODAY.date()) - grade + _first(stage)
        with db.begin(self.service.engine) as connection:
            found = connection.execute(
                select(SchoolClass.id).where(
                    SchoolClass.school_id == school.id,
                    SchoolClass.stage == stage,
                    SchoolClass.entered_year == entered,
                    SchoolClass.sequence == sequence,
                )
            ).scalar()
            if found is None:
                found = self.service.ids.new_subject()
                connection.execute(
                    insert(SchoolClass),
                    {
                        "id": found,
                        "school_id": school.id,
                        "stage": stage,
                        "entered_year": entered,
                        "first_grade": _first(stage),
                        "last_grade": _first(stage) + school.schooling[stage] - 1,
                        "sequence": sequence,
                        "name": f"{sequence}班",
                        "attending": 0,
                        "held": 0,
                    },
                )
        return found

    def student(self, code: str, grade: int = 3, name: str = "林小满", stage: str = "primary", **more: Any) -> Any:
        """A student who attends; `.number` is the whole student number."""
        number = "G" + make_identity_number("990101", date(2017, 5, 1), next(self.sequence))
        new = NewStudent(
            name=name,
            sex="1",
            birth_date=date(2017, 5, 1),
            identity_type="1",
            identity_number=number[1:],
            student_number=number,
            status=more.pop("status", "attending"),
            school_id=self.organization(code).id,
            class_id=self.school_class(code, grade, stage),
            stage=stage,
            valid_from=date(2023, 9, 1),
            **more,
        )
        with db.begin(self.service.engine) as connection:
            [id_] = register(connection, self.service, [new], None)
        return Pupil(id_, name, number, grade)

    def draft(self, username: str, pupil: Any, to: str, **more: Any) -> int:
        """A transfer draft by a school's registrar."""
        actor = self.actor(username)
        own = self.enrolment(pupil.id).school_id == actor.organization_id
        who = {"student_id": pupil.id} if own else {"student_name": pupil.name, "student_number": pupil.number}
        return create_request(
            self.service,
            actor,
            NewRequest(
                kind="transfer", destination_school_id=self.organization(to).id, grade=pupil.grade, **who, **more
            ),
        )

    def start(self, username: str, kind: str, pupil: Any = None, **more: Any) -> int:
        """A draft of any kind by a registrar; `pupil` by id."""
        who = {} if pupil is None else {"student_id": pupil.id}
        return create_request(self.service, self.actor(username), NewRequest(kind=kind, **who, **more))

    def decider(self, request_id: int) -> tuple[str, str]:
        """(username, event) of whoever holds a request now, and how its step moves on."""
        row = self.request(request_id)
        with db.reading(self.service.engine) as connection:
            username = connection.execute(
                select(Account.username)
                .join(RoleGrant, RoleGrant.account_id == Account.id)
                .where(
                    Account.organization_id == row.holder_id,
                    RoleGrant.role == row.holder_role,
                    RoleGrant.revoked_at.is_(None),
                )
                .order_by(Account.username)
            ).scalars()
            names = [name for name in username if "." not in name or name.endswith(".principal")]
        plan = gather(self.service, request_id, None)[1]
        event = next(cell.event for cell in plan.cells[row.state] if cell.event in APPROVING)
        return names[0], event

    def complete(
        self, request_id: int, papers: bool = True, brings: Mapping[str, Any] | None = None, **last: Any
    ) -> Any:  # fmt: skip
        """Submit a draft and decide every step; `last` comes with the last event, and each fact of `brings` with the
        one that asks for it. The row at the end, or while it waits for its effective day."""
        row = self.request(request_id)
        if row.state == "draft":
            applicant = self.decider_of(row)
            if papers:
                self.upload_all(request_id, applicant)
            self.fire(request_id, "submit", applicant)
        while not (row := self.request(request_id)).final and row.state != WAITING:
            username, event = self.decider(request_id)
            if papers:
                self.upload_all(request_id, username)
            more = dict(last) if row.route[-1] == row.state else {}
            if brings:
                asked = gather(self.service, request_id, None)[1].brings(row.state, event)
                more["data"] = {name: value for name, value in brings.items() if name in asked}
            self.fire(request_id, event, username, **more)
        return row

    def decider_of(self, row: Any) -> str:
        """The registrar of the applying organization."""
        with db.reading(self.service.engine) as connection:
            return str(
                connection.execute(
                    select(Account.username).where(
                        Account.organization_id == row.applicant_id, ~Account.username.contains(".")
                    )
                ).scalars().first()
            )  # fmt: skip

    def upload_all(self, request_id: int, username: str) -> None:
        """The first alternative of every paper that is missing and that this unit may upload now."""
        _, plan, facts = gather(self.service, request_id, self.actor(username))
        for requirement in plan.requirements:
            fitting = fits(tuple((key, frozenset(values)) for key, values in requirement.when.items()), facts)
            needed = fitting and not requirement.optional and requirement.by in facts.units
            if needed and not facts.documents.issuperset(requirement.any_of[0]):
                self.upload(request_id, username, *requirement.any_of[0])

    def entries(self, student_id: int) -> list[Any]:
        """The dated entries of a record, oldest first."""
        with db.reading(self.service.engine) as connection:
            table = RegisterEntry.__table__
            return list(connection.execute(select(table).where(table.c.student_id == student_id).order_by(table.c.id)))

    def upload(self, request_id: int, username: str, *kinds: str) -> None:
        for kind in kinds:
            add_document(self.service, request_id, self.actor(username), kind, io.BytesIO(picture()), f"{kind}.png")

    def fire(self, request_id: int, event: str, username: str, **more: Any) -> Fired:
        return fire(
            self.service, request_id, event, self.actor(username), version=self.request(request_id).version, **more
        )

    def request(self, request_id: int) -> Any:
        with db.reading(self.service.engine) as connection:
            return connection.execute(select(Request.__table__).where(Request.id == request_id)).one()

    def enrolment(self, student_id: int) -> Any:
        with db.reading(self.service.engine) as connection:
            return connection.execute(
                select(Enrolment.__table__).where(Enrolment.student_id == student_id, Enrolment.ended_at.is_(None))
            ).one()

    def seats(self, class_id: int) -> tuple[int, int]:
        """(attending, held) of a class."""
        with db.reading(self.service.engine) as connection:
            return tuple(
                connection.execute(
                    select(SchoolClass.attending, SchoolClass.held).where(SchoolClass.id == class_id)
                ).one()
            )

    def admit(self, student_id: int, code: str) -> None:
        """One more school admits somebody who waits for the register."""
        bucket = self.student_row(student_id).bucket
        with db.begin(self.service.engine) as connection:
            connection.execute(insert(RegisterEntry), {
                "id": self.service.ids.new(bucket), "bucket": bucket,
                "student_id": student_id, "section": "admission", "school_id": self.organization(code).id,
                "valid_from": date(2026, 9, 1), "recorded_at": self.at, "data": {},
            })  # fmt: skip

    def student_row(self, student_id: int) -> Any:
        with db.reading(self.service.engine) as connection:
            return connection.execute(select(Student.__table__).where(Student.id == student_id)).one()


@dataclass(frozen=True)
class Pupil:
    """A student of a test."""

    id: int
    name: str
    number: str
    grade: int


def _first(stage: str) -> int:
    return {"primary": 1, "junior": 7, "senior": 10}.get(stage, 1)


def make_world(url: str, owner_url: str, folder: Path) -> World:
    """A service on a migrated database, with the demo's organizations, accounts, packs and calendar.

    A database that has them already (a copy of the run's world) is taken as it is: furnishing it takes seconds.
    """
    settings = load(
        {"WORKFLOW_ENV": "development", "DATA": str(folder), "DATABASE_URL": url, "DATABASE_OWNER_URL": owner_url}
    )
    world = World.__new__(World)
    world.sequence, world.at = count(1), to_micros(TODAY)
    service = build_service(settings, clocks=Clocks(real=lambda: world.at), passwords=Passwords(CHEAP))
    world.service = service
    with db.reading(service.engine) as connection:
        furnished = connection.execute(select(Organization.id).limit(1)).first() is not None
    if furnished:
        return world
    with db.begin(service.engine) as connection:
        publish_shipped(connection, service.ids, world.at)
        seed_calendar(connection)
        create_organizations(connection, service)
        create_accounts(connection, service)
    return world
