"""The service: engine, clock, ids, keys and store, built once and handed in everywhere."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import workflow_service.effects  # noqa: F401 - each family registers what its kinds do
from states.calendar import Calendar
from workflow_service.config import Settings
from workflow_service.crypto import FieldCipher, KeyedHash
from workflow_service.db import make_engine, prepare_engine, reading
from workflow_service.documents.store import FolderStore
from workflow_service.ids import IdMaker
from workflow_service.legal_time import Calendars
from workflow_service.models import LegalClock
from workflow_service.models.columns import from_micros
from workflow_service.packs import Packs
from workflow_service.passwords import Passwords


@dataclass(slots=True)
class Clocks:
    """Real time and legal time, microseconds UTC. Legal time is real time plus an offset that only `TODAY` moves."""

    real: Callable[[], int] = lambda: time.time_ns() // 1000
    offset: int = 0

    def legal(self) -> int:
        """Legal time now, microseconds UTC."""
        return self.real() + self.offset

    def now(self) -> datetime:
        """Legal time now, Asia/Shanghai."""
        return from_micros(self.legal())


@dataclass
class Service:
    """What the functions of this package need. `engine` serves cold reads and writes, `hot` the transitions."""

    engine: Engine
    hot: Engine
    settings: Settings
    clocks: Clocks
    ids: IdMaker
    cipher: FieldCipher
    hashes: KeyedHash
    store: FolderStore
    passwords: Passwords
    packs: Packs = field(init=False)
    calendars: Calendars = field(init=False)

    def __post_init__(self) -> None:
        self.packs = Packs(self.engine)
        self.calendars = Calendars(self.engine)

    def calendar(self) -> Calendar:
        """The calendar, as it was at most a second of real time ago."""
        return self.calendars.current(self.clocks.real() // 1_000_000)

    def session(self) -> Session:
        """An ORM session for reads; a writer uses `workflow_service.db.begin`."""
        return Session(self.engine, expire_on_commit=False)


def build_service(
    settings: Settings,
    *,
    engine: Engine | None = None,
    clocks: Clocks | None = None,
    passwords: Passwords | None = None,
) -> Service:
    """The service of one process. `engine` is Flask-SQLAlchemy's in the web process, else one is made."""
    if engine is None:
        engine = make_engine(settings.database_url)
    else:
        prepare_engine(engine)
    service = Service(
        engine=engine,
        hot=make_engine(settings.database_url, autocommit=True),
        settings=settings,
        clocks=clocks or Clocks(),
        ids=IdMaker(lambda: time.time_ns() // 1_000_000, secrets.randbits),
        cipher=FieldCipher(settings.field_keys),
        hashes=KeyedHash(settings.hash_keys),
        store=FolderStore(settings.document_folder),
        passwords=passwords or Passwords(),
    )
    if clocks is None:
        with reading(engine) as connection:
            service.clocks.offset = connection.execute(select(LegalClock.offset)).scalar() or 0
    return service
