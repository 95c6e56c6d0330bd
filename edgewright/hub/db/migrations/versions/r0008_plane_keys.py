"""Store the keys of the plane in its database, wrapped by the key file, so that every hub of it has the same."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; the first start afterwards fills it from the data directory."""
    op.create_table(
        "plane_keys",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
