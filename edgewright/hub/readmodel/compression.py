"""The change stream for readers that accept gzip: each piece is compressed once for all of them (rule P64).

A gzip stream is a header and blocks of deflate. A piece is compressed without reference to what was before it, and its
last block ends at a byte. So the same bytes continue the stream of every reader, wherever that began, and each reader
can decode them as soon as they arrive. Where the hub ends a stream, it ends with the checksum and the length of what
this reader got. Nothing in it is secret (rule P35), so its length betrays nothing.
"""

from __future__ import annotations

import struct
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""gzip without name and time, by the fastest method, of no particular system (RFC 1952)."""
STORED: Final = 200
"""Bytes up to which a text is stored as it is: compressed it would hardly be shorter."""
MOST: Final = 4 * 1024 * 1024
"""Bytes of texts whose compressed form is remembered: what the readers at the newest change get."""
_END: Final = b"\x01\x00\x00\xff\xff"
"""An empty block that is the last one."""
_LEVEL: Final = 1


class Compressor:
    """Compresses texts. Used on the event loop only."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._known: OrderedDict[int, tuple[bytes, bytes]] = OrderedDict()
        """`id` of a text -> that text, which cannot be another one meanwhile, and its compressed form."""
        self._bytes = 0

    def compress(self, text: bytes) -> bytes:
        """Return a text as blocks of deflate; the very object that was compressed a moment ago is not again."""
        if len(text) <= STORED:
            return struct.pack("<BHH", 0, len(text), len(text) ^ 0xFFFF) + text
        known = self._known.get(id(text))
        if known is not None:
            return known[1]
        # A full flush forgets what was before it, so nothing that follows refers to that.
        compressed = self._deflate.compress(text) + self._deflate.flush(zlib.Z_FULL_FLUSH)
        self._known[id(text)] = text, compressed
        self._bytes += len(text)
        while self._bytes > MOST:
            _, (dropped, _) = self._known.popitem(last=False)
            self._bytes -= len(dropped)
        return compressed


class Compressed:
    """The stream of one reader, compressed."""

    def __init__(self, stream: AsyncIterator[bytes], compressor: Compressor) -> None:
        self._stream, self._compressor = stream, compressor
        self._start = HEADER
        self._sum, self._length = 0, 0
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        start, self._start = self._start, b""
        try:
            text = await anext(self._stream)
        except StopAsyncIteration:
            self._ended = True
            return start + _END + struct.pack("<II", self._sum, self._length & 0xFFFFFFFF)
        self._sum, self._length = zlib.crc32(text, self._sum), self._length + len(text)
        return start + self._compressor.compress(text) if start else self._compressor.compress(text)


def accepts_gzip(accepted: str) -> bool:
    """Return whether a client's header `Accept-Encoding` names gzip, by RFC 9110, 12.5.3."""
    weights: dict[str, bool] = {}
    for each in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in each.split(";"))
        weights[name] = not any(part.replace(" ", "").rstrip("0.") == "q=" for part in parameters)
    return weights.get("gzip", weights.get("*", False))
