"""Unpacking a tree: layers in order into `.tmp`, synced, renamed, marked complete. A power cut leaves no half tree."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from typing import Callable, Iterable, List

from edgewright.agent.clusters.host import Host, disk_hint
from edgewright.agent.kernel.state import reason_of, sync_folder
from edgewright.core.clusters.tree import FOLDERS
from edgewright.core.errors import Failed, InvalidInput

COMPLETE = ".complete"
DESCRIPTION = "tree.json"
MAX_FILES = 200_000
MAX_BYTES = 64 * 1024**3
PIECE = 1 << 20


def is_complete(host: Host, folder: str) -> bool:
    """Return whether a tree was unpacked to its end."""
    return host.has(f"{folder}/{COMPLETE}")


def unpack(host: Host, layers: Iterable[str], folder: str, description: bytes, moved: Callable[[str], None]) -> None:
    """Unpack the gzip tars `layers` (paths of this process) into `folder` of the host. Raises `EdgewrightError`.

    Regular files, folders, and links inside of the tree only; owners are root, no set-user-id bits. What fails leaves
    nothing: a full disk is not full because of half a tree.
    """
    fresh = host.path(folder) + ".tmp"
    try:
        _unpack(host, layers, folder, description, moved)
    except (tarfile.TarError, EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(
            f"A layer of the tree cannot be unpacked: {error}.", "Build and push the tree again."
        ) from None
    except OSError as error:
        raise Failed(f"The tree cannot be unpacked into {folder}: {reason_of(error)}.", disk_hint(error)) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _unpack(host: Host, layers: Iterable[str], folder: str, description: bytes, moved: Callable[[str], None]) -> None:
    target, fresh = host.path(folder), host.path(folder) + ".tmp"
    if os.path.lexists(fresh):
        shutil.rmtree(fresh)
    if os.path.lexists(target):
        shutil.rmtree(target)  # without its mark: an interrupted rename of an older version of this program
    os.makedirs(fresh)
    count = total = 0
    for layer in layers:
        with tarfile.open(layer, "r:gz") as archive:
            for member in archive:
                count, total = count + 1, total + member.size
                if count > MAX_FILES or total > MAX_BYTES:
                    raise InvalidInput("The tree has more files or bytes than a tree may have.", "Build it again.")
                if member.isreg():
                    host.require_space(folder + ".tmp", member.size)
                _extract(archive, member, fresh)
            _end(archive)
        moved(os.path.basename(layer))
    _write(os.path.join(fresh, DESCRIPTION), description)
    _sync(fresh)
    os.rename(fresh, target)
    sync_folder(os.path.dirname(target))
    _write(os.path.join(target, COMPLETE), b"")
    sync_folder(target)


def _end(archive: tarfile.TarFile) -> None:
    """Read a layer to its end, where gzip has the checksum. Raises `InvalidInput` for more than the end of a tar."""
    assert archive.fileobj is not None
    left = PIECE
    while True:
        piece = archive.fileobj.read(1 << 16)
        left -= len(piece)
        if not piece:
            return
        if left < 0:
            raise InvalidInput("A layer of the tree has more bytes than its files.", "Build it again.")


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, fresh: str) -> None:
    parts = _parts(member.name)
    if not parts:
        return
    described = len(parts) == 1 and member.isreg() and parts[0].endswith(".json")  # what the forge knows of the tree
    if parts[0] not in FOLDERS and not described:
        raise InvalidInput(f"The tree has {member.name[:200]!r} outside of {', '.join(FOLDERS)}.", "Build it again.")
    path = os.path.join(fresh, *parts)
    _no_links(fresh, parts[:-1], member.name)
    if member.isdir():
        os.makedirs(path, mode=0o755, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    if member.issym():
        target = os.path.normpath(os.path.join(*parts[:-1], member.linkname))
        way = [part for part in member.linkname.split("/") if part not in ("", ".")]
        # `..` behind a name may start at another link, and lead out of the tree from there.
        twisted = way != sorted(way, key=lambda part: part != "..")
        if os.path.isabs(member.linkname) or twisted or _parts(target)[:1] != parts[:1]:
            raise InvalidInput(f"The tree has a link {member.name[:200]!r} that leads out of it.", "Build it again.")
        os.symlink(member.linkname, path)
    elif member.islnk():
        source = os.path.join(fresh, *_parts(member.linkname))
        _no_links(fresh, _parts(member.linkname), member.name)
        if not os.path.isfile(source):
            raise InvalidInput(f"The tree has a link {member.name[:200]!r} to nothing.", "Build it again.")
        os.link(source, path)
    elif member.isreg():
        data = archive.extractfile(member)
        assert data is not None
        with open(path, "wb") as file:
            shutil.copyfileobj(data, file, PIECE)
            os.fchmod(file.fileno(), 0o755 if member.mode & 0o111 else 0o644)
    else:
        raise InvalidInput(f"The tree has {member.name[:200]!r}, which is not a file.", "Build it again.")


def _parts(name: str) -> List[str]:
    """Return the parts of a path inside of a tree. Raises `InvalidInput` for one that leads out of it."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\x00" in name:
        raise InvalidInput(f"The tree has a path that leads out of it: {name[:200]!r}.", "Build it again.")
    return parts


def _no_links(fresh: str, parts: List[str], name: str) -> None:
    place = fresh
    for part in parts:
        place = os.path.join(place, part)
        if os.path.islink(place):
            raise InvalidInput(f"The tree has {name[:200]!r} behind a link.", "Build it again.")


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: str) -> None:
    """Make everything below a folder durable."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        sync_folder(place)
