"""Old keys are found by the pages they stand on; facts of a decision are asked for by their pack alone."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the range index of keys on PostgreSQL, drop the index that no query used."""
    op.drop_index("ix_judgement_request_id", table_name="judgement")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX ix_request_key_age ON request_key USING brin (created_at) WITH (autosummarize = on)")
