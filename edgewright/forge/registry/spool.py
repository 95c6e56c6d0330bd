"""The temporary folder of one build: blobs by digest, made while they stream past; gone at its end."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, NamedTuple, Protocol

from edgewright.core.errors import EdgewrightError, Failed
from edgewright.forge.programs import find
from edgewright.forge.progress import size
from edgewright.oci import media

Compression = Literal["gzip", "zstd", "none"]
SUFFIX = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}


class Blob(NamedTuple):
    """A layer: digest and size of the blob, its OCI media type, and the digest of its tar (empty: not known)."""

    digest: str
    size: int
    media_type: str
    diff_id: str = ""

    def descriptor(self) -> dict[str, object]:
        """Return it as a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class Spool:
    """A folder for the blobs of one build; `open_spool` makes and removes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        self._count = 0

    def path(self, digest: str) -> Path:
        """Return where a blob is (or would be)."""
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def fresh(self, name: str) -> Path:
        """Return a path that nothing has yet."""
        self._count += 1
        return self.folder / f"{self._count}-{name}"

    def store(self, digest: str, pieces: Iterable[bytes]) -> Path:
        """Write a blob that is verified where it comes from, unless it is here already."""
        path = self.path(digest)
        if not path.exists():
            part = self.fresh("blob")
            with self.room(), part.open("wb") as stream:
                for piece in pieces:
                    stream.write(piece)
            part.rename(path)
        return path

    def small(self, data: bytes) -> str:
        """Store a small blob and return its digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.store(digest, [data])
        return digest

    @contextmanager
    def layer(self, compression: Compression = "gzip") -> Iterator[LayerWriter]:
        """Give a stream that takes a tar; after the block its `blob` is the layer that is stored here."""
        part = self.fresh("layer")
        with self.room():
            with part.open("wb") as stream:
                writer = LayerWriter(stream, compression)
                try:
                    yield writer
                finally:
                    writer.close()
            assert writer.blob is not None
            part.rename(self.path(writer.blob.digest))

    def require(self, count: int, what: str) -> None:
        """Raise `Failed` when fewer than `count` bytes are free here."""
        free = shutil.disk_usage(self.folder).free
        if free < count:
            lack = size(count - free)
            raise Failed(
                f"The temporary folder {self.folder.parent} has {size(free)} free, {lack} too few for {what}.",
                "Free some, or name another folder with --temp.",
                "DiskFull",
            )

    @contextmanager
    def room(self) -> Iterator[None]:
        """Turn a full disk into its sentence."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise full(self.folder.parent) from None


def full(folder: Path) -> EdgewrightError:
    """Return the error for a temporary folder that ran full."""
    return Failed(
        f"The temporary folder {folder} ran full.", "Free some, or name another folder with --temp.", "DiskFull"
    )


@contextmanager
def open_spool(temp: Path | None) -> Iterator[Spool]:
    """Give a new spool in `temp` (None: the machine's own temporary folder) and remove it. Raises `Failed`."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="edgewright-image-", dir=temp))
    except OSError as error:
        raise Failed(
            f"No temporary folder can be made in {temp or tempfile.gettempdir()}: {error.strerror}.",
            "Name another one with --temp.",
        ) from None
    try:
        yield Spool(folder)
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, also where a build left files of other users (then by buildah's own user namespace)."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.getuid() and shutil.which("buildah"):
        subprocess.run(["buildah", "unshare", "rm", "-rf", str(folder)], capture_output=True, timeout=120, check=False)


class LayerWriter:
    """Takes a tar as it is made: hashes it, compresses it, hashes that, writes it. Same tar, same blob."""

    def __init__(self, stream: IO[bytes], compression: Compression) -> None:
        self._out = _Hashing(stream)
        self._diff = hashlib.sha256()
        self._compression = compression
        self._pipe: Pipe = _Zstd(self._out) if compression == "zstd" else _Zlib(self._out, raw=compression == "none")
        self.blob: Blob | None = None
        self.tar_size = 0

    def write(self, data: bytes) -> int:
        """Take the next bytes of the tar."""
        self._diff.update(data)
        self.tar_size += len(data)
        self._pipe.write(data)
        return len(data)

    def close(self) -> None:
        """End the blob; its facts are then in `blob`."""
        self._pipe.close()
        digest = "sha256:" + self._out.seen.hexdigest()
        media_type = media.OCI_LAYER + SUFFIX[self._compression]
        self.blob = Blob(digest, self._out.count, media_type, "sha256:" + self._diff.hexdigest())


class Pipe(Protocol):
    """Something that takes bytes and is closed."""

    def write(self, data: bytes) -> None:
        """Take bytes."""

    def close(self) -> None:
        """End them."""


class _Hashing:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.seen, self.count = stream, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.seen.update(data)
        self.count += len(data)
        self._stream.write(data)


class _Zlib:
    """gzip without name and time in its head, so that the same tar gives the same bytes; or the tar as it is."""

    def __init__(self, out: _Hashing, *, raw: bool) -> None:
        self._out = out
        self._engine = None if raw else zlib.compressobj(6, zlib.DEFLATED, 31)

    def write(self, data: bytes) -> None:
        self._out.write(data if self._engine is None else self._engine.compress(data))

    def close(self) -> None:
        if self._engine is not None:
            self._out.write(self._engine.flush())


class _Zstd:
    """zstd by its program, one thread, so that the same tar gives the same bytes."""

    def __init__(self, out: _Hashing) -> None:
        self._out = out
        self._process = subprocess.Popen(
            [find("zstd"), "-q", "-c", "-T1", "-6"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._error: OSError | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := self._process.stdout.read(65536):
            try:
                if self._error is None:
                    self._out.write(data)
            except OSError as error:  # source the next write: the program must be read to its end
                self._error = error

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        if self._error is not None:
            raise self._error
        self._process.stdin.write(data)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.join()
        if self._process.wait():
            raise Failed("zstd did not compress the layer.", "Try --compression gzip.")
        if self._error is not None:
            raise self._error
