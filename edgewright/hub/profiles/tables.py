"""Tables and records of cluster profiles and macros."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Boolean, Column, Float, Index, String, Table, Text, false

from edgewright.hub.db import schema

profiles = Table(
    "profiles",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("project_uid", String, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("head", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Index("profiles_name", "project_uid", "name", "version", unique=True),
)
"""One row for each version of a profile. `head` is what lists show, as JSON: metadata, and the packs without values."""

profile_texts = Table(
    "profile_texts",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("draft", Text, nullable=False),
    Column("published", Text, nullable=False),
)
"""The stored form of the draft and of what was published last (JSON, each may be empty); memory does not have it."""

macros = Table(
    "macros",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("project_uid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("value_encrypted", Text, nullable=False),
    Column("modified", Float, nullable=False),
    Column("masked", Boolean, nullable=False, server_default=false()),
    Index("macros_name", "project_uid", "name", unique=True),
)
"""Macros of projects, and of the tenant (without a project). Values may be secrets, so they are sealed."""


class ProfileRecord(msgspec.Struct, frozen=True):
    """A row of `profiles`; times are epoch seconds."""

    uid: str
    name: str
    version: str
    project_uid: str
    published: bool
    head: str
    created: float
    modified: float

    @property
    def parts(self) -> dict[str, Any]:
        """Return the head: `metadata`, `draft` and `published` (each may be `None`), `macros`."""
        parts: dict[str, Any] = msgspec.json.decode(self.head)
        return parts


class MacroRecord(msgspec.Struct, frozen=True):
    """A row of `macros`; the value of a masked one never leaves the hub."""

    uid: str
    project_uid: str
    name: str
    value_encrypted: str
    modified: float
    masked: bool = False
