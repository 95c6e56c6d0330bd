"""`images/` of a tree as hosts read it: one OCI layout, of whatever archives were given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from edgewright.forge.image.inputs import Input
from edgewright.forge.progress import Job
from edgewright.forge.registry import layers, store
from edgewright.forge.registry.spool import Spool
from edgewright.forge.tree.images import NAME_KEYS, ArchiveImage
from edgewright.oci import media


class Layout:
    """Collects images of archives that were checked (`images.read`); a blob that two of them share is there once."""

    def __init__(self, spool: Spool, job: Job) -> None:
        self._spool, self._job = spool, job
        self._sources: dict[str, str] = {}
        self._entries: dict[str, dict[str, Any]] = {}

    def add(self, files: store.Store, images: Sequence[ArchiveImage], source: str) -> list[ArchiveImage]:
        """Take the images of an archive; returns them with the digests of their manifests in the layout."""
        if "oci-layout" in files.names():
            for image in images:
                self._oci(files, image, source)
            return list(images)
        return list(self._docker(files, source))

    def files(self) -> list[Input]:
        """Return the blobs, by their places in the tree."""
        return [
            Input("images", f"images/blobs/sha256/{digest[7:]}", self._spool.path(digest), digest[7:], source)
            for digest, source in sorted(self._sources.items())
        ]

    def documents(self) -> dict[str, bytes]:
        """Return the documents of the layout, by their places in the tree."""
        index = {
            "schemaVersion": 2,
            "mediaType": media.OCI_INDEX,
            "manifests": [self._entries[name] for name in sorted(self._entries)],
        }
        return {
            "images/index.json": media.canonical(index),
            "images/oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        }

    def _oci(self, files: store.Store, image: ArchiveImage, source: str) -> None:
        """Take an image of a layout as it is."""
        data = b"".join(store.verified(files, image.digest, f"The manifest of {image.name}"))
        manifest = media.parsed(data, f"The manifest of {image.name}")
        for blob in (media.object_(manifest.get("config")), *media.objects(manifest.get("layers"))):
            digest = str(blob.get("digest"))
            self._put(digest, self._checked(store.verified(files, digest, f"A part of {image.name}")), source)
        self._name(image.name, data, media.of_manifest(data, ""), source)

    def _docker(self, files: store.Store, source: str) -> Iterator[ArchiveImage]:
        """Take the images of docker's form: their layers as they are unpacked, whose digests the configuration has."""
        for entry in media.objects(json.loads(store.small(files, "manifest.json"))):
            config = store.small(files, str(entry.get("Config")))
            self._put(media.digest(config), iter([config]), source)
            document = media.parsed(config, "A configuration")
            digests = [str(digest) for digest in media.object_(document.get("rootfs"))["diff_ids"]]
            blobs, total = [], len(config)
            for name, digest in zip(entry["Layers"], digests, strict=True):
                self._put(digest, self._checked(layers.plain(files.read(str(name)))), source)
                size = self._spool.path(digest).stat().st_size
                total += size
                blobs.append({"mediaType": media.OCI_LAYER, "digest": digest, "size": size})
            manifest = media.canonical(
                {
                    "schemaVersion": 2,
                    "mediaType": media.OCI_MANIFEST,
                    "config": {"mediaType": media.OCI_CONFIG, "digest": media.digest(config), "size": len(config)},
                    "layers": blobs,
                }
            )
            for tag in entry.get("RepoTags") or ():
                self._name(str(tag), manifest, media.OCI_MANIFEST, source)
                yield ArchiveImage(str(tag), media.digest(manifest), total)

    def _name(self, name: str, manifest: bytes, kind: str, source: str) -> None:
        digest = media.digest(manifest)
        self._put(digest, iter([manifest]), source)
        self._entries[name] = {
            "mediaType": kind,
            "digest": digest,
            "size": len(manifest),
            "annotations": dict.fromkeys(NAME_KEYS, name),
        }

    def _put(self, digest: str, pieces: Iterator[bytes], source: str) -> None:
        if digest not in self._sources:
            self._spool.store(digest, pieces)
            self._sources[digest] = source

    def _checked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._job.check()
            yield piece
