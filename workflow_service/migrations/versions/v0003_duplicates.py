"""Records that may be one person: blocks, pairs, what was said, what was merged, the check of a month."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_sweep",
        sa.Column("month_end", sa.Date(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("month_end", name=op.f("pk_duplicate_sweep")),
    )
    op.create_table(
        "duplicate_pair",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("second_id", sa.BigInteger(), nullable=False),
        sa.Column("first_school_id", sa.BigInteger(), nullable=False),
        sa.Column("second_school_id", sa.BigInteger(), nullable=False),
        sa.Column("first_path", sa.Text(), nullable=False),
        sa.Column("second_path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("strength", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'decided') = (decided_at IS NOT NULL)", name=op.f("ck_duplicate_pair_decided")),
        sa.CheckConstraint("kind IN ('same_number', 'near_number', 'same_name')", name=op.f("ck_duplicate_pair_kind")),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('proof', 'change', 'merge')", name=op.f("ck_duplicate_pair_outcome")
        ),
        sa.CheckConstraint("state IN ('open', 'decided')", name=op.f("ck_duplicate_pair_state")),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_duplicate_pair_unordered")),
        sa.ForeignKeyConstraint(["first_id"], ["student.id"], name=op.f("fk_duplicate_pair_first_id")),
        sa.ForeignKeyConstraint(
            ["first_school_id"], ["organization.id"], name=op.f("fk_duplicate_pair_first_school_id")
        ),
        sa.ForeignKeyConstraint(["second_id"], ["student.id"], name=op.f("fk_duplicate_pair_second_id")),
        sa.ForeignKeyConstraint(
            ["second_school_id"], ["organization.id"], name=op.f("fk_duplicate_pair_second_school_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pair")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_duplicate_pair_first_id_second_id")),
    )
    with op.batch_alter_table("duplicate_pair", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duplicate_pair_first_path"), ["first_path"], unique=False)
        batch_op.create_index(batch_op.f("ix_duplicate_pair_second_id"), ["second_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duplicate_pair_second_path"), ["second_path"], unique=False)

    op.create_table(
        "identity_finding",
        sa.Column("student_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_identity_finding_student_id")),
        sa.PrimaryKeyConstraint("student_id", "code", name=op.f("pk_identity_finding")),
    )
    op.create_table(
        "likeness_block",
        sa.Column("student_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("weak", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_likeness_block_student_id")),
        sa.PrimaryKeyConstraint("student_id", "key", name=op.f("pk_likeness_block")),
    )
    with op.batch_alter_table("likeness_block", schema=None) as batch_op:
        batch_op.create_index("ix_likeness_block_key", ["key"], unique=False)

    op.create_table(
        "duplicate_word",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("guardian_agrees", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_duplicate_word_account_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_duplicate_word_organization_id")
        ),
        sa.ForeignKeyConstraint(["pair_id"], ["duplicate_pair.id"], name=op.f("fk_duplicate_word_pair_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_word")),
    )
    with op.batch_alter_table("duplicate_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duplicate_word_pair_id"), ["pair_id"], unique=False)

    op.create_table(
        "student_merge",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pair_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("gone_id", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("merged_at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kept_id <> gone_id", name=op.f("ck_student_merge_other")),
        sa.ForeignKeyConstraint(["gone_id"], ["student.id"], name=op.f("fk_student_merge_gone_id")),
        sa.ForeignKeyConstraint(["kept_id"], ["student.id"], name=op.f("fk_student_merge_kept_id")),
        sa.ForeignKeyConstraint(["pair_id"], ["duplicate_pair.id"], name=op.f("fk_student_merge_pair_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student_merge")),
    )
    with op.batch_alter_table("student_merge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_student_merge_kept_id"), ["kept_id"], unique=False)
        batch_op.create_index(
            "uq_student_merge_gone",
            ["gone_id"],
            unique=True,
            sqlite_where=sa.text("undone_at IS NULL"),
            postgresql_where=sa.text("undone_at IS NULL"),
        )
