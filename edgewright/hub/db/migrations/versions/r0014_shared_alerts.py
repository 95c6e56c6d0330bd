"""Store the present alerts, so that every hub on the database shows the same ones, and name the hubs' directories."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; it begins empty, since causes that continue show themselves again."""
    op.create_table(
        "alerts",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("last", sa.Float(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
    )
    op.add_column("hub_processes", sa.Column("directory", sa.String()))
