"""What alembic runs for each command: the connection comes from the caller, so no alembic.ini and no URL is needed."""

from __future__ import annotations

from alembic import context

from edgewright.hub.db import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    compare_type=True,
    compare_server_default=True,
    # One transaction for each revision, and its row of alembic_version in it: after a power cut the database has the
    # schema before the revision or the one after it. The engines begin SQLite's transactions themselves, so DDL takes
    # part in them as on PostgreSQL; alembic assumes that of PostgreSQL only.
    transaction_per_migration=True,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
