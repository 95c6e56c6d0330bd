"""The tables of the change log."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Integer, String, Table, Text

from edgewright.hub.db import schema

changes = Table(
    "changes",
    schema.metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("kind", String, nullable=False),
    Column("op", String, nullable=False),
    Column("uid", String, nullable=False),
    Column("project", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("doc", Text),
)
"""The change log, for an hour or so: what memory and readers follow. Heartbeats are not in it."""

change_head = Table(
    "change_head",
    schema.metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)
"""One row with the number of the newest change; a batch that raises it locks it until its commit."""
