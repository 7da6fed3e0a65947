"""Students (学生) and their enrolments (学籍): one current enrolment per student, for life, effective and recorded."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Connection, ForeignKey, Index, event, text
from sqlalchemy.orm import Mapped, mapped_column

from states.student_status import STATUSES
from workflow_service.models.columns import Base, Bucket, Bytes, Flag, Id, JsonText, Micros, Ref, Str, named_only
from workflow_service.sql.name_parts import POSTGRESQL, SQLITE

_KNOWN = ", ".join(f"'{status}'" for status in sorted(STATUSES))


class Student(Base):
    """A person with a status. Identity and student numbers are encrypted, and found by keyed hashes.

    `chain` is the hash of the student's last history row.
    """

    __tablename__ = "student"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    name: Mapped[Str]
    pinyin: Mapped[Str]  # "zhang xiao ming zxm": full and initials, what the search box takes
    former_name: Mapped[Str | None]
    sex: Mapped[Str]
    birth_date: Mapped[date]
    identity_type: Mapped[Str] = mapped_column(default="1")
    identity_number: Mapped[Bytes | None]
    identity_hash: Mapped[Bytes | None]
    student_number: Mapped[Bytes | None]
    student_number_hash: Mapped[Bytes | None] = mapped_column(unique=True)
    status: Mapped[Str]
    problem: Mapped[Str | None]  # kind of the problem record (问题学籍), SYS-30
    special_education: Mapped[Flag] = mapped_column(default=False)
    local_code: Mapped[Str | None] = mapped_column(unique=True)  # 学生编码, not the student number (SY-04)
    profile: Mapped[dict[str, Any]] = mapped_column(
        JsonText, default=dict, server_default="{}"
    )  # data that no rule protects (SYS-21)
    version: Mapped[int] = mapped_column(default=1)
    chain: Mapped[Bytes]
    __table_args__ = (
        CheckConstraint(f"status IN ({_KNOWN})", name="status"),
        Index("ix_student_identity_hash", "identity_hash"),
        Index("ix_student_name", "name"),
    )


def _index_names(table: Any, connection: Connection, **_: Any) -> None:
    for statement in POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE:
        connection.exec_driver_sql(statement)


event.listen(Student.__table__, "after_create", _index_names)
ONE_ENGINE_ONLY = frozenset({"ix_student_name_parts", "name_part", "ix_request_key_age"})
"""What stands in one engine's schema and in no model: whoever compares the two leaves it out."""


class StudentNumber(Base):
    """The registry of student numbers by keyed hash (学籍号登记): uniqueness that survives sharding by student."""

    __tablename__ = "student_number"
    number_hash: Mapped[Bytes] = mapped_column(primary_key=True)
    student_id: Mapped[Ref] = mapped_column(unique=True)
    __table_args__ = (named_only("student_id", "student.id"),)


class NumberHistory(Base):
    """Every student number that a student ever had (学籍号沿革, NUM-02…06): L and J may become G, none is forgotten."""

    __tablename__ = "number_history"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    student_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"), index=True)
    number: Mapped[Bytes]
    number_hash: Mapped[Bytes] = mapped_column(index=True)
    request_id: Mapped[Ref | None]
    recorded_at: Mapped[Micros]


class NumberSweep(Base):
    """The numbers after the duplicate check of a month's end (查重后编号, NUM-08): how far they are given."""

    __tablename__ = "number_sweep"
    month_end: Mapped[date] = mapped_column(primary_key=True)
    after_id: Mapped[Ref] = mapped_column(default=0)
    given: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[Micros]
    finished_at: Mapped[Micros | None]


class RegisterEntry(Base):
    """A dated entry of a student's record (学籍事项): hardship, guest attendance, a suspension, a result, an award.

    Effective (`valid_from`, `valid_to`) and recorded (`recorded_at`, `ended_at`) time, both legal; one row per matter,
    which a request opens and another one closes. `section` is a word of `states.kinds.SECTIONS`; `data` what was found.
    """

    __tablename__ = "register_entry"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    student_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"))
    section: Mapped[Str]
    school_id: Mapped[Ref | None] = mapped_column(ForeignKey("organization.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    recorded_at: Mapped[Micros]
    ended_at: Mapped[Micros | None]
    request_id: Mapped[Ref | None]
    end_request_id: Mapped[Ref | None]
    data: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    __table_args__ = (
        Index("ix_register_entry_student", "student_id", "section"),
        Index(
            "ix_register_entry_open",
            "school_id",
            "section",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class Guardian(Base):
    """A guardian (监护人, SY-08); all but the relation is encrypted. `birth_date`: an ISO 8601 day."""

    __tablename__ = "guardian"
    id: Mapped[Id]
    student_id: Mapped[Ref] = mapped_column(index=True)
    relation: Mapped[Str]
    name: Mapped[Bytes]
    phone: Mapped[Bytes | None]
    phone_hash: Mapped[Bytes | None]
    birth_date: Mapped[Bytes | None]
    identity_number: Mapped[Bytes | None]
    education: Mapped[Bytes | None]
    occupation: Mapped[Bytes | None]
    __table_args__ = (named_only("student_id", "student.id"),)


class Enrolment(Base):
    """Where a status hangs (学籍所在): student, school, class, from and to, effective and recorded.

    Both are legal time, as what was known on a day is: in real time, a moved `TODAY` would know nobody.
    """

    __tablename__ = "enrolment"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    student_id: Mapped[Ref] = mapped_column(index=True)
    school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    class_id: Mapped[Ref] = mapped_column(ForeignKey("school_class.id"))
    stage: Mapped[Str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    recorded_at: Mapped[Micros]
    ended_at: Mapped[Micros | None]  # recorded time of the end
    start_reason: Mapped[Str]
    end_reason: Mapped[Str | None]
    start_request_id: Mapped[Ref | None]
    end_request_id: Mapped[Ref | None]
    __table_args__ = (
        named_only("student_id", "student.id"),
        Index(
            "uq_enrolment_current",
            "student_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_enrolment_school_current",
            "school_id",
            "class_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )
