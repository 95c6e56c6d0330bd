"""Store cluster profiles and macros."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "profiles",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_index("profiles_name", "profiles", ["project_uid", "name", "version"], unique=True)
    op.create_table(
        "profile_texts",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("draft", sa.Text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
    )
    op.create_table(
        "macros",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value_encrypted", sa.Text(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_index("macros_name", "macros", ["project_uid", "name"], unique=True)
