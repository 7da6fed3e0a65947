"""Rules and legal time as stored: pack versions, calendars, terms, outages."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Flag, Id, JsonText, Micros, Path, Ref, Str


class PackVersion(Base):
    """One immutable version of a pack's rules for one kind (规则版本), its base flattened into `content`."""

    __tablename__ = "pack_version"
    id: Mapped[Id]
    pack: Mapped[Str]
    kind: Mapped[Str]
    version: Mapped[int]
    sha256: Mapped[Str]
    content: Mapped[Str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    published_at: Mapped[Micros]
    published_by: Mapped[Ref | None]
    __table_args__ = (UniqueConstraint("pack", "kind", "version"),)


class PolicyProposal(Base):
    """A version that waits to be published (发布提案): text, cases, what it changes, what replaying it showed.

    It becomes a `PackVersion` when another person signs it; the row stays as the record of who said what.
    """

    __tablename__ = "policy_proposal"
    id: Mapped[Id]
    pack: Mapped[Str]
    kind: Mapped[Str]
    version: Mapped[int]
    sha256: Mapped[Str]
    content: Mapped[Str]
    text: Mapped[Str]
    cases: Mapped[Str]
    difference: Mapped[list[dict[str, Any]]] = mapped_column(JsonText)
    replay: Mapped[dict[str, Any]] = mapped_column(JsonText)
    proposed_by: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    proposed_at: Mapped[Micros]
    signed_by: Mapped[Ref | None] = mapped_column(ForeignKey("account.id"))
    signed_at: Mapped[Micros | None]
    __table_args__ = (UniqueConstraint("pack", "kind", "version", "sha256"),)


class WorkingDay(Base):
    """A day on which the State Council's notice says otherwise than the week does (工作日历)."""

    __tablename__ = "working_day"
    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[Flag]
    source: Mapped[Str]


class WindowDate(Base):
    """The days of a window as one year's notice set them (窗口通知); they beat the rule's own."""

    __tablename__ = "window_date"
    window: Mapped[Str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    season: Mapped[Str] = mapped_column(primary_key=True)
    first: Mapped[date]
    last: Mapped[date]
    source: Mapped[Str]


class Term(Base):
    """A term (学期): first and last day, and the notice it rests on."""

    __tablename__ = "term"
    region: Mapped[Str] = mapped_column(primary_key=True)
    school_year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    season: Mapped[Str] = mapped_column(primary_key=True)
    starts: Mapped[date]
    ends: Mapped[date]
    source: Mapped[Str]
    basis: Mapped[Str]


class Outage(Base):
    """Declared hours in which the service could not be reached (停机登记); a window's close moves by them."""

    __tablename__ = "outage"
    id: Mapped[Id]
    path: Mapped[Path]
    starts_at: Mapped[Micros]
    ends_at: Mapped[Micros]
    reason: Mapped[Str]
    declared_by: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    declared_at: Mapped[Micros]


class WindowNotice(Base):
    """That the opening or closing of a window was announced (窗口公告), once."""

    __tablename__ = "window_notice"
    pack: Mapped[Str] = mapped_column(primary_key=True)
    window: Mapped[Str] = mapped_column(primary_key=True)
    moment: Mapped[Micros] = mapped_column(primary_key=True, autoincrement=False)
    what: Mapped[Str] = mapped_column(primary_key=True)  # opens | closes
    announced_at: Mapped[Micros]


class LegalClock(Base):
    """Where legal time stands against real time (业务时钟): one row, moved only by `TODAY` in a demo."""

    __tablename__ = "legal_clock"
    id: Mapped[Id]
    today: Mapped[date | None]
    offset: Mapped[Micros]  # legal minus real, microseconds


class ImportBatch(Base):
    """A workbook that was imported (导入批次), known again by its SHA-256."""

    __tablename__ = "import_batch"
    id: Mapped[Id]
    sha256: Mapped[Str] = mapped_column(unique=True)
    name: Mapped[Str]
    account_id: Mapped[Ref | None]
    at: Mapped[Micros]
    created: Mapped[int]
    unchanged: Mapped[int]


class Heartbeat(Base):
    """When a process last did its round (心跳), real time; `readyz` reads the scheduler's."""

    __tablename__ = "heartbeat"
    name: Mapped[Str] = mapped_column(primary_key=True)
    at: Mapped[Micros]
