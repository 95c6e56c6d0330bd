"""One line of a log of one host, and when it was written by the clock of the console."""

from __future__ import annotations

from typing import Optional, Tuple

from edgewright.core.logs.readable import INFO, Readable, level_of, read
from edgewright.core.redaction.rules import redact


class Entry:
    """A line. `at`: epoch seconds with the skew of the host's clock taken out; `host_at`: as the host wrote it.

    With `gap` it is in the place of lines that were not read, and `text` names why. Its reading and masked text are
    made when they are wanted: most lines of a fast log are never shown.
    """

    __slots__ = (
        "_level",
        "_masked",
        "_readable",
        "at",
        "drawn",
        "gap",
        "hit",
        "host",
        "host_at",
        "priority",
        "text",
        "unit",
        "verdict",
    )

    def __init__(
        self,
        at: float,
        host_at: float,
        host: str,
        unit: str,
        text: str,
        priority: int = INFO,
        gap: bool = False,
    ) -> None:
        self.at, self.host_at, self.host, self.unit = at, host_at, host, unit
        self.text, self.priority, self.gap = text, priority, gap
        self.drawn: object = None
        """What who shows it stores: lines of a screen and what they were made for."""
        self.verdict: Optional[Tuple[object, bool]] = None
        self.hit: Optional[Tuple[str, bool]] = None
        """For what it was looked at last, and whether it is wanted; for which text, and whether it has it."""
        self._level: Optional[int] = None
        self._readable: Optional[Readable] = None
        self._masked: Optional[Readable] = None

    @property
    def readable(self) -> Readable:
        """Its level and message, with secrets: to choose lines by, not to show."""
        if self._readable is None:
            self._readable = Readable(INFO, self.text) if self.gap else read(self.text, self.priority)
        return self._readable

    @property
    def shown(self) -> Readable:
        """Its level and message, without secrets."""
        if self._masked is None:
            self._masked = Readable(INFO, self.text) if self.gap else read(masked(self.text), self.priority)
        return self._masked

    @property
    def level(self) -> int:
        """Its syslog priority, 0 is worst: that of the line itself, else that of the journal."""
        if self._level is None:
            self._level = INFO if self.gap else level_of(self.text, self.priority)
        return self._level

    def __repr__(self) -> str:
        """Name it in a failed test."""
        return f"Entry({self.at:.3f}, {self.host}, {self.unit}, {self.text[:60]!r})"


def masked(text: str) -> str:
    """Return one line without secrets."""
    return redact(text.encode("utf-8", "replace"), {}).decode("utf-8", "replace")
