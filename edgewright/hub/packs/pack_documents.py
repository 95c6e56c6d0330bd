"""Packs as clients see them: Palette's summaries, search results and tag entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgewright.core import times
from edgewright.core.packs import layers, versions
from edgewright.core.packs.pack import Pack, Preset
from edgewright.core.packs.schema import SchemaEntry
from edgewright.hub.packs.index import BUILTIN, PackIndex, View
from edgewright.hub.packs.registry_documents import SYSTEM, TENANT


def preset(item: Preset) -> dict[str, Any]:
    """Return a preset (`v1PackPreset`)."""
    names = {"name": item.name, "displayName": item.display_name, "group": item.group}
    return {**names, "add": item.add, "remove": list(item.remove)}


def schema_entry(item: SchemaEntry) -> dict[str, Any]:
    """Return what a value must be (`v1PackSchema`)."""
    return {
        "name": item.name,
        "required": item.required,
        "readonly": item.readonly,
        "format": item.format,
        "type": item.type,
        "regex": item.regex,
        "listOptions": list(item.options),
        "hints": list(item.hints),
    }


def ours(view: View, registry: str) -> dict[str, Any]:
    """Return what Palette has no property for: images, upstream, dependencies, limits, marks."""
    pack = view.pack
    if pack is None:
        listed = view.listed
        return {"registry": registry, "fetched": False, "description": listed.description if listed else ""}
    upstream = None
    if pack.upstream is not None:
        source = pack.upstream
        upstream = {
            "kind": source.kind,
            "repository": source.repository,
            "name": source.name,
            "version": source.version,
            "digest": source.digest,
            "pinnedBy": source.pinned_by,
        }
    return {
        "registry": registry,
        "fetched": view.stored,
        "proven": pack.proven,
        "mark": layers.MARKS[pack.proven],
        "images": list(pack.images),
        "upstream": upstream,
        "charts": [{"name": chart.name, "version": chart.version, "digest": chart.digest} for chart in pack.charts],
        "dependencies": [
            {
                "packName": item.pack_name,
                "layer": item.layer,
                "type": item.type,
                "minVersion": item.min_version,
                "maxVersion": item.max_version,
            }
            for item in pack.dependencies
        ],
        "resources": [{"type": item.type, "minLimit": item.min_limit} for item in pack.resources],
    }


def summary(view: View, values: str, registry: str) -> dict[str, Any]:
    """Return a version as the list of packs has it (`v1PackSummary`)."""
    pack = view.pack
    created = {"creationTimestamp": times.rfc3339(view.created)} if view.created else {}
    meta = {"uid": view.uid, "name": view.name, "labels": {}, "annotations": {}, **created}
    spec: dict[str, Any] = {
        "name": view.name,
        "displayName": view.title,
        "version": view.version,
        "layer": view.layer,
        "type": view.kind,
        "registryUid": view.registry_uid,
        "values": values,
        "edgewright": ours(view, registry),
    }
    if pack is not None:
        spec |= {
            "addonType": pack.addon_type,
            "addonSubType": pack.addon_subtype,
            "annotations": dict(pack.annotations),
            "cloudTypes": list(pack.cloud_types) or ["all"],
            "digest": pack.upstream.digest if pack.upstream else pack.charts[0].digest if pack.charts else "",
            "eol": pack.eol,
            "group": pack.group,
            "presets": [preset(item) for item in pack.presets],
            "schema": [schema_entry(item) for item in pack.schema],
            "manifests": [{"kind": "Manifest", "name": item.name, "uid": ""} for item in pack.manifests],
        }
    return {"apiVersion": "v1", "kind": "pack", "metadata": meta, "spec": spec, "status": {}}


def search_result(views: Sequence[View], index: PackIndex) -> dict[str, Any]:
    """Return versions of one name, layer and kind as a search has them (`v1PackMetadata`); the newest is first."""
    first = views[0]
    newest: dict[str, View] = {}
    for view in views:
        newest.setdefault(view.registry_uid, view)
    pack = first.pack
    return {
        "apiVersion": "v1",
        "kind": "pack",
        "metadata": {"uid": first.uid, "name": first.name, "labels": {}, "annotations": {}},
        "spec": {
            "name": first.name,
            "displayName": first.title,
            "layer": first.layer,
            "type": first.kind,
            "addonType": pack.addon_type if pack else "",
            "addonSubType": pack.addon_subtype if pack else "",
            "cloudTypes": list(pack.cloud_types) if pack and pack.cloud_types else ["all"],
            "group": pack.group if pack else "",
            "registries": [
                {
                    "uid": uid,
                    "name": index.registry_name(uid),
                    "scope": SYSTEM if uid == BUILTIN else TENANT,
                    "latestPackUid": view.uid,
                    "latestVersion": view.version,
                    "annotations": dict(view.pack.annotations) if view.pack else {},
                    "logoUrl": "",
                }
                for uid, view in newest.items()
            ],
        },
    }


def tag_entity(views: Sequence[View], filled: Sequence[tuple[View, str, str]]) -> dict[str, Any]:
    """Return a pack with its versions (`v1PackTagEntity`); `filled`: versions with values and README."""
    first = views[0]
    pack: Pack | None = first.pack
    return {
        "name": first.name,
        "displayName": first.title,
        "layer": first.layer,
        "registryUid": first.registry_uid,
        "cloudTypes": list(pack.cloud_types) if pack and pack.cloud_types else ["all"],
        "addonType": pack.addon_type if pack else "",
        "addonSubType": pack.addon_subtype if pack else "",
        "logoUrl": "",
        "tags": [
            {
                "packUid": view.uid,
                "tag": view.version,
                "version": view.version,
                "group": view.pack.group if view.pack else "",
                "parentTags": list(versions.parents(view.version)),
            }
            for view in views
        ],
        "packValues": [
            {
                "packUid": view.uid,
                "values": values,
                "readme": readme,
                "annotations": dict(view.pack.annotations) if view.pack else {},
                "presets": [preset(item) for item in view.pack.presets] if view.pack else [],
                "schema": [schema_entry(item) for item in view.pack.schema] if view.pack else [],
                "dependencies": [],
            }
            for view, values, readme in filled
        ],
    }
