"""Layers as tar: the same entries give the same bytes (sorted, one time, numeric owners), streamed."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from edgewright.core.errors import Failed
from edgewright.forge.progress import Job
from edgewright.forge.registry.spool import LayerWriter


class Entry(NamedTuple):
    """One thing in a layer, at `path` (no leading slash): a file from disk or bytes, a folder, or a link to `link`."""

    path: str
    source: Path | None = None
    data: bytes = b""
    mode: int = 0o644
    link: str = ""
    folder: bool = False
    owner: int = 0
    """User and group, by number."""

    def size(self) -> int:
        """Return the bytes of its content."""
        return self.source.stat().st_size if self.source is not None else len(self.data)


def write(entries: Iterable[Entry], out: LayerWriter, mtime: int, job: Job) -> None:
    """Write the tar of a layer. Raises `Failed` when a file changes while it is read."""
    listed = sorted(entries, key=lambda entry: entry.path)
    total, done = sum(e.size() for e in listed), 0
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 18) as tar:  # type: ignore[call-overload]
        for entry in listed:
            info = tarfile.TarInfo(entry.path)
            info.mode, info.mtime = entry.mode, mtime
            info.uid = info.gid = entry.owner
            if entry.folder:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif entry.link:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
                tar.addfile(info)
            else:
                info.size = entry.size()
                _add(tar, info, entry, job, done, total)
                done += info.size


def _add(tar: tarfile.TarFile, info: tarfile.TarInfo, entry: Entry, job: Job, done: int, total: int) -> None:
    if entry.source is None:
        tar.addfile(info, io.BytesIO(entry.data))
        return
    with entry.source.open("rb") as stream:
        try:
            tar.addfile(info, Watched(stream, lambda count: job.at(done + count, total)))
        except (tarfile.ReadError, OSError):
            if os.fstat(stream.fileno()).st_size != info.size:
                raise Failed(
                    f"{entry.source} changed while it was read.", "Leave it alone, and run it again."
                ) from None
            raise


class Watched:
    """A stream that counts how much was read of it."""

    def __init__(self, stream: IO[bytes], report: Callable[[int], None]) -> None:
        self._stream, self._report, self._count = stream, report, 0

    def read(self, count: int = -1) -> bytes:
        """Read, and report."""
        data = self._stream.read(count)
        self._count += len(data)
        self._report(self._count)
        return data


def tree(root: Path, under: str = "") -> Iterator[Entry]:
    """Yield the entries of a user's folder (an overlay): owner root, modes and links preserved. Raises `Failed`.

    Sockets, pipes and devices have no business there and are refused.
    """
    for path in sorted(root.rglob("*")):
        name = "/".join(filter(None, [under, path.relative_to(root).as_posix()]))
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield Entry(name, link=str(path.readlink()))
        elif stat.S_ISDIR(mode):
            yield Entry(name, folder=True, mode=stat.S_IMODE(mode))
        elif stat.S_ISREG(mode):
            yield Entry(name, source=path, mode=stat.S_IMODE(mode))
        else:
            raise Failed(f"{path} is neither file, folder nor link.", "Take it out of the overlay.")
