"""How far the numbering of a month's end is, and one class code and one pupil code for one class and pupil."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_sweep",
        sa.Column("month_end", sa.Date(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("month_end", name=op.f("pk_number_sweep")),
    )
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.create_unique_constraint(batch_op.f("uq_student_local_code"), ["local_code"])
    with op.batch_alter_table("school_class", schema=None) as batch_op:
        batch_op.create_unique_constraint(batch_op.f("uq_school_class_code"), ["code"])
