"""Store which boots of a host were replaced, so that a late heartbeat stays late over a restart (rule P17)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing is known of the boots before."""
    op.add_column("heartbeats", sa.Column("gone_boots", sa.Text(), nullable=False, server_default="[]"))
