"""An ISO as bytes at offsets: every read is bounded and reported when it leaves the file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType

from edgewright.core.errors import Failed, InvalidInput, NotFound

SECTOR = 2048
MOST = 8 * 1024 * 1024
"""Bytes of one read at the most: nothing that is looked at in an ISO is larger."""


class Broken(Exception):
    """The bytes do not follow ISO 9660; the text is a part of a sentence."""


class Image:
    """A file that is read at offsets. Use it as a context manager; raises `NotFound` and `Failed` when opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise NotFound(f"{path} is a folder.", "Give the path of an ISO.", "NoFile")
        try:
            kind = path.stat().st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISBLK(kind)):  # a pipe would block, /dev/zero has no end
                raise InvalidInput(f"{path} is not a regular file.", "Give the path of an ISO.", "NoFile")
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.size = os.lseek(self._file, 0, os.SEEK_END)
        except FileNotFoundError:
            raise NotFound(f"There is no file {path}.", "Give the path of an ISO.", "NoFile") from None
        except OSError as error:
            raise Failed(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None

    def __enter__(self) -> Image:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`. Raises `Broken` when they are not all there, `Failed` for a bad disk."""
        if length < 0 or length > MOST or offset < 0 or offset + length > self.size:
            raise Broken(f"it points to {length} bytes at {offset}, beyond its own end")
        result = b""
        try:
            while len(result) < length:
                more = os.pread(self._file, length - len(result), offset + len(result))
                if not more:
                    raise Broken(f"it ends at {offset + len(result)}")
                result += more
        except OSError as error:
            raise Failed(f"{self.path} cannot be read: {error.strerror or error}.", "Copy it again.") from None
        return result

    def sectors(self, first: int, count: int = 1) -> bytes:
        """Return full sectors of 2048 bytes. Raises as `read`."""
        return self.read(first * SECTOR, count * SECTOR)
