"""What waits below each place of the tree is counted as it changes.

Triggers of `request_party` keep the counters: on SQLite a later migration that copies that table must make them anew,
or `workflow-service check` would find counters that stand still.
"""

import sqlalchemy as sa
from alembic import op

from workflow_service.sql.counters import HOLDS, POSTGRESQL, SQLITE

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None

PATH = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "box_count",
        sa.Column("parent", PATH, nullable=False),
        sa.Column("path", PATH, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("parent", "path", "due_at", name=op.f("pk_box_count")),
    )
    op.create_table(
        "box_delta",
        sa.Column("path", PATH, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.SmallInteger(), nullable=False),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.get_bind().exec_driver_sql(statement)
    # What is open already waits to be folded like everything else.
    op.get_bind().exec_driver_sql(f"INSERT INTO box_delta (path, due_at, amount) {HOLDS}")
