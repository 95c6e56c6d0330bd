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
from edgewright.core.clusters import tree as contract
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
    if request.compression != "gzip":
        raise UsageError(
            f"The layers of a tree cannot be {request.compression}: hosts unpack gzip only.", "Use --compression gzip."
        )
    sources, kubernetes = request.sources, request.name.kubernetes
    check_places(sources)
    sums = checks.read_checksums(sources.checksums)
    inputs.require_sums("", sources.images, kubernetes.distribution, sums)
    remote = any(download.is_url(where) for where in sources.images)
    with open_spool(request.temp) as spool:
        if remote:
            return Tree((), {}, {}, (), Needed("", ""), (), (), {})
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
        image = _image(request, document, layers)
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
            "kubernetes": {"distribution": name.kubernetes.distribution, "version": name.kubernetes.full},
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
    """Return what the tree carries about itself: `core.clusters.tree`, and what is of use to users and tools."""
    kubernetes = request.name.kubernetes
    names = [file.name for file in tree.files if file.kind == "program"]
    components = {
        name.rpartition("/")[2]: contract.Component(name.rpartition("/")[2], name, _version(request, tree, name))
        for name in sorted(names, reverse=True)  # a program of bin/ wins over a plug-in of its name
    }
    images = [contract.TreeImage(image.name, image.digest, image.size) for image in sorted(tree.images)]
    needs = contract.Requirements(
        tuple(row["name"] for row in requirements["libraries"]),
        tuple(row["name"] for row in requirements["programs"] if row["needed"]),
        tuple(row["name"] for row in requirements["kernelModules"]),
    )
    files = [
        {"path": file.name, "link": file.link} if file.link else {"path": file.name, "sha256": file.sha256}
        for file in tree.files
    ]
    files += [{"path": path, "sha256": hashlib.sha256(data).hexdigest()} for path, data in tree.data.items()]
    described = contract.Tree(
        kubernetes.distribution, kubernetes.full, request.name.arch, components, tuple(images), needs
    )
    return {
        **described.document(),
        "imageRepository": tree.needed.repository,
        "pause": tree.needed.pause,
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


def _version(request: TreeRequest, tree: Tree, path: str) -> str:
    """Return the version of a program: Kubernetes' own have that of the tree, others the one that is given, if any."""
    name = path.rpartition("/")[2]
    own = tree_parts.PARTS[request.name.kubernetes.distribution].own
    return request.name.kubernetes.full if name in own else tree.versions.get(name, "unknown")


def _image(request: TreeRequest, document: dict[str, Any], layers: dict[str, Blob]) -> publish.Image:
    """Return the tree as an artefact: its configuration is `tree.json`, so that a host needs no layer to judge it."""
    kubernetes, config = request.name.kubernetes, tree_parts.as_file(document)
    annotations = {
        kinds.LABEL_KIND: kinds.TREE,
        kinds.LABEL_EDGEWRIGHT: __version__,
        kinds.LABEL_DISTRIBUTION: kubernetes.distribution,
        kinds.LABEL_VERSION: kubernetes.full,
        "org.opencontainers.image.version": kubernetes.full,
    }
    descriptors = [
        {**blob.descriptor(), "annotations": {kinds.ANNOTATION_LAYER: folder}} for folder, blob in layers.items()
    ]
    manifest = publish.manifest(config, descriptors, annotations, contract.CONFIG, artifactType=contract.ARTIFACT)
    return publish.Image(None, list(layers.values()), config, manifest)
