"""One job's view of a transaction: it writes rows, and names what memory and readers are to follow after the commit.

A job never changes memory itself. It names each record that it wrote (`changed`, `removed`) and each document that
readers get (`emit`). The writer stores these as rows of the change log in the same transaction, and hands them to the
`Follower` on the event loop, in the order of the commits, once they are durable. So there is one way from a committed
change into memory, which several hubs on one database share.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from edgewright.core import times
from edgewright.hub.db.changelog.entry import DELETE, PUT, Entry


class Follower(Protocol):
    """Takes committed changes into memory and publishes them. On the event loop only, apart from `entry`."""

    def entry(self, op: str, record: Any) -> Entry:
        """Return the change of a record; raises `KeyError` for a type that no one registered. Any thread."""

    @property
    def documents(self) -> Container[str]:
        """Return the kinds of changes whose document a table has, so that the log does not store it again."""

    def ready(self, entries: Sequence[Entry]) -> bool:
        """Return whether memory has taken all that was committed before these changes."""

    def apply(self, entry: Entry) -> None:
        """Take a change, unless it was taken already."""


class Unfollowed:
    """A follower for a writer with nothing behind it, such as that of a tool."""

    def entry(self, op: str, record: Any) -> Entry:
        """Return a change that names nothing."""
        return Entry("", op, "", record=record)

    @property
    def documents(self) -> Container[str]:
        """Return no kinds."""
        return ()

    def ready(self, entries: Sequence[Entry]) -> bool:
        """There is no memory to wait for."""
        return True

    def apply(self, entry: Entry) -> None:
        """Ignore a change."""


class Tx:
    """The connection, the time, and what is to follow once the transaction is durable."""

    def __init__(self, connection: Connection, follower: Follower | None = None) -> None:
        self.connection = connection
        self.now = times.now()
        self.entries: list[Entry] = []
        """What the change log gets, in order."""
        self.hooks: list[Callable[[], None]] = []
        self._follower = follower or Unfollowed()

    def changed(self, record: Any) -> None:
        """Log a record that this transaction added or changed; memory and readers follow."""
        self.entries.append(self._follower.entry(PUT, record))

    def removed(self, record: Any) -> None:
        """Log the removal of a record; memory and readers follow."""
        self.entries.append(self._follower.entry(DELETE, record))

    def emit(self, kind: str, op: str, uid: str, project_uid: str = "", doc: dict[str, Any] | None = None) -> None:
        """Log a change that is not a record in memory, such as an event; readers follow.

        Without `doc` the present document of the thing is rendered when it is sent.
        """
        self.entries.append(Entry(kind, op, uid, project_uid, doc=None if doc is None else msgspec.json.encode(doc)))

    def after(self, hook: Callable[[], None]) -> None:
        """Run `hook` on the event loop after the commit and all that the transaction logged.

        It is for what is this process's alone: no other hub on the database runs it.
        """
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
