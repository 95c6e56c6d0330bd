"""A frame is sent only when the terminal has shown enough of the ones before it; what does not fit is dropped.

Each frame ends with a cursor position query (`ESC[6n`). While more than a window of bytes is unanswered, nothing is
sent: the next frame then contains everything that changed meanwhile. The window is what the link carries in a round
trip and `AHEAD` seconds, so that a key never waits behind much more. A terminal that answers no query is not waited
for.
"""

from __future__ import annotations

from collections import deque

from tui.terminal.link_meter import LinkMeter, Query

QUERY = "\x1b[6n"
FIRST_WINDOW = 16384
"""Bytes that may be unanswered before the link is measured."""
LEAST_WINDOW = 1200
AHEAD = 0.15
"""Seconds of the link that may be filled beyond its round trip."""
PATIENCE, FIRST_PATIENCE = 5.0, 2.0
"""Seconds to wait for an answer; the second before any answer came: the terminal may not know the query."""
MUTE_BURST, MUTE_RATE = 8192, 40_000.0
"""Bytes that a terminal that does not answer gets at once, and bytes a second beyond them: a key that is pressed for
long must not fill a slow link, and a small frame never waits."""
TRY_AGAIN = 30.0
"""Seconds between two queries to a terminal that does not answer."""


class AckGate:
    """Which bytes are unanswered, and whether there is room for a frame."""

    def __init__(self, meter: LinkMeter) -> None:
        self.meter = meter
        self.mute = False
        """The terminal does not answer."""
        self._ever = False
        self._queries: deque[Query] = deque()
        self._total = 0
        self._shown = 0
        self._asked = self._frame_at = -TRY_AGAIN
        self._debt = 0.0

    @property
    def window(self) -> float:
        """Return how many bytes may be unanswered."""
        rate, trip = self.meter.rate, self.meter.round_trip
        if rate is None or trip is None:
            return FIRST_WINDOW
        return max(rate * (trip + AHEAD), LEAST_WINDOW)

    @property
    def unanswered(self) -> int:
        """Return how many bytes were sent and not answered for."""
        return self._total - self._shown if self._queries else 0

    def wait(self, now: float) -> float:
        """Return how many seconds the next frame has to wait at most: 0 when there is room."""
        if self.mute:
            return max((self._debt - MUTE_BURST) / MUTE_RATE - (now - self._frame_at), 0.0)
        if not self._queries or self.unanswered < self.window:
            return 0.0
        left = self._queries[0].at + self._patience() - now
        if left > 0:
            return left
        self._give_up()
        return 0.0

    def _patience(self) -> float:
        if not self._ever:
            return FIRST_PATIENCE
        return PATIENCE + 2 * self.unanswered / (self.meter.rate or FIRST_WINDOW)

    def _give_up(self) -> None:
        self.mute = not self._ever
        self.forget()

    def asks(self, now: float) -> bool:
        """Whether a frame sent now carries a query."""
        return not self.mute or now - self._asked >= TRY_AGAIN

    def sent(self, size: int, frame_at: float | None = None) -> None:
        """Take note of bytes that were sent; `frame_at` is when, if they are a frame."""
        self._total += size
        if frame_at is not None:
            self._debt = max(self._debt - MUTE_RATE * (frame_at - self._frame_at), 0.0) + size
            self._frame_at = frame_at

    def asked(self, now: float, place: tuple[int, int] | None = None, probe: bool = False) -> None:
        """Take note of a query behind all bytes that were sent; `place` is where the cursor is then."""
        self._total += len(QUERY)
        self._asked = now
        self._queries.append(Query(now, self._total, probe, place))

    def answered(self, now: float, place: tuple[int, int] | None = None) -> Query | None:
        """Take an answer; return the query that it is for, None when none is open.

        An answer can be lost, e.g. behind an escape that was typed: that of a later query then counts for both.
        """
        self._ever, self.mute = True, False
        if not self._queries:
            return None
        fitting = (at for at, query in enumerate(self._queries) if None in (place, query.place) or query.place == place)
        for _ in range(next(fitting, 0)):
            self._queries.popleft()
        query = self._queries.popleft()
        self._shown = query.total
        self.meter.answered(query, now)
        return query

    def forget(self) -> None:
        """Expect no answers to what was asked: they do not come, or another program had the terminal."""
        self._queries.clear()
        self._shown = self._total
