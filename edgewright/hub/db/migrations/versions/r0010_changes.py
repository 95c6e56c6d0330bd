"""Store a log of changes, numbered in the order of the commits."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the log and its head.

    Numbers begin at the time in milliseconds: until now each start of a hub began its stream there, so a reader with
    such a number is sent to the lists once.
    """
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("op", sa.String(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("doc", sa.Text()),
    )
    head = op.create_table(
        "change_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": int(time.time() * 1000)}])
