"""The output of a command in bounded memory: its begin and its end, and how many bytes between them were left out."""

from __future__ import annotations

import re
from typing import NamedTuple

from edgewright.core.text import clean

MOST_LINES, MOST_LETTERS = 4000, 4000
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;:?<=>!]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -~])"
)


class Output(NamedTuple):
    """What is left of an output: lines without escapes, and the bytes that are left out between two of them."""

    lines: tuple[str, ...] = ()
    left_out: int = 0


class BoundedOutput:
    """Takes pieces of an output; at most `size` bytes remain, the first quarter of them from its begin."""

    def __init__(self, size: int) -> None:
        self._first, self._last = bytearray(), bytearray()
        self._head, self._tail = size // 4, size - size // 4
        self.left_out = 0

    def add(self, data: bytes) -> None:
        """Take a piece."""
        room = self._head - len(self._first)
        self._first += data[:room]
        self._last += data[room:] if room > 0 else data
        over = len(self._last) - self._tail
        if over > 0:
            del self._last[:over]
            self.left_out += over

    def output(self) -> Output:
        """Return what is left, harmless for a terminal."""
        if not self.left_out:
            return Output(lines_of(bytes(self._first + self._last)))
        gap = f"[{self.left_out:,} bytes are left out here]"
        return Output((*lines_of(bytes(self._first)), gap, *lines_of(bytes(self._last))), self.left_out)


def lines_of(data: bytes) -> tuple[str, ...]:
    """Return bytes as lines without escapes and control characters; what is not UTF-8 becomes U+FFFD.

    Of a line that was written over (a progress bar with carriage returns) the last text is left.
    """
    text = _ESCAPES.sub("", data.decode("utf-8", "replace"))
    lines = [line.rstrip("\r ").rpartition("\r")[2] for line in text.split("\n", MOST_LINES)[:MOST_LINES]]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(clean(line, MOST_LETTERS) for line in lines)
