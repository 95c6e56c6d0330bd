"""Store streams of the relay that wait for their host, and how each cluster was reached."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "relay_streams",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("cluster_uid", sa.String(), nullable=False),
        sa.Column("host_uid", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("hub", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
    )
    op.create_table(
        "relay_reach",
        sa.Column("cluster_uid", sa.String(), primary_key=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
    )
