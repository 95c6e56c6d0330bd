"""The newest lines of several logs in the order of their time, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import List, Sequence

from edgewright.core.logs.entry import Entry

MOST_LINES = 20_000
MOST_CHARACTERS = 8_000_000
"""What is stored of all logs together; the oldest lines go first, and are counted."""


def _moment(entry: Entry) -> float:
    return entry.at


class LogRing:
    """`add` lines of a host in the order in which it wrote them; `lines` are those of all hosts by time."""

    def __init__(self, most: int = MOST_LINES, characters: int = MOST_CHARACTERS) -> None:
        self.lines: List[Entry] = []
        self.version = 0
        self.arrived = 0
        self.dropped = 0
        """Lines that went because there were too many."""
        self.left_out = 0
        """Lines that did not come: the hosts left them out, since the link was too slow."""
        self._most, self._most_characters, self._characters = most, characters, 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Put lines where they belong. A line that came late goes between older ones."""
        if not entries:
            return
        lines = self.lines
        first = min(entry.at for entry in entries)
        new = list(entries)
        if lines and lines[-1].at > first:
            place = bisect_right(_Moments(lines), first)
            late = lines[place:] + new
            late.sort(key=_moment)  # stable: what is as old as another line comes behind it
            lines[place:] = late
        else:
            new.sort(key=_moment)
            lines += new
        self.arrived += len(new)
        self._characters += sum(len(entry.text) for entry in new)
        self._trim()
        self.version += 1

    def since(self, moment: float) -> List[Entry]:
        """Return the lines from `moment` on, in epoch seconds."""
        return self.lines[bisect_left(_Moments(self.lines), moment) :]

    def clear(self) -> None:
        """Forget all lines."""
        self.lines, self._characters, self.dropped, self.arrived, self.left_out = [], 0, 0, 0, 0
        self.version += 1

    def _trim(self) -> None:
        lines = self.lines
        count = max(len(lines) - self._most, 0)
        left = self._characters - sum(len(entry.text) for entry in lines[:count])
        while left > self._most_characters and count < len(lines) - 1:
            left -= len(lines[count].text)
            count += 1
        if count:
            del lines[:count]
            self._characters = left
            self.dropped += count


class _Moments(Sequence[float]):
    """The moments of lines, for a search by halves (`bisect` has a key from Python 3.10 on only)."""

    def __init__(self, lines: List[Entry]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, place: int) -> float:  # type: ignore[override]
        return self._lines[place].at
