"""Keys of likeness blocks are numbers, and PostgreSQL no longer checks what is written from a student's own row."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None

_DROPPED = ("student_number", "enrolment", "guardian", "likeness_block")


def upgrade() -> None:
    """The first eight bytes of each key become a number: what is found stays what it was."""
    if op.get_bind().dialect.name == "postgresql":
        for table in _DROPPED:
            op.drop_constraint(f"fk_{table}_student_id", table, type_="foreignkey")
        number = "('x' || encode(substring(key FROM 1 FOR 8), 'hex'))::bit(64)::bigint"
        op.alter_column("likeness_block", "key", type_=sa.BigInteger(), postgresql_using=number)
    else:
        _rebuild()


def _rebuild() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    driver.create_function("number_of", 1, lambda key: int.from_bytes(key[:8], signed=True))
    op.drop_index("ix_likeness_block_key", table_name="likeness_block")
    op.rename_table("likeness_block", "likeness_block_before")
    op.create_table(
        "likeness_block",
        sa.Column("student_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("weak", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_likeness_block_student_id")),
        sa.PrimaryKeyConstraint("student_id", "key", name=op.f("pk_likeness_block")),
    )
    op.execute(
        "INSERT OR IGNORE INTO likeness_block (student_id, key, named, weak) "
        "SELECT student_id, number_of(key), named, weak FROM likeness_block_before"
    )
    op.drop_table("likeness_block_before")
    op.create_index("ix_likeness_block_key", "likeness_block", ["key"])
