"""Where the blobs of an image on disk are: a folder or a tar file of the OCI layout."""

from __future__ import annotations

import hashlib
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.oci.reply import CHUNK


class Store(Protocol):
    """Files by name within an image on disk."""

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file. Raises `NotFound`."""

    def names(self) -> list[str]:
        """Return the names of all files."""


class Folder:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file. Raises `NotFound`."""
        try:
            with (self._path / name).open("rb") as stream:
                while data := stream.read(CHUNK):
                    yield data
        except FileNotFoundError:
            raise NotFound(f"{self._path} has no {name}.", "It is not a complete image in the OCI layout.") from None
        except OSError as error:
            raise Failed(f"{self._path / name} cannot be read: {error.strerror}.", "Check its rights.") from None

    def names(self) -> list[str]:
        """Return the names of all files."""
        return [p.relative_to(self._path).as_posix() for p in self._path.rglob("*") if p.is_file()]


class Tar:
    """A tar file that is not compressed; its members are read where they lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}
        links: dict[str, str] = {}
        try:
            with tarfile.open(path, "r:") as tar:
                for info in tar:
                    name = info.name.removeprefix("./")
                    if info.isreg():
                        self._places[name] = info.offset_data, info.size
                    elif info.issym() or info.islnk():  # Docker writes a layer that occurs twice once
                        links[name] = _target(name, info)
        except (tarfile.TarError, OSError):
            raise InvalidInput(
                f"{path} is not a tar archive of an image.", "Write it with: skopeo copy ... oci-archive:FILE"
            ) from None
        for name, target in links.items():
            if target in self._places:
                self._places[name] = self._places[target]

    def read(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file. Raises `NotFound`."""
        if name not in self._places:
            raise NotFound(f"{self._path} has no {name}.", "It is not a complete archive of an image.")
        start, left = self._places[name]
        with self._path.open("rb") as stream:
            stream.seek(start)
            while left:
                data = stream.read(min(CHUNK, left))
                if not data:
                    raise InvalidInput(f"{self._path} ends too early.", "Copy it again.")
                left -= len(data)
                yield data

    def names(self) -> list[str]:
        """Return the names of all files."""
        return list(self._places)

    def size(self, name: str) -> int:
        """Return the bytes of a file."""
        return self._places[name][1]


def _target(name: str, info: tarfile.TarInfo) -> str:
    if info.islnk():
        return info.linkname.removeprefix("./")
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))


def small(store: Store, name: str, limit: int = 4 * 1024 * 1024) -> bytes:
    """Return a small file. Raises `NotFound`, `InvalidInput` when it is not small."""
    data = b""
    for piece in store.read(name):
        data += piece
        if len(data) > limit:
            raise InvalidInput(f"{name} is far larger than it may be.", "It is damaged, or no image.")
    return data


def verified(store: Store, digest: str, what: str) -> Iterator[bytes]:
    """Yield a blob of an OCI layout and verify it at its end. Raises `InvalidInput` when it is something else."""
    seen = hashlib.sha256()
    for piece in store.read("blobs/" + digest.replace(":", "/", 1)):
        seen.update(piece)
        yield piece
    if digest != "sha256:" + seen.hexdigest():
        raise InvalidInput(f"{what} is damaged: its content does not match {digest}.", "Copy it again.")
