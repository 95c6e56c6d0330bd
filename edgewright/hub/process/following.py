"""How one hub follows the change log of its database, and what readers of the stream get of the log itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.changelog.entry import Entry
from edgewright.hub.db.changelog.follower import Following, LogFollower
from edgewright.hub.readmodel.pieces import CHUNK

if TYPE_CHECKING:
    from edgewright.hub.services import Services


class Follower:
    """The follower of a hub: a thread on PostgreSQL, nothing on SQLite. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._log: LogFollower | None = None
        hub.changes.log_after, hub.changes.newest = self._after, self._newest

    def start(self, origin: str) -> None:
        """Begin to follow, where other processes may write."""
        if self._hub.engine.dialect.name == "postgresql":
            self._log = LogFollower(self._hub.engine, self._hub.memory, origin, self._hub.writer.resume)
            self._log.start()

    def stop(self) -> None:
        """End the thread."""
        if self._log is not None:
            self._log.stop()

    @property
    def state(self) -> Following:
        """Return how far memory is behind the log."""
        seq = self._hub.memory.seq
        return Following(seq, seq, 0.0) if self._log is None else self._log.following

    async def _newest(self) -> int:
        return self._hub.memory.seq if self._log is None else await self._hub.read(changelog.head)

    async def _after(self, since: int) -> list[Entry] | None:
        """Return the next changes of the log for readers, up to those that memory has: documents are rendered of it."""
        memory = self._hub.memory

        def query(connection: Connection) -> list[Entry] | None:
            rows = changelog.after(connection, since, CHUNK)
            return memory.reading(connection, rows) if rows and rows[0].seq == since + 1 else None

        entries = await self._hub.read(query)
        return None if entries is None else [entry for entry in entries if entry.seq <= memory.seq]
