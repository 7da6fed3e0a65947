"""Organizations (机构): the tree of bureaus and schools, who supervises whom, classes and places."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Flag, Id, JsonText, Micros, Path, Ref, Str


class Organization(Base):
    """A bureau (教育局), a school (学校), or a place outside without accounts.

    `path` is "/province1/city1/county1/101/": scope is a prefix. `schooling` is the school's own 学制, e.g.
    {"primary": 6}; `registrars` and `principals` count active grants, so that an empty office is seen without a join.
    """

    __tablename__ = "organization"
    id: Mapped[Id]
    code: Mapped[Str] = mapped_column(unique=True)
    name: Mapped[Str]
    kind: Mapped[Str]  # bureau | holder (a 主管单位 that is no bureau, ZJ-06) | school | outside | system
    level: Mapped[Str]  # province | city | county | school | system
    parent_id: Mapped[Ref | None] = mapped_column(ForeignKey("organization.id"))
    path: Mapped[Path] = mapped_column(unique=True)
    division_code: Mapped[Str] = mapped_column(default="")
    stages: Mapped[list[str]] = mapped_column(JsonText, default=list)
    schooling: Mapped[dict[str, int]] = mapped_column(JsonText, default=dict)
    town: Mapped[Flag] = mapped_column(default=False)
    catchment: Mapped[Str] = mapped_column(default="")
    single_handed: Mapped[Flag] = mapped_column(default=False)
    city_powers: Mapped[Flag] = mapped_column(
        default=False, server_default=false()
    )  # 扩权县: decides as a city does (HN08-04)
    particulars: Mapped[dict[str, Any]] = mapped_column(
        JsonText, default=dict, server_default="{}"
    )  # 学校关键信息 beside these (BJ-05)
    successor_id: Mapped[Ref | None]  # where its records went when it was merged or closed (N13-12)
    policy: Mapped[Str | None]  # pack of this organization and all below it, unless they name their own
    registrars: Mapped[int] = mapped_column(default=0)
    principals: Mapped[int] = mapped_column(default=0)
    active: Mapped[Flag] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)


class Supervision(Base):
    """Which bureau supervises a school in a stage (学籍主管部门), from when to when."""

    __tablename__ = "supervision"
    id: Mapped[Id]
    school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    stage: Mapped[Str]
    bureau_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    __table_args__ = (
        Index(
            "uq_supervision_current",
            "school_id",
            "stage",
            unique=True,
            sqlite_where=text("valid_to IS NULL"),
            postgresql_where=text("valid_to IS NULL"),
        ),
    )


class SchoolClass(Base):
    """A class (班级). Its grade is `first_grade + school year - entered_year`; a place counts attending + held."""

    __tablename__ = "school_class"
    id: Mapped[Id]
    school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    stage: Mapped[Str]
    entered_year: Mapped[int]
    first_grade: Mapped[int]
    last_grade: Mapped[int]
    sequence: Mapped[int]
    name: Mapped[Str]
    programme: Mapped[Str | None]  # 学校类别、计划类别: decides who supervises (HN08-03)
    code: Mapped[Str | None] = mapped_column(unique=True)  # 班级编码, SY-03
    attending: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        UniqueConstraint("school_id", "stage", "entered_year", "sequence"),
        CheckConstraint("attending >= 0 AND held >= 0", name="places"),
    )


class SchoolStage(Base):
    """Places of a school in a stage (学籍总量, BJ-03): the quota, None where nobody set one, and what is taken."""

    __tablename__ = "school_stage"
    school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"), primary_key=True)
    stage: Mapped[Str] = mapped_column(primary_key=True)
    quota: Mapped[int | None]
    attending: Mapped[int] = mapped_column(default=0)
    held: Mapped[int] = mapped_column(default=0)
    __table_args__ = (CheckConstraint("attending >= 0 AND held >= 0", name="places"),)


class PlaceHold(Base):
    """A place held by a request (占位) from submit until it is released or the student arrives."""

    __tablename__ = "place_hold"
    request_id: Mapped[Id]
    class_id: Mapped[Ref] = mapped_column(ForeignKey("school_class.id"))
    held_at: Mapped[Micros]
    released_at: Mapped[Micros | None]
    outcome: Mapped[Str | None]  # moved | released
    __table_args__ = (
        Index(
            "ix_place_hold_open",
            "class_id",
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )
