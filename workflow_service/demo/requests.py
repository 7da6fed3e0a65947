"""The demo's requests (示例业务): the stories, played by the people of the demo through the service's own functions.

Who sends an event follows from who holds the request at that moment. Legal time is handed in, and all stories are
played together in the order of their instants, with the sweeps in between: so some requests are old, overdue,
returned, expired, and their trails read as if it had all happened.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw
from sqlalchemy import select

from states.calendar import SHANGHAI, Calendar, grade_of, legal_day, school_year
from states.decide import pending_at_submit
from states.kinds import KINDS
from states.verdict import Reason
from states.windows import judge
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.demo.roster import roster_days
from workflow_service.demo.stories import STORIES, Story
from workflow_service.draft_rows import NewRequest
from workflow_service.errors import Blocked
from workflow_service.facts import gather
from workflow_service.grants import actor_named
from workflow_service.models import (
    Account,
    Enrolment,
    Organization,
    Request,
    RequestParty,
    RoleGrant,
    SchoolClass,
    Student,
)
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.offers import definition_for
from workflow_service.request_documents import add_document
from workflow_service.requests import create_request
from workflow_service.routing import organization
from workflow_service.sweeps import catch_up
from workflow_service.transitions import fire

if TYPE_CHECKING:
    from workflow_service.service import Service

Say = Callable[[str], None]

SLOTS = (time(9, 30), time(11, 0), time(14, 0), time(15, 30))
"""When people of the demo work."""
COMMENTS = {
    "approve": "材料齐全，情况属实，同意。",
    "return": "户口本照片不清晰，请重新上传后再报。",
    "reject": "经核实，不符合所申请的转学条件。",
    "recall": "家长改变主意，撤回申请。",
    "resubmit": "已补正。",
}


def play_stories(service: Service, today: date, say: Say, stories: Sequence[Story] = STORIES) -> dict[int, Story]:
    """Play the stories up to 09:00 of `today`; gives the story of each request's id.

    Leaves legal time where the last event stood; the caller sets it. A story that a rule stops stays where it is,
    and `say` tells why.
    """
    stage = Stage(service, today)
    turns = count()
    waiting: list[tuple[int, int, Iterator[int]]] = []
    for story in stories:
        played = stage.play(story, say)
        _wait(waiting, played, turns)
    last = None
    while waiting:
        at, _, played = heapq.heappop(waiting)
        if at >= stage.end:
            continue
        day = legal_day(from_micros(at))
        if day != last:
            catch_up(service, at)
            last = day
        service.clocks.offset = at - service.clocks.real()
        _wait(waiting, played, turns)
    catch_up(service, stage.end)
    return stage.made


def _wait(waiting: list[tuple[int, int, Iterator[int]]], played: Iterator[int], turns: Iterator[int]) -> None:
    at = next(played, None)
    if at is not None:
        heapq.heappush(waiting, (at, next(turns), played))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A student who plays a part."""

    id: int
    name: str
    number: str
    first_grade: int
    entered_year: int


class Stage:
    """Where the stories are played: the calendar, the schools, and the students who have no part yet."""

    def __init__(self, service: Service, today: date) -> None:
        self.service = service
        self.today = today
        self.end = to_micros(datetime.combine(today, time(9), SHANGHAI))
        self.made: dict[int, Story] = {}
        self._calendar = service.calendars.current()
        self._cast: set[int] = set()
        with reading(service.engine) as connection:
            self._schools = dict(connection.execute(select(Organization.code, Organization.id)).all())
            accounts = connection.execute(
                select(Account.organization_id, RoleGrant.role, Account.username)
                .join(RoleGrant, RoleGrant.account_id == Account.id)
                .where(RoleGrant.revoked_at.is_(None))
            )
            self._accounts = {(row[0], row[1]): row[2] for row in accounts}

    def play(self, story: Story, say: Say) -> Iterator[int]:
        """Play a story; yields the instant of each next event and goes on when legal time stands there."""
        day = self._opening(story)
        student = self._choose(story)
        if day is None or student is None:
            say(
                f"示例业务 {story.origin}→{story.destination} 没有合适的日期或学生。/ No day or student for this story."
            )
            return
        slots = self._slots(day)
        yield next(slots)
        try:
            yield from self._act(story, student, day, slots)
        except Blocked as blocked:
            rules = "、".join(reason.cite.rule for reason in blocked.reasons)
            say(f"示例业务 {story.origin}→{story.destination}：{blocked.detail} {rules}")

    def _act(self, story: Story, student: Chosen, day: date, slots: Iterator[int]) -> Iterator[int]:
        request_id = self._draft(story, student, day)
        self.made[request_id] = story
        for line in story.events.split():
            event, _, detail = line.partition(":")
            for _ in range(len(SLOTS) * int(detail) if event == "wait" else 1):
                yield next(slots)
            if event == "submit" and not story.bare:
                self._supply(request_id, self._starter(request_id))
            if event != "wait":
                self._fire(request_id, event, detail or None)

    def _opening(self, story: Story) -> date | None:
        """The latest day, old enough, on which the window is open and people work; for a draft any such day."""
        with reading(self.service.engine) as connection:
            school = organization(connection, self._schools[story.destination])
        definition = definition_for(self.service, school.id, story.kind, None)
        in_force = date.fromisoformat(definition.valid_from)
        first = max(roster_days(self.today)[0] + timedelta(days=1), in_force)
        day = self.today - timedelta(days=story.age)
        while day >= first:
            noon = datetime.combine(day, time(12), SHANGHAI)
            found = judge(definition.windows, self._calendar, noon, definition.freezes, school.path)
            if self._calendar.is_working(day) and (not story.events or (found.open and not found.frozen)):
                return day
            day -= timedelta(days=1)
        return None

    def _slots(self, day: date) -> Iterator[int]:
        """The working hours from a day on, as instants in microseconds; stories begin at different minutes."""
        minutes = timedelta(minutes=len(self._cast) * 7 % 60)
        for one in _working_days(self._calendar, day):
            for slot in SLOTS:
                yield to_micros(datetime.combine(one, slot, SHANGHAI) + minutes)

    def _choose(self, story: Story) -> Chosen | None:
        """A plain student of the origin who was on last year's roster and has no part yet."""
        query = (
            select(Student.id, Student.name, Student.student_number, SchoolClass.first_grade, SchoolClass.entered_year)
            .join(Enrolment, (Enrolment.student_id == Student.id) & Enrolment.ended_at.is_(None))
            .join(SchoolClass, SchoolClass.id == Enrolment.class_id)
            .where(Enrolment.school_id == self._schools[story.origin])
            .where(Student.status == "attending", Student.problem.is_(None))
            .where(SchoolClass.first_grade - SchoolClass.entered_year == story.grade - school_year(self.today))
            .where(SchoolClass.entered_year < school_year(self.today))
            .order_by(Student.id.desc())
        )
        with reading(self.service.engine) as connection:
            for id_, name, number, first_grade, entered_year in connection.execute(query):
                if id_ not in self._cast:
                    assert number is not None  # the roster gives everybody one
                    self._cast.add(id_)
                    plain = self.service.cipher.decrypt(number, "student.student_number")
                    return Chosen(id_, name, plain, first_grade, entered_year)
        return None

    def _draft(self, story: Story, student: Chosen, day: date) -> int:
        data = {
            name: (day + timedelta(days=value)).isoformat() if type(value) is int else value
            for name, value in story.data.items()
        }
        grade = grade_of(student.first_grade, student.entered_year, day)
        asked = NewRequest(
            kind=story.kind, destination_school_id=self._schools[story.destination], grade=grade,
            ground=story.ground or None, data=data,
        )  # fmt: skip
        if KINDS[story.kind].sides == "one":
            own = replace(asked, destination_school_id=None, student_id=student.id)
            return create_request(self.service, actor_named(self.service, f"school{story.origin}"), own)
        named = replace(asked, student_name=student.name, student_number=student.number)
        try:
            return create_request(self.service, actor_named(self.service, f"school{story.destination}"), named)
        except Blocked:  # the other school starts it (NJ-13)
            own = replace(asked, student_id=student.id)
            return create_request(self.service, actor_named(self.service, f"school{story.origin}"), own)

    def _starter(self, request_id: int) -> Actor:
        with reading(self.service.engine) as connection:
            school = connection.execute(select(Request.applicant_id).where(Request.id == request_id)).scalar_one()
        return self._actor(school, "registrar")

    def _actor(self, organization_id: int, role: str) -> Actor:
        return actor_named(self.service, self._accounts[organization_id, role])

    def _holder(self, request_id: int) -> Actor:
        """Whoever must act now; of several units the first that has not acted yet."""
        with reading(self.service.engine) as connection:
            unit = connection.execute(
                select(RequestParty.organization_id, RequestParty.role)
                .where(RequestParty.request_id == request_id, RequestParty.duty == "hold")
                .where(RequestParty.to_at.is_(None))
                .order_by(RequestParty.path)
            ).first()
        return self._starter(request_id) if unit is None else self._actor(unit[0], unit[1] or "registrar")

    def _fire(self, request_id: int, event: str, reason: str | None) -> None:
        starting = event in ("submit", "resubmit", "recall")
        actor = self._starter(request_id) if starting else self._holder(request_id)
        comment = COMMENTS.get(event)
        try:
            fire(self.service, request_id, event, actor, version=None, comment=comment, reason=reason)
        except Blocked as blocked:
            papers = _papers(blocked.reasons)
            if not papers:
                raise
            self._upload(request_id, actor, papers)
            fire(self.service, request_id, event, actor, version=None, comment=comment, reason=reason)

    def _supply(self, request_id: int, actor: Actor) -> None:
        """Upload what the first approval will ask for."""
        _, plan, facts = gather(self.service, request_id, actor)
        self._upload(request_id, actor, _papers(pending_at_submit(plan, facts)))

    def _upload(self, request_id: int, actor: Actor, kinds: Iterable[str]) -> None:
        for kind in kinds:
            add_document(self.service, request_id, actor, kind, BytesIO(picture(kind)), f"{kind}.png")


def _papers(reasons: Iterable[Reason]) -> list[str]:
    """The papers that would clear these reasons, the first way of each; several reasons may ask for the same one."""
    first = (reason.no.cures[0] for reason in reasons if reason.no.cures)
    return list(dict.fromkeys(kind for cure in first for kind in cure.set.get("documents+", ())))


def _working_days(calendar: Calendar, day: date) -> Iterator[date]:
    while True:
        if calendar.is_working(day):
            yield day
        day += timedelta(days=1)


@cache
def picture(kind: str) -> bytes:
    """A page that says which paper it stands for: a real PNG, as small as a picture can be and still be looked at."""
    page: Any = Image.new("RGB", (480, 640), "#fdfaf2")
    draw = ImageDraw.Draw(page)
    draw.rectangle((16, 16, 463, 623), outline="#8a1c1c", width=3)
    draw.text((40, 48), "SAMPLE / NOT A REAL PAPER", fill="#8a1c1c")
    draw.text((40, 80), kind.replace("_", " "), fill="#222222")
    out = BytesIO()
    page.save(out, "PNG")
    return out.getvalue()
