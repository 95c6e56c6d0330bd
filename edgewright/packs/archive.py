"""Packs and charts in archives: tar, plain or compressed with gzip. Read as a stream, so that a bomb ends early."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from pathlib import Path
from typing import Any

from edgewright.core.errors import InvalidInput, NotFound
from edgewright.packs.files import MAX_FILES, MAX_TOTAL, Collected, Files, ignored

MAX_ARCHIVE = 64 * 1024 * 1024
"""Bytes of an archive as it is sent."""
_OVERHEAD = 8 * 1024 * 1024
"""Bytes beside the files: headers, and what fills blocks."""
_OTHERS = (
    (b"PK\3\4", "a zip archive"), (b"BZh", "compressed with bzip2"), (b"\xfd7zXZ", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"), (b"7z\xbc\xaf", "a 7z archive"),
)  # fmt: skip


class _Counted(io.RawIOBase):
    """Unpacked bytes; refuses more than an archive may have."""

    def __init__(self, source: Any, collected: Collected) -> None:
        self._source, self._collected, self._seen = source, collected, 0

    def readable(self) -> bool:
        """Whether it can be read: it can."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read at most 1 MiB at once. Raises `InvalidInput` beyond the bounds."""
        data: bytes = self._source.read(min(size, 1024 * 1024) if size >= 0 else 1024 * 1024)
        self._seen += len(data)
        if self._seen > MAX_TOTAL + _OVERHEAD:
            raise self._collected.refuse(
                f"has more than {MAX_TOTAL // 1024**2} MiB unpacked", "Leave out what is big.", "TooBig"
            )
        return data


def unpack(data: bytes, what: str) -> Files:
    """Return the files of an archive.

    Raises `InvalidInput`: no archive, broken, a path that leads out, a link or device, too big.
    """
    collected = Collected(what)
    if len(data) > MAX_ARCHIVE:
        raise collected.refuse(f"has more than {MAX_ARCHIVE // 1024**2} MiB", "Leave out what is big.", "TooBig")
    for magic, kind in _OTHERS:
        if data.startswith(magic):
            raise collected.refuse(f"is {kind}, not a tar archive", "Pack it with: tar -czf NAME.tgz FOLDER")
    raw: Any = io.BytesIO(data)
    source = _Counted(gzip.GzipFile(fileobj=raw) if data.startswith(b"\x1f\x8b") else raw, collected)
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for number, member in enumerate(archive):
                if number >= MAX_FILES * 2:
                    raise collected.refuse(f"has more than {MAX_FILES * 2:,} entries", "Leave out other files.")
                _take(archive, member, collected)
    except InvalidInput:
        raise
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, OverflowError, RecursionError):
        raise collected.refuse(
            "is not a tar archive, or it is broken", "Pack it with: tar -czf NAME.tgz FOLDER"
        ) from None
    return collected.files


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, collected: Collected) -> None:
    path = collected.path(member.name)
    if member.isdir() or ignored(path) or not path:
        return
    if not member.isreg():
        kind = "link" if member.issym() or member.islnk() else "special file"
        raise collected.refuse(f"contains the {kind} {path[:80]}", "Replace it with the file itself.")
    collected.room(member.size, path)
    file = archive.extractfile(member)
    data = file.read(member.size + 1) if file is not None else b""
    if len(data) != member.size:
        raise collected.refuse("ends in the middle of a file", "Get it again.")
    collected.add(path, data)


def pack(files: Files, top: str = "") -> bytes:
    """Return files as a gzip-compressed tar archive that is the same for the same files."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in sorted(files):
            info = tarfile.TarInfo(f"{top}/{path}" if top else path)
            info.size, info.mode = len(files[path]), 0o644
            archive.addfile(info, io.BytesIO(files[path]))
    return out.getvalue()


def read_file(path: Path, most: int = MAX_ARCHIVE) -> bytes:
    """Return the bytes of a file that a user names. Raises `NotFound`, `InvalidInput`."""
    try:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.", "Check the path.")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as wrong:
        raise InvalidInput(f"{path} cannot be read: {wrong.strerror or wrong}.", "Check its permissions.") from None
    if len(data) > most:
        raise InvalidInput(f"{path} has more than {most // 1024**2} MiB.", "Leave out what is big.", "TooBig")
    return data
