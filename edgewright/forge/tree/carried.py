"""A Kubernetes tree inside an appliance image: its parts as an OCI layout, which a host uses before any registry."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edgewright.core.clusters import tree as contract
from edgewright.core.errors import InvalidInput
from edgewright.forge.progress import Job
from edgewright.forge.registry.reference import Kubernetes
from edgewright.forge.registry.spool import Spool
from edgewright.forge.registry.tarlayer import Entry
from edgewright.oci import media, mirrors
from edgewright.oci.reference import parse
from edgewright.oci.registry import Registry

CONTENT = "usr/lib/edgewright/content"
"""Where an appliance has content that came with it, read-only; `agent.clusters.paths.CARRIED` names the same folder."""


class Carried(NamedTuple):
    """A tree that an image carries: where it was fetched from, its digest, its bytes, and what goes into the image."""

    reference: str
    digest: str
    size: int
    entries: tuple[Entry, ...]


def fetch(text: str, kubernetes: Kubernetes, arch: str, spool: Spool, job: Job, ca: Path | None) -> Carried:
    """Fetch a tree from its registry. Raises `InvalidInput` for one of another version, and what a registry raises."""
    reference = parse(text)
    job.step(f"looking for the tree {reference}", "steps")
    with Registry(reference.registry, reference.repository, job, ca=ca) as registry:
        source = mirrors.source(registry, job)
        data = source.manifest(reference.wanted, f"the tree {reference}").data
        manifest = contract.read_manifest(data)
        config = source.small_blob(manifest.config.digest, f"the description of {reference}")
        _check(contract.read_tree(config), kubernetes, arch, text)
        digest = spool.small(data)
        blobs = {digest: spool.path(digest), manifest.config.digest: spool.path(spool.small(config))}
        spool.require(sum(layer.size for layer in manifest.layers), f"the tree {reference}")
        for layer in manifest.layers:
            what = f"a part of the tree {reference}"
            job.step(f"fetching {what}")
            blobs[layer.digest] = spool.store(layer.digest, source.blob(layer.digest, layer.size, what))
    entry = {"mediaType": media.OCI_MANIFEST, "digest": digest, "size": len(data), "artifactType": contract.ARTIFACT}
    index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [entry]}
    entries = [
        *(Entry(folder, folder=True, mode=0o755) for folder in _folders()),
        Entry(f"{CONTENT}/oci-layout", data=b'{"imageLayoutVersion":"1.0.0"}'),
        Entry(f"{CONTENT}/index.json", data=media.canonical(index)),
        *(Entry(f"{CONTENT}/blobs/sha256/{name[7:]}", source=path) for name, path in sorted(blobs.items())),
    ]
    size = len(data) + manifest.config.size + sum(layer.size for layer in manifest.layers)
    return Carried(str(reference), digest, size, tuple(entries))


def _folders() -> list[str]:
    return [CONTENT, f"{CONTENT}/blobs", f"{CONTENT}/blobs/sha256"]


def _check(tree: contract.Tree, kubernetes: Kubernetes, arch: str, text: str) -> None:
    has = f"{tree.distribution} {tree.version} for {tree.architecture}"
    wanted = f"{kubernetes.distribution} {kubernetes.full} for {arch}"
    if has != wanted:
        raise InvalidInput(f"The tree {text} is {has}, not {wanted}.", "Name another tree, or another --kubernetes.")
