"""Prevent a v0.1.0 hub from using the database of a later release.

v0.1.0 knows nothing of `alembic_version`: it compares `schema_version` with the two steps it has. A third row makes it
refuse to start ("written by a newer hub") instead of writing rows that lack what later revisions add.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Write schema number 3 where v0.1.0 looks for it."""
    table = sa.table("schema_version", sa.column("version", sa.Integer), sa.column("applied_at", sa.Float))
    op.execute(sa.insert(table).values(version=3, applied_at=time.time()))
