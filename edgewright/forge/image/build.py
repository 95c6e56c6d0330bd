"""A provider image from beginning to end: base, Kubernetes, layer, push, signature, SBOM."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright import __version__
from edgewright.core import times
from edgewright.core.errors import InvalidInput, UsageError
from edgewright.forge.image import checks, content, inputs, media, pack, push, sbom, sign, tarlayer
from edgewright.forge.image import containerfile as containerfiles
from edgewright.forge.image import layers as layered
from edgewright.forge.image.appliance import open_appliance
from edgewright.forge.image.bases import Base, FromRegistry, Origin, open_docker_archive, open_layout, origin
from edgewright.forge.image.reference import Name, parse
from edgewright.forge.image.registry import Registry, mount_scope
from edgewright.forge.image.spool import Blob, Compression, Spool, open_spool
from edgewright.forge.progress import Job

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


@dataclass(frozen=True)
class Request:
    """What to build, as the person asked for it. `scan` off: the base is not read (its packages stay unknown)."""

    base: str
    name: Name
    arch: str = "amd64"
    binaries: str = ""
    images: tuple[str, ...] = ()
    checksums: Path | None = None
    overlay: Path | None = None
    containerfile: Path | None = None
    build_args: tuple[str, ...] = ()
    compression: Compression = "gzip"
    os: tuple[str, str] | None = None
    ca: Path | None = None
    temp: Path | None = None
    replace: bool = False
    scan: bool = True


class Result(NamedTuple):
    """What was built: the document of it, the SBOM's bytes, the pack block, and sentences about what is odd."""

    document: dict[str, Any]
    sbom: bytes
    pack: str
    warnings: tuple[str, ...]


def check(request: Request) -> Origin:
    """Return where the base is; looks at everything that can be wrong before work begins. Raises `EdgewrightError`."""
    where = origin(request.base)
    if not (request.binaries or request.containerfile or request.overlay):
        raise UsageError(
            "Nothing brings the programs of Kubernetes.",
            "Give --binaries FOLDER, URL or image:REF (or a --containerfile or --overlay that brings them).",
        )
    if request.containerfile is not None:
        containerfiles.check(request.containerfile)
    if request.overlay is not None and not request.overlay.is_dir():
        raise InvalidInput(f"{request.overlay} is no folder.", "Give the folder whose content goes over the image.")
    sums = checks.read_checksums(request.checksums)
    inputs.need_sums(request.binaries, request.images, request.name.kubernetes.distribution, sums)
    return where


def open_base(request: Request, where: Origin, spool: Spool, job: Job, stack: ExitStack) -> Base:
    """Open the base. Raises `EdgewrightError`."""
    job.step(f"looking at the base {request.base}", "steps")
    return _open(where, request, spool, job, stack)


def _open(where: Origin, request: Request, spool: Spool, job: Job, stack: ExitStack) -> Base:
    if where.kind == "registry":
        reference = parse(where.where)
        registry = stack.enter_context(Registry(reference.registry, reference.repository, job, ca=request.ca))
        manifest = registry.manifest(reference.wanted, f"the base {reference}")
        return FromRegistry(registry, reference, manifest, request.arch)
    if where.kind == "docker-archive":
        return open_docker_archive(where.where, request.arch, spool, job)
    if where.kind == "appliance":
        return open_appliance(where.where, request.arch, spool, job)
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
        base_digest, epoch = base.digest, _epoch(base)
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
        files, seen = _read(request, base, job)
        taken = _gather(request, spool, job, stack)
        system = content.system(files)
        if request.os is not None:
            system = content.System(*request.os, system.pretty)
        layer = _layer(request, base_digest, taken, files, system, spool, job, epoch)
        config, manifest = _documents(request, base, base_digest, layer, epoch)
        warnings = (*base.notes, *_warnings(request, taken, seen, job))
        sent = push.layers(base, [layer], target, spool)
        if before is None:
            push.refuse_taken(target, reference, replace=request.replace)  # somebody may have been faster
        pushed = push.image(target, reference, config, manifest, sent, spool)
        job.step("attaching the SBOM", "steps")
        bill = media.canonical(sbom.document(request.name, system, files, taken, base_digest, epoch))
        bill_digest = sbom.attach(target, pushed.digest, pushed.size, bill, f"the SBOM of {reference}")
        signed = None
        if key is not None:
            job.step("signing", "steps")
            signed = sign.sign(target, reference, pushed.digest, key)
        block = pack.block(request.name, system.name, system.version)
        document = {
            "apiVersion": "edgewright/v1",
            "kind": "ProviderImage",
            "reference": str(reference),
            "digest": pushed.digest,
            "mediaType": media.OCI_MANIFEST,
            "architecture": request.arch,
            "replaced": before,
            "base": {"name": base.name, "digest": base_digest, "os": system.name, "osVersion": system.version},
            "kubernetes": {
                "distribution": request.name.kubernetes.distribution,
                "version": request.name.kubernetes.full,
            },
            "layer": {**layer.descriptor(), "diffId": layer.diff_id},
            "layers": len(base.layers) + 1,
            "size": sum(blob.size for blob in base.layers) + layer.size,
            "inputs": [one.document() for one in taken],
            "pushed": {
                "there": pushed.there,
                "mounted": pushed.mounted,
                "sent": pushed.sent,
                "sentBytes": pushed.sent_bytes,
            },
            "sbom": {"digest": bill_digest, "packages": len(sbom.packages(files))},
            "signature": None if signed is None else {**signed._asdict()},
            "tools": {"edgewright": __version__},
            "warnings": list(warnings),
            "pack": block,
        }
        return Result(document, bill, block, warnings)


def _same_registry(where: Origin, request: Request) -> bool:
    return where.kind == "registry" and parse(where.where).registry == request.name.reference.registry


def _epoch(base: Base) -> int:
    """Return the one time of everything that is written: SOURCE_DATE_EPOCH, else when the base was made."""
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    if told.isascii() and told.isdigit():
        return int(told)
    try:
        return max(0, int(times.parse(str(base.config.get("created") or "")) or 0))
    except ValueError:
        return 0


def _read(request: Request, base: Base, job: Job) -> tuple[dict[str, bytes], set[str]]:
    """Read what the base says of itself, and which of Kubernetes' programs it has."""
    programs = {f"usr/bin/{name}" for name in inputs.PROGRAMS[request.name.kubernetes.distribution]}
    seen: set[str] = set()

    def wanted(name: str) -> bool:
        if name in programs:
            seen.add(name)
        return content.wanted(name)

    if not request.scan:
        return {}, seen
    return layered.files(base, wanted, job), seen


def _gather(request: Request, spool: Spool, job: Job, stack: ExitStack) -> list[inputs.Input]:
    sums = checks.read_checksums(request.checksums)
    wanted = inputs.Wanted(request.name.kubernetes, request.arch, sums, request.ca)

    def image(text: str) -> Base:
        return _open(origin(text), request, spool, job, stack)

    found = inputs.binaries(request.binaries, wanted, spool, job, image) if request.binaries else []
    return [*found, *inputs.images(list(request.images), request.binaries, wanted, spool, job)]


def _layer(
    request: Request,
    base_digest: str,
    taken: Sequence[inputs.Input],
    files: dict[str, bytes],
    system: content.System,
    spool: Spool,
    job: Job,
    epoch: int,
) -> Blob:
    old = files.get(content.RELEASE, b"").decode("utf-8", "replace")
    release = content.release(old, request.name.kubernetes, system, request.arch)
    made = content.entries(request.name, taken, release, base_digest, request.arch)
    overlay = list(tarlayer.tree(request.overlay)) if request.overlay is not None else []
    entries = content.merged(made, overlay)
    spool.need(sum(entry.size() for entry in entries), "the layer")
    job.step("making the layer")
    with spool.layer(request.compression) as out:
        tarlayer.write(entries, out, epoch, job)
    assert out.blob is not None
    return out.blob


def _documents(request: Request, base: Base, base_digest: str, layer: Blob, epoch: int) -> tuple[bytes, bytes]:
    """Return configuration and manifest of the new image."""
    kubernetes, created = request.name.kubernetes, times.rfc3339(epoch)
    inner = dict(media.object_(base.config.get("config")))
    inner["Labels"] = {
        **media.object_(inner.get("Labels")),
        "edgewright.kubernetes.distribution": kubernetes.distribution,
        "edgewright.kubernetes.version": kubernetes.full,
    }
    said = f"edgewright forge image: {kubernetes.distribution} {kubernetes.full}"
    history = [*media.objects(base.config.get("history")), {"created": created, "created_by": said}]
    diffs = [*(blob.diff_id for blob in base.layers), layer.diff_id]
    config = {**base.config, "created": created, "architecture": request.arch, "os": "linux", "config": inner}
    raw = media.canonical({**config, "rootfs": {"type": "layers", "diff_ids": diffs}, "history": history})
    manifest = {
        "schemaVersion": 2,
        "mediaType": media.OCI_MANIFEST,
        "config": {"mediaType": media.OCI_CONFIG, "digest": media.digest(raw), "size": len(raw)},
        "layers": [blob.descriptor() for blob in [*base.layers, layer]],
        "annotations": {
            "org.opencontainers.image.base.digest": base_digest,
            "org.opencontainers.image.version": request.name.tag,
        },
    }
    return raw, media.canonical(manifest)


def _warnings(request: Request, taken: Sequence[inputs.Input], seen: set[str], job: Job) -> tuple[str, ...]:
    kubernetes = request.name.kubernetes
    told = []
    for one in taken:
        own = one.kind == "binary" and not one.link and one.name not in inputs.FURTHER[kubernetes.distribution]
        if own and not checks.names_version(one.path, kubernetes, job):
            told.append(f"{one.name} does not have {kubernetes.full} written in it: is it that version?")
    if not request.binaries and request.scan:
        overlaid = {e.path for e in tarlayer.tree(request.overlay)} if request.overlay is not None else set()
        for name in inputs.PROGRAMS[kubernetes.distribution]:
            if f"usr/bin/{name}" not in seen | overlaid:
                told.append(f"No /usr/bin/{name} is in the image, and --binaries brought none.")
    names = [name for one in taken for name in one.images]
    archives = [one for one in taken if one.kind == "images"]
    lacking = checks.lacking_images(kubernetes, names)
    if archives and lacking:
        told.append(f"These images are not in the archives, hosts will have to pull them: {', '.join(lacking)}.")
    if not archives:
        told.append("No images of containers are in it: hosts will have to pull them.")
    return tuple(told)
