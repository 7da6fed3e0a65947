"""PostgreSQL no longer checks what a transition copies from the request's own row."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_DROPPED = (
    ("request", "fk_request_holder_id"),
    ("judgement", "fk_judgement_pack_id"),
    ("request_party", "fk_request_party_request_id"),
    ("request_party", "fk_request_party_organization_id"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, name in _DROPPED:
            op.drop_constraint(name, table, type_="foreignkey")
