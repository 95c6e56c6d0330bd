"""The copy on this machine while it arrives: `NAME.part` (0600) beside where it will be, and what it is the copy of."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from edgewright.clients.ssh.files.shell import BLOCK
from edgewright.core.errors import Conflict, Failed
from edgewright.core.slow_files import Check, unchecked
from edgewright.core.text import clean, is_harmless

MOST_STATE = 65_536
SPARE = 1 << 20
"""Bytes that stay free on a disk."""


class PartState(msgspec.Struct, rename="camel"):
    """What a partial file is the copy of; `total` bytes of it are wanted, `inode` is INODE.DEVICE on the host."""

    target: str
    path: str
    total: int
    inode: str
    modified: int = 0


def local_name(name: str) -> str:
    """Return a name of a host as the name of a file here: no slash, escape or leading point, at most 200 bytes."""
    text = "".join(letter if is_harmless(letter) and letter not in "/\\" else "_" for letter in name)
    text = text.encode("utf-8", "replace")[:200].decode("utf-8", "ignore").strip()
    return re.sub(r"\A[.\-]", "_", text) or "file"


class LocalPart:
    """A partial file that this process alone writes; `size` bytes of it are there."""

    def __init__(self, out: Path, target: str, path: str) -> None:
        self.out, self.part, self._target, self._path = out, out.with_name(out.name + ".part"), target, path
        self._about = out.with_name(out.name + ".part.json")
        self.state: PartState | None = None
        self.size = 0
        self._descriptor = -1
        self._closed = False

    def open(self) -> None:
        """Take the partial file, from where an earlier run was cut; blocks. Raises `Conflict`, `Failed`."""
        if os.path.lexists(self.out):
            raise Conflict(f"{self.out} exists already.", "Give another --out, or move it.", "FileExists")
        try:
            self._descriptor = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(self._descriptor, 0o600)
            size = os.fstat(self._descriptor).st_size
        except BlockingIOError:
            self.close()
            raise Conflict(f"{self.part} is written by another download.", "Wait for it.", "Busy") from None
        except OSError as error:
            self.close()
            raise _not_written(self.part, error) from None
        self.state = self._read_state()
        if size and (self.state is None or (self.state.target, self.state.path) != (self._target, self._path)):
            of = "another file" if self.state is None else f"{clean(self.state.path, 200)} of {self.state.target}"
            self.close()
            raise Conflict(f"{self.part} is the begin of {of}.", "Remove it, or give another --out.", "OtherFile")
        self.size = size // BLOCK * BLOCK
        if self._closed:  # who wanted it was cancelled while a slow disk opened it
            self.close()

    def begin(self, total: int, inode: str, modified: int) -> None:
        """Write down what it is the copy of, and that `size` bytes are there. Raises `Failed`."""
        self.state = PartState(self._target, self._path, total, inode, modified)
        free = shutil.disk_usage(self.part.parent).free
        if total - self.size + SPARE > free:
            wanted, have = total - self.size, max(0, free - SPARE)
            raise Failed(
                f"{self.part.parent} has room for {have:,} bytes, {wanted:,} are needed.",
                "Free space on this machine, or give another --out.",
                "NoSpaceHere",
            )
        try:
            descriptor = os.open(
                self._about, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(self.state))
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
        except OSError as error:
            raise _not_written(self._about, error) from None

    def restart(self) -> None:
        """Forget what is there."""
        self.state, self.size = None, 0

    def write(self, data: bytes) -> None:
        """Add bytes. Raises `Failed`."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise _not_written(self.part, error) from None
        self.size += len(data)

    def cut_to_block(self) -> None:
        """Drop what is behind the last complete block, so that it continues there."""
        self.size = self.size // BLOCK * BLOCK

    def digest(self, kind: str, check: Check = unchecked) -> str:
        """Return the hash of what is there; blocks."""
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            return digest_of(file, kind, self.size, check=check)

    def finish(self) -> None:
        """Put it in its place, where nothing may be. Raises `Conflict`, `Failed`."""
        try:
            os.fsync(self._descriptor)
            if self.state is not None:
                with contextlib.suppress(OverflowError):  # a time of the host that no clock has
                    os.utime(self._descriptor, (self.state.modified, self.state.modified))
            os.link(self.part, self.out)
            self.part.unlink()
            self._about.unlink(missing_ok=True)
        except FileExistsError:
            raise Conflict(f"{self.out} appeared meanwhile.", f"The copy is {self.part}.", "FileExists") from None
        except OSError as error:
            if os.path.lexists(self.out):
                raise _not_written(self.out, error) from None
            self.part.rename(self.out)  # a file system without hard links
            self._about.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove what is there."""
        self.part.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)

    def close(self) -> None:
        """Close it; a part of nothing is removed."""
        self._closed = True
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            empty = not os.fstat(descriptor).st_size
            os.close(descriptor)
            if empty:
                self.remove()

    def _read_state(self) -> PartState | None:
        try:
            with self._about.open("rb") as file:
                state = msgspec.json.decode(file.read(MOST_STATE), type=PartState)
        except (OSError, msgspec.MsgspecError):
            return None
        return state if re.fullmatch(r"\d+\.\d+", state.inode) and state.total >= 0 else None


def digest_of(
    file: BinaryIO,
    kind: str,
    size: int,
    also: Callable[[bytes], Any] = lambda data: None,
    *,
    check: Check = unchecked,
) -> str:
    """Return the hash (`sha256`, `md5`) of the next `size` bytes of a file, each piece given to `also`; blocks.

    `check` is called with every MiB and stops it by raising.
    """
    digest: Any = hashlib.new(kind, usedforsecurity=kind != "md5")
    while size > 0 and (data := file.read(min(size, 1 << 20))):
        check()
        digest.update(data)
        also(data)
        size -= len(data)
    return str(digest.hexdigest())


def _not_written(place: Path, error: OSError) -> Failed:
    return Failed(
        f"{place} cannot be written: {error.strerror}.", "Free space on this machine, then repeat.", "NotWrittenHere"
    )
