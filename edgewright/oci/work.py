"""What a transfer reports to, and who can cancel it. The forge's `Job` is one; `Unwatched` reports to nothing."""

from __future__ import annotations

from typing import Protocol


class Work(Protocol):
    """Progress and cancellation of one piece of work; called from the thread that does it."""

    def check(self) -> None:
        """Raise (`Cancelled`) when the work must stop. Called at least twice a second while a transfer waits."""

    def step(self, text: str) -> None:
        """Begin a new part of the work."""

    def at(self, done: int, total: int = 0) -> None:
        """Report bytes done of `total` (0: unknown). May raise as `check` does."""


class Unwatched:
    """Work that reports no progress and is never cancelled."""

    def check(self) -> None:
        """Continue."""

    def step(self, text: str) -> None:
        """Report nothing."""

    def at(self, done: int, total: int = 0) -> None:
        """Report nothing."""
