"""The tables of release v0.1.0.

Written out here, apart from `edgewright.hub.db.schema`: a released revision is never edited, also not by way of a table
that it borrows from the present schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table of schema 1, and the table in which v0.1.0 counted its steps."""
    op.create_table(
        "schema_version",
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("applied_at", sa.Float(), nullable=False),
        if_not_exists=True,  # a first start of v0.1.0 that was interrupted leaves it empty
    )
    op.create_table(
        "settings",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "projects",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, unique=True),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("email", sa.String(), nullable=False, unique=True),
        sa.Column("first_name", sa.String(), nullable=False),
        sa.Column("last_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False, unique=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("user_uid", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expiry", sa.Float()),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False, unique=True),
        sa.Column("secret_encrypted", sa.Text(), nullable=False),
        sa.Column("project_uid", sa.String()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expiry", sa.Float()),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
    )
    op.create_table(
        "hosts",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("modified", sa.Float(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("registered_at", sa.Float()),
        sa.Column("registration_hash", sa.String()),
        sa.Column("credential_hash", sa.String()),
        sa.Column("pending_hash", sa.String()),
        sa.Column("pairing_hash", sa.String()),
        sa.Column("token_uid", sa.String()),
        sa.Column("address", sa.String(), nullable=False),
    )
    op.create_index("hosts_token", "hosts", ["token_uid"])
    op.create_table(
        "heartbeats",
        sa.Column("uid", sa.String(), primary_key=True),
        sa.Column("at", sa.Float()),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("boot_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("agent_version", sa.String(), nullable=False),
        sa.Column("observed_generation", sa.Integer(), nullable=False),
        sa.Column("vitals", sa.Text(), nullable=False),
    )
    op.create_table(
        "gone_credentials",
        sa.Column("hash", sa.String(), primary_key=True),
        sa.Column("host_uid", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
    )
    op.create_table(
        "host_fields",
        sa.Column("host_uid", sa.String(), primary_key=True),
        sa.Column("field", sa.String(), primary_key=True),
        sa.Column("generation", sa.Integer(), nullable=False),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("host_uid", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("deadline", sa.Float()),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String()),
        sa.Column("result", sa.Text()),
        sa.Column("finished", sa.Float()),
    )
    op.create_index("operations_host", "operations", ["host_uid", "state"])
    op.create_index("operations_key", "operations", ["host_uid", "idempotency_key"], unique=True)
    op.create_table(
        "intents",
        sa.Column("host_uid", sa.String(), primary_key=True),
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("base_generation", sa.Integer(), nullable=False),
        sa.Column("base_value", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.Float()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received", sa.Float(), nullable=False),
    )
    op.create_table(
        "logs",
        sa.Column("host_uid", sa.String(), primary_key=True),
        sa.Column("operation_id", sa.String(), primary_key=True),
        sa.Column("offset", sa.Integer(), primary_key=True),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("received", sa.Float(), nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("uid", sa.String(), nullable=False, unique=True),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_uid", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
    )
    op.create_index("events_at", "events", ["at"])
    op.create_index("events_object", "events", ["kind", "object_uid", "at"])
    op.create_table(
        "audits",
        sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
        sa.Column("uid", sa.String(), nullable=False, unique=True),
        sa.Column("project_uid", sa.String(), nullable=False),
        sa.Column("user_uid", sa.String(), nullable=False),
        sa.Column("action_type", sa.String(), nullable=False),
        sa.Column("resource_kind", sa.String(), nullable=False),
        sa.Column("resource_uid", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
    )
    op.create_index("audits_at", "audits", ["at"])
