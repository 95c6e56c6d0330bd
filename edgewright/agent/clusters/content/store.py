"""Blobs by digest and images by name, as an OCI layout; what is not complete and checked yet is in `partial/`."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any, Callable, Dict, Iterable, Iterator, List, Set, Tuple

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.host import Host, disk_hint
from edgewright.agent.kernel.state import reason_of, sync_folder
from edgewright.core.errors import Failed

PIECE = 1 << 20
NAME = "io.containerd.image.name"
"""Annotation of an image in `index.json` with its complete name."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class ContentStore:
    """The content of clusters on this host; `folder` is an OCI layout, also that of a tree (only read then)."""

    def __init__(self, host: Host, folder: str = paths.CONTENT) -> None:
        self.host = host
        self.folder = folder

    def path(self, digest: str) -> str:
        """Return the file of a blob, whether it is there or not. Raises `ValueError` for what is not a digest."""
        return self.host.path(f"{self.folder}/blobs/sha256/{_hex(digest)}")

    def part(self, digest: str) -> str:
        """Return the file of a blob that is not complete yet."""
        return self.host.path(f"{self.folder}/partial/{_hex(digest)}")

    def has(self, digest: str) -> bool:
        """Return whether a blob is there; its content was checked before it got its name."""
        return os.path.isfile(self.path(digest))

    def read(self, digest: str, most: int = 8 * 1024 * 1024) -> bytes:
        """Return a small blob, checked again. Raises `Failed`."""
        try:
            with open(self.path(digest), "rb") as file:
                data = file.read(most + 1)
        except OSError as error:
            raise Failed(f"The blob {digest[:19]} cannot be read: {reason_of(error)}.") from None
        if len(data) > most or "sha256:" + hashlib.sha256(data).hexdigest() != digest:
            os.unlink(self.path(digest))  # it is fetched again
            raise Failed(f"The blob {digest[:19]} is damaged and was removed.", "It is fetched again by itself.")
        return data

    def intact(self, digest: str) -> bool:
        """Return whether a blob on the disk still has its content; a damaged one is removed. Raises `Failed`."""
        path = self.path(digest)
        try:
            if _sum_of(path) == _hex(digest):
                return True
            os.unlink(path)
        except OSError as error:
            raise Failed(f"The blob {digest[:19]} cannot be read: {reason_of(error)}.", "Check the disk.") from None
        return False

    def add(self, data: bytes) -> str:
        """Store a small blob, a manifest for example; return its digest. Raises `Failed`."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if not self.has(digest):
            self.fill(digest, len(data), lambda done: iter([data[done:]]))
        return digest

    def fill(
        self,
        digest: str,
        size: int,
        rest: Callable[[int], Iterator[bytes]],
        moved: Callable[[int], None] = lambda n: None,
    ) -> None:
        """Complete a blob: `rest(done)` yields its bytes from `done` on. What arrived stays when it breaks off.

        `moved` gets the bytes that are there so far. Raises `Failed` for another content or a disk without room, and
        what `rest` raises.
        """
        part = self.part(digest)
        try:
            for folder in (os.path.dirname(part), os.path.dirname(self.path(digest))):
                os.makedirs(folder, mode=0o755, exist_ok=True)
            with open(part, "ab") as file:
                done = file.tell()
                if done > size:
                    file.truncate(0)
                    done = 0
                if done < size:
                    self.host.require_space(self.folder, size - done)
                    for piece in rest(done):
                        file.write(piece)
                        done += len(piece)
                        moved(done)
                file.flush()
                os.fsync(file.fileno())
            if _sum_of(part) != _hex(digest):
                os.unlink(part)
                raise Failed(
                    f"The blob {digest[:19]} arrived with another content.",
                    "Check the registry if this repeats: do not trust it.",
                    "DigestMismatch",
                )
            os.replace(part, self.path(digest))
            sync_folder(os.path.dirname(self.path(digest)))
        except OSError as error:
            raise Failed(f"The blob {digest[:19]} cannot be stored: {reason_of(error)}.", disk_hint(error)) from None

    def have(self, digest: str) -> int:
        """Return how many bytes of a blob are here."""
        for path in (self.path(digest), self.part(digest)):
            try:
                return os.stat(path).st_size
            except OSError:
                continue
        return 0

    def images(self) -> Dict[str, str]:
        """Return the digest of the manifest of each image, by its complete name."""
        index = self.host.json(f"{self.folder}/index.json")
        result: Dict[str, str] = {}
        for item in _objects(index.get("manifests")):
            annotations = item.get("annotations") or {}
            name = annotations.get(NAME) or annotations.get("org.opencontainers.image.ref.name")
            digest = item.get("digest")
            if isinstance(name, str) and is_digest(digest):
                result[name] = str(digest)
        return result

    def name_images(self, names: Dict[str, str]) -> None:
        """Make the index name exactly these images, each by the digest of its manifest. Raises `Failed`."""
        self.host.write(f"{self.folder}/oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        self.host.write(f"{self.folder}/index.json", json.dumps(index_of(self, names), sort_keys=True).encode())

    def retain(self, digests: Set[str]) -> int:
        """Remove every blob and partial blob that is not among `digests`; return the bytes that this freed."""
        freed = 0
        stay = {_hex(digest) for digest in digests}
        for folder in ("blobs/sha256", "partial"):
            for name in self.host.names(f"{self.folder}/{folder}"):
                if name not in stay:
                    path = self.host.path(f"{self.folder}/{folder}/{name}")
                    try:
                        freed += os.stat(path).st_size
                        os.unlink(path)
                    except OSError:
                        continue
        return freed


def index_of(store: ContentStore, names: Dict[str, str]) -> Dict[str, Any]:
    """Return an OCI index that names images of a store."""
    manifests = []
    for name, digest in sorted(names.items()):
        document = manifest_of(store, digest)
        manifests.append(
            {
                "mediaType": document.get("mediaType") or "application/vnd.oci.image.manifest.v1+json",
                "digest": digest,
                "size": os.stat(store.path(digest)).st_size,
                "annotations": {NAME: name},
            }
        )
    return {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}


def manifest_of(store: ContentStore, digest: str) -> Dict[str, Any]:
    """Return a manifest of a store as JSON. Raises `Failed`."""
    try:
        document = json.loads(store.read(digest))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Failed(f"The manifest {digest[:19]} is not a JSON object.")
    return document


def parts_of(document: Dict[str, Any]) -> List[Tuple[str, int]]:
    """Return digest and size of what an image's manifest names: its configuration and its layers, each once."""
    parts: Dict[str, int] = {}
    for item in [document.get("config"), *_objects(document.get("layers"))]:
        digest, size = (item.get("digest"), item.get("size")) if isinstance(item, dict) else (None, None)
        if is_digest(digest) and isinstance(size, int) and size >= 0:
            parts[str(digest)] = size
    return list(parts.items())


def resolved(store: ContentStore, ref: str, digest: str) -> str:
    """Return the manifest that is used of an image: the one its name has, if the index of that digest lists it.

    Another digest under the same name is another image.
    """
    named = store.images().get(ref, digest)
    if named == digest or not store.has(digest):
        return digest
    listed = _objects(manifest_of(store, digest).get("manifests"))
    return named if any(item.get("digest") == named for item in listed) else digest


def complete(stores: Iterable[ContentStore], digest: str) -> bool:
    """Return whether an image with everything that it consists of is in one of the stores."""
    for store in stores:
        if not store.has(digest):
            continue
        try:
            parts = parts_of(manifest_of(store, digest))
        except Failed:
            continue
        if parts and all(store.has(part) for part, _ in parts):
            return True
    return False


def _objects(value: Any) -> List[Dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def is_digest(value: Any) -> bool:
    """Return whether a value is the digest of a blob."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _hex(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a digest: {digest[:80]!r}")
    return digest[7:]


def _sum_of(path: str) -> str:
    total = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            total.update(piece)
    return total.hexdigest()
