"""The image of the hub from beginning to end: base, two layers, configuration, push, SBOM, signature."""

from __future__ import annotations

import platform
import re
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgewright import __version__
from edgewright.core import times
from edgewright.core.errors import InvalidInput
from edgewright.forge.hubimage import contents, sbom
from edgewright.forge.image import content, publish
from edgewright.forge.image.bases import Base, Fetched, origin
from edgewright.forge.image.build import epoch_of, open_base
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers as layered
from edgewright.forge.registry import push, tarlayer
from edgewright.forge.registry.spool import Blob, Compression, Spool, open_spool
from edgewright.oci import media
from edgewright.oci.auth import mount_scope
from edgewright.oci.reference import Reference, parse
from edgewright.oci.registry import Registry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PORT = 8443
_PYTHON = re.compile(r"usr/(?:local/)?bin/python3\.\d+")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Request:
    """What to build: `base` as of `forge image`, and where it is pushed."""

    base: str
    reference: Reference
    compression: Compression = "gzip"
    ca: Path | None = None
    temp: Path | None = None
    replace: bool = False
    arch: str = _ARCHITECTURES.get(platform.machine(), platform.machine())
    """That of this machine: the libraries are those that run here."""


class Result(NamedTuple):
    """What was built: its document, and the bytes of the SBOM."""

    document: dict[str, Any]
    sbom: bytes


def build(request: Request, job: Job, *, key: EllipticCurvePrivateKey | None = None) -> Result:
    """Build, push, attach the SBOM and sign. Raises `EdgewrightError`; then nothing is tagged, nothing left behind."""
    where, reference = origin(request.base), request.reference
    libraries, own = contents.libraries(), contents.own_files()
    with ExitStack() as stack:
        spool = stack.enter_context(open_spool(request.temp))
        stack.enter_context(spool.room())
        same = where.kind == "registry" and parse(where.where).registry == reference.registry
        others = [mount_scope(parse(where.where).repository)] if same else []
        job.step(f"looking for {reference}", "steps")
        target = stack.enter_context(
            Registry(reference.registry, reference.repository, job, write=True, ca=request.ca, others=others)
        )
        before = push.refuse_taken(target, reference, replace=request.replace)
        base = open_base(request, where, spool, job, stack)
        source = Fetched(base, spool) if where.kind == "registry" else base
        scan = layered.scan(source, content.wanted, lambda name: _PYTHON.fullmatch(name) is not None, job)
        python, epoch = interpreter(request.base, scan.names), epoch_of(base)
        fresh = [
            _layer(contents.library_entries(libraries), request.compression, spool, job, epoch, "libraries"),
            _layer(contents.hub_entries(own), request.compression, spool, job, epoch, "hub"),
        ]
        config = configuration(base, fresh, python, request.arch, epoch)
        annotations = {
            "org.opencontainers.image.base.digest": base.digest,
            "org.opencontainers.image.version": __version__,
        }
        manifest = publish.manifest(config, [blob.descriptor() for blob in [*base.layers, *fresh]], annotations)
        system = content.system(scan.files)
        listed = sbom.document(str(reference), f"{base.name} {base.digest}", libraries, own, epoch, system, scan.files)
        bill = media.canonical(listed)
        image = publish.Image(base, fresh, config, manifest, source)
        done = publish.publish(
            image, target, reference, bill, spool, job, free=before is None, replace=request.replace, key=key
        )
        return Result(_document(request, base, fresh, done, len(listed["packages"]), before), bill)


def interpreter(base: str, names: Collection[str]) -> str:
    """Return the path of the base's Python. Raises `InvalidInput` without one of the version that runs here."""
    wanted = contents.python_name()
    paths = sorted(f"/{name}" for name in names if name.rpartition("/")[2] == wanted)
    if paths:
        return paths[0]
    others = ", ".join(sorted(name.rpartition("/")[2] for name in names)) or "no Python"
    raise InvalidInput(
        f"The base {base} has {others}; the libraries of this machine are for {wanted}.",
        f"Give a base with {wanted}, or run this by the Python of the base.",
        "NoPython",
    )


def configuration(base: Base, fresh: Sequence[Blob], python: str, arch: str, epoch: int) -> bytes:
    """Return the image's configuration: how a hub is started in it, as which user, and how its health is asked."""
    run = [python, "-m", "edgewright.hub.process.cli"]
    probe = [python, "-m", "edgewright.hub.process.observe.probe", f"https://127.0.0.1:{PORT}/healthz"]
    inner = {
        "User": f"{contents.OWNER}:{contents.OWNER}",
        "WorkingDir": f"/{contents.DATA}",
        "Env": [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            f"PYTHONPATH=/{contents.ROOT}",
            "PYTHONDONTWRITEBYTECODE=1",
            "PYTHONUNBUFFERED=1",
        ],
        "Entrypoint": run,
        "Cmd": ["serve", "--listen", f"0.0.0.0:{PORT}", "--data", f"/{contents.DATA}/hub", "--log-format", "json"],
        "ExposedPorts": {f"{PORT}/tcp": {}},
        "Volumes": {f"/{contents.DATA}": {}},
        "StopSignal": "SIGTERM",
        "Healthcheck": {"Test": ["CMD", *probe], "Interval": 30_000_000_000, "Timeout": 5_000_000_000, "Retries": 3},
    }
    start = {key: value for key, value in base.config.items() if key in ("history", "variant")}
    start |= {"created": times.rfc3339(epoch), "architecture": arch, "os": "linux", "config": inner}
    start["rootfs"] = {"diff_ids": [blob.diff_id for blob in base.layers]}
    labels = {
        "org.opencontainers.image.title": "edgewright-hub",
        "org.opencontainers.image.description": "Management plane of Edgewright",
        "org.opencontainers.image.version": __version__,
        "org.opencontainers.image.licenses": sbom.LICENCE,
        "org.opencontainers.image.base.digest": base.digest,
    }
    return publish.configuration(start, fresh, labels, f"edgewright forge hub-image {__version__}")


def _layer(
    entries: Sequence[tarlayer.Entry], compression: Compression, spool: Spool, job: Job, epoch: int, what: str
) -> Blob:
    spool.require(sum(entry.size() for entry in entries), f"the layer of the {what}")
    job.step(f"making the layer of the {what}")
    with spool.layer(compression) as out:
        tarlayer.write(entries, out, epoch, job)
    assert out.blob is not None
    return out.blob


def _document(
    request: Request, base: Base, fresh: Sequence[Blob], done: publish.Published, listed: int, before: str | None
) -> dict[str, Any]:
    return {
        "apiVersion": "edgewright/v1",
        "kind": "HubImage",
        "reference": str(request.reference),
        "digest": done.digest,
        "version": __version__,
        "architecture": request.arch,
        "replaced": before,
        "base": {"name": base.name, "digest": base.digest},
        "layers": [{**blob.descriptor(), "diffId": blob.diff_id} for blob in fresh],
        "size": sum(blob.size for blob in [*base.layers, *fresh]),
        "pushed": done.pushed,
        "sbom": {"digest": done.sbom, "packages": listed},
        "signature": done.signature,
        "warnings": list(base.notes),
    }
