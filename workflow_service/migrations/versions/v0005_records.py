"""Data as they were before a change, data that were given out, and papers of a student that no request gives."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_history",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("student_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_data_history_request_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_data_history_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_history")),
    )
    with op.batch_alter_table("data_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_data_history_student_id"), ["student_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_data_history_request_id"), ["request_id"], unique=False)

    op.create_table(
        "released_data",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("group_count", sa.Integer(), nullable=False),
        sa.Column("pupils", sa.Integer(), nullable=False),
        sa.Column("withheld", sa.Integer(), nullable=False),
        sa.Column("produced_at", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("fetched_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["fetched_by"], ["account.id"], name=op.f("fk_released_data_fetched_by")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_released_data_request_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_released_data")),
    )

    with op.batch_alter_table("paper", schema=None) as batch_op:
        batch_op.alter_column("request_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.add_column(sa.Column("student_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_paper_student_id"), "student", ["student_id"], ["id"])
        batch_op.create_check_constraint("about", "request_id IS NOT NULL OR student_id IS NOT NULL")
        batch_op.create_index(batch_op.f("ix_paper_student_id"), ["student_id"], unique=False)
