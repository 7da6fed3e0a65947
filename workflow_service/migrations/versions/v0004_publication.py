"""Versions of a pack that wait for a second person's signature."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policy_proposal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("cases", sa.Text(), nullable=False),
        sa.Column("difference", sa.Text(), nullable=False),
        sa.Column("replay", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("signed_by", sa.BigInteger(), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["proposed_by"], ["account.id"], name=op.f("fk_policy_proposal_proposed_by")),
        sa.ForeignKeyConstraint(["signed_by"], ["account.id"], name=op.f("fk_policy_proposal_signed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_proposal")),
        sa.UniqueConstraint(
            "pack", "kind", "version", "sha256", name=op.f("uq_policy_proposal_pack_kind_version_sha256")
        ),
    )
