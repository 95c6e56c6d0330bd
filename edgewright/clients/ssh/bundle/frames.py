"""From the bytes of a stream to frames: a line that begins with the marker of the run, and the data between two.

Each run has a marker of its own, so that no data can contain it. Data is passed on as it arrives; what a frame
contains is checked by `collect`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edgewright.core.text import clean

MAX_HEAD = 600
"""Bytes of the line of a frame at most."""


class Frame(NamedTuple):
    """The line of a frame: `host`, `begin`, `end`, `miss`, `all` or `done`, and its fields."""

    verb: str
    fields: tuple[str, ...]


class FrameReader:
    """`feed` the bytes of one stream in order."""

    def __init__(self, marker: str) -> None:
        self._mark = b"\n" + marker.encode() + b" "
        self._buffer = b"\n"  # the first frame may begin at once
        self._in_head = False

    def feed(self, data: bytes) -> Iterator[Frame | bytes]:
        """Yield frames and pieces of data. Raises `ValueError` for a frame that does not end."""
        self._buffer += data
        while True:
            if self._in_head:
                end = self._buffer.find(b"\n")
                if end < 0 or end > MAX_HEAD:
                    if len(self._buffer) > MAX_HEAD:
                        raise ValueError("a frame without an end")
                    return
                verb, *fields = self._buffer[:end].decode("utf-8", "replace").split(" ")
                self._buffer, self._in_head = self._buffer[end + 1 :], False
                yield Frame(clean(verb, 20), tuple(clean(word, 300) for word in fields))
                continue
            at = self._buffer.find(self._mark)
            if at < 0:
                ready = len(self._buffer) - len(self._mark) + 1
                if ready > 0:
                    piece, self._buffer = self._buffer[:ready], self._buffer[ready:]
                    yield piece
                return
            if at:
                yield self._buffer[:at]
            self._buffer, self._in_head = self._buffer[at + len(self._mark) :], True
