"""Tables of the relay. A stream has a row only while it waits for its host: the row is how other hubs learn of it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Column, Float, Integer, String, Table

from edgewright.hub.db import schema

relay_streams = Table(
    "relay_streams",
    schema.metadata,
    Column("uid", String, primary_key=True),
    Column("cluster_uid", String, nullable=False),
    Column("host_uid", String, nullable=False),
    Column("port", Integer, nullable=False),
    Column("hub", String, nullable=False),
    Column("address", String, nullable=False),
    Column("until", Float, nullable=False),
)
"""`hub` is the process that has the client's end, `address` its URL."""

relay_reach = Table(
    "relay_reach",
    schema.metadata,
    Column("cluster_uid", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("since", Float, nullable=False),
    Column("error", String, nullable=False),
)
"""Whether the last stream to the API of a cluster opened; a row changes only when that does."""


class StreamRecord(msgspec.Struct, frozen=True):
    """A row of `relay_streams`; `until` in epoch seconds."""

    uid: str
    cluster_uid: str
    host_uid: str
    port: int
    hub: str
    address: str
    until: float


class ReachRecord(msgspec.Struct, frozen=True):
    """A row of `relay_reach`; `since` in epoch seconds."""

    cluster_uid: str
    state: str
    since: float
    error: str

    @property
    def uid(self) -> str:
        """Return the uid of the cluster: readers get the cluster."""
        return self.cluster_uid
