"""When a frame is sent: one that follows a key at once, one that only brings new values within a budget of bytes.

On a slow link ages alone never cause a frame: they go with the next one, at the latest after `AGES` seconds.
"""

from __future__ import annotations

ECHO = 1.0
"""Seconds after a key in which frames are its effect."""
BUDGET, SLOW_BUDGET = 1500.0, 220.0
"""Bytes a second for values that change by themselves."""
DELAY, SLOW_DELAY = (0.35, 0.8), (3.0, 10.0)
"""Seconds between two frames of new values, at least and at most. With the tick of the ages, a value is at most 2 s old
on a fast link."""
AGES = 30.0


class Pace:
    """What kind of frame is waiting, and until when."""

    def __init__(self, now: float) -> None:
        self._key = now
        self._next = now
        self._sent = now
        self._ages_until = 0.0
        self._ages_only = True

    def key(self, now: float) -> None:
        """Take note of a key: what changes now is its effect."""
        self._key = now
        self._ages_until = 0.0

    def ages(self, until: float) -> None:
        """Take note that what is painted up to `until` is ages alone."""
        self._ages_until = until

    def changed(self) -> None:
        """Take note that something other than ages changed."""
        self._ages_until = 0.0

    def painted(self, now: float) -> None:
        """Take note of a change of what the terminal has to show."""
        if now >= self._ages_until:
            self._ages_only = False

    def wait(self, now: float, slow: bool) -> float:
        """Return the seconds until what was painted may be sent."""
        if now - self._key < ECHO:
            return 0.0
        if slow and self._ages_only:
            return max(self._sent + AGES - now, 0.0)
        return max(self._next - now, 0.0)

    def sent(self, size: int, now: float, slow: bool) -> None:
        """Take note of a frame of `size` bytes."""
        self._sent, self._ages_only = now, True
        if now - self._key >= ECHO:
            budget, (least, most) = (SLOW_BUDGET, SLOW_DELAY) if slow else (BUDGET, DELAY)
            self._next = now + min(max(size / budget, least), most)
