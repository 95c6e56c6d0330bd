"""An appliance image from beginning to end: base, Kubernetes, the files of a slot, push, SBOM, signature."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from edgewright import __version__
from edgewright.core import times
from edgewright.core.errors import InvalidInput, UsageError
from edgewright.forge.image import checks, content, inputs, kinds, pack, publish, root, sbom, slot
from edgewright.forge.image import containerfile as containerfiles
from edgewright.forge.image.appliance import open_appliance, open_root
from edgewright.forge.image.bases import Base, Fetched, FromRegistry, Origin, open_docker_archive, open_layout, origin
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers as layered
from edgewright.forge.registry import push, tarlayer
from edgewright.forge.registry.reference import Name
from edgewright.forge.registry.spool import Blob, Compression, Spool, open_spool
from edgewright.forge.tree import carried
from edgewright.oci import media, mirrors
from edgewright.oci.auth import mount_scope
from edgewright.oci.reference import parse
from edgewright.oci.registry import Registry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


@dataclass(frozen=True)
class Request:
    """What to build for an appliance, as the user asked for it."""

    base: str
    name: Name
    arch: str = "amd64"
    binaries: str = ""
    images: tuple[str, ...] = ()
    checksums: Path | None = None
    overlay: Path | None = None
    containerfile: Path | None = None
    build_args: tuple[str, ...] = ()
    tree: str = ""
    """Reference of a Kubernetes tree that the image carries."""
    compression: Compression = "gzip"
    os: tuple[str, str] | None = None
    ca: Path | None = None
    temp: Path | None = None
    replace: bool = False


class OnBase(Protocol):
    """What is built on a base, as far as opening it goes."""

    @property
    def base(self) -> str:
        """The base as the user gave it."""

    @property
    def arch(self) -> str:
        """The architecture."""

    @property
    def ca(self) -> Path | None:
        """Further CA certificates to trust at registries."""


class Result(NamedTuple):
    """What was built: the document of it, the SBOM's bytes, the pack block, and sentences about what is odd."""

    document: dict[str, Any]
    sbom: bytes
    pack: str
    warnings: tuple[str, ...]


def check(request: Request) -> Origin:
    """Return where the base is; looks at everything that can be wrong before work begins. Raises `EdgewrightError`."""
    where = origin(request.base)
    if not (request.binaries or request.containerfile or request.overlay or request.tree):
        raise UsageError(
            "Nothing brings the programs of Kubernetes.",
            "Give --carry-tree REF, or --binaries FOLDER, URL or image:REF (or a --containerfile or --overlay).",
        )
    if request.tree:
        parse(request.tree)
    if request.containerfile is not None:
        containerfiles.check(request.containerfile)
    if request.overlay is not None and not request.overlay.is_dir():
        raise InvalidInput(f"{request.overlay} is not a folder.", "Give the folder whose content goes over the image.")
    inputs.check_place(request.binaries)
    if where.kind != "appliance" or request.containerfile is not None or request.overlay is not None or request.tree:
        slot.check_can_make()
    sums = checks.read_checksums(request.checksums)
    inputs.require_sums(request.binaries, request.images, request.name.kubernetes.distribution, sums)
    return where


def open_base(request: OnBase, where: Origin, spool: Spool, job: Job, stack: ExitStack) -> Base:
    """Open the base. Raises `EdgewrightError`."""
    job.step(f"looking at the base {request.base}", "steps")
    return _open(where, request, spool, job, stack)


def _open(where: Origin, request: OnBase, spool: Spool, job: Job, stack: ExitStack) -> Base:
    if where.kind == "registry":
        reference = parse(where.where)
        registry = Registry(reference.registry, reference.repository, job, ca=request.ca)
        source = stack.enter_context(mirrors.source(registry, job))
        manifest = source.manifest(reference.wanted, f"the base {reference}")
        return FromRegistry(source, reference, manifest, request.arch)
    if where.kind == "docker-archive":
        return open_docker_archive(where.where, request.arch, spool, job)
    if where.kind == "appliance":
        return open_appliance(where.where, request.arch, spool, job)
    if where.kind == "root":
        return open_root(where.where, request.arch, spool, job)
    return open_layout(where.where, where.kind, request.arch, spool, job)


def build(
    request: Request,
    job: Job,
    *,
    key: EllipticCurvePrivateKey | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> Result:
    """Build, push, attach the SBOM and sign. Raises `EdgewrightError`; then nothing is tagged, nothing left behind."""
    where = check(request)
    reference = request.name.reference
    with ExitStack() as stack:
        spool = stack.enter_context(open_spool(request.temp))
        stack.enter_context(spool.room())
        others = [mount_scope(parse(where.where).repository)] if _same_registry(where, request) else []
        job.step(f"looking for {reference}", "steps")
        target = stack.enter_context(
            Registry(reference.registry, reference.repository, job, write=True, ca=request.ca, others=others)
        )
        before = push.refuse_taken(target, reference, replace=request.replace)
        base = open_base(request, where, spool, job, stack)
        kinds.check_base(request.base, base.config)
        base_digest, epoch = base.digest, epoch_of(base)
        if request.containerfile is not None:
            base = containerfiles.build(
                base,
                where,
                request.containerfile,
                spool,
                job,
                arch=request.arch,
                epoch=epoch,
                args=request.build_args,
                ca=request.ca,
                on_line=on_line,
            )
        source = Fetched(base, spool) if where.kind == "registry" else base
        scan = layered.scan(source, content.wanted, _noted(request), job)
        over = list(tarlayer.tree(request.overlay)) if request.overlay is not None else []
        tree = None
        if request.tree:
            tree = carried.fetch(request.tree, request.name.kubernetes, request.arch, spool, job, request.ca)
            over = content.merged(tree.entries, over)
        result = root.read({*scan.names, *(entry.path for entry in over if root.noted(entry.path))})
        root.check(request.base, result, medium=base.medium is not None and base.medium.boots)
        taken = _gather(request, spool, job, stack)
        system = content.system(scan.files)
        if request.os is not None:
            system = content.System(*request.os, system.pretty)
        files = slot.make(base, source, result, base.medium, over, spool, job, epoch=epoch)
        layers = [_layer(request, base_digest, taken, scan.files, over, files, spool, job, epoch)]
        layers.append(slot.layer(files, spool, job, epoch))
        image = _image(request, base, base_digest, layers, files, result, system, epoch)._replace(source=source)
        warnings = (*base.notes, *_warnings(request, taken, scan, result, over, job))
        inputs_ = [*taken, *(inputs.Input("slot", f.name, f.path, f.sha256, f.source) for f in files)]
        bill = media.canonical(sbom.document(request.name, system, scan.files, inputs_, base_digest, epoch))
        done = publish.publish(
            image, target, reference, bill, spool, job, free=before is None, replace=request.replace, key=key
        )
        block = pack.block(request.name, system.name, system.version)
        document = {
            "apiVersion": "edgewright/v1",
            "kind": "ProviderImage",
            "for": kinds.APPLIANCE,
            "reference": str(reference),
            "digest": done.digest,
            "mediaType": media.OCI_MANIFEST,
            "architecture": request.arch,
            "replaced": before,
            "base": {"name": base.name, "digest": base_digest, "os": system.name, "osVersion": system.version},
            "kubernetes": {
                "distribution": request.name.kubernetes.distribution,
                "version": request.name.kubernetes.full,
            },
            "slot": {
                "path": f"/{kinds.SLOT}",
                "layer": layers[1].digest,
                "files": [file.document() for file in files],
                "kernelVersion": _kernel(files),
                "agent": result.agent,
            },
            "tree": {"reference": tree.reference, "digest": tree.digest, "size": tree.size} if tree else None,
            "layer": {**layers[0].descriptor(), "diffId": layers[0].diff_id},
            "layers": len(base.layers) + len(layers),
            "size": sum(blob.size for blob in [*base.layers, *layers]),
            "inputs": [item.document() for item in taken],
            "pushed": done.pushed,
            "sbom": {"digest": done.sbom, "packages": len(sbom.packages(scan.files))},
            "signature": done.signature,
            "tools": {"edgewright": __version__},
            "warnings": list(warnings),
            "pack": block,
        }
        return Result(document, bill, block, warnings)


def _same_registry(where: Origin, request: Request) -> bool:
    return where.kind == "registry" and parse(where.where).registry == request.name.reference.registry


def epoch_of(base: Base) -> int:
    """Return the one time of everything that is written: SOURCE_DATE_EPOCH, else when the base was made."""
    reported = os.environ.get("SOURCE_DATE_EPOCH", "")
    if reported.isascii() and reported.isdigit():
        return int(reported)
    try:
        return max(0, int(times.parse(str(base.config.get("created") or "")) or 0))
    except ValueError:
        return 0


def _noted(request: Request) -> Callable[[str], bool]:
    """Return what decides whether a path is looked for: kernel, init, agent, release file, Kubernetes' programs."""
    programs = {f"usr/bin/{name}" for name in inputs.PROGRAMS[request.name.kubernetes.distribution]}
    return lambda name: name in programs or name == content.RELEASE or root.noted(name)


def _gather(request: Request, spool: Spool, job: Job, stack: ExitStack) -> list[inputs.Input]:
    sums = checks.read_checksums(request.checksums)
    wanted = inputs.Wanted(request.name.kubernetes, request.arch, sums, request.ca)

    def image(text: str) -> Base:
        return _open(origin(text), request, spool, job, stack)

    result = inputs.binaries(request.binaries, wanted, spool, job, image) if request.binaries else []
    return [*result, *inputs.images(list(request.images), request.binaries, wanted, spool, job)]


def _layer(
    request: Request,
    base_digest: str,
    taken: Sequence[inputs.Input],
    files: dict[str, bytes],
    over: Sequence[tarlayer.Entry],
    slot_files: Sequence[slot.SlotFile],
    spool: Spool,
    job: Job,
    epoch: int,
) -> Blob:
    release = content.release(files.get(content.RELEASE, b"").decode("utf-8", "replace"), request.name.kubernetes)
    made = content.entries(request.name, taken, release, base_digest, request.arch, slot_files)
    entries = content.merged(made, over)
    spool.require(sum(entry.size() for entry in entries), "the layer")
    job.step("making the layer")
    with spool.layer(request.compression) as out:
        tarlayer.write(entries, out, epoch, job)
    assert out.blob is not None
    return out.blob


def _image(
    request: Request,
    base: Base,
    base_digest: str,
    fresh: Sequence[Blob],
    files: Sequence[slot.SlotFile],
    result: root.Root,
    system: content.System,
    epoch: int,
) -> publish.Image:
    """Return the image with its configuration, whose labels describe it, and its manifest."""
    kubernetes, kind = request.name.kubernetes, {kinds.LABEL_KIND: kinds.APPLIANCE}
    labels = {
        **kind,
        kinds.LABEL_EDGEWRIGHT: __version__,
        kinds.LABEL_DISTRIBUTION: kubernetes.distribution,
        kinds.LABEL_VERSION: kubernetes.full,
        "edgewright.os": f"{system.name} {system.version}".strip(),
        "edgewright.kernel.version": _kernel(files) or ",".join(result.modules),
        "edgewright.agent": result.agent,
        f"{kinds.LABEL_PREFIX_SLOT}path": f"/{kinds.SLOT}",
        f"{kinds.LABEL_PREFIX_SLOT}layer": fresh[-1].digest,
        **{f"{kinds.LABEL_PREFIX_SLOT}{file.name}": f"sha256:{file.sha256}" for file in files},
    }
    start = {**base.config, "created": times.rfc3339(epoch), "architecture": request.arch}
    start["rootfs"] = {"diff_ids": [blob.diff_id for blob in base.layers]}
    config = publish.configuration(
        start, fresh, labels, f"edgewright forge image: {kubernetes.distribution} {kubernetes.full}"
    )
    descriptors = [blob.descriptor() for blob in [*base.layers, *fresh]]
    for descriptor, what in zip(descriptors[-2:], ("kubernetes", "slot"), strict=True):
        descriptor["annotations"] = {kinds.ANNOTATION_LAYER: what}
    annotations = {
        **kind,
        "org.opencontainers.image.base.digest": base_digest,
        "org.opencontainers.image.version": request.name.tag,
    }
    return publish.Image(base, fresh, config, publish.manifest(config, descriptors, annotations))


def _kernel(files: Sequence[slot.SlotFile]) -> str:
    """Return the kernel's version, "" when it cannot be read."""
    return next((slot.kernel_version(file.path) for file in files if file.name == "kernel"), "")


def _warnings(
    request: Request,
    taken: Sequence[inputs.Input],
    scan: layered.Scan,
    result: root.Root,
    over: Sequence[tarlayer.Entry],
    job: Job,
) -> tuple[str, ...]:
    kubernetes = request.name.kubernetes
    messages = []
    if content.RELEASE not in scan.names | {entry.path for entry in over}:
        messages.append(f"The base has no /{content.RELEASE}, and none is invented: it stays absent.")
        if result.agent == root.KAIROS:
            messages.append(
                "Kairos's agent reads that file: build the base with kairos-init, or bring it by --overlay."
            )
    for item in taken:
        own = item.kind == "binary" and not item.link and item.name not in inputs.FURTHER[kubernetes.distribution]
        if own and not checks.names_version(item.path, kubernetes, job):
            messages.append(f"{item.name} does not have {kubernetes.full} written in it: is it that version?")
    if request.tree:
        return tuple(messages)  # programs and images are in the tree
    if not request.binaries:
        overlaid = {entry.path for entry in over}
        for name in inputs.PROGRAMS[kubernetes.distribution]:
            if f"usr/bin/{name}" not in scan.names | overlaid:
                messages.append(f"No /usr/bin/{name} is in the image, and --binaries brought none.")
    names = [name for item in taken for name in item.images]
    archives = [item for item in taken if item.kind == "images"]
    lacking = checks.lacking_images(kubernetes, names)
    if archives and lacking:
        messages.append(f"These images are not in the archives, hosts will have to pull them: {', '.join(lacking)}.")
    if not archives:
        messages.append("No images of containers are in it: hosts will have to pull them.")
    return tuple(messages)
