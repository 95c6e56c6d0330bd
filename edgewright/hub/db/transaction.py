"""One job's view of a transaction: it writes rows, and names what memory and readers are to follow after the commit.

A job never changes memory itself. It names each record that it wrote (`changed`, `removed`) and each document that
readers get (`emit`); the writer hands these to the `Follower` on the event loop, in the order of the commits, once they
are durable. So there is one way from a committed change into memory, which several hubs on one database share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Connection

from edgewright.core import times


class Follower(Protocol):
    """Takes committed changes into memory and publishes them. Called on the event loop only."""

    def put(self, record: Any) -> None:
        """Take a record that was added or changed; raises `KeyError` for a type that no one registered."""

    def drop(self, record: Any) -> None:
        """Take the removal of a record."""

    def publish(self, kind: str, op: str, uid: str, project_uid: str, doc: dict[str, Any] | None) -> None:
        """Hand a change to readers; without `doc` the present document is rendered when it is sent."""


class Unfollowed:
    """A follower for a writer with nothing behind it, such as that of a tool."""

    def put(self, record: Any) -> None:
        """Ignore a record."""

    def drop(self, record: Any) -> None:
        """Ignore a removal."""

    def publish(self, kind: str, op: str, uid: str, project_uid: str, doc: dict[str, Any] | None) -> None:
        """Ignore a change."""


class Tx:
    """The connection, the time, and what is to follow once the transaction is durable."""

    def __init__(self, connection: Connection, follower: Follower | None = None) -> None:
        self.connection = connection
        self.now = times.now()
        self.hooks: list[Callable[[], None]] = []
        self._follower = follower or Unfollowed()

    def changed(self, record: Any) -> None:
        """Let memory and readers follow a record that this transaction added or changed."""
        self.hooks.append(partial(self._follower.put, record))

    def removed(self, record: Any) -> None:
        """Let memory and readers follow the removal of a record."""
        self.hooks.append(partial(self._follower.drop, record))

    def emit(self, kind: str, op: str, uid: str, project_uid: str = "", doc: dict[str, Any] | None = None) -> None:
        """Let readers follow a change that is not a record in memory, such as an event."""
        self.hooks.append(partial(self._follower.publish, kind, op, uid, project_uid, doc))

    def after(self, hook: Callable[[], None]) -> None:
        """Run `hook` on the event loop after the commit, for what is this process's alone."""
        self.hooks.append(hook)

    def first(self, statement: Any) -> Any:
        """Return the first row, or `None`."""
        return self.connection.execute(statement).first()

    def all(self, statement: Any) -> Sequence[Any]:
        """Return every row."""
        return self.connection.execute(statement).all()

    def run(self, statement: Any) -> int:
        """Execute a write; returns how many rows it touched."""
        return int(self.connection.execute(statement).rowcount)
