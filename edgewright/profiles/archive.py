"""Archives of cluster definitions: `.tgz` with one JSON file for each profile. The same content gives the same bytes.

Reading is bounded: nothing is written to disk, no name leads out of the archive, and an archive of zeros stops early.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.profiles import definition
from edgewright.core.profiles.model import MAX_TOTAL, Profile
from edgewright.core.profiles.problems import raise_errors
from edgewright.profiles.files import PRIVATE, write_file

MAX_ARCHIVE = 64 * 1024 * 1024
"""Bytes of an archive, compressed."""
MAX_UNPACKED = 2 * MAX_TOTAL
MAX_MEMBERS = 200
_HINT = "Is it a cluster definition?"


def pack(name: str, profiles: Sequence[Profile]) -> bytes:
    """Return the archive of a cluster definition. Raises `InvalidDocument` when the profiles do not make one cluster.

    It contains the values of masked variables: write it to a file that only its owner can read.
    """
    raise_errors(f"The cluster definition {name}", definition.check(profiles))
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, document in definition.to_files(name, profiles):
            data = json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8") + b"\n"
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def unpack(data: bytes, what: str = "The archive") -> tuple[str, list[Profile]]:
    """Return name and profiles of a cluster definition. Raises `InvalidInput` for anything else."""
    name, profiles = definition.from_files(_documents(members(data, what), what), what)
    raise_errors(what, definition.check(profiles))
    return name, profiles


def read_archive(path: Path) -> tuple[str, list[Profile]]:
    """Return name and profiles of the cluster definition in a file. Raises `InvalidInput`, `NotFound`, `Failed`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_ARCHIVE + 1)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Check the path.") from None
    except OSError as wrong:
        raise Failed(f"{path} cannot be read: {wrong.strerror}.") from None
    return unpack(data, str(path))


def members(data: bytes, what: str) -> dict[str, bytes]:
    """Return the files of a `.tgz` by name, within the bounds. Raises `InvalidInput`."""
    if len(data) > MAX_ARCHIVE:
        raise InvalidInput(f"{what} is larger than {MAX_ARCHIVE // 1024 // 1024} MB.", _HINT, "TooBig")
    files: dict[str, bytes] = {}
    try:
        tar_data = _unzipped(data, what)
        with tarfile.open(fileobj=io.BytesIO(tar_data), mode="r:") as tar:
            for number, info in enumerate(tar):
                if number >= MAX_MEMBERS:
                    raise InvalidInput(f"{what} contains more than {MAX_MEMBERS} files.", _HINT, "TooBig")
                name = _inside(info.name, what)
                if info.isdir():
                    continue
                if not info.isreg():
                    raise InvalidInput(
                        f"{what}: {info.name[:80]} is a link or a device.", "Only files are allowed.", "PathEscape"
                    )
                if info.size > MAX_UNPACKED or (file := tar.extractfile(info)) is None:
                    raise InvalidInput(f"{what}: {info.name[:80]} cannot be read.", _HINT, "InvalidArchive")
                if name in files:
                    raise InvalidInput(f"{what}: {name[:80]} is there twice.", _HINT, "InvalidArchive")
                files[name] = file.read(MAX_UNPACKED)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, OSError, ValueError) as wrong:
        raise InvalidInput(f"{what} is not a .tgz archive: {str(wrong)[:100]}.", _HINT, "InvalidArchive") from None
    return files


def _unzipped(data: bytes, what: str) -> bytes:
    """Return what is compressed, and stop where it is more than a cluster definition can be."""
    parts: list[bytes] = []
    size = 0
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as zipped:
        while part := zipped.read(1024 * 1024):
            size += len(part)
            if size > MAX_UNPACKED:
                limit = MAX_UNPACKED // 1024 // 1024
                raise InvalidInput(f"{what} is larger than {limit} MB when it is unpacked.", _HINT, "TooBig")
            parts.append(part)
    return b"".join(parts)


def _inside(name: str, what: str) -> str:
    """Return the name of a member without `./`; raise `InvalidInput` for one that leads out of the archive."""
    plain = name[2:] if name.startswith("./") else name
    if plain.startswith("/") or "\\" in plain or "\0" in plain or ".." in plain.split("/"):
        raise InvalidInput(f"{what}: the path {name[:80]!r} leads out of the archive.", _HINT, "PathEscape")
    return plain


def _documents(files: Mapping[str, bytes], what: str) -> dict[str, Any]:
    documents: dict[str, Any] = {}
    for name, data in files.items():
        if not name.endswith(".json"):
            continue
        try:
            documents[name] = json.loads(data)
        except (ValueError, RecursionError) as wrong:
            reason = str(wrong)[:100] if isinstance(wrong, ValueError) else "it is nested too deeply"
            raise InvalidInput(f"{what}: {name[:80]} is not JSON: {reason}.", _HINT, "InvalidJson") from None
    return documents


def write_archive(path: Path, name: str, profiles: Sequence[Profile]) -> int:
    """Write a cluster definition that only its owner can read; return its size. Raises as `pack`, and `Failed`."""
    data = pack(name, profiles)
    try:
        write_file(path, data, PRIVATE)
    except OSError as wrong:
        raise Failed(f"{path} cannot be written: {wrong.strerror}.", "Check the directory and its rights.") from None
    return len(data)
