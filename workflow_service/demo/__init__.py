"""The demo (示例): a living example that comes in through the same doors as real data.

Organizations and accounts are written, students are imported from workbooks, requests are played by people through
the service's own functions. Everything is made relative to TODAY.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from states.calendar import SHANGHAI
from states.windows import default_demo_day
from workflow_service.db import begin, reading
from workflow_service.demo.accounts import create_accounts
from workflow_service.demo.organizations import create_organizations
from workflow_service.demo.requests import play_stories
from workflow_service.demo.roster import roster_days, write_rosters
from workflow_service.demo.stories import STORIES, Story
from workflow_service.legal_time import seed_calendar, set_today
from workflow_service.models import History, LegalClock, Organization, Request, SchoolStage
from workflow_service.models.columns import to_micros
from workflow_service.packs import publish_shipped
from workflow_service.roster.importer import import_workbook
from workflow_service.sweeps import catch_up

if TYPE_CHECKING:
    from workflow_service.service import Service

Say = Callable[[str], None]

FULL_SCHOOL, FULL_STAGE = "305", "primary"
"""The stage whose quota is used up (BJ-03); the other schools of its county have room."""
ROOM = 40


def prepare(
    service: Service, today: date | None, say: Say = lambda _line: None, stories: Sequence[Story] = STORIES
) -> date:
    """Make the example ready on a migrated database and give its legal day; a second call only moves time on.

    `today` None is the usual day for new data and leaves legal time alone for data that is there. A later day first
    catches up what fell due. Raises `EarlierToday`, or ValueError in production and for a day without rules, before
    anything of the example is written.
    """
    if service.settings.production:
        raise ValueError("示例数据不能装入正式环境 / the demo is not for production")
    with begin(service.engine) as connection:
        publish_shipped(connection, service.ids, service.clocks.real())
        seed_calendar(connection)
    with reading(service.engine) as connection:
        ready = connection.execute(select(func.count()).select_from(LegalClock)).scalar_one() > 0
    if not ready:
        today = today or default_demo_day(service.calendars.current())
        _check_day(service, today)
        _fill(service, today, say, stories)
    with begin(service.engine) as connection:
        latest = connection.execute(select(func.max(History.at))).scalar() or 0
        set_today(connection, service.clocks, today, latest)
    done = catch_up(service)
    day = service.clocks.now().date()
    say(f"业务日期 {day}；补办：{done}。/ Legal date {day}; caught up: {done}.")
    return day


def _check_day(service: Service, today: date) -> None:
    try:
        service.packs.in_force("national-k12", "transfer", today)
    except LookupError as error:
        raise ValueError(
            f"TODAY={today}：该日没有生效的规则，请选较晚的日期 / no rules are in force on that day"
        ) from error


def _fill(service: Service, today: date, say: Say, stories: Sequence[Story]) -> None:
    """Everything that is not there yet. Legal time is set last: without it the next start comes here again."""
    with begin(service.engine) as connection:
        create_organizations(connection, service)
        create_accounts(connection, service)
    say("写出名册 … / writing the rosters")
    rosters = write_rosters(service.settings.data / "rosters", today)
    for day, paths in zip(roster_days(today), rosters, strict=True):
        _stand_at(service, day)
        for path in paths:
            report = import_workbook(service, path, None, lambda _line: None)
            say(report.summary)
    _set_quotas(service)
    with reading(service.engine) as connection:
        begun = connection.execute(select(func.count()).select_from(Request)).scalar_one()
    if begun:
        say("上次准备示例时中断，业务停在当时的状态。/ The last start broke off; requests stay as they were left.")
        return
    say("办理示例业务 … / playing the requests")
    made = play_stories(service, today, say, stories)
    say(f"示例业务 {len(made)} 件。/ {len(made)} requests.")


def _stand_at(service: Service, day: date) -> None:
    """Let legal time stand at 09:00 of a day; it goes on from there."""
    service.clocks.offset = to_micros(datetime.combine(day, time(9), SHANGHAI)) - service.clocks.real()


def _set_quotas(service: Service) -> None:
    """学籍总量 for the county that has the rule: full in one stage, room in all others."""
    with begin(service.engine) as connection:
        schools = connection.execute(
            select(Organization.id, Organization.code).where(Organization.path.like("%/county3/%"))
        ).all()
        codes = {row[0]: row[1] for row in schools}
        stages = connection.execute(
            select(SchoolStage.school_id, SchoolStage.stage, SchoolStage.attending)
            .where(SchoolStage.school_id.in_(codes))
            .where(SchoolStage.quota.is_(None))
        ).all()
        for school, stage, attending in stages:
            full = codes[school] == FULL_SCHOOL and stage == FULL_STAGE
            connection.execute(
                update(SchoolStage)
                .where(SchoolStage.school_id == school, SchoolStage.stage == stage)
                .values(quota=attending + (0 if full else ROOM))
            )
