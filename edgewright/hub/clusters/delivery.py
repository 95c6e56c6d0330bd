"""What a host gets of its cluster: the document, and the part that is for this host alone (rules P100, P101)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import Connection

from edgewright.core.clusters import model
from edgewright.core.clusters.document import read
from edgewright.core.clusters.host_slice import REGISTRY, HostSlice, RegistryLogin, Sealed, Source, slice_json
from edgewright.core.clusters.join import agent_token, host_secret
from edgewright.hub.clusters import store
from edgewright.hub.clusters.resolver import registries_of
from edgewright.hub.packs import tables as packs
from edgewright.hub.packs.fetching import access_of, place_of
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.services import Services

Json = dict[str, Any]


class Stored(NamedTuple):
    """What the database has of a cluster's document and secrets."""

    document: str
    version: int
    secret: bytes
    private: dict[str, str]


def load(connection: Connection, hub: Services, uid: str) -> Stored | None:
    """Return document and secrets of a cluster; `None` without the cluster. A deleted one has no secrets."""
    row = store.find(connection, uid)
    if row is None:
        return None
    version, secret = 1, b""
    if store.has_secret(connection, uid):
        version, secret = store.secret_of(connection, hub.box, uid)
    private = store.read_json(connection, hub.box, uid, store.PRIVATE)
    return Stored(row[1].document, version, secret, private)


def document_of(stored: Stored, lineage: str) -> model.ClusterDocument:
    """Return the document as it is now, with the lineage of the plane."""
    return dataclasses.replace(read(stored.document), lineage=lineage)


def slice_of(hub: Services, document: model.ClusterDocument, stored: Stored, host_uid: str) -> Json:
    """Return the part of one host. One that is to leave gets no secrets."""
    member = document.member(host_uid)
    if member is None or member.state == model.ABSENT or not stored.secret:
        return slice_json(HostSlice())
    controls = member.role == model.CONTROL_PLANE
    token = ""
    if not controls and document.kubernetes.distribution == model.K3S:
        token = agent_token(stored.secret)
    sealed = Sealed(
        version=stored.version,
        cluster_secret=stored.secret.hex() if controls else "",
        host_secret="" if controls else host_secret(stored.secret, host_uid).hex(),
        agent_token=token,
        registry_auth=tuple(_logins(hub, document)),
        masked_values=stored.private if controls else {},
    )
    return slice_json(HostSlice(sealed, tuple(_sources(hub, document))))


def _registries(hub: Services, wanted: Collection[str]) -> list[tuple[str, packs.RegistryRecord]]:
    result = []
    for record in hub.part(PackIndex).registries.values():
        if record.kind == packs.OCI:
            host = place_of(record).host
            if host in wanted:
                result.append((host, record))
    return sorted(result, key=lambda item: item[1].uid)


def access_sign(hub: Services, uid: str, registries: Collection[str]) -> str:
    """Return what changes when a login or an authority of a cluster's registries does (P107); "" without any.

    It is made with the key of this plane, so that it does not show whether two clusters have the same login.
    """
    parts = []
    for host, record in _registries(hub, registries):
        access = access_of(record, hub.box)
        login = access.login
        secret = "" if login is None else f"{login.user}\n{login.password}\n{login.identity_token}"
        parts.append(f"{host}\n{secret}\n{access.ca_pem or ''}")
    return hub.box.mark(f"access {uid}\n" + "\n\n".join(parts))[:16] if parts else ""


def _logins(hub: Services, document: model.ClusterDocument) -> list[RegistryLogin]:
    logins = []
    for host, record in _registries(hub, registries_of(document)):
        login = access_of(record, hub.box).login
        if login is not None:
            logins.append(RegistryLogin(host, login.user, login.password, login.identity_token))
    return logins


def _sources(hub: Services, document: model.ClusterDocument) -> list[Source]:
    return [
        Source(REGISTRY, f"https://{host}", ca=access_of(record, hub.box).ca_pem or "")
        for host, record in _registries(hub, registries_of(document))
    ]
