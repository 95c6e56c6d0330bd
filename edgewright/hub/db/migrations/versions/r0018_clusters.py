"""Store clusters: what they are to be, who belongs to them, their secrets, and what is reported of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "clusters",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("live_name", sa.String()),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
        sa.Column("deleting_at", sa.Float()),
        sa.Column("deleted_at", sa.Float()),
    )
    op.create_index("clusters_name", "clusters", ["project_uid", "live_name"], unique=True)
    op.create_table(
        "cluster_texts",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("profiles", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
    )
    op.create_table(
        "cluster_claims",
        sa.Column("host_uid", sa.String(), primary_key=True),
        sa.Column("cluster_uid", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )
    op.create_index("cluster_claims_cluster", "cluster_claims", ["cluster_uid"])
    op.create_table(
        "cluster_keys",
        sa.Column("cluster_uid", sa.String(), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("secret_encrypted", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
    )
    op.create_table(
        "cluster_secrets",
        sa.Column("cluster_uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value_encrypted", sa.Text(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_table(
        "cluster_reports",
        sa.Column("cluster_uid", sa.String(), primary_key=True),
        sa.Column("host_uid", sa.String(), primary_key=True),
        sa.Column("transitions", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
    )
