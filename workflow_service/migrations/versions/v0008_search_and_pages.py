"""Names are found by any two characters, lists go on from where they were, and what lies below a bureau is a range.

On SQLite the parts of names are kept by triggers of `student`: a later migration that copies that table must make them
anew, or nobody whose name changes would be found again.
"""

import sqlalchemy as sa
from alembic import op

from workflow_service.sql.name_parts import POSTGRESQL, SQLITE

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

PATHS = (("organization", "path"), ("request_party", "path"), ("duplicate_pair", "first_path"),
         ("duplicate_pair", "second_path"), ("outage", "path"))  # fmt: skip


def upgrade() -> None:
    op.create_index("ix_request_due", "request", ["due_at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        # In the order of their characters, whatever the locale: only then is a prefix one range of an index.
        for table, column in PATHS:
            op.alter_column(table, column, type_=sa.Text(collation="C"), existing_type=sa.Text())
    sqlite = (*SQLITE, "UPDATE student SET name = name")
    for statement in sqlite if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.get_bind().exec_driver_sql(statement)
