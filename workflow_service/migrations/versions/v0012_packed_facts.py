"""Facts of decisions are kept packed: 0.2 KB instead of 2 KB each."""

import sqlalchemy as sa
from alembic import op

from workflow_service.models.packed import PackedFacts

revision = "0012"
down_revision = "0011"

BATCH = 1000
_OLD = sa.table("judgement", sa.column("history_id"), sa.column("facts", sa.Text), sa.column("packed", PackedFacts))


def upgrade() -> None:
    """Add the packed column, fill it, and let it take the old one's place."""
    with op.batch_alter_table("judgement") as table:
        table.add_column(sa.Column("packed", sa.LargeBinary(), nullable=True))
    connection, last = op.get_bind(), 0
    while rows := connection.execute(
        sa.select(_OLD.c.history_id, _OLD.c.facts)
        .where(_OLD.c.history_id > last)
        .order_by(_OLD.c.history_id)
        .limit(BATCH)
    ).all():
        for history_id, facts in rows:
            connection.execute(sa.update(_OLD).where(_OLD.c.history_id == history_id).values(packed=facts))
        last = rows[-1].history_id
    with op.batch_alter_table("judgement") as table:
        table.drop_column("facts")
        table.alter_column("packed", new_column_name="facts", existing_type=sa.LargeBinary(), nullable=False)
