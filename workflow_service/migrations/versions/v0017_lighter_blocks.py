"""Keys of likeness blocks are numbers, and PostgreSQL no longer checks what is written from a student's own row.

There are fewer blocks too, and they are made from numbers that the database cannot read: all are dropped, and the check
of the last month's end is begun anew, which makes the blocks of whoever has none and compares everybody (NUM-08).
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None

_DROPPED = ("student_number", "enrolment", "guardian")


def upgrade() -> None:
    """What was found stays in the queue: no pair is put there twice."""
    op.drop_table("likeness_block")
    blocks = [
        sa.Column("student_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("weak", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("student_id", "key", name=op.f("pk_likeness_block")),
    ]
    to_student = sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_likeness_block_student_id"))
    if op.get_bind().dialect.name == "postgresql":
        for table in _DROPPED:
            op.drop_constraint(f"fk_{table}_student_id", table, type_="foreignkey")
        op.create_table("likeness_block", *blocks)
    else:
        op.create_table("likeness_block", *blocks, to_student)
    op.create_index("ix_likeness_block_key", "likeness_block", ["key"])
    op.execute("DELETE FROM duplicate_sweep WHERE month_end = (SELECT max(month_end) FROM duplicate_sweep)")
