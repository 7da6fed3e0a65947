"""Facts (事实): all that a rule may look at, frozen when a request is judged.

The service gathers them with one query (`workflow_service.facts.gather`); a cure is a patch of them, so that every
explanation can be tried out: patch, judge again, and the reason is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from states.calendar import Calendar, Clock

COMPULSORY = ("primary", "junior")
"""Stages in which schooling is compulsory (义务教育)."""


class Entry(NamedTuple):
    """A dated entry of the record (学籍事项): its section, from when to when; `to` None while it lasts."""

    section: str
    start: date
    to: date | None


@dataclass(slots=True)
class Facts:
    """One request as it stands, and the one who asks. Never changed after it was built: use `patched`.

    It is not a frozen dataclass only because frozen slots cost four times as much to build and a list of 200 rows
    builds 200 of them; `tests/states` proves that no rule writes to it.
    """

    # When. `now` is legal time, Asia/Shanghai, the instant at which the server received the event.
    now: datetime
    calendar: Calendar

    # The request.
    kind: str = "transfer"
    state: str = "draft"
    returned_from: str | None = None
    route: tuple[str, ...] = ()
    ground: str | None = None
    grade: int | None = None  # asked for, counted from primary 1 to senior 12
    data: Mapping[str, Any] = field(default_factory=dict)  # the facts of the contract, as given by the school
    documents: frozenset[str] = frozenset()  # kinds that lie with the request
    reason: str | None = None  # coded reason of this event
    comment: str | None = None
    approvals: frozenset[str] = frozenset()  # units that have approved the current step, where it has several
    clock: Clock | None = None  # of the current state
    days_left: int | None = None  # of the step that a return interrupted
    shared_used: int = 0  # working days used of a total that several steps share (TR-08)

    ends_at: datetime | None = None  # when silence ends it: a draft, a returned request, an arrival; None elsewhere
    wiped_at: datetime | None = None  # when a graduating student's open request ends whoever holds it (SYS-46)
    scope: str = ""  # path of the applying school: whose declared outages move the window's close

    # Who asks. `units` are the parts that the asker's organization plays in this request.
    units: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    own: bool = False  # the same person submitted this request or approved an earlier step of it (four eyes)
    system: bool = False

    # The two schools.
    starter: str | None = None  # the unit that started the request
    destination_school: str = ""  # codes, for messages
    origin_school: str = ""
    town: bool = False  # the destination is a school of the town (城区学校)
    offers_grade: bool = True
    same_school: bool = False
    same_bureau: bool = True
    same_province: bool = True
    same_city: bool = True

    # The student, as recorded now.
    status: str = "attending"
    problem: bool = False  # 问题学籍, SYS-06
    matches: bool = True  # the name and number of the request are those of the record, SYS-04
    open_request: str | None = None  # number of another open request of this student, SYS-05
    special_education: bool = False
    current_grade: int | None = None
    first_grade: int = 1  # of the stage, by the origin school's own length of schooling (学制)
    last_grade: int = 6
    stage: str = "primary"
    season: str = "autumn"  # term of `now`
    programme: str = "none"  # 学校类别、计划类别, of `states.vocabulary.PROGRAMMES`
    birth_date: date | None = None
    enrolled_on: date | None = None  # since when the student is at the present school
    has_number: bool = True
    newcomer: bool = False  # not on the register before this request
    left_last_grade: int | None = None  # last grade of the stage that a student without enrolment has left
    admitted_here: bool = True  # an admission list of this school names the student, and he has not gone on by it yet
    duplicate: bool = False  # an undecided pair of the duplicate queue names this student (SYS-20)
    entries: tuple[Entry, ...] = ()  # of the record, oldest first
    away_until: date | None = None  # when the absence that still lasts was to end; known until submit
    stage_since: date | None = None  # since when the student is in this stage, here or elsewhere; known until submit
    city_school: bool = False  # the bureau in charge is the city's own

    # What a request of the record names, and what hangs on it; read for those kinds only.
    number_kind: str | None = None  # G, L or J of the student number
    number_taken: bool = False  # the identity number that is asked for is another student's (NUM-06)
    new_number_faults: tuple[str, ...] = ()  # what is wrong with it; codes of `states.identity`
    recorded: tuple[str, ...] = ()  # basic data that the record has already; read for changes of them
    entry_named: str | None = None  # section of the entry that is to be corrected, while it stands
    other_requests: tuple[str, ...] = ()  # numbers of this student's other open requests, of whatever group
    reversed_kind: str | None = None  # kind of the request that is to be reversed
    reversed_completed: bool = False  # it is completed, and was not reversed before
    depending: tuple[str, ...] = ()  # what was done since and hangs on it: numbers of requests

    province_school: bool = False  # the bureau in charge is the province

    # The school that a request is about, where its subject is no student.
    closed_school: str | None = None  # a school of a new request that was closed or merged, by name; asked until submit
    closed_into: str | None = None  # the school that took it over
    about_bureau: bool = False  # asked at the bureau itself: there is no school yet, or none any more
    school_stages: tuple[str, ...] = ()
    pupils: int = 0  # current enrolments, open requests of students that name it, and guests
    code_taken: bool = False  # another organization has the code that is asked for
    successor_known: bool = False  # the code of the successor is that of another school that works
    successor_stages: tuple[str, ...] = ()

    # Places at the destination, without this request itself.
    class_name: str | None = None
    class_size: int | None = None  # attending + held
    class_held: int = 0
    school_size: int | None = None  # attending + held in the stage
    school_held: int = 0
    school_quota: int | None = None  # 学籍总量, None where nobody set one
    holds_place: bool = False  # this request already holds its place
    sibling: str | None = None  # of the linked request of a brother or sister: seated, waiting, or unknown
    sibling_stage: str = "primary"
    sibling_class_size: int | None = None  # of the class that it waits for, with this request's own place
    sibling_school_size: int | None = None  # of the school in that stage, with this request's own place
    sibling_school_quota: int | None = None  # 学籍总量 of that stage
    same_class: bool = False  # the class is the one that the student sits in already
    grade_size: int | None = None  # pupils of the student's grade in this school; asked for repeat_grade, until submit
    grade_repeats: int = 0  # of them, repeating or about to, by requests of this school year

    @property
    def today(self) -> date:
        """The legal day, Asia/Shanghai."""
        return self.now.date()

    @property
    def graduating(self) -> bool:
        """Whether the student is in the last grade of the origin school's own length of schooling (毕业年级, BJ-08)."""
        return self.current_grade is not None and self.current_grade >= self.last_grade

    @property
    def starting(self) -> bool:
        """Whether the student is in the first grade of the stage (起始年级)."""
        return self.current_grade is not None and self.current_grade == self.first_grade

    @property
    def compulsory(self) -> bool:
        """Whether the stage belongs to compulsory education (义务教育阶段)."""
        return self.stage in COMPULSORY

    def entry(self, section: str) -> Entry | None:
        """The newest entry of a section that still lasts, None where none does."""
        return next((e for e in reversed(self.entries) if e.section == section and e.to is None), None)

    def patched(self, patch: Mapping[str, Any]) -> Facts:
        """The facts with `patch` applied: keys are fields; `data.NAME` sets one fact, `documents+` adds kinds."""
        plain: dict[str, Any] = {}
        data = dict(self.data)
        for key, value in patch.items():
            if key.startswith("data."):
                data[key[5:]] = value
            elif key == "documents+":
                plain["documents"] = self.documents | frozenset(value)
            else:
                plain[key] = value
        return replace(self, **plain, data=data)
