"""Copies the medium's own files into a slot and compares what the disk contains with what was read."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import Callable, Sequence, Tuple

from edgewright.agent.appliance.paths import SLOT_FILES, SOURCES
from edgewright.core.errors import Failed

PIECE = 1 << 20
At = Callable[[int, int], None]


def slot_sources(live: str) -> Tuple[str, ...]:
    """Return the paths of a slot's files on the medium. Raises `Failed` naming the first that is missing."""
    paths = tuple(os.path.join(live, name) for name in SOURCES)
    for path in paths:
        if not os.path.isfile(path):
            raise Failed(f"The medium contains no {path}.", "Boot the installer from its own medium.", code="NoSource")
    return paths


def copy_slot(sources: Sequence[str], folder: str, at: At) -> Tuple[str, ...]:
    """Copy a slot's files into `folder` and compare; return their hashes. Raises `Failed`."""
    os.makedirs(folder, exist_ok=True)
    complete, done, hashes = 2 * sum(os.path.getsize(path) for path in sources), 0, []
    for path, name in zip(sources, SLOT_FILES):
        target = os.path.join(folder, name)
        read, done = _copy(path, target, done, complete, at)
        result, done = _digest(target, done, complete, at)
        if result != read:
            raise Failed(
                f"{name} in {os.path.basename(folder)} is not what was written: the disk or the medium is faulty.",
                "Replace the disk, or write the medium again.",
                code="CopyDiffers",
            )
        hashes.append(read)
    return tuple(hashes)


def _copy(path: str, target: str, done: int, size: int, at: At) -> Tuple[str, int]:
    digest = hashlib.sha256()
    part = target + ".part"
    try:
        with open(path, "rb", buffering=0) as source, open(part, "wb", buffering=0) as copy:
            while True:
                piece = source.read(PIECE)
                if not piece:
                    break
                digest.update(piece)
                view = memoryview(piece)
                while view:
                    view = view[copy.write(view) :]
                done += len(piece)
                at(done, size)
            os.fsync(copy.fileno())
            os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # so that the comparison reads the disk
        os.replace(part, target)
    except OSError as error:
        _remove(part)
        if error.errno == errno.ENOSPC:
            raise Failed(
                f"No room for {target}: {-(-os.path.getsize(path) // PIECE)} MiB are needed.",
                "Give the partition more room.",
                code="DiskFull",
            ) from None
        reported = (error.strerror or str(error)).lower()
        raise Failed(
            f"Copying {os.path.basename(path)} failed: {reported}.", "Check the medium and the disk."
        ) from None
    return digest.hexdigest(), done


def _digest(path: str, done: int, size: int, at: At) -> Tuple[str, int]:
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            while True:
                piece = file.read(PIECE)
                if not piece:
                    return digest.hexdigest(), done
                digest.update(piece)
                done += len(piece)
                at(done, size)
    except OSError as error:
        reported = (error.strerror or str(error)).lower()
        raise Failed(f"Reading {path} back failed: {reported}.", "The disk may be faulty.") from None


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # it was never made
