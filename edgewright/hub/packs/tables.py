"""Tables and records of registries and packs."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Column, Float, Index, String, Table, Text

from edgewright.hub.db import schema

registries = Table(
    "registries",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("doc", Text, nullable=False),
    Column("secret_encrypted", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("last_run", Float),
    Column("last_synced", Float),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Index("registries_name", "name", unique=True),
)
"""Sources of packs. `doc` is the body without secrets, `content` what the last look at it found, both JSON."""

packs = Table(
    "packs",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("registry_uid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("layer", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("doc", Text, nullable=False),
    Column("created", Float, nullable=False),
    Index("packs_registry", "registry_uid", "name", "version", unique=True),
)
"""Packs that were imported or fetched. `doc` is everything but the long texts, as JSON."""

pack_texts = Table(
    "pack_texts",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("values", Text, nullable=False),
    Column("readme", Text, nullable=False),
)
"""The long texts of packs; memory does not have them."""

HELM, OCI, PACK = "helm", "oci", "pack"
"""Kinds of registries. `pack` is the built-in catalogue and what was imported; it is in no table."""


class RegistryRecord(msgspec.Struct, frozen=True):
    """A row of `registries`; times are epoch seconds."""

    uid: str
    name: str
    kind: str
    endpoint: str
    doc: str
    secret_encrypted: str
    content: str
    status: str
    message: str
    last_run: float | None
    last_synced: float | None
    created: float
    modified: float

    @property
    def spec(self) -> dict[str, Any]:
        """Return the spec of the body, without secrets."""
        spec: dict[str, Any] = msgspec.json.decode(self.doc).get("spec") or {}
        return spec

    @property
    def private(self) -> bool:
        """Return whether an admin has allowed private addresses."""
        return bool((self.spec.get("edgewright") or {}).get("allowPrivate"))


class PackRecord(msgspec.Struct, frozen=True):
    """A row of `packs`."""

    uid: str
    registry_uid: str
    name: str
    version: str
    layer: str
    kind: str
    doc: str
    created: float
