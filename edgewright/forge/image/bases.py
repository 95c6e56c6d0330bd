"""What an appliance image is built on: an image at a registry or in a file, a root in a folder, or our own ISO."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.forge.image.medium import Medium
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers, store
from edgewright.forge.registry.spool import Blob, Spool
from edgewright.oci import media
from edgewright.oci.mirrors import Source
from edgewright.oci.reference import Reference, parse
from edgewright.oci.registry import Manifest

REF_NAME = "org.opencontainers.image.ref.name"
KINDS = ("oci-archive", "oci", "docker-archive", "appliance", "root", "docker")


class Origin(NamedTuple):
    """Where a base was given: `kind` (`registry`, or one of KINDS) and the rest of its text."""

    kind: str
    where: str


def origin(text: str) -> Origin:
    """Return what the text of --base means. Raises `InvalidInput`."""
    kind, colon, rest = text.partition(":")
    if colon and kind in KINDS and (kind != "docker" or rest.startswith("//")):
        if kind == "docker":
            return Origin("registry", str(parse(rest[2:])))
        if not rest:
            raise InvalidInput(f"{text} names no file.", f"Write {kind}:PATH.")
        return Origin(kind, rest)
    return Origin("registry", str(parse(text)))


class Base:
    """An image with its configuration and its layers, read from where it is.

    `digest` is that of its manifest (of the file's content where it has none), `layers` from the lowest to the highest.
    """

    def __init__(self, name: str, digest: str, config: dict[str, Any], blobs: Sequence[Blob]) -> None:
        self.name, self.digest, self.config, self.layers = name, digest, config, tuple(blobs)
        self.notes: tuple[str, ...] = ()
        """Sentences about how it was read that the user should know."""
        self.reference: Reference | None = None
        """The image at its registry, by digest; None when it comes from a file."""
        self.medium: Medium | None = None
        """The ISO that it was read from, with the files of a slot."""
        self.pristine = True
        """Whether it is as it was given: no Containerfile changed it."""

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a layer, verified at their end."""
        raise NotImplementedError

    def origin_of(self, blob: Blob) -> Reference | None:
        """Return the image at a registry that a layer belongs to, or None."""
        return self.reference


class Changed(Base):
    """What a Containerfile made of a base: the layers that it left alone are still the base's own blobs."""

    def __init__(self, base: Base, built: Base, name: str) -> None:
        same = 0
        while same < min(len(base.layers), len(built.layers)) and (
            base.layers[same].diff_id == built.layers[same].diff_id
        ):
            same += 1
        super().__init__(name, base.digest, built.config, [*base.layers[:same], *built.layers[same:]])
        self.notes, self.medium, self.pristine = base.notes, base.medium, False
        self._base, self._built, self._own = base, built, set(base.layers[:same])

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a layer, verified at their end."""
        return self._base.read(blob) if blob in self._own else self._built.read(blob)

    def origin_of(self, blob: Blob) -> Reference | None:
        """Return the image at a registry that a layer belongs to, or None."""
        return self._base.origin_of(blob) if blob in self._own else None


class Fetched:
    """The layers of an image, each fetched once and read from the spool after that: they are read twice or more."""

    def __init__(self, base: Base, spool: Spool) -> None:
        self.layers, self._base, self._spool = base.layers, base, spool
        self._there: dict[str, Path] = {}

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a layer, verified at their end."""
        path = self._there.get(blob.digest)
        if path is not None:
            with path.open("rb") as stream:
                while data := stream.read(1 << 18):
                    yield data
            return
        path = self._spool.fresh("layer-of-the-base")
        self._spool.require(blob.size, f"a layer of {self._base.name}")
        with self._spool.room(), path.open("wb") as out:
            for data in self._base.read(blob):
                out.write(data)
                yield data
        self._there[blob.digest] = path


class FromRegistry(Base):
    """A base at a registry."""

    def __init__(self, registry: Source, reference: Reference, manifest: Manifest, platform: str) -> None:
        manifest = one_platform(
            manifest, platform, str(reference), lambda d: registry.manifest(d, f"the base {reference}")
        )
        document = media.parsed(manifest.data, f"The manifest of {reference}")
        what = f"the configuration of {reference}"
        config = media.parsed(registry.small_blob(_digest(document.get("config"), what), what), what)
        _check_platform(config, platform, str(reference))
        super().__init__(str(reference), manifest.digest, config, _layers(document, config, str(reference)))
        self.reference = Reference(reference.registry, reference.repository, reference.tag, manifest.digest)
        self._registry = registry

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a layer, verified at their end."""
        return self._registry.blob(blob.digest, blob.size, f"a layer of {self.name}")


class FromLayout(Base):
    """A base in the OCI layout: a folder, an archive, or what a build left in its spool."""

    def __init__(self, name: str, files: store.Store, manifest: Manifest) -> None:
        document = media.parsed(manifest.data, f"The manifest of {name}")
        what = f"The configuration of {name}"
        raw = b"".join(store.verified(files, _digest(document.get("config"), what), what))
        config = media.parsed(raw, what)
        super().__init__(name, manifest.digest, config, _layers(document, config, name))
        self._files = files

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Yield the bytes of a layer, verified at their end."""
        return store.verified(self._files, blob.digest, f"A layer of {self.name}")


def open_layout(where: str, kind: str, platform: str, spool: Spool, job: Job) -> Base:
    """Open `oci:FOLDER[:TAG]` or `oci-archive:FILE[:TAG]`. Raises `InvalidInput`, `NotFound`."""
    path, tag = _split(where)
    name = f"{kind}:{where}"
    files: store.Store = store.Tar(_unpacked(path, spool, job)) if kind == "oci-archive" else store.Folder(path)
    index = media.parsed(store.small(files, "index.json"), f"index.json of {name}")
    entries = media.objects(index.get("manifests"))
    if tag:
        entries = [m for m in entries if media.object_(m.get("annotations")).get(REF_NAME) == tag]
    if not entries:
        raise NotFound(f"{path} contains no image{f' with the tag {tag}' if tag else ''}.", "Look at its index.json.")

    def load(digest: str) -> Manifest:
        data = b"".join(store.verified(files, digest, f"A manifest of {name}"))
        return Manifest(data, media.of_manifest(data, ""), digest)

    result = Manifest(media.canonical({"manifests": entries}), media.OCI_INDEX, "")
    if len(entries) == 1:
        result = load(_digest(entries[0], name))
    base = FromLayout(name, files, one_platform(result, platform, name, load))
    _check_platform(base.config, platform, name)
    return base


def open_docker_archive(where: str, platform: str, spool: Spool, job: Job) -> Base:
    """Open `docker-archive:FILE`: its layers are compressed into the spool. Raises `InvalidInput`, `NotFound`."""
    name = f"docker-archive:{where}"
    tar = store.Tar(_unpacked(Path(where), spool, job))
    try:
        listed = json.loads(store.small(tar, "manifest.json"))
        entry = listed[0]
        config_name, layer_names = str(entry["Config"]), [str(n) for n in entry["Layers"]]
    except (ValueError, KeyError, IndexError, TypeError):
        raise InvalidInput(f"{where} is not an archive that docker save writes.", "Is it an oci-archive?") from None
    config = media.parsed(store.small(tar, config_name), f"The configuration of {name}")
    blobs = []
    for number, layer in enumerate(layer_names, 1):
        job.step(f"compressing layer {number} of {len(layer_names)} of {where}")
        with spool.layer() as out:
            done = 0
            for piece in layers.plain(tar.read(layer)):
                out.write(piece)
                done += len(piece)
                job.at(done, tar.size(layer))
        assert out.blob is not None
        blobs.append(out.blob)
    _check_platform(config, platform, name)
    return in_spool(name, config, blobs, spool)


def in_spool(name: str, config: dict[str, Any], blobs: Sequence[Blob], spool: Spool) -> Base:
    """Return a base of layers that are in the spool; its digest is that of the manifest that they give."""
    config = {**config, "rootfs": {"type": "layers", "diff_ids": [blob.diff_id for blob in blobs]}}
    raw = media.canonical(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": media.OCI_MANIFEST,
        "config": {"mediaType": media.OCI_CONFIG, "digest": spool.small(raw), "size": len(raw)},
        "layers": [blob.descriptor() for blob in blobs],
    }
    data = media.canonical(manifest)
    digest = spool.small(data)
    return FromLayout(name, store.Folder(spool.folder), Manifest(data, media.OCI_MANIFEST, digest))


def one_platform(manifest: Manifest, platform: str, name: str, load: Any) -> Manifest:
    """Return the manifest for linux/`platform` out of an index; one that is not an index is returned as it is.

    Raises `NotFound` with what there is.
    """
    for _ in range(4):
        if manifest.media_type not in media.INDEXES:
            return manifest
        entries = media.objects(media.parsed(manifest.data, name).get("manifests"))
        fits = [m for m in entries if _architecture(m) == ("linux", platform)]
        if not fits and len(entries) == 1 and not entries[0].get("platform"):
            fits = entries
        if not fits:
            there = ", ".join(sorted({"/".join(_architecture(m)) for m in entries} - {"unknown/unknown", "/"}))
            raise NotFound(f"{name} has no image for linux/{platform}.", f"It has: {there or 'none'}.")
        manifest = load(_digest(fits[0], name))
    raise InvalidInput(f"{name} is an index of indexes without end.", "It is damaged.")


def _architecture(entry: dict[str, Any]) -> tuple[str, str]:
    reported = media.object_(entry.get("platform"))
    return str(reported.get("os") or ""), str(reported.get("architecture") or "")


def _check_platform(config: dict[str, Any], platform: str, name: str) -> None:
    has = config.get("architecture")
    if has and has != platform:
        raise InvalidInput(f"{name} is for {has}, not for {platform}.", f"Take another base, or --arch {has}.")


def _digest(entry: Any, what: str) -> str:
    digest = entry.get("digest") if isinstance(entry, dict) else None
    if not isinstance(digest, str) or not digest.startswith("sha256:") or len(digest) != 71 or "/" in digest:
        raise InvalidInput(f"{what} has no sha256 digest.", "It is damaged, or no image.")
    return digest


def _size(entry: dict[str, Any], what: str) -> int:
    size = entry.get("size")
    if not isinstance(size, int) or size < 0:
        raise InvalidInput(f"{what} does not give the size of its parts.", "It is damaged, or no image.")
    return size


def _layers(manifest: dict[str, Any], config: dict[str, Any], name: str) -> list[Blob]:
    diffs = media.object_(config.get("rootfs")).get("diff_ids")
    listed = manifest.get("layers")
    if str(manifest.get("artifactType")).startswith("application/vnd.edgewright.kubernetes"):
        raise InvalidInput(f"{name} is a Kubernetes tree, not an image of an operating system.", "Name another base.")
    if not isinstance(listed, list) or not isinstance(diffs, list) or len(diffs) != len(listed):
        raise InvalidInput(f"{name} is not an image of an operating system.", "Its configuration lists no layers.")
    return [
        Blob(_digest(item, name), _size(item, name), media.layer(str(item.get("mediaType"))), str(diff))
        for item, diff in zip(listed, diffs, strict=True)
    ]


def _split(where: str) -> tuple[Path, str]:
    """Return path and tag of `PATH[:TAG]` (a path with a colon in it is taken as it is when it is there)."""
    if Path(where).exists():
        return Path(where), ""
    path, _, tag = where.rpartition(":")
    return (Path(path), tag) if path and "/" not in tag else (Path(where), "")


def _unpacked(path: Path, spool: Spool, job: Job) -> Path:
    """Return the tar of an archive; a compressed one is decompressed into the spool first."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", "Check the path.")
    if not layers.magic(path).startswith((layers.GZIP, layers.ZSTD)):
        return path
    job.step(f"decompressing {path.name}")
    target = spool.fresh("archive.tar")
    total, done = path.stat().st_size, 0

    def pieces() -> Iterator[bytes]:
        nonlocal done
        with path.open("rb") as stream:
            while data := stream.read(1 << 18):
                done += len(data)
                job.at(done, total)
                yield data

    try:
        with spool.room(), target.open("wb") as out:
            for piece in layers.plain(pieces()):
                out.write(piece)
    except zlib.error:
        raise InvalidInput(f"{path} is damaged.", "Copy it again.") from None
    return target
