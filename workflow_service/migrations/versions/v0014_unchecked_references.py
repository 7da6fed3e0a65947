"""PostgreSQL no longer checks what a transition copies from the request's own row."""

from alembic import op

from workflow_service.models.requests import NAMED_ONLY

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, name in NAMED_ONLY:
            op.drop_constraint(name, table, type_="foreignkey")
