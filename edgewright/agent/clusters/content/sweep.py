"""Removing content that no document names: blobs, what arrived of a cancelled fetch, trees of earlier versions.

The parts of the tree go as soon as it is unpacked: they would be on the disk twice. The active tree is never removed.
"""

from __future__ import annotations

import json
import os
from typing import Optional, Set

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.content.store import is_digest, manifest_of, parts_of, resolved
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.machine.unpack import is_complete
from edgewright.core.clusters.planning import targets
from edgewright.core.clusters.tree import Manifest, read_manifest
from edgewright.core.errors import EdgewrightError

STAMP = paths.RUN + "/swept.json"
"""For which content this boot has swept."""


def stored_manifest(context: Context) -> Optional[Manifest]:
    """Return the manifest of the tree if it is in the store."""
    digest = context.document.tree.digest
    return read_manifest(context.store.read(digest)) if context.store.has(digest) else None


def wanted(context: Context) -> Set[str]:
    """Return the digests of the store that the document names, as far as the manifests that are here show them."""
    store = context.store
    digests: Set[str] = set()
    if not is_complete(context.host, context.tree_folder):
        manifest = stored_manifest(context)
        parts = (manifest.config, *manifest.layers) if manifest is not None else ()
        digests.update([context.document.tree.digest, *(part.digest for part in parts)])
    for image in context.document.images:
        chosen = {image.digest, resolved(store, image.ref, image.digest)}
        for digest in list(chosen):
            if store.has(digest):  # an index names manifests: that of this host is fetched before its image has a name
                listed = manifest_of(store, digest).get("manifests")
                named = [item.get("digest") for item in listed or [] if isinstance(item, dict)]
                chosen.update(str(name) for name in named if is_digest(name))  # of others, none can be in the store
        for digest in chosen:
            if store.has(digest):
                digests.update([digest, *(part for part, _ in parts_of(manifest_of(store, digest)))])
    return digests


def sweep(context: Context) -> int:
    """Remove what `wanted` does not name; return the bytes that this freed. Raises `EdgewrightError`."""
    store = context.store
    listed = {image.ref for image in context.document.images}
    names = store.images()
    if set(names) - listed:
        store.name_images({ref: digest for ref, digest in names.items() if ref in listed})
    freed = store.retain(wanted(context))
    if freed:
        context.host.report(f"removed {freed:,} bytes of content that the document does not name")
    return freed


def sweep_trees(context: Context) -> None:
    """Remove trees that neither the document, applied.json nor a link names. Raises `Failed`."""
    host = context.host
    active = [context.document.tree.digest, str(context.applied().get("tree") or "")]
    stay = {paths.tree(digest).rpartition("/")[2] for digest in active if digest}
    for name in host.names(paths.LINKS):
        try:
            stay.add(os.readlink(host.path(paths.component(name)))[len(paths.TREES) + 1 :].partition("/")[0])
        except OSError:
            continue
    for name in host.names(paths.TREES):
        if name not in stay and name.partition(".")[0] not in stay:
            host.remove(f"{paths.TREES}/{name}")
            host.report(f"removed the tree {name[:12]}, which no document names")


def sweep_once(context: Context) -> None:
    """Do both once for each content and boot, when everything of the document is here. Never raises for the cluster."""
    target = f"{context.document.uid} {targets.content(context.document)}"
    if context.host.json(STAMP).get("target") == target:
        return
    try:
        sweep(context)
        sweep_trees(context)
        context.host.write(STAMP, json.dumps({"target": target}).encode(), 0o600, durable=False)
    except (EdgewrightError, OSError):
        return  # the next look tries again
