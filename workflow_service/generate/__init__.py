"""Data as large as a province (数据生成): students, schools and requests that the service could have written itself.

Students become rows by the function that registers them, requests by repeating what the service's own functions left
in a rehearsal; what is written is therefore what `workflow-service check` proves. The same sizes and seed give the same
rows under the same keys, but for the password's salt. Only for an empty database outside production.

What is left out: blocks for finding doubles (nobody here is one), notices, the files behind all but a few papers.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, select

from states.calendar import school_year
from states.windows import default_demo_day
from workflow_service.db import begin, make_engine, reading
from workflow_service.generate.furnishing import class_rows, furnish
from workflow_service.generate.loading import Loader, analyse, without_indexes
from workflow_service.generate.province import School, plan_province
from workflow_service.generate.rehearsal import Rehearsed, rehearse
from workflow_service.generate.repeating import Tally
from workflow_service.generate.work import Plan, Worker
from workflow_service.legal_time import seed_calendar
from workflow_service.models import Organization, PackVersion, Student
from workflow_service.sweeps.counters import fold_counts

if TYPE_CHECKING:
    from workflow_service.service import Service

Progress = Callable[[int, int, str], None]
BYTES = {"students": 1_700, "requests": 8_500, "schools": 60_000}
"""What one of each takes on the disk, indexes included, as measured on PostgreSQL with room to spare."""
WORKERS = 2
TOGETHER = 3_000
"""Students whose rows are written together, with their requests: 30,000 rows, 30 MB."""
Done = tuple[tuple[int, ...], int, Tally]
"""The schools that a worker wrote, how many rows, and the places taken."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much to make. `pending` of the requests are not finished."""

    students: int = 10_000_000
    schools: int = 20_000
    requests: int = 2_000_000
    pending: int = 60_000
    seed: int = 1

    @property
    def bytes(self) -> int:
        """What this takes on the disk, roughly."""
        return sum(getattr(self, name) * each for name, each in BYTES.items())


class NotHere(ValueError):
    """This database must not be filled, or cannot be."""


def _silent(_done: int, _total: int, _title: str) -> None:
    """For whoever does not look at the progress."""


def generate(
    service: Service, sizes: Sizes, disk: Path, progress: Progress = _silent, *, today: date | None = None,
    rehearsed: Rehearsed | None = None, workers: int = WORKERS,
) -> int:  # fmt: skip
    """Fill the empty, migrated database of `service`; how many rows of students and requests were written.

    `disk`: a folder on the disk that holds the database. `today` None is the usual day of the demo. `rehearsed` spares
    the rehearsal where it was played before for the same day. Raises `NotHere` before anything is written, and
    ValueError for sizes that do not fit each other.
    """
    check_room(service, sizes, disk)
    owner = make_engine(service.settings.database_owner_url, owner=True)
    try:
        return _generate(service, owner, sizes, progress, today, rehearsed, workers)
    finally:
        owner.dispose()


def _generate(
    service: Service, owner: Engine, sizes: Sizes, progress: Progress, today: date | None, rehearsed: Rehearsed | None,
    workers: int,
) -> int:  # fmt: skip
    with begin(owner) as connection:
        seed_calendar(connection)
    today = today or default_demo_day(service.calendars.current())
    year = school_year(today)
    province = plan_province(sizes.students, sizes.schools, sizes.requests, sizes.pending, sizes.seed, year)
    if rehearsed is None:
        progress(0, 1, "排演 / the rehearsal")
        rehearsed = rehearse(today)
    for paper in rehearsed.papers:
        service.store.put(BytesIO(paper), len(paper))
    furnish(owner, service, province, today)
    with without_indexes(owner, progress):
        settings = service.settings
        plan = Plan(province, rehearsed.recordings, _packs(owner), today, settings.database_owner_url,
                    dict(settings.field_keys), dict(settings.hash_keys))  # fmt: skip
        count = _write(plan, owner.dialect.name, workers, progress)
    progress(1, 1, "计数 / the counters")
    fold_counts(service)
    progress(1, 1, "统计 / statistics for the planner")
    analyse(owner)
    return count


def _packs(owner: Engine) -> dict[str, int]:
    """The ids of this database's rules, under the names that recordings have for them."""
    query = select(PackVersion.pack, PackVersion.kind, PackVersion.version, PackVersion.id)
    with reading(owner) as connection:
        return {f"pack:{pack}:{kind}:{version}": id_ for pack, kind, version, id_ in connection.execute(query)}


def check_room(service: Service, sizes: Sizes, disk: Path) -> None:
    """Raises `NotHere` in production, for a database that is not empty, and where the disk is too small."""
    if service.settings.production:
        raise NotHere("生成的数据不能装入正式环境 / generated data are not for production")
    with reading(service.engine) as connection:
        for table in (Organization, Student):
            if connection.execute(select(func.count()).select_from(select(table.id).limit(1).subquery())).scalar_one():
                raise NotHere("数据库不是空的 / the database is not empty; generate into a new one")
    free = shutil.disk_usage(disk).free
    if free < sizes.bytes:
        raise NotHere(f"磁盘空间不足：需要 {sizes.bytes >> 30} GiB，只有 {free >> 30} GiB / "
                      f"{sizes.bytes / 2**30:.1f} GiB are needed on {disk}, {free / 2**30:.1f} are free")  # fmt: skip


def _write(plan: Plan, dialect: str, workers: int, progress: Progress) -> int:
    """Every school, in as many processes; then the classes, whose counters are known only now."""
    schools = plan.province.schools
    done = rows = pupils = 0
    attending: Counter[int] = Counter()
    held: Counter[int] = Counter()
    for indexes, count, tally in _worked(plan, workers if dialect == "postgresql" else 1):
        done, rows = done + len(indexes), rows + count
        pupils += sum(schools[index].students for index in indexes)
        attending.update(tally.attending)
        held.update(tally.held)
        progress(done, len(schools), f"学校 / schools: {pupils} students, {rows} rows")
    loader = Loader(plan.owner_url)
    loader.write(class_rows(plan.province, Tally(attending, held)))
    loader.close()
    return rows


def _worked(plan: Plan, workers: int) -> Iterator[Done]:
    groups = list(_groups(plan.province.schools))
    if workers == 1:
        worker = Worker(plan)
        yield from ((indexes, *worker.schools(indexes)) for indexes in groups)
        worker.close()
        return
    # Spawned, not forked: a process must not inherit the connections of this one.
    with multiprocessing.get_context("spawn").Pool(workers, _start, (plan,)) as pool:
        yield from pool.imap_unordered(_some, groups)


def _groups(schools: Sequence[School]) -> Iterator[tuple[int, ...]]:
    """Schools that are written together: a COPY for each table of each school would be half the work.

    The large ones come first, so that no process is left alone with one of them at the end.
    """
    enough = min(TOGETHER, sum(school.students for school in schools) // 50)
    found: list[int] = []
    students = 0
    for index in sorted(range(len(schools)), key=lambda index: -schools[index].students):
        found.append(index)
        students += schools[index].students
        if students >= enough:
            yield tuple(found)
            found, students = [], 0
    if found:
        yield tuple(found)


_worker: Worker | None = None


def _start(plan: Plan) -> None:
    global _worker
    _worker = Worker(plan)


def _some(indexes: tuple[int, ...]) -> Done:
    assert _worker is not None
    return (indexes, *_worker.schools(indexes))
