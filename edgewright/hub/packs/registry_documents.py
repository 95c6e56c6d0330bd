"""Registries as clients see them: Palette's documents of each kind, without secrets."""

from __future__ import annotations

from typing import Any

import msgspec

from edgewright.core import times
from edgewright.hub.packs import tables
from edgewright.hub.packs.index import BUILTIN, IMPORTED, OWN, PackIndex
from edgewright.hub.packs.tables import RegistryRecord

MASKED = "********"
"""What is shown in place of a secret, and what a body sends to leave it as it is."""
SUCCESS, FAILED, IN_PROGRESS = "Success", "Failed", "InProgress"
SYSTEM, TENANT = "system", "tenant"
_SCOPES = {BUILTIN: SYSTEM, IMPORTED: TENANT}
_MESSAGES = {BUILTIN: "It is shipped with the hub.", IMPORTED: "Packs that were imported without a registry."}


def meta(record: RegistryRecord) -> dict[str, Any]:
    """Return the metadata of a registry."""
    stored = msgspec.json.decode(record.doc).get("metadata") or {}
    return {
        **stored,
        "uid": record.uid,
        "name": record.name,
        "labels": stored.get("labels") or {},
        "annotations": stored.get("annotations") or {},
        "creationTimestamp": times.rfc3339(record.created),
        "lastModifiedTimestamp": times.rfc3339(record.modified),
    }


def spec(record: RegistryRecord) -> dict[str, Any]:
    """Return the spec with its secrets masked."""
    shown = dict(record.spec)
    auth = dict(shown.get("auth") or {})
    for key, kind in (("password", "basic"), ("token", "token")):
        if auth.get("type") == kind:
            auth[key] = MASKED
    return {**shown, "auth": auth, "endpoint": record.endpoint, "scope": TENANT, "registryUid": record.uid}


def sync(record: RegistryRecord, busy: bool) -> dict[str, Any]:
    """Return the state of the last look (`v1RegistrySyncStatus`)."""
    shown: dict[str, Any] = {
        "isSyncSupported": True,
        "status": IN_PROGRESS if busy else record.status,
        "message": record.message,
    }
    for key, at in (("lastRunTime", record.last_run), ("lastSyncedTime", record.last_synced)):
        if at is not None:
            shown[key] = times.rfc3339(at)
    return shown


def complete(record: RegistryRecord, busy: bool) -> dict[str, Any]:
    """Return a registry in full (`v1HelmRegistry`, `v1BasicOciRegistry`)."""
    if record.kind == tables.HELM:
        return {
            "apiVersion": "v1",
            "kind": tables.HELM,
            "metadata": meta(record),
            "spec": {**spec(record), "name": record.name},
            "status": {"helmSyncStatus": sync(record, busy)},
        }
    document = {**spec(record), "isSyncSupported": True, "providerType": record.spec.get("providerType") or "pack"}
    return {
        "kind": "oci",
        "metadata": meta(record),
        "spec": document,
        "status": {"syncStatus": sync(record, busy)},
    }


def summary(record: RegistryRecord, busy: bool) -> dict[str, Any]:
    """Return a registry as its list of summaries has it (`v1HelmRegistrySummary`, `v1OciRegistry`)."""
    shown: dict[str, Any] = {
        "endpoint": record.endpoint,
        "isPrivate": bool(record.spec.get("isPrivate")),
        "scope": TENANT,
    }
    if record.kind == tables.OCI:
        shown |= {"registryType": "basic", "providerType": record.spec.get("providerType") or "pack"}
    return {"metadata": meta(record), "spec": shown, "status": {"sync": sync(record, busy)}}


def own(uid: str, full: bool) -> dict[str, Any]:
    """Return a registry of the hub's own as a pack registry (`v1PackRegistry`, else its summary)."""
    status = {"isSyncSupported": False, "status": SUCCESS, "message": _MESSAGES[uid]}
    shown: dict[str, Any] = {"endpoint": "built-in", "private": False, "scope": _SCOPES[uid]}
    meta_ = {"uid": uid, "name": OWN[uid], "annotations": {}, "labels": {}}
    if not full:
        return {"metadata": meta_, "spec": shown, "status": {"sync": status}}
    shown |= {"name": OWN[uid], "registryUid": uid, "auth": {"type": "noAuth"}}
    return {
        "apiVersion": "v1",
        "kind": tables.PACK,
        "metadata": meta_,
        "spec": shown,
        "status": {"packSyncStatus": status},
    }


def metadata_item(record: RegistryRecord) -> dict[str, Any]:
    """Return what `registries/metadata` lists of a registry (`v1RegistryMetadata`)."""
    return {
        "uid": record.uid,
        "name": record.name,
        "kind": record.kind,
        "scope": TENANT,
        "isDefault": False,
        "isPrivate": bool(record.spec.get("isPrivate")),
    }


def own_metadata(uid: str) -> dict[str, Any]:
    """Return a registry of the hub's own as `registries/metadata` lists it."""
    shown = {"uid": uid, "name": OWN[uid], "kind": "pack", "scope": _SCOPES[uid]}
    return {**shown, "isDefault": uid == BUILTIN, "isPrivate": False}


def row(record: RegistryRecord, index: PackIndex, busy: bool) -> dict[str, Any]:
    """Return a registry of any kind in one form, for lists of our own and for the change stream."""
    auth = record.spec.get("auth") or {}
    return {
        "metadata": meta(record),
        "spec": {
            "kind": record.kind,
            "endpoint": record.endpoint,
            "authType": auth.get("type") or "noAuth",
            "username": auth.get("username") or "",
            "hasCa": bool((auth.get("tls") or {}).get("ca")),
            "allowPrivate": record.private,
        },
        "status": {"sync": sync(record, busy), "packs": index.names_of(record.uid)},
    }


def own_row(uid: str, index: PackIndex) -> dict[str, Any]:
    """Return a registry of the hub's own in the same form."""
    document = own(uid, False)
    shown = {"kind": "pack", "endpoint": "built-in", "authType": "noAuth", "username": "", "hasCa": False}
    return {
        "metadata": document["metadata"],
        "spec": {**shown, "allowPrivate": False},
        "status": {"sync": document["status"]["sync"], "packs": index.names_of(uid)},
    }
