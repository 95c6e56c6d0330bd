"""What every feed is: something that runs until it is cancelled and emits events meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Emit(Protocol):
    """Where a feed's events go: `Store.emit`, or a gate before it."""

    def __call__(self, source: str, kind: str, payload: Mapping[str, Any], /) -> object:
        """Take one event of the named source."""
        ...


class Source(Protocol):
    """A feed. `run` lets no exception out but cancellation."""

    async def run(self) -> None:
        """Feed until cancelled."""
        ...

    def retry_now(self) -> None:
        """Try again at once, if it is waiting for its next try."""
        ...


class Gate:
    """Lets only the newest generation of feeds through.

    A feed that is stopped, or belongs to a context that was left, may still have answers under way; they are dropped
    here in the place of being waited for.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.generation = 0

    def open(self) -> Emit:
        """Begin a new generation and return its way in; every older way is shut."""
        self.generation += 1
        mine = self.generation

        def emit(source: str, kind: str, payload: Mapping[str, Any], /) -> object:
            return self._emit(source, kind, payload) if mine == self.generation else None

        return emit

    def shut(self) -> None:
        """Let nothing through until the next `open`."""
        self.generation += 1
