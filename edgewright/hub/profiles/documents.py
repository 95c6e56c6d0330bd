"""Profiles as clients see them: Palette's documents."""

from __future__ import annotations

from typing import Any

from edgewright.core import times
from edgewright.core.profiles.lifecycle import ordered_versions
from edgewright.hub.packs.index import PackIndex
from edgewright.hub.packs.pack_documents import preset, schema_entry
from edgewright.hub.profiles.index import ProfileIndex, ProfileUses
from edgewright.hub.profiles.tables import ProfileRecord
from edgewright.hub.services import Services

Json = dict[str, Any]


def metadata(record: ProfileRecord) -> Json:
    """Return the metadata; `annotations.scope` is `project` or `tenant`, which clients require."""
    stored = record.parts["metadata"]
    annotations = {**(stored.get("annotations") or {}), "scope": "project" if record.project_uid else "tenant"}
    if record.project_uid:
        annotations["projectUid"] = record.project_uid
    return {
        **stored,
        "uid": record.uid,
        "name": record.name,
        "labels": stored.get("labels") or {},
        "annotations": annotations,
        "creationTimestamp": times.rfc3339(record.created),
        "lastModifiedTimestamp": times.rfc3339(record.modified),
    }


def versions(hub: Services, record: ProfileRecord) -> list[Json]:
    """Return all versions of a profile in semantic order (`v1ClusterProfileVersion`)."""
    known = hub.part(ProfileIndex).versions(record.project_uid, record.name)
    uids = {version: uid for uid, version in known.items()}
    return [{"uid": uids[version], "version": version} for version in ordered_versions(uids)]


def profile(hub: Services, record: ProfileRecord, draft: Json | None, live: Json | None) -> Json:
    """Return a profile with its packs and values (`v1ClusterProfile`)."""
    index = hub.part(PackIndex)
    spec: Json = {"version": record.version, "versions": versions(hub, record)}
    if draft is not None:
        spec["draft"] = _template(record, draft, index)
    if live is not None:
        spec["published"] = _template(record, live, index)
    return {
        "apiVersion": "v1",
        "kind": "ClusterProfile",
        "metadata": metadata(record),
        "spec": spec,
        "status": {
            "hasUserMacros": bool(record.parts["macros"]),
            "isPublished": record.published,
            "inUseClusterTemplates": [],
            "inUseClusterUids": [use.uid for use in hub.part(ProfileUses).of(record.uid)],
            "inUseClusters": [
                {"kind": "spectrocluster", "uid": use.uid, "name": use.name, "projectUid": record.project_uid}
                for use in hub.part(ProfileUses).of(record.uid)
            ],
        },
    }


def _template(record: ProfileRecord, content: Json, index: PackIndex) -> Json:
    servers = {item["registryUid"] for item in content["packs"] if item["registryUid"]}
    return {
        "name": record.name,
        "uid": record.uid,
        "type": content["type"],
        "cloudType": content["cloudType"],
        "profileVersion": record.version,
        "version": 1,
        "packServerSecret": "",
        "packServerRefs": [{"kind": "pack", "name": index.registry_name(uid), "uid": uid} for uid in sorted(servers)],
        "packs": [reference(item, index) for item in content["packs"]],
    }


def reference(item: Json, index: PackIndex) -> Json:
    """Return a pack of a profile (`v1PackRef`). It is invalid when its registry no longer has it."""
    view = index.views.get(item["uid"])
    pack = view.pack if view is not None else None
    removed = bool(item["uid"]) and view is None
    return {
        "name": item["name"],
        "layer": item["layer"],
        "type": item["type"],
        "tag": item["tag"],
        "version": item["tag"],
        "packUid": item["uid"],
        "registryUid": item["registryUid"],
        "values": item["values"],
        "manifests": [{"kind": "Manifest", "name": part["name"], "uid": part["uid"]} for part in item["manifests"]],
        "annotations": dict(pack.annotations) if pack is not None else {},
        "presets": [preset(entry) for entry in pack.presets] if pack is not None else [],
        "schema": [schema_entry(entry) for entry in pack.schema] if pack is not None else [],
        "params": {},
        "digest": "",
        "logo": "",
        "server": "",
        "isInvalid": removed,
        "inValidReason": "The registry no longer has this pack." if removed else "",
    }


def packs(content: Json, index: PackIndex) -> Json:
    """Return the packs of a profile one by one (`v1ClusterProfilePacksEntities`)."""
    return {"items": [pack(item, index) for item in content["packs"]]}


def pack(item: Json, index: PackIndex) -> Json:
    """Return a pack of a profile (`v1ClusterProfilePacksEntity`)."""
    view = index.views.get(item["uid"])
    full = reference(item, index)
    spec = {key: full[key] for key in ("name", "layer", "type", "version", "registryUid", "values", "manifests")}
    spec |= {key: full[key] for key in ("annotations", "presets", "schema")}
    spec["displayName"] = view.title if view is not None else item["name"]
    return {"metadata": {"uid": item["uid"], "name": item["name"]}, "spec": spec, "status": {}}


def pack_config(item: Json, scope: str, base: Json | None = None) -> Json:
    """Return the configuration of a pack (`v1PackConfig`); `base` is the pack of the profile that it overrides."""
    parts = {part["name"]: part["content"] for part in (base or {}).get("manifests") or ()}
    manifests = [
        {
            "uid": part["uid"],
            "name": part["name"],
            "digest": "",
            "parentUid": "",
            "isOverridden": base is not None and parts.get(part["name"]) != part["content"],
        }
        for part in item["manifests"]
    ]
    spec = {
        "associatedObject": "",
        "isValuesOverridden": base is not None and base["values"] != item["values"],
        "manifests": manifests,
        "name": item["name"],
        "packUid": item["uid"],
        "scope": scope,
        "tag": item["tag"],
        "type": item["type"],
        "values": item["values"],
        "version": item["tag"],
    }
    return {"spec": spec}


def manifest(part: Json, live: bool, draft: bool) -> Json:
    """Return a manifest with its content (`v1ManifestEntity`)."""
    spec = {}
    if live:
        spec["published"] = {"content": part["content"], "digest": ""}
    if draft:
        spec["draft"] = {"content": part["content"], "digest": ""}
    return {"metadata": {"uid": part["uid"], "name": part["name"]}, "spec": spec}


def all_manifests(record: ProfileRecord, content: Json, index: PackIndex) -> Json:
    """Return the manifests of all packs (`v1ClusterProfilePacksManifests`)."""
    rows = []
    for item in content["packs"]:
        row = pack(item, index)
        row["spec"]["manifests"] = [
            {"kind": "Manifest", "name": part["name"], "uid": part["uid"], "content": part["content"]}
            for part in item["manifests"]
        ]
        rows.append(row)
    return {"metadata": metadata(record), "spec": {"packs": rows}}


def summary(hub: Services, record: ProfileRecord) -> Json:
    """Return a profile as lists have it, without values (`v1ClusterProfileSummary`), with our parts beside it.

    It shares its parts with the answers of others and must not be changed.
    """
    document = hub.part(ProfileIndex).summary(record.uid, lambda: _summary(hub, record))
    uses = hub.part(ProfileUses).of(record.uid)
    if not uses:
        return document
    using = [{"uid": use.uid, "name": use.name} for use in uses]
    used = {"inUseClusterUids": [use.uid for use in uses], "inUseClusters": using}
    return {**document, "status": {**document["status"], **used}}


def _summary(hub: Services, record: ProfileRecord) -> Json:
    """Return the same of a profile that no cluster uses."""
    parts = record.parts
    spec: Json = {"version": record.version, "versions": versions(hub, record)}
    for name in ("draft", "published"):
        if parts[name] is not None:
            spec[name] = {
                "type": parts[name]["type"],
                "cloudType": parts[name]["cloudType"],
                "packs": [_pack_summary(item) for item in parts[name]["packs"]],
            }
    present = parts["draft"] or parts["published"]
    spec["edgewright"] = {
        "projectUid": record.project_uid,
        "changed": parts["draft"] is not None and parts["published"] is not None,
        "variables": present["variables"],
        "macros": parts["macros"],
        "manifests": sum(item["manifests"] for item in present["packs"]),
    }
    return {
        "metadata": metadata(record),
        "specSummary": spec,
        "status": {
            "isPublished": record.published,
            "inUseClusterTemplates": [],
            "inUseClusterUids": [],
            "inUseClusters": [],
            "pack": {"deleted": 0, "deprecated": 0, "disabled": 0},
            "fips": {"mode": "unknown"},
        },
    }


def _pack_summary(item: Json) -> Json:
    names = ("name", "layer", "type", "tag")
    return {
        **{key: item[key] for key in names},
        "version": item["tag"],
        "packUid": item["uid"],
        "displayName": item["name"],
    }
