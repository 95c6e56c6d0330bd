"""From the bytes of the script's output to lines: blocks of gzip, one after another, or plain text."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

MOST_LINE = 262_144
"""Bytes of a line at most; what is longer is left out."""
MOST_BEFORE = 65_536
"""Bytes before the first line of the script: what the host's own shell prints at its start."""
PIECE = 65_536
"""Bytes that are unpacked and looked at in one go."""
TICK = b"\x02"
"""Is at any place, also within a line: the script wakes what waits for lines."""
CUT = b"\x01"
"""Ends a line of which the script left out the rest."""


class Lines:
    """`feed` the bytes of one stream in order; lines come out without their end."""

    def __init__(self, marker: str) -> None:
        self._begin = b"\n" + marker.encode() + b" pack "
        self._started = False
        self._packed = False
        self._unpack: zlib._Decompress | None = None
        self._rest = b"\n"
        self._too_long = False
        self.plain_bytes = 0

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """Yield complete lines, some at a time. Raises `ValueError` where this is not what the script prints."""
        if not self._started:
            self._rest += data
            begin = self._rest.find(self._begin)
            end = self._rest.find(b"\n", begin + 1)
            if begin < 0 or end < 0:
                if len(self._rest) > MOST_BEFORE:
                    raise ValueError("no begin")
                return
            self._packed = self._rest[begin + len(self._begin) : end] == b"gz"
            data, self._rest, self._started = self._rest[end + 1 :], b"", True
        if not self._packed:
            yield self._split(data)
            return
        while data:
            if self._unpack is None:
                self._unpack = zlib.decompressobj(31)
            try:
                plain = self._unpack.decompress(data, PIECE)
            except zlib.error:
                raise ValueError("damaged") from None
            data = self._unpack.unused_data if self._unpack.eof else self._unpack.unconsumed_tail
            if self._unpack.eof:
                self._unpack = None
            if plain:
                yield self._split(plain)

    def _split(self, plain: bytes) -> list[bytes]:
        self.plain_bytes += len(plain)
        plain = plain.replace(TICK, b"")
        lines = (self._rest + plain).split(b"\n")
        self._rest = lines.pop()
        if self._too_long and lines:
            lines[0], self._too_long = b"", False
        if len(self._rest) > MOST_LINE:
            self._rest, self._too_long = b"", True
        return [line for line in lines if line and not line.endswith(CUT)]
