"""Accounts (账号), what they may do where, and who looked at what."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Bytes, Flag, Id, Micros, Ref, Str


class Account(Base):
    """A login. Four eyes is about persons: two accounts of one person share `person_id`."""

    __tablename__ = "account"
    id: Mapped[Id]
    username: Mapped[Str] = mapped_column(unique=True)
    name: Mapped[Str]
    person_id: Mapped[Ref]
    password: Mapped[Str]
    organization_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    active: Mapped[Flag] = mapped_column(default=True)
    created_at: Mapped[Micros]
    last_used_at: Mapped[Micros | None]


class RoleGrant(Base):
    """A role at the account's organization (岗位): registrar, principal, teacher, viewer, network, admin, security,
    auditor. A transition names the version of the grant it used."""

    __tablename__ = "role_grant"
    id: Mapped[Id]
    account_id: Mapped[Ref] = mapped_column(ForeignKey("account.id"))
    organization_id: Mapped[Ref] = mapped_column(ForeignKey("organization.id"))
    role: Mapped[Str]
    version: Mapped[int] = mapped_column(default=1)
    granted_at: Mapped[Micros]
    revoked_at: Mapped[Micros | None]
    __table_args__ = (
        Index(
            "uq_role_grant_active",
            "account_id",
            "role",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )


class Token(Base):
    """A session of a page or a program (会话), revocable at once; only its hash is kept."""

    __tablename__ = "token"
    hash: Mapped[Bytes] = mapped_column(primary_key=True)
    account_id: Mapped[Ref] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[Str]  # api | page
    created_at: Mapped[Micros]
    expires_at: Mapped[Micros]  # real time
    revoked_at: Mapped[Micros | None]


class AccessLog(Base):
    """Who looked at or did what outside a transition (访问日志), append-only: reveals, imports, sign-ins, papers."""

    __tablename__ = "access_log"
    id: Mapped[Id]
    at: Mapped[Micros]
    recorded_at: Mapped[Micros]
    account_id: Mapped[Ref | None]
    action: Mapped[Str]
    object_id: Mapped[Ref | None] = mapped_column(index=True)
    purpose: Mapped[Str | None]
    detail: Mapped[Str | None]
