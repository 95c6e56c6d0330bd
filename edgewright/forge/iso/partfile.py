"""A large new file that is there completely or not at all: room is asked for first, bytes are hashed on their way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import queue
import shutil
import threading
from pathlib import Path
from types import TracebackType

from edgewright.core.errors import Conflict, EdgewrightError, Failed
from edgewright.forge.progress import size as size_text

CHUNK = 1024 * 1024
AHEAD = 128 * CHUNK
"""Bytes after which the data is synced to the disk beside the work, so that the end need not wait for all of it."""
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Hashing:
    """A sha256 that runs in a thread of its own, at most four chunks behind whoever feeds it."""

    def __init__(self, begun: Hashing | None = None) -> None:
        self._hash = begun._settled() if begun is not None else hashlib.sha256()
        self._chunks: queue.Queue[bytes | None] = queue.Queue(4)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def feed(self, data: bytes) -> None:
        """Take the next bytes; they must not change afterwards."""
        self._chunks.put(data)

    def hexdigest(self) -> str:
        """Return the hash of all that was fed; nothing can be fed any more."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread; harmless when it has ended."""
        if self._thread.is_alive():
            self._chunks.put(None)
            self._thread.join()

    def _settled(self) -> hashlib._Hash:
        self._chunks.join()
        return self._hash.copy()

    def _run(self) -> None:
        while (data := self._chunks.get()) is not None:
            self._hash.update(data)
            self._chunks.task_done()


def require_room(target: Path, needed: int) -> None:
    """Raise `Failed` when the disk of `target` has less than `needed` bytes free, with how much is missing."""
    try:
        free = shutil.disk_usage(target.parent).free
    except OSError as error:
        raise Failed(f"{target.parent} cannot be used: {error.strerror}.", "Give another place with -o.") from None
    if free < needed:
        raise full_disk(target, needed - free)


def full_disk(target: Path, short: int) -> EdgewrightError:
    """Return the error for a disk that lacks `short` bytes."""
    return Failed(
        f"The disk of {target.parent} is full: {size_text(short)} more are needed for {target.name}.",
        "Free that much, or give a place on another disk with -o. Nothing was left behind.",
        "NoSpace",
    )


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk. Raises `OSError`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop_stale(target: Path) -> None:
    """Remove `NAME.part` that a killed process left beside the target; one that is being written stays."""
    path = target.with_name(target.name + ".part")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return
    finally:
        os.close(handle)


class PartFile:
    """`NAME.part` beside the target while it grows; `commit` gives it its name, leaving without it removes it.

    `total` is how many bytes are expected. Raises `Conflict` when another process writes the same file, `Failed` when
    the disk is full or cannot be written.
    """

    def __init__(self, target: Path, total: int, *, mode: int = 0o600) -> None:
        self.target = target
        self.path = target.with_name(target.name + ".part")
        self.total = total
        self.written = 0
        self.hashing = Hashing()
        self._mode = mode
        self._handle = -1
        self._flusher: threading.Thread | None = None
        self._lost: OSError | None = None

    def __enter__(self) -> PartFile:
        try:
            require_room(self.target, self.total)
            self._open()
        except BaseException:
            self.hashing.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.hashing.close()
        if self._flusher is not None:
            self._flusher.join()  # it contains the file
        if self._handle >= 0:
            self.path.unlink(missing_ok=True)
            self._close()

    def _open(self) -> None:
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, self._mode)
            status = os.fstat(self._handle)
            if status.st_uid != os.geteuid() or status.st_nlink > 1:
                # Another user prepared it: the owner could read the token in the image, and a second name of a file
                # would be emptied here.
                raise PermissionError(1, "it is another user's file, or another file's second name")
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._handle, 0)  # left by a process that was killed
            os.fchmod(self._handle, self._mode)
        except BlockingIOError:
            self._close()
            raise Conflict(
                f"{self.target} is being written by another process.", "Wait for it, or give another name with -o."
            ) from None
        except OSError as error:
            self._close()
            raise Failed(f"{self.path} cannot be written: {error.strerror}.", "Give another place with -o.") from None

    def write(self, data: bytes) -> None:
        """Append bytes and hash them."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            if error.errno in FULL:
                raise full_disk(self.target, max(self.total - self.written, len(rest))) from None
            raise Failed(
                f"{self.path} cannot be written: {error.strerror}.", "Look at the disk, or give another place with -o."
            ) from None
        if (self.written + len(data)) // AHEAD != self.written // AHEAD and not self._flushing():
            self._flusher = threading.Thread(target=self._flush_ahead, daemon=True)
            self._flusher.start()
        self.written += len(data)
        self.hashing.feed(data)

    def _flushing(self) -> bool:
        return self._flusher is not None and self._flusher.is_alive()

    def _flush_ahead(self) -> None:
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            self._lost = error  # the kernel reports it once only

    def flush(self) -> None:
        """Put what was written on the disk."""
        try:
            if self._flusher is not None:
                self._flusher.join()
            if self._lost is not None:
                raise self._lost
            os.fsync(self._handle)
        except OSError as error:
            if error.errno in FULL:
                raise full_disk(self.target, max(self.total - self.written, 1)) from None
            raise Failed(f"{self.path} cannot be written: {error.strerror}.", "Look at the disk.") from None

    def commit(self, *, sync: bool = True) -> None:
        """Give the file its name; it is on the disk when this returns.

        Whoever makes many files leaves the folder alone (`sync=False`) and calls `sync_folder` once at the end.
        """
        self.flush()
        try:
            self.path.replace(self.target)
            if sync:
                sync_folder(self.target.parent)
        except OSError as error:
            raise Failed(f"{self.target} cannot be written: {error.strerror}.", "Look at its folder.") from None
        self._close()

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
