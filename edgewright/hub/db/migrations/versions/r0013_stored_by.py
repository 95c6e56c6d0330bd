"""Note which hub stored a heartbeat, so that a hub reads those of the others only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing is known of the heartbeats before."""
    op.add_column("heartbeats", sa.Column("stored_by", sa.String()))
