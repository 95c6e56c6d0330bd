"""The newest changes in memory: a bounded ring that each reader goes through at its own pace.

A change of the log has its number there. What is not logged, such as a mere heartbeat or an alert of this process, is
in the ring behind the newest logged change and is sent with that number: a reader that continues from a number gets
what is not logged behind it (again), and each logged change after it once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

SIZE = 20_000
BYTES = 32 * 1024 * 1024
"""Bytes of documents in the ring; the oldest changes go first."""


class Change(NamedTuple):
    """One change; `doc`, a JSON text, is `None` when it is rendered on sending."""

    number: int
    """The position in this process's ring, without gaps."""
    seq: int
    kind: str
    op: str
    uid: str
    project_uid: str
    doc: bytes | None
    logged: bool = False
    alive: bool = False
    """Only a heartbeat: readers that get beats do not need it."""

    @property
    def size(self) -> int:
        """Return the bytes of its document."""
        return 0 if self.doc is None else len(self.doc)


class Ring:
    """The changes, newest last."""

    def __init__(self, seq: int, size: int = SIZE, most_bytes: int = BYTES) -> None:
        self.seq = seq
        """The number of the newest change of the log that memory has taken."""
        self.number = 0
        """The position of the newest change."""
        self.floor = seq
        """All later changes of the log are in the ring."""
        self.lost = -1
        """Behind which change of the log something that is in no log was dropped."""
        self._changes: deque[Change] = deque()
        self._size, self._most_bytes = size, most_bytes
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self._changes)

    def add(
        self, kind: str, op: str, uid: str, project_uid: str, doc: bytes | None, *, logged: bool, alive: bool
    ) -> None:
        """Add a change with the present number; the oldest ones go when there are too many."""
        self.number += 1
        change = Change(self.number, self.seq, kind, op, uid, project_uid, doc, logged, alive)
        self._changes.append(change)
        self._bytes += change.size
        while len(self._changes) > self._size or (self._bytes > self._most_bytes and len(self._changes) > 1):
            dropped = self._changes.popleft()
            self._bytes -= dropped.size
            self.floor = dropped.seq
            if not dropped.logged and not dropped.alive:
                self.lost = dropped.seq

    def after(self, number: int, most: int) -> list[Change]:
        """Return the next changes after a position."""
        if number >= self.number:
            return []
        start = max(0, len(self._changes) - (self.number - number))
        return [self._changes[index] for index in range(start, min(start + most, len(self._changes)))]

    def has(self, number: int) -> bool:
        """Return whether nothing after a position was dropped."""
        return self.number - number <= len(self._changes)

    def position(self, since: int) -> int | None:
        """Return the position of a reader that has all up to a number of the log; `None` when it is not in the ring."""
        if not self.floor <= since <= self.seq:
            return None
        low, high = 0, len(self._changes)
        while low < high:
            middle = (low + high) // 2
            change = self._changes[middle]
            if (change.seq, not change.logged) > (since, False):
                high = middle
            else:
                low = middle + 1
        return self.number - (len(self._changes) - low)
