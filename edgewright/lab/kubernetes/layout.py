"""Container images without a container daemon: layers that are the same for the same files, in one OCI layout."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from edgewright.oci import media

NAME = "io.containerd.image.name"
REF = "org.opencontainers.image.ref.name"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Layer(NamedTuple):
    """A layer in a layout: the digest of its blob, its size, and the digest of its tar."""

    digest: str
    size: int
    diff_id: str


class File(NamedTuple):
    """A thing in a layer, at `path`: a file from disk, a link to `link`, or (neither) a folder."""

    path: str
    source: Path | None = None
    link: str = ""
    mode: int = 0o755


class Layout:
    """An OCI layout in a folder; a blob that two images share is there once."""

    def __init__(self, folder: Path, arch: str) -> None:
        self.folder, self.arch = folder, arch
        self._entries: dict[str, dict[str, Any]] = {}
        (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)

    def layer(self, files: Iterable[File]) -> Layer:
        """Write a layer: sorted, owner root, time 0, gzip."""
        draft = self.folder / "layer.new"
        with draft.open("wb") as stream:
            result = write_layer(files, stream)
        draft.rename(self._path(result.digest))
        return result

    def image(self, name: str, layers: Sequence[Layer], entry: Sequence[str] = (), user: str = "") -> str:
        """Write an image of these layers and return the digest of its manifest. `name` is full, with its tag."""
        inner: dict[str, Any] = {"Env": [PATH]}
        if entry:
            inner["Entrypoint"] = list(entry)
        if user:
            inner["User"] = user
        config = media.canonical(
            {
                "architecture": self.arch,
                "os": "linux",
                "config": inner,
                "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
                "history": [{"created_by": "edgewright lab kubernetes build"} for _ in layers],
            }
        )
        manifest = media.canonical(
            {
                "schemaVersion": 2,
                "mediaType": media.OCI_MANIFEST,
                "config": {"mediaType": media.OCI_CONFIG, **self._blob(config)},
                "layers": [
                    {"mediaType": media.OCI_LAYER + "+gzip", "digest": layer.digest, "size": layer.size}
                    for layer in layers
                ],
            }
        )
        descriptor = self._blob(manifest)
        self._entries[name] = {
            "mediaType": media.OCI_MANIFEST,
            **descriptor,
            "platform": {"architecture": self.arch, "os": "linux"},
            "annotations": {NAME: name, REF: name},
        }
        return str(descriptor["digest"])

    def close(self) -> None:
        """Write the index: from now on the layout is complete."""
        index = {
            "schemaVersion": 2,
            "mediaType": media.OCI_INDEX,
            "manifests": [self._entries[name] for name in sorted(self._entries)],
        }
        (self.folder / "index.json").write_bytes(media.canonical(index))
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def _path(self, digest: str) -> Path:
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def _blob(self, data: bytes) -> dict[str, Any]:
        digest = media.digest(data)
        self._path(digest).write_bytes(data)
        return {"digest": digest, "size": len(data)}


def write_layer(files: Iterable[File], stream: IO[bytes]) -> Layer:
    """Write a layer to a stream. The same files give the same bytes."""
    outer = _Hashing(stream)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=4, fileobj=outer, mtime=0) as packed:
        inner = _Hashing(packed)  # type: ignore[arg-type]
        with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:  # type: ignore[call-overload]
            for file in sorted(_with_parents(files).values(), key=lambda file: file.path):
                _add(tar, file)
    return Layer(outer.digest(), outer.count, inner.digest())


def _with_parents(files: Iterable[File]) -> Mapping[str, File]:
    """Return the files by path, with the folders above them."""
    result: dict[str, File] = {}
    for file in files:
        for parent in Path(file.path).parents:
            if parent.name:
                result.setdefault(str(parent), File(str(parent)))
        result[file.path] = file
    return result


def _add(tar: tarfile.TarFile, file: File) -> None:
    info = tarfile.TarInfo(file.path)
    info.mode, info.mtime = file.mode, 0
    if file.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, file.link, 0o777
        tar.addfile(info)
    elif file.source is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    else:
        with file.source.open("rb") as stream:
            info.size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            tar.addfile(info, stream)


def tree(root: Path, leave_out: Sequence[str] = ()) -> list[File]:
    """Return the files below a folder; devices, sockets and what is below `leave_out` are not among them."""
    result = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if any(name == place or name.startswith(f"{place}/") for place in leave_out):
            continue
        mode = path.lstat().st_mode & 0o7777
        if path.is_symlink():
            result.append(File(name, link=str(path.readlink())))
        elif path.is_dir():
            result.append(File(name, mode=mode))
        elif path.is_file():
            result.append(File(name, path, mode=mode))
    return result


def images(folder: Path) -> dict[str, str]:
    """Return the images of a layout: name -> digest of the manifest."""
    index = json.loads((folder / "index.json").read_bytes())
    return {entry["annotations"][NAME]: entry["digest"] for entry in index["manifests"]}


class _Hashing:
    """A stream that hashes and counts what is written to it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._seen, self.count = stream, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        self._seen.update(data)
        self.count += len(data)
        self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def digest(self) -> str:
        return "sha256:" + self._seen.hexdigest()
