"""Store whether the value of a macro is masked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the macros that exist are not masked."""
    op.add_column("macros", sa.Column("masked", sa.Boolean(), nullable=False, server_default=sa.false()))
