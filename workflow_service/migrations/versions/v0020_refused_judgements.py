"""What was refused is kept with its facts too, so that a looser pack can be replayed."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refused_judgement",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("pack_id", sa.BigInteger(), nullable=False),
        sa.Column("origin_pack_id", sa.BigInteger(), nullable=False),
        sa.Column("route_rule", sa.Text(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_refused_judgement_request_id")),
        sa.ForeignKeyConstraint(["pack_id"], ["pack_version.id"], name=op.f("fk_refused_judgement_pack_id")),
        sa.ForeignKeyConstraint(
            ["origin_pack_id"], ["pack_version.id"], name=op.f("fk_refused_judgement_origin_pack_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_judgement")),
        sa.UniqueConstraint("request_id", "event", "rules", name=op.f("uq_refused_judgement_request_id_event_rules")),
    )
    op.create_index("ix_refused_judgement_at", "refused_judgement", ["at"])
