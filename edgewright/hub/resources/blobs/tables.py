"""The tables of blobs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table

from edgewright.hub.db import schema

blobs = Table(
    "blobs",
    schema.metadata,
    Column("project_uid", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("touched", Float, nullable=False),
    Index("blobs_digest", "digest"),
)
"""Content by its SHA-256, of a project or of the tenant. `touched`: when it was sent or named last."""

blob_pieces = Table(
    "blob_pieces",
    schema.metadata,
    Column("project_uid", String, primary_key=True),
    Column("digest", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
