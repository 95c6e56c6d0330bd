"""An ISO onto a disk: written in pieces that are really there when reported, read back and compared byte by byte."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from edgewright.core.errors import Cancelled, Conflict, EdgewrightError, Failed, NotFound, Refused
from edgewright.forge.flash.disks import Disk, Disks
from edgewright.forge.progress import Job
from edgewright.forge.progress import size as size_text

CHUNK = 4 * 1024 * 1024
SYNC = 32 * 1024 * 1024
"""Bytes after which the disk is asked to have them: what is reported as written is on it, not in memory."""
BLKFLSBUF, BLKRRPART = 0x1261, 0x125F
NO_DEVICE = (errno.ENXIO, errno.ENODEV, errno.EIO, errno.ENOMEDIUM, errno.EREMOTEIO)


class Flashed(NamedTuple):
    """What was written and read back."""

    size: int
    sha256: str


class HalfWritten(Cancelled):
    """The user stopped the writing: the disk contains a part of the ISO and will not boot (exit 130)."""

    def __init__(self, disk: Disk) -> None:
        EdgewrightError.__init__(
            self, f"Stopped; {disk.name} is half written and will not boot.", "Write it again, or format it."
        )


def write(iso: Path, disk: Disk, job: Job, *, disks: Disks | None = None, sha256: str = "") -> Flashed:
    """Write `iso` over the disk, read it back and return its hash.

    `sha256` is what the ISO must have (of its manifest; empty: whatever it has). Raises `Refused` without the right to
    write, `Conflict` when the disk came into use, `Failed` when it was pulled out, is full, or gives back other bytes,
    `HalfWritten`.
    """
    handle = _open(disk)
    try:
        result = _write(iso, handle, disk, disks or Disks(), job)
        _forget(handle, result.size)
        _compare(iso, handle, disk, disks or Disks(), result, job)
        with contextlib.suppress(OSError):
            fcntl.ioctl(handle, BLKRRPART)
    except Cancelled:
        raise HalfWritten(disk) from None
    finally:
        os.close(handle)
    if sha256 and result.sha256 != sha256:
        raise Failed(
            f"{iso.name} is not the file that its manifest describes; {disk.name} now describes it.",
            "Make the ISO again, and write it again.",
            "ManifestMismatch",
        )
    return result


def _open(disk: Disk) -> int:
    try:
        handle = os.open(disk.path, os.O_RDWR | os.O_CLOEXEC | os.O_EXCL)  # a mounted block device returns EBUSY
    except (PermissionError, IsADirectoryError):
        raise Refused(
            f"Writing to {disk.path} needs the rights of root.", "Run the same command with sudo.", "NeedsRoot"
        ) from None
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise Conflict(f"{disk.name} is in use.", f"Unmount what is on it: umount {disk.path}*") from None
        if error.errno == errno.EROFS:
            raise Refused(f"{disk.name} is write-protected.", "Move its switch, or take another.") from None
        raise NotFound(f"{disk.path} cannot be opened: {error.strerror}.", "Plug it in again.", "NoDisk") from None
    mode = os.fstat(handle)
    if stat.S_ISBLK(mode.st_mode):
        number = f"{os.major(mode.st_rdev)}:{os.minor(mode.st_rdev)}"
        if number != disk.number:
            os.close(handle)
            raise Conflict(f"{disk.path} is another disk now.", "List the disks again: edgewright forge disks")
    return handle


def _write(iso: Path, handle: int, disk: Disk, disks: Disks, job: Job) -> Flashed:
    total = iso.stat().st_size
    result = hashlib.sha256()
    done = 0
    job.step(f"writing to {disk.name}")
    with iso.open("rb", buffering=0) as file:
        while data := file.read(CHUNK):
            result.update(data)
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[os.write(handle, rest) :]
                if (done + len(data)) // SYNC != done // SYNC or done + len(data) >= total:
                    os.fdatasync(handle)
            except OSError as error:
                raise _lost(error, disk, disks, done, total) from None
            done += len(data)
            job.at(done, total)
    return Flashed(done, result.hexdigest())


def _forget(handle: int, size: int) -> None:
    """Drop what the kernel remembers, so that reading back asks the disk and not the memory."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(handle, BLKFLSBUF)
    with contextlib.suppress(OSError):
        os.posix_fadvise(handle, 0, size, os.POSIX_FADV_DONTNEED)


def _compare(iso: Path, handle: int, disk: Disk, disks: Disks, written: Flashed, job: Job) -> None:
    again = hashlib.sha256()
    done = 0
    job.step(f"reading {disk.name} back")
    with iso.open("rb", buffering=0) as file:
        while data := file.read(CHUNK):
            try:
                back = b""
                while len(back) < len(data):
                    more = os.pread(handle, len(data) - len(back), done + len(back))
                    if not more:
                        break
                    back += more
            except OSError as error:
                raise _lost(error, disk, disks, done, written.size) from None
            if back != data:
                at = done + next((n for n, (a, b) in enumerate(zip(back, data, strict=False)) if a != b), len(back))
                raise Failed(
                    f"{disk.name} gives back other bytes than were written, from {at} on.",
                    "The disk is defective or smaller than it claims. Take another.",
                    "ReadBack",
                )
            again.update(back)
            done += len(data)
            job.at(done, written.size)
    if again.hexdigest() != written.sha256:
        raise Failed(f"{iso.name} changed while it was written.", "Write it again.", "ReadBack")


def _lost(error: OSError, disk: Disk, disks: Disks, done: int, total: int) -> EdgewrightError:
    """Return what an error of the disk means."""
    where = f"after {size_text(done)} of {size_text(total)}"
    if error.errno in NO_DEVICE and not disks.there(disk):
        return Failed(
            f"{disk.name} was pulled out {where}; it will not boot.", "Plug it in and write it again.", "Gone"
        )
    if error.errno in NO_DEVICE:
        return Failed(f"{disk.name} failed {where}: {error.strerror}.", "Take another disk.", "DiskError")
    if error.errno in (errno.ENOSPC, errno.EFBIG):
        return Failed(f"{disk.name} is full {where}; it is smaller than it claims.", "Take another disk.", "NoSpace")
    return Failed(f"{disk.name} cannot be written {where}: {error.strerror}.", "Take another disk.", "DiskError")
