"""Column types that mean the same on SQLite and PostgreSQL.

An instant is one integer, microseconds UTC: both engines compare, index and return it alike, and the hot statements
bind it without a conversion. Legal days are DATE, never instants (Asia/Shanghai had summer time until 1991).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import orjson
from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, LargeBinary, MetaData, SmallInteger, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

from states.calendar import SHANGHAI

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_HERE = EPOCH.astimezone(SHANGHAI)
NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC. A naive datetime is refused: it would silently mean another zone elsewhere."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The instant as an aware datetime in Asia/Shanghai, the zone of all legal time."""
    return _EPOCH_HERE + timedelta(microseconds=micros)  # Its zone has one offset: no other day needs another.


def iso(micros: int | None) -> str | None:
    """ISO 8601 with offset, as the API shows it."""
    return None if micros is None else from_micros(micros).isoformat()


class JsonText(TypeDecorator[Any]):
    """JSON kept as its exact text: what was written is what is read, hashed and shown."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else loads(value)


def dumps(value: Any) -> str:
    """Compact JSON with Chinese left readable and keys in the order given."""
    return orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


loads: Final = orjson.loads
"""JSON as values; ten texts are read and seven written in a transition, where the standard library costs 0.1 ms."""


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMING)


Id = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]
Ref = Annotated[int, mapped_column(BigInteger)]
Micros = Annotated[int, mapped_column(BigInteger)]
Bucket = Annotated[int, mapped_column(SmallInteger)]
Bytes = Annotated[bytes, mapped_column(LargeBinary)]
Str = Annotated[str, mapped_column(Text)]
Path = Annotated[str, mapped_column(Text().with_variant(Text(collation="C"), "postgresql"))]
"""A place in the tree, "/province/city1/": compared by its characters, so that all below it is one range."""
Flag = Annotated[bool, mapped_column(Boolean)]

NAMED_ONLY = (
    ("request", "fk_request_holder_id"),
    ("judgement", "fk_judgement_pack_id"),
    ("request_party", "fk_request_party_request_id"),
    ("request_party", "fk_request_party_organization_id"),
    ("student_number", "fk_student_number_student_id"),
    ("enrolment", "fk_enrolment_student_id"),
    ("guardian", "fk_guardian_student_id"),
    ("likeness_block", "fk_likeness_block_student_id"),
)
"""References that PostgreSQL does not check: they are written from the request's or the student's own row, and what
they point to is never deleted. Checking cost a sixth of a transition there, locked a bureau's row for all its requests,
and cost two fifths of what the tables of an import take. `workflow-service check` looks for loose ones (K1).
"""


def named_only(column: str, to: str) -> ForeignKeyConstraint:
    """One of `NAMED_ONLY`: SQLite checks it, where it costs nothing."""
    return ForeignKeyConstraint([column], [to]).ddl_if(dialect="sqlite")
