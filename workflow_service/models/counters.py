"""Counters (计数): how much waits below each place of the tree, so that no roll-up counts requests."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, SmallInteger, Table, Text
from sqlalchemy.orm import Mapped, mapped_column

from workflow_service.models.columns import Base, Path

_PATH = Text().with_variant(Text(collation="C"), "postgresql")


class BoxCount(Base):
    """How many open holds lie at or below `path` and are due at `due_at` (microseconds; `boxes.NEVER` where none is).

    It is what was folded so far: true is the sum of this and of `BOX_DELTA`, read in one statement. `parent` is the
    path above, so that all that lies directly below a bureau is one range. A row with nothing pending is removed.
    """

    __tablename__ = "box_count"
    parent: Mapped[Path] = mapped_column(primary_key=True)
    path: Mapped[Path] = mapped_column(primary_key=True)
    due_at: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    pending: Mapped[int] = mapped_column(BigInteger)


BOX_DELTA = Table(
    "box_delta",
    Base.metadata,
    Column("path", _PATH, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("amount", SmallInteger, nullable=False),
)
"""What has changed since (计数流水), one row per hold that opened (1) or closed (-1): written by triggers of
`request_party` (`workflow_service.sql.counters`), folded by `workflow_service.sweeps.counters`. It has no key and no
index: writers of one office never meet, and a row costs as little as a row can."""
