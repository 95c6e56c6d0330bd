"""Store roles of users in projects, users that are not active, SSH keys, and tag filters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables; every user of before is active, with the role that was stored."""
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true()))
        users.add_column(sa.Column("doc", sa.Text(), nullable=False, server_default="{}"))
        users.add_column(sa.Column("modified", sa.Float()))
        users.add_column(sa.Column("last_sign_in", sa.Float()))
        users.add_column(sa.Column("activation_hash", sa.String()))
        users.add_column(sa.Column("activation_encrypted", sa.Text()))
        users.add_column(sa.Column("activation_until", sa.Float()))
    op.create_index("users_activation", "users", ["activation_hash"], unique=True)
    op.create_table(
        "project_roles",
        sa.Column("user_uid", sa.String(), primary_key=True),
        sa.Column("project_uid", sa.String(), primary_key=True),
        sa.Column("roles", sa.String(), nullable=False),
    )
    op.create_index("project_roles_project", "project_roles", ["project_uid"])
    op.create_table(
        "ssh_keys",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_index("ssh_keys_name", "ssh_keys", ["project_uid", "name"], unique=True)
    op.create_index("ssh_keys_fingerprint", "ssh_keys", ["project_uid", "fingerprint"], unique=True)
    op.create_table(
        "tag_filters",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
