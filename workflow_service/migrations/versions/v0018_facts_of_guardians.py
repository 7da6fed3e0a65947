"""Birth date, identity number, education and occupation of a guardian stand in the guardian's own row, encrypted.

They stood in the student's profile, where a second guardian's took the place of the first's. Whose those are is not
known: they stay there, and are shown there, until the same fact is given again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("birth_date", "identity_number", "education", "occupation"):
        op.add_column("guardian", sa.Column(name, sa.LargeBinary(), nullable=True))
