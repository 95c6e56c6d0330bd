"""Where an ISO with a GPT ends: at its backup table, without the padding that xorriso puts behind it.

The UEFI specification (5.3.1) wants the backup header in the last block of the disk. xorriso writes it in the last
block of the volume and then pads the file, for drives that read beyond the end of a CD; partition tools complain.
"""

from __future__ import annotations

import os
from pathlib import Path

from edgewright.forge.iso.image import SECTOR, Image

HEAD = 17 * SECTOR
"""Bytes from the begin of an ISO by which its end is known: the GPT header and the primary volume descriptor."""
MOST = 8 * 1024 * 1024
"""Bytes of padding that are looked at; more than that is not padding."""


def limit_of(head: bytes) -> int:
    """Return the byte after the backup GPT of an ISO with these first `HEAD` bytes; 0 where it has none.

    0 also where the volume does not end there: then what follows is not xorriso's padding.
    """
    if len(head) < HEAD or head[510:512] != b"\x55\xaa" or head[512:520] != b"EFI PART":
        return 0
    if head[16 * SECTOR : 16 * SECTOR + 6] != b"\x01CD001":
        return 0
    end = (int.from_bytes(head[512 + 32 : 512 + 40], "little") + 1) * 512
    volume = int.from_bytes(head[16 * SECTOR + 80 : 16 * SECTOR + 84], "little") * SECTOR
    return end if volume <= end < volume + MOST else 0


class Trimmer:
    """Takes the bytes of an ISO in order and gives back what belongs to it: zeros behind the backup GPT do not."""

    def __init__(self) -> None:
        self._at = 0
        self._limit = 0
        self._dropped = 0

    def feed(self, data: bytes) -> bytes:
        """Return what of the next bytes is to be written; the first piece must have `HEAD` bytes to be understood."""
        begin, self._at = self._at, self._at + len(data)
        if not begin:
            self._limit = limit_of(data[:HEAD])
        if not self._limit or self._at <= self._limit:
            return data
        stored = max(0, self._limit - begin)
        if any(data[stored:]):  # no padding after all: nothing may be lost
            before, self._limit, self._dropped = bytes(self._dropped), 0, 0
            return before + data
        self._dropped += len(data) - stored
        return data[:stored]


def end_of(image: Image) -> int:
    """Return how many bytes of an ISO are its own; its size where it has no padding. Raises as `Image.read`."""
    if image.size < HEAD:
        return image.size
    limit = limit_of(image.read(0, HEAD))
    if not limit or not 0 < image.size - limit < MOST:
        return image.size
    return image.size if any(image.read(limit, image.size - limit)) else limit


def trim(path: Path) -> None:
    """Cut the padding behind the backup GPT off a file. Raises `OSError`, and as `Image`."""
    with Image(path) as image:
        end = end_of(image)
        size = image.size
    if end < size:
        os.truncate(path, end)
