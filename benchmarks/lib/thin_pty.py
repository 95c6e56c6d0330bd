"""A program at the far end of a thin link, in front of a real terminal emulator.

Bytes leave the program's pty no faster than the link takes them, arrive half a round trip later and are fed to pyte.
What the terminal answers (the cursor's position) and the keys go back over the same link: an answer therefore says
that everything before its question was shown. Between program and link there is room for `BUFFER` bytes, as in the
socket of an SSH server; when it is full, the program waits.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.lib.emulator import XtermScreen, XtermStream
from benchmarks.lib.pty_run import Term

BUFFER = 256 * 1024


class Link(NamedTuple):
    """Bytes a second, and seconds for the way there and back."""

    rate: float
    round_trip: float

    @property
    def name(self) -> str:
        """Return what the link is called in the tables."""
        return f"{self.rate / 1000:g} KB/s {self.round_trip * 1000:g} ms"


class _Wire:
    """One direction: bytes that were sent and have not arrived."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._free = 0.0
        self._pieces: deque[tuple[float, bytes]] = deque()
        self.carried = 0

    def backlog(self, now: float) -> float:
        """Return the bytes that wait before the link."""
        return max(self._free - now, 0.0) * self._link.rate

    def send(self, data: bytes, now: float) -> None:
        """Put bytes behind those that wait; small pieces, so that they arrive as a line would bring them."""
        size = max(int(self._link.rate * 0.01), 16)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            self._free = max(self._free, now) + len(piece) / self._link.rate
            self._pieces.append((self._free + self._link.round_trip / 2, piece))
        self.carried += len(data)

    def arrived(self, now: float) -> bytes:
        """Return what has arrived."""
        out = []
        while self._pieces and self._pieces[0][0] <= now:
            out.append(self._pieces.popleft()[1])
        return b"".join(out)


class ThinTerm:
    """A program, the link, and the terminal at the near end."""

    def __init__(
        self, argv: Sequence[str], link: Link, columns: int, lines: int, environ: Mapping[str, str] | None = None
    ) -> None:
        self._term = Term(argv, columns, lines, environ)
        self._down, self._up = _Wire(link), _Wire(link)
        self.screen = XtermScreen(columns, lines)
        self.screen.write_process_input = self._answer  # type: ignore[method-assign]
        self._stream = XtermStream(self.screen)
        self.answers = True
        self.stream = b""

    def _answer(self, data: str) -> None:
        if self.answers:
            self._up.send(data.encode(), time.monotonic())

    @property
    def received(self) -> int:
        """Bytes that the program has put on the link."""
        return self._down.carried

    def pump(self, pause: float = 0.004) -> None:
        """Let time pass: a few milliseconds."""
        now = time.monotonic()
        if self._down.backlog(now) < BUFFER:
            ready, _, _ = select.select([self._term.fd], [], [], pause)
            if ready:
                try:
                    data = os.read(self._term.fd, 16384)
                except OSError:
                    data = b""
                self._down.send(data, time.monotonic())
        else:
            time.sleep(pause)
        now = time.monotonic()
        data = self._down.arrived(now)
        if data:
            self.stream += data
            self._stream.feed(data)
        keys = self._up.arrived(now)
        if keys:
            os.write(self._term.fd, keys)

    def run(self, seconds: float) -> None:
        """Let `seconds` pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump()

    def until(self, seen: Callable[[ThinTerm], bool], timeout: float = 60.0) -> float | None:
        """Return the seconds until the terminal shows what `seen` looks for, None when that took too long."""
        began = time.monotonic()
        while time.monotonic() - began < timeout:
            if seen(self):
                return time.monotonic() - began
            self.pump()
        return None

    def send(self, keys: bytes) -> None:
        """Type at the near end."""
        self._up.send(keys, time.monotonic())

    def text(self) -> str:
        """Return what the terminal shows."""
        return "\n".join(self.screen.display)

    def shows(self, *words: str) -> bool:
        """Return whether all words are on the screen."""
        text = self.text()
        return all(word in text for word in words)

    def marked_row(self, column: int = 4) -> int:
        """Return the row whose background differs from that of the others: the row of the cursor; -1 without one."""
        seen: dict[str, list[int]] = {}
        for row in range(self.screen.lines):
            cell = self.screen.buffer[row][column]
            seen.setdefault(f"{cell.bg}{cell.reverse}", []).append(row)
        alone = [rows[0] for rows in seen.values() if len(rows) == 1]
        return alone[0] if len(alone) == 1 else -1

    def close(self) -> None:
        """End the program."""
        self._term.close()
