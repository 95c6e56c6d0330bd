"""A Kubernetes tree from beginning to end: gathered, checked, one layer for each of its folders, pushed and signed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright import __version__
from edgewright.core import times
from edgewright.core.errors import InvalidDocument, UsageError
from edgewright.forge.image import checks, content, inputs, kinds, publish, sbom
from edgewright.forge.image.build import Result
from edgewright.forge.progress import Job
from edgewright.forge.registry import download, push, tarlayer
from edgewright.forge.registry.reference import TreeName
from edgewright.forge.registry.spool import Blob, Compression, Spool, open_spool
from edgewright.forge.registry.tarlayer import Entry
from edgewright.forge.tree import parts as tree_parts
from edgewright.forge.tree.images import Needed
from edgewright.forge.tree.inputs import Sources, Tree, check_places, gather
from edgewright.oci import media
from edgewright.oci.registry import Registry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ARTIFACT_TYPE = "application/vnd.edgewright.kubernetes-tree.v1"


@dataclass(frozen=True)
class TreeRequest:
    """What to build a tree of, as the user asked for it."""

    name: TreeName
    sources: Sources
    compression: Compression = "gzip"
    ca: Path | None = None
    temp: Path | None = None
    replace: bool = False


def check(request: TreeRequest) -> Tree:
    """Return the tree without reading all of it. Raises `InvalidDocument` with everything that is wrong in all of it.

    What comes from URLs is not fetched for that: then only the places are looked at, and `build` checks the rest.
    """
    if request.compression == "zstd":
        raise UsageError("Hosts cannot unpack zstd (Python has it from 3.14 on).", "Use --compression gzip or none.")
    sources, kubernetes = request.sources, request.name.kubernetes
    check_places(sources)
    sums = checks.read_checksums(sources.checksums)
    inputs.require_sums("", sources.images, kubernetes.distribution, sums)
    remote = any(download.is_url(where) for where in sources.images)
    with open_spool(request.temp) as spool:
        if remote:
            return Tree((), {}, {}, (), Needed("", ""), (), ())
        tree = gather(sources, kubernetes, request.name.arch, spool, Job(), deep=False)
        if tree.problems:
            _refuse(request, gather(sources, kubernetes, request.name.arch, spool, Job(), deep=True))
        return tree


def build(request: TreeRequest, job: Job, *, key: EllipticCurvePrivateKey | None = None) -> Result:
    """Build, push, attach the SBOM and sign. Raises `EdgewrightError`; then nothing is tagged, nothing left behind."""
    check_places(request.sources)
    name, reference = request.name, request.name.reference
    epoch = _epoch()
    with ExitStack() as stack:
        spool = stack.enter_context(open_spool(request.temp))
        stack.enter_context(spool.room())
        job.step(f"looking for {reference}", "steps")
        target = stack.enter_context(Registry(reference.registry, reference.repository, job, write=True, ca=request.ca))
        before = push.refuse_taken(target, reference, replace=request.replace)
        job.step("checking the parts of the tree", "steps")
        tree = gather(request.sources, name.kubernetes, name.arch, spool, job, deep=True)
        if tree.problems:
            _refuse(request, tree)
        requirements = tree_parts.host_requirements(name.kubernetes, tree.libraries)
        document = _document(request, tree, requirements)
        layers = dict(_layers(request, tree, document, requirements, spool, job, epoch))
        image = _image(request, tree, layers, epoch)
        bill = media.canonical(sbom.document(name, content.System("", ""), {}, tree.files, "", epoch))
        done = publish.publish(
            image, target, reference, bill, spool, job, free=before is None, replace=request.replace, key=key
        )
        document = {
            "apiVersion": "edgewright/v1",
            "kind": "KubernetesTree",
            "for": kinds.TREE,
            "reference": str(reference),
            "digest": done.digest,
            "mediaType": media.OCI_MANIFEST,
            "architecture": name.arch,
            "replaced": before,
            "kubernetes": document["kubernetes"],
            "images": document["images"],
            "layers": [{"folder": folder, **blob.descriptor()} for folder, blob in layers.items()],
            "size": sum(blob.size for blob in layers.values()),
            "inputs": [file.document() for file in tree.files],
            "hostRequirements": requirements,
            "pushed": done.pushed,
            "sbom": {"digest": done.sbom, "packages": 0},
            "signature": done.signature,
            "tools": {"edgewright": __version__},
            "warnings": list(tree.notes),
        }
        return Result(document, bill, "", tree.notes)


def _refuse(request: TreeRequest, tree: Tree) -> None:
    kubernetes = request.name.kubernetes
    what = f"The tree of {kubernetes.distribution} {kubernetes.full} for {request.name.arch}"
    raise InvalidDocument(what, tree.problems, "See docs/forge.md, Kubernetes trees, for what one must contain.")


def _epoch() -> int:
    """Return the one time of everything that is written: SOURCE_DATE_EPOCH, else 1970: a tree has no base."""
    reported = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(reported) if reported.isascii() and reported.isdigit() else 0


def _document(request: TreeRequest, tree: Tree, requirements: dict[str, Any]) -> dict[str, Any]:
    """Return what the tree carries about itself."""
    kubernetes = request.name.kubernetes
    files = [
        {"path": file.name, "link": file.link} if file.link else {"path": file.name, "sha256": file.sha256}
        for file in tree.files
    ]
    files += [{"path": path, "sha256": hashlib.sha256(data).hexdigest()} for path, data in tree.data.items()]
    return {
        "apiVersion": "edgewright/v1",
        "kind": "KubernetesTree",
        "kubernetes": {"distribution": kubernetes.distribution, "version": kubernetes.full},
        "architecture": request.name.arch,
        "imageRepository": tree.needed.repository,
        "pause": tree.needed.pause,
        "images": [{"ref": image.name, "digest": image.digest} for image in sorted(tree.images)],
        "hostRequirements": f"/{tree_parts.REQUIREMENTS}",
        "files": sorted(files, key=lambda row: row["path"]),
    }


def _layers(
    request: TreeRequest,
    tree: Tree,
    document: dict[str, Any],
    requirements: dict[str, Any],
    spool: Spool,
    job: Job,
    epoch: int,
) -> Iterator[tuple[str, Blob]]:
    """Yield a layer for each folder (trees of two versions then share what is the same), then one of the documents."""
    for folder in tree_parts.FOLDERS:
        entries = [_entry(file) for file in tree.files if file.name.startswith(f"{folder}/")]
        entries += [Entry(path, data=data) for path, data in tree.data.items() if path.startswith(f"{folder}/")]
        if entries:
            yield folder, _layer(folder, _with_folders(entries), request, spool, job, epoch)
    documents = [
        Entry(tree_parts.TREE, data=tree_parts.as_file(document)),
        Entry(tree_parts.REQUIREMENTS, data=tree_parts.as_file(requirements)),
    ]
    yield "documents", _layer("documents", documents, request, spool, job, epoch)


def _entry(item: inputs.Input) -> Entry:
    if item.link:
        return Entry(item.name, link=item.link)
    return Entry(item.name, source=item.path, mode=0o755 if item.kind == "program" else 0o644)


def _with_folders(entries: list[Entry]) -> list[Entry]:
    folders = {str(parent) for entry in entries for parent in Path(entry.path).parents if parent.name}
    return [*(Entry(folder, folder=True, mode=0o755) for folder in folders), *entries]


def _layer(what: str, entries: list[Entry], request: TreeRequest, spool: Spool, job: Job, epoch: int) -> Blob:
    spool.require(sum(entry.size() for entry in entries), f"the layer of {what}")
    job.step(f"packing {what}")
    with spool.layer(request.compression) as out:
        tarlayer.write(entries, out, epoch, job)
    assert out.blob is not None
    return out.blob


def _image(request: TreeRequest, tree: Tree, layers: dict[str, Blob], epoch: int) -> publish.Image:
    """Return the tree as an image whose labels name its kind and version."""
    kubernetes, kind = request.name.kubernetes, {kinds.LABEL_KIND: kinds.TREE}
    labels = {
        **kind,
        kinds.LABEL_EDGEWRIGHT: __version__,
        kinds.LABEL_DISTRIBUTION: kubernetes.distribution,
        kinds.LABEL_VERSION: kubernetes.full,
        "edgewright.tree.images": str(len(tree.images)),
    }
    start = {"created": times.rfc3339(epoch), "architecture": request.name.arch, "os": "linux"}
    message = f"edgewright forge image --for tree: {kubernetes.distribution} {kubernetes.full}"
    config = publish.configuration(start, list(layers.values()), labels, message)
    descriptors = [
        {**blob.descriptor(), "annotations": {kinds.ANNOTATION_LAYER: folder}} for folder, blob in layers.items()
    ]
    annotations = {**kind, "org.opencontainers.image.version": kubernetes.full}
    manifest = publish.manifest(config, descriptors, annotations, artifactType=ARTIFACT_TYPE)
    return publish.Image(None, list(layers.values()), config, manifest)
