"""Store registries, and packs that were imported or fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "registries",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("secret_encrypted", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("last_run", sa.Float()),
        sa.Column("last_synced", sa.Float()),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_index("registries_name", "registries", ["name"], unique=True)
    op.create_table(
        "packs",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("registry_uid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("layer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
    )
    op.create_index("packs_registry", "packs", ["registry_uid", "name", "version"], unique=True)
    op.create_table(
        "pack_texts",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("readme", sa.Text(), nullable=False),
    )
