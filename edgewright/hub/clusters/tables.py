"""The tables of clusters, and their rows as records."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from edgewright.hub.db import schema

clusters = Table(
    "clusters",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("project_uid", String, nullable=False),
    Column("live_name", String),
    Column("phase", String, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("digest", String, nullable=False),
    Column("head", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("modified", Float, nullable=False),
    Column("deleting_at", Float),
    Column("deleted_at", Float),
    Index("clusters_name", "project_uid", "live_name", unique=True),
)
"""`live_name` is the name until the cluster is deleted: then another one may have it. `head` is what memory has, as
JSON: everything but values, documents and secrets."""

cluster_texts = Table(
    "cluster_texts",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("profiles", Text, nullable=False),
    Column("document", Text, nullable=False),
)
"""Copies of the profiles as they were attached, with values; and the document. Memory has neither."""

cluster_claims = Table(
    "cluster_claims",
    schema.metadata,
    Column("host_uid", String, primary_key=True),
    Column("cluster_uid", String, nullable=False),
    Column("at", Float, nullable=False),
    Index("cluster_claims_cluster", "cluster_uid"),
)
"""Which cluster a host belongs to, until its release is confirmed: one row for each host, whoever asks first."""

cluster_keys = Table(
    "cluster_keys",
    schema.metadata,
    Column("cluster_uid", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("secret_encrypted", Text, nullable=False),
    Column("created", Float, nullable=False),
)
"""The secret that everything with which hosts join is derived from, sealed; in no log, export or document."""

cluster_secrets = Table(
    "cluster_secrets",
    schema.metadata,
    Column("cluster_uid", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value_encrypted", Text, nullable=False),
    Column("modified", Float, nullable=False),
)
"""Values of masked variables, masked values of the resolved layers, kubeconfigs; each sealed."""

cluster_reports = Table(
    "cluster_reports",
    schema.metadata,
    Column("cluster_uid", String, primary_key=True),
    Column("host_uid", String, primary_key=True),
    Column("transitions", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
    Column("doc", Text, nullable=False),
)
"""What was reported last: of the cluster by its leader (`host_uid` empty), and of each host by itself."""


class ClusterRecord(msgspec.Struct, frozen=True):
    """A row of `clusters`; times are epoch seconds. `phase` is `active`, `deleting`, `deleted` or `adopting`."""

    uid: str
    name: str
    project_uid: str
    live_name: str | None
    phase: str
    generation: int
    digest: str
    head: str
    created: float
    modified: float
    deleting_at: float | None = None
    deleted_at: float | None = None

    @property
    def parts(self) -> dict[str, Any]:
        """Return the head as a fresh dictionary (`clusters.form`)."""
        parts: dict[str, Any] = msgspec.json.decode(self.head)
        return parts


class ReportRecord(msgspec.Struct, frozen=True):
    """A row of `cluster_reports`."""

    cluster_uid: str
    host_uid: str
    transitions: int
    at: float
    doc: str

    @property
    def uid(self) -> str:
        """Return the uid of the cluster: readers get the cluster when a report changes it."""
        return self.cluster_uid


ACTIVE, DELETING_PHASE, DELETED_PHASE = "active", "deleting", "deleted"
ADOPTING_PHASE = "adopting"
"""A cluster that the plane did not know: there is a row and no document, until a control plane hands it over (P106)."""
