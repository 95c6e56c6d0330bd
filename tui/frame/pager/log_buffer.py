"""Lines of a log as they are fetched again and again: joined where they overlap, bounded, filtered by time and text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from edgewright.core import times
from edgewright.core.text import clean

MAX_LINES = 5000
MAX_CHARACTERS = 4_000_000
"""What the console stores of one log; the oldest lines go first."""
LINE_LENGTH = 4096
GAP = "··· lines between were not fetched ···"
_HALF_DAY = 43_200.0
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)Z")
_STAMP = re.compile(r"\[?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?\s?(Z|[+-]\d\d:?\d\d)?")


class LogLine(NamedTuple):
    """One line and its moment (epoch seconds UTC); a line without one has that of the line before it."""

    text: str
    at: float | None


def moment_of(text: str) -> float | None:
    """Return the moment at the start of a log line (`2026-11-28T08:47:08+0000 ...`), None without one.

    A time of day alone (`08:47:08Z`, logs of builds) gives seconds since midnight.
    """
    match = _STAMP.match(text)
    if match is None:
        clock = _CLOCK.match(text)
        return int(clock[1]) * 3600.0 + int(clock[2]) * 60.0 + int(clock[3]) if clock else None
    zone = match[3] or "Z"
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        return times.parse(f"{match[1]}T{match[2]}{zone}")
    except ValueError:
        return None


class LogBuffer:
    """The newest lines of a log. `version` changes with its content."""

    def __init__(self, most: int = MAX_LINES) -> None:
        self.lines: list[LogLine] = []
        self.version = 0
        self.dropped = 0
        """Lines that went because there were too many."""
        self._most = most
        self._characters = 0

    @property
    def newest(self) -> float | None:
        """Return the moment of the last line that has one."""
        return next((line.at for line in reversed(self.lines) if line.at is not None), None)

    def clear(self) -> None:
        """Forget all lines."""
        self.lines, self._characters, self.dropped = [], 0, 0
        self.version += 1

    def take(self, fetched: Sequence[str]) -> int:
        """Add what is new in `fetched`, the last lines of the log as it is now; return how many lines that were.

        When nothing of it is known, a line marks the gap: more was written than was fetched.
        """
        texts = [clean(text, LINE_LENGTH) for text in fetched]
        overlap = self._overlap(texts)
        new = texts[overlap:]
        if not new:
            return 0
        if self.lines and not overlap:
            self._add(GAP)
        for text in new:
            self._add(text)
        self._trim()
        self.version += 1
        return len(new)

    def append(self, lines: Sequence[tuple[str, float | None]]) -> None:
        """Add lines of a log that arrives line by line: text, already cleaned, and moment."""
        for text, at in lines:
            self.lines.append(LogLine(text, at))
            self._characters += len(text)
        self._trim()
        self.version += 1

    def _overlap(self, texts: list[str]) -> int:
        """Return how many lines at the start of `texts` are known: up to where the end of the buffer is found."""
        known = [line.text for line in self.lines[-len(texts) :]] if texts else []
        if GAP in known:
            known = known[len(known) - known[::-1].index(GAP) :]
        if not known:
            return 0
        for size in range(len(texts), 0, -1):
            common = min(size, len(known))
            if texts[size - 1] == known[-1] and texts[size - common : size] == known[-common:]:
                return size
        return 0

    def _add(self, text: str) -> None:
        at, before = moment_of(text), self.lines[-1].at if self.lines else None
        if at is None:
            at = before
        elif before is not None and at < times.DAY and at < before - _HALF_DAY:
            at += (before - at + _HALF_DAY) // times.DAY * times.DAY  # a time of day alone, and midnight has passed
        self.lines.append(LogLine(text, at))
        self._characters += len(text)

    def _trim(self) -> None:
        count = max(len(self.lines) - self._most, 0)
        left = self._characters - sum(len(line.text) for line in self.lines[:count])
        while left > MAX_CHARACTERS and count < len(self.lines) - 1:
            left -= len(self.lines[count].text)
            count += 1
        if count:
            del self.lines[:count]
            self._characters = left
            self.dropped += count

    def shown(self, since: float | None = None, text: str = "") -> list[LogLine]:
        """Return the lines from the moment `since` on that contain `text`, in small or capital letters."""
        wanted = text.lower()
        return [
            line
            for line in self.lines
            if (since is None or line.at is None or line.at >= since) and (not wanted or wanted in line.text.lower())
        ]
