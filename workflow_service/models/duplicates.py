"""Records that may be one person (疑似重复): how they are found, what was said, what was merged."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Flag, Id, JsonText, Micros, Path, Ref, Str, named_only


class LikenessBlock(Base):
    """Keyed hashes, eight bytes each, of parts of a record (分块): region and birth, region and tail, birth and tail, a
    name by its sound and by its shape. Two records that share one are compared; those that share none need not be.

    `named`: the part is a name; `weak`: the record has no usable identity number, so that a name alone may tell.
    """

    __tablename__ = "likeness_block"
    student_id: Mapped[Ref] = mapped_column(primary_key=True)
    key: Mapped[Ref] = mapped_column(primary_key=True)
    named: Mapped[Flag]
    weak: Mapped[Flag]
    __table_args__ = (named_only("student_id", "student.id"), Index("ix_likeness_block_key", "key"))


class IdentityFinding(Base):
    """What is wrong with an identity number (证件号问题), kept because lists cannot ask an encrypted column.

    `code` is a code of `states.identity.Fault`.
    """

    __tablename__ = "identity_finding"
    student_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"), primary_key=True)
    code: Mapped[Str] = mapped_column(primary_key=True)


class DuplicatePair(Base):
    """Two records that may be one person (疑似重复对), once whatever the order: `first_id` is the smaller.

    `subject_id`: who is corrected or remains. An open pair with outcome `change` waits for the correction. `round`
    tells the words of this time from those before a merge was undone. The paths are the schools' at the finding.
    """

    __tablename__ = "duplicate_pair"
    id: Mapped[Id]
    first_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"))
    second_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"), index=True)
    first_school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    second_school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    first_path: Mapped[Path] = mapped_column(index=True)
    second_path: Mapped[Path] = mapped_column(index=True)
    kind: Mapped[Str]
    strength: Mapped[int]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JsonText)
    state: Mapped[Str] = mapped_column(default="open")
    outcome: Mapped[Str | None]
    subject_id: Mapped[Ref | None]
    request_id: Mapped[Ref | None]
    round: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(default=1)
    found_at: Mapped[Micros]
    found_by: Mapped[Str]  # registered | changed | month_end | undone
    decided_at: Mapped[Micros | None]
    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        CheckConstraint("first_id < second_id", name="unordered"),
        CheckConstraint("state IN ('open', 'decided')", name="state"),
        CheckConstraint("kind IN ('same_number', 'near_number', 'same_name')", name="kind"),
        CheckConstraint("outcome IS NULL OR outcome IN ('proof', 'change', 'merge')", name="outcome"),
        CheckConstraint("(state = 'decided') = (decided_at IS NOT NULL)", name="decided"),
    )


class DuplicateWord(Base):
    """What a unit said about a pair (处理意见), append-only; the last one of a unit in a round counts.

    `outcome` is proof, change, merge or undo.
    """

    __tablename__ = "duplicate_word"
    id: Mapped[Id]
    pair_id: Mapped[Ref] = mapped_column(ForeignKey("duplicate_pair.id"), index=True)
    round: Mapped[int]
    organization_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    account_id: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    outcome: Mapped[Str]
    subject_id: Mapped[Ref | None]
    comment: Mapped[Str]
    verified: Mapped[Flag]
    guardian_agrees: Mapped[Flag]
    at: Mapped[Micros]
    recorded_at: Mapped[Micros]


class StudentMerge(Base):
    """A record that was merged into another (并入): it keeps its past, and points to the one that remains.

    `before`: status, problem record and enrolment of the merged one, so that the merge can be undone.
    """

    __tablename__ = "student_merge"
    id: Mapped[Id]
    pair_id: Mapped[Ref] = mapped_column(ForeignKey("duplicate_pair.id"))
    kept_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"), index=True)
    gone_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"))
    before: Mapped[dict[str, Any]] = mapped_column(JsonText)
    merged_at: Mapped[Micros]
    undone_at: Mapped[Micros | None]
    __table_args__ = (
        Index(
            "uq_student_merge_gone",
            "gone_id",
            unique=True,
            sqlite_where=text("undone_at IS NULL"),
            postgresql_where=text("undone_at IS NULL"),
        ),
        CheckConstraint("kept_id <> gone_id", name="other"),
    )


class DuplicateSweep(Base):
    """The duplicate check of a month's end (月末查重, NUM-08): how far it is, so that any process goes on with it."""

    __tablename__ = "duplicate_sweep"
    month_end: Mapped[date] = mapped_column(primary_key=True)
    after_id: Mapped[Ref] = mapped_column(default=0)
    found: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[Micros]
    finished_at: Mapped[Micros | None]
