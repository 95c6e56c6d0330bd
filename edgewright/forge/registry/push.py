"""Bringing an image to its registry: layers first (mounted, already there, or sent), the manifest with its tag last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import Conflict, Refused
from edgewright.forge.image.bases import Base
from edgewright.forge.registry.layers import Source
from edgewright.forge.registry.spool import Blob, Spool
from edgewright.oci import media
from edgewright.oci.push import Sent, mount, upload
from edgewright.oci.reference import Reference
from edgewright.oci.registry import Registry


class Pushed(NamedTuple):
    """What it took: the blobs by how they came (`there`, `mounted`, `sent`), and the bytes that were sent."""

    digest: str
    size: int
    there: int
    mounted: int
    sent: int
    sent_bytes: int


def refuse_taken(target: Registry, reference: Reference, *, replace: bool) -> str | None:
    """Return the digest that the tag has (None: it is free). Raises `Conflict` when it must not be replaced."""
    digest = target.digest(reference.tag, f"the tag {reference}")
    if digest is not None and not replace:
        raise Conflict(
            f"{reference} exists already, as {digest}.",
            "Hosts may run it: use another --custom-tag, or --replace to let the tag mean the new image.",
            "TagExists",
        )
    return digest


def layers(
    base: Base | None, fresh: Sequence[Blob], target: Registry, spool: Spool, source: Source | None = None
) -> list[Sent]:
    """Bring all layers to the registry; `source` reads the base's (None: the base itself).

    Raises `EdgewrightError`; nothing is tagged then.
    """
    blobs = list(dict.fromkeys([*(base.layers if base is not None else ()), *fresh]))
    sent = []
    for number, blob in enumerate(blobs, 1):
        what = f"layer {number} of {len(blobs)}"
        target.job.step(f"pushing {what}")
        sent.append(_layer(base, blob, target, spool, what, source or base))
    return sent


def _layer(base: Base | None, blob: Blob, target: Registry, spool: Spool, what: str, reader: Source | None) -> Sent:
    ours = spool.path(blob.digest)
    if ours.exists():
        return upload(target, blob.digest, ours, f"pushing {what}")
    assert base is not None and reader is not None, "a layer of no base is in the spool"
    source = base.origin_of(blob)
    if source is not None and source.registry == target.host:
        if source.repository == target.repository:
            return Sent("there", 0)
        try:
            if mount(target, blob.digest, source.repository, f"mounting {what}"):
                return Sent("mounted", 0)
        except Refused:
            pass  # it may be read but not mounted: then it is sent
    if target.has_blob(blob.digest, f"looking for {what}"):
        return Sent("there", 0)
    spool.require(blob.size, what)
    target.job.step(f"fetching {what}")
    path = spool.store(blob.digest, _counted(reader, blob, target))
    target.job.step(f"pushing {what}")
    try:
        return upload(target, blob.digest, path, f"pushing {what}")
    finally:
        path.unlink()


def _counted(reader: Source, blob: Blob, target: Registry) -> Iterator[bytes]:
    done = 0
    for piece in reader.read(blob):
        done += len(piece)
        target.job.at(done, blob.size)
        yield piece


def image(
    target: Registry, reference: Reference, config: bytes, manifest: bytes, sent: Sequence[Sent], spool: Spool
) -> Pushed:
    """Bring configuration and manifest; with the manifest the tag is there, complete."""
    target.job.step("pushing the manifest")
    path: Path = spool.path(spool.small(config))
    how = upload(target, "sha256:" + path.name, path, "pushing the configuration")
    target.put_manifest(reference.tag, manifest, media.OCI_MANIFEST, f"pushing {reference}")
    digest = spool.small(manifest)
    total = [*sent, how]

    def count(word: str) -> int:
        return sum(item.how == word for item in total)

    bytes_sent = sum(item.size for item in total) + len(manifest)
    return Pushed(digest, len(manifest), count("there"), count("mounted"), count("sent"), bytes_sent)
