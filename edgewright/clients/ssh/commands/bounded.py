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


class ArrivingLines:
    """Gives the lines of an output as they are complete; of `most` bytes, what comes after these is counted."""

    def __init__(self, most: int) -> None:
        self._open, self._left, self.left_out = bytearray(), most, 0

    def add(self, data: bytes) -> None:
        """Take a piece."""
        taken = data[: self._left]
        self._open += taken
        self._left -= len(taken)
        self.left_out += len(data) - len(taken)

    def take(self, *, ended: bool = False) -> tuple[str, ...]:
        """Return the lines that are complete, harmless for a terminal; at the end also one that is not."""
        end = len(self._open) if ended else self._open.rfind(b"\n") + 1
        if not end and len(self._open) > MOST_LETTERS * 4:
            end = len(self._open)  # a line without an end must not grow
        data = bytes(self._open[:end])
        del self._open[:end]
        lines = data.removesuffix(b"\n").split(b"\n") if data else []
        parts = (lines[n : n + MOST_LINES] for n in range(0, len(lines), MOST_LINES))
        shown = [clean(line, MOST_LETTERS) for part in parts for line in _lines(b"\n".join(part))]
        if ended and self.left_out:
            shown.append(f"[{self.left_out:,} more bytes are not shown]")
        return tuple(shown)


def lines_of(data: bytes) -> tuple[str, ...]:
    """Return bytes as lines without escapes and control characters; what is not UTF-8 becomes U+FFFD.

    Of a line that was written over (a progress bar with carriage returns) the last text is left.
    """
    lines = _lines(data)
    while lines and not lines[-1]:
        lines.pop()
    return tuple(clean(line, MOST_LETTERS) for line in lines)


def _lines(data: bytes) -> list[str]:
    text = _ESCAPES.sub("", data.decode("utf-8", "replace"))
    return [line.rstrip("\r ").rpartition("\r")[2] for line in text.split("\n", MOST_LINES)[:MOST_LINES]]
