"""What the record keeps beside its entries (学籍留存): key data as they were, and data that were given out."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Bucket, Bytes, Id, JsonText, Micros, Ref, Str


class DataHistory(Base):
    """Data of a student as they were before a request changed them (变更前信息), kept for good (NUM-06), append-only.

    `fields` names what changed, without values; `before` is their JSON as ciphertext.
    """

    __tablename__ = "data_history"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    student_id: Mapped[Ref] = mapped_column(ForeignKey("student.id"), index=True)
    request_id: Mapped[Ref] = mapped_column(ForeignKey("request.id"), index=True)
    fields: Mapped[list[str]] = mapped_column(JsonText)
    before: Mapped[Bytes]
    recorded_at: Mapped[Micros]


class FollowUp(Base):
    """What a completed request still has to bring about (后续处理), written with its completion and gone when done."""

    __tablename__ = "follow_up"
    request_id: Mapped[Id] = mapped_column(ForeignKey("request.id"))
    due_at: Mapped[Micros]


class ReleasedData(Base):
    """Data that a request gives out (对外提供的数据), de-identified (N25-21): fetched once, by who asked for them.

    `content` is the CSV; it is gone after it was fetched, while its hash and its numbers stay.
    """

    __tablename__ = "released_data"
    request_id: Mapped[Ref] = mapped_column(ForeignKey("request.id"), primary_key=True)
    content: Mapped[Str | None]
    sha256: Mapped[Str]
    columns: Mapped[list[str]] = mapped_column(JsonText)
    group_count: Mapped[int]
    pupils: Mapped[int]
    withheld: Mapped[int]  # pupils of groups too small to be given out
    produced_at: Mapped[Micros]
    fetched_at: Mapped[Micros | None]
    fetched_by: Mapped[Ref | None] = mapped_column(ForeignKey("account.id"))


__all__ = ["DataHistory", "ReleasedData"]
