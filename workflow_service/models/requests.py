"""Requests (业务申请) and all that one transition writes beside them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Bucket, Bytes, Flag, Id, JsonText, Micros, Path, Ref, Str, named_only
from workflow_service.models.packed import PackedFacts


class Request(Base):
    """One request. The route is fixed at submit; `open` is submitted and not final: that is what locks (2002).

    `units`: {"destination_school": [id, path], …}. `due_at` is the legal end of the step; `wake_at` with `wake_event`
    is what the sweeps do next; `wipe_at` is SYS-46's. `chain` is the hash of the last history row.
    """

    __tablename__ = "request"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    number: Mapped[Str] = mapped_column(unique=True)
    kind: Mapped[Str]
    state: Mapped[Str]
    version: Mapped[int]
    open: Mapped[Flag] = mapped_column(default=False)
    final: Mapped[Flag] = mapped_column(default=False)
    subject_id: Mapped[Ref]
    lock_group: Mapped[Str | None]
    student_id: Mapped[Ref | None] = mapped_column(ForeignKey("student.id"))
    named: Mapped[Str | None]  # the name as the applicant gave it (SYS-04)
    named_hash: Mapped[Bytes | None]  # the number as given
    pack_id: Mapped[Ref] = mapped_column(ForeignKey("pack_version.id"))
    origin_pack_id: Mapped[Ref] = mapped_column(ForeignKey("pack_version.id"))
    route_rule: Mapped[Str]
    route: Mapped[list[str]] = mapped_column(JsonText)
    units: Mapped[dict[str, list[Any]]] = mapped_column(JsonText)
    starter: Mapped[Str]  # destination_school | origin_school
    applicant_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    batch_id: Mapped[Ref | None]
    origin_school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    destination_school_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    class_id: Mapped[Ref | None] = mapped_column(ForeignKey("school_class.id"))
    grade: Mapped[int]
    ground: Mapped[Str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    holder_id: Mapped[Ref | None]
    holder_path: Mapped[Str | None]
    holder_role: Mapped[Str | None]
    approvals: Mapped[list[str]] = mapped_column(JsonText, default=list)
    state_since: Mapped[Micros]
    due_at: Mapped[Micros | None]
    clock: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    paused: Mapped[list[Any]] = mapped_column(JsonText, default=list)  # [[from, to], …] days a clock stood still
    days_left: Mapped[int | None]
    shared_used: Mapped[int] = mapped_column(default=0)
    provisional: Mapped[Flag] = mapped_column(default=False)
    returned_from: Mapped[Str | None]
    intake: Mapped[dict[str, Any] | None] = mapped_column(JsonText)  # the window as judged at submit
    wake_at: Mapped[Micros | None]
    wake_event: Mapped[Str | None]  # expire | remind | escalate | take_effect
    wipe_at: Mapped[Micros | None]
    escalated: Mapped[Flag] = mapped_column(default=False)
    created_at: Mapped[Micros]
    created_by: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    submitted_at: Mapped[Micros | None]
    completed_at: Mapped[Micros | None]
    chain: Mapped[Bytes]
    __table_args__ = (
        named_only("holder_id", "organization.id"),
        CheckConstraint(
            "state IN ('draft','returned','completed','rejected','recalled','expired')"
            " OR substr(state, 1, 9) = 'awaiting_'",
            name="state",
        ),
        CheckConstraint("NOT (open AND final)", name="open"),
        Index(
            "uq_request_open_subject",
            "subject_id",
            "lock_group",
            unique=True,
            sqlite_where=text("open AND lock_group IS NOT NULL"),
            postgresql_where=text("open AND lock_group IS NOT NULL"),
        ),
        Index(
            "uq_request_draft",
            "applicant_id",
            "subject_id",
            "kind",
            unique=True,
            sqlite_where=text("state = 'draft'"),
            postgresql_where=text("state = 'draft'"),
        ),
        Index(
            "ix_request_wake",
            "wake_event",
            "wake_at",
            sqlite_where=text("wake_at IS NOT NULL"),
            postgresql_where=text("wake_at IS NOT NULL"),
        ),
        Index(
            "ix_request_wipe",
            "wipe_at",
            sqlite_where=text("wipe_at IS NOT NULL"),
            postgresql_where=text("wipe_at IS NOT NULL"),
        ),
        Index("ix_request_provisional", "id", sqlite_where=text("provisional"), postgresql_where=text("provisional")),
        Index("ix_request_student", "student_id"),
        Index("ix_request_due", "due_at", "id"),
        Index(
            "ix_request_batch",
            "batch_id",
            sqlite_where=text("batch_id IS NOT NULL"),
            postgresql_where=text("batch_id IS NOT NULL"),
        ),
    )


class Batch(Base):
    """A parent of requests filed together (批次): one child per student; it never decides for a child."""

    __tablename__ = "batch"
    id: Mapped[Id]
    number: Mapped[Str] = mapped_column(unique=True)
    kind: Mapped[Str]
    organization_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"), index=True)
    path: Mapped[Str]
    data: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    created_at: Mapped[Micros]
    created_by: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    version: Mapped[int] = mapped_column(default=1)


class Judgement(Base):
    """The facts as they were judged with one event (裁决时的事实), append-only: what replaying a new pack needs."""

    __tablename__ = "judgement"
    history_id: Mapped[Id]
    bucket: Mapped[Bucket]
    request_id: Mapped[Ref]
    at: Mapped[Micros]
    event: Mapped[Str]
    pack_id: Mapped[Ref]
    facts: Mapped[str] = mapped_column(PackedFacts)
    __table_args__ = (named_only("pack_id", "pack_version.id"), Index("ix_judgement_pack", "pack_id", "at"))


class RefusedJudgement(Base):
    """The facts of a decision that was refused (未通过的裁决), the latest per request, event and refusing rules.

    `rules`: their ids in order, with spaces between. Packs and route are those judged by: a draft's own may be others.
    """

    __tablename__ = "refused_judgement"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    request_id: Mapped[Ref] = mapped_column(ForeignKey("request.id"))
    event: Mapped[Str]
    rules: Mapped[Str]
    at: Mapped[Micros]
    pack_id: Mapped[Ref] = mapped_column(ForeignKey("pack_version.id"))
    origin_pack_id: Mapped[Ref] = mapped_column(ForeignKey("pack_version.id"))
    route_rule: Mapped[Str]
    facts: Mapped[str] = mapped_column(PackedFacts)
    __table_args__ = (UniqueConstraint("request_id", "event", "rules"), Index("ix_refused_judgement_at", "at"))


class RequestParty(Base):
    """Who has to do with a request (参与方). `duty`: applicant, origin, destination, bureau; `hold` while it is their
    turn, `escalated` for whoever was told of a silence. Boxes are indexed predicates over these rows.

    `opened`: the request's version at which the duty began; with the unit it makes the row unique.
    """

    __tablename__ = "request_party"
    request_id: Mapped[Ref] = mapped_column(primary_key=True)
    organization_id: Mapped[Ref] = mapped_column(primary_key=True)
    duty: Mapped[Str] = mapped_column(primary_key=True)
    opened: Mapped[int] = mapped_column(primary_key=True)
    bucket: Mapped[Bucket]
    path: Mapped[Path]
    role: Mapped[Str | None]
    due_at: Mapped[Micros | None]
    from_at: Mapped[Micros]
    to_at: Mapped[Micros | None]
    __table_args__ = (
        named_only("request_id", "request.id"),
        named_only("organization_id", "organization.id"),
        Index(
            "ix_request_party_hold",
            "organization_id",
            "due_at",
            "request_id",
            sqlite_where=text("duty = 'hold' AND to_at IS NULL"),
            postgresql_where=text("duty = 'hold' AND to_at IS NULL"),
        ),
        Index("ix_request_party_path", "path", "request_id"),
    )


class History(Base):
    """The trail of one object (留痕), append-only: a request or a student. `payload` is the exact text that is hashed:
    hash = sha256(previous hash + payload). `seq` is the object's version after the event, so that a gap shows.
    """

    __tablename__ = "history"
    object_id: Mapped[Ref] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[Ref] = mapped_column(unique=True)
    bucket: Mapped[Bucket]
    object_type: Mapped[Str]  # request | student
    at: Mapped[Micros]  # legal time
    recorded_at: Mapped[Micros]  # real time
    event: Mapped[Str]
    from_state: Mapped[Str | None]
    to_state: Mapped[Str]
    account_id: Mapped[Ref | None]
    person_id: Mapped[Ref | None]
    organization_id: Mapped[Ref | None]
    payload: Mapped[Str]
    hash: Mapped[Bytes]


class HistoryComment(Base):
    """An opinion (意见), beside the chain: erasable, while its salted hash in the payload stays."""

    __tablename__ = "history_comment"
    history_id: Mapped[Id]
    comment: Mapped[Str]
    salt: Mapped[Str]


class RequestDocument(Base):
    """A document of a request (材料). The file lies in the store under its SHA-256; a removed one keeps its row."""

    __tablename__ = "request_document"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    request_id: Mapped[Ref] = mapped_column(ForeignKey("request.id"))
    kind: Mapped[Str]
    name: Mapped[Str]
    media_type: Mapped[Str]
    size: Mapped[int]
    sha256: Mapped[Str]
    organization_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    account_id: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    uploaded_at: Mapped[Micros]
    removed_at: Mapped[Micros | None]
    __table_args__ = (
        Index(
            "ix_request_document_current",
            "request_id",
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )


class RequestKey(Base):
    """An idempotency key (幂等键): one result per person, route and key. The answer is kept as it was sent."""

    __tablename__ = "request_key"
    account_id: Mapped[Ref] = mapped_column(primary_key=True)
    route: Mapped[Str] = mapped_column(primary_key=True)
    key: Mapped[Str] = mapped_column(primary_key=True)
    body_hash: Mapped[Bytes]
    object_id: Mapped[Ref]
    created_at: Mapped[Micros]
    status: Mapped[int | None]
    etag: Mapped[Str | None]
    answer: Mapped[Str | None]
    __table_args__ = (
        # What cleaning asks for: a few bytes for every 128 pages, where a tree would cost each transition a write.
        Index(
            "ix_request_key_age", "created_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}
        ).ddl_if(dialect="postgresql"),
    )


class Outbox(Base):
    """A message that leaves after the commit (发件箱). `position` is stamped by one sweep: ids are not commit order."""

    __tablename__ = "outbox"
    id: Mapped[Id]
    bucket: Mapped[Bucket]
    topic: Mapped[Str]
    object_id: Mapped[Ref]
    seq: Mapped[int]
    body: Mapped[Str]
    created_at: Mapped[Micros]
    position: Mapped[int | None] = mapped_column(unique=True)
    delivered_at: Mapped[Micros | None]
    attempts: Mapped[int] = mapped_column(default=0)
    __table_args__ = (
        UniqueConstraint("object_id", "seq"),
        Index(
            "ix_outbox_undelivered",
            "id",
            sqlite_where=text("delivered_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL"),
        ),
    )


class Notice(Base):
    """A message to an organization (消息): reminders, escalations, windows that open and close; what the outbox
    delivers inside this installation."""

    __tablename__ = "notice"
    id: Mapped[Id]
    organization_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"), index=True)
    topic: Mapped[Str]
    object_id: Mapped[Ref | None]
    body: Mapped[dict[str, Any]] = mapped_column(JsonText)
    at: Mapped[Micros]
    read_at: Mapped[Micros | None]


class Paper(Base):
    """A paper that was printed (文书): numbered, and found again by the code on it. Of a request, or of a student."""

    __tablename__ = "paper"
    id: Mapped[Id]
    request_id: Mapped[Ref | None] = mapped_column(ForeignKey("request.id"))
    student_id: Mapped[Ref | None] = mapped_column(ForeignKey("student.id"), index=True)
    kind: Mapped[Str]
    number: Mapped[Str] = mapped_column(unique=True)
    code: Mapped[Str] = mapped_column(unique=True)
    issued_at: Mapped[Micros]
    issued_by: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    __table_args__ = (
        UniqueConstraint("request_id", "kind"),
        CheckConstraint("request_id IS NOT NULL OR student_id IS NOT NULL", name="about"),
    )
