"""Store who handles a problem, who receives alerts, and the messages that wait for a receiver."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the four tables; they begin empty."""
    op.create_table(
        "handling",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.Column("acknowledged_at", sa.Float()),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("silenced_until", sa.Float()),
        sa.Column("updated_by", sa.String(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("gone_at", sa.Float()),
    )
    op.create_table(
        "alert_receivers",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("secret_encrypted", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
        sa.Column("last_success", sa.Float()),
        sa.Column("last_failure", sa.Float()),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
    )
    op.create_table(
        "alert_problems",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("opened", sa.Float(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("notified", sa.Text(), nullable=False),
        sa.Column("gone_at", sa.Float()),
    )
    op.create_table(
        "alert_outbox",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("uid", sa.String(), nullable=False, unique=True),
        sa.Column("receiver_uid", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.Float(), nullable=False),
    )
    op.create_index("alert_outbox_receiver", "alert_outbox", ["receiver_uid", "id"])
