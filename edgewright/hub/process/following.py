"""How one hub follows the change log of its database, and what readers of the stream get of the log itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy import Connection, or_, select

from edgewright.hub.db import schema
from edgewright.hub.db.changelog import log as changelog
from edgewright.hub.db.changelog.entry import Entry
from edgewright.hub.db.changelog.follower import Following, LogFollower
from edgewright.hub.http.auth import Authenticator, Credential
from edgewright.hub.http.problems import Behind
from edgewright.hub.process.clock import boottime
from edgewright.hub.process.observe.readiness import Readiness
from edgewright.hub.readmodel.pieces import CHUNK

if TYPE_CHECKING:
    from edgewright.hub.services import Services

MOST_BEHIND = 5.0
"""Seconds within which a revoked credential is refused by every hub, or the hub answers nothing (rule P68)."""


def _exists(credential: Credential, connection: Connection) -> bool:
    keys, hosts = schema.api_keys, schema.hosts
    query = select(keys.c.uid).where(
        (keys.c.uid if credential.kind == "session" else keys.c.key_hash) == credential.name
    )
    if credential.kind == "host":
        query = select(hosts.c.uid).where(
            or_(hosts.c.credential_hash == credential.name, hosts.c.pending_hash == credential.name)
        )
    return connection.execute(query).first() is not None


class Follower:
    """The follower of a hub: a thread on PostgreSQL, nothing on SQLite. Used on the event loop only."""

    def __init__(self, hub: Services) -> None:
        self._hub = hub
        self._log: LogFollower | None = None
        hub.changes.log_after, hub.changes.newest = self._after, self._newest

    def start(self, origin: str) -> None:
        """Begin to follow, where other processes may write; a hub that does not is not ready."""
        self._hub.part(Readiness).add("changes", self._reason)
        if self._hub.engine.dialect.name == "postgresql":
            self._log = LogFollower(self._hub.engine, self._hub.memory, origin, self._hub.writer.resume, self._lost)
            self._log.start()
            self._hub.changes.shared = True

    def stop(self) -> None:
        """End the thread."""
        if self._log is not None:
            self._log.stop()

    def _lost(self) -> None:
        self._hub.start_again()

    @property
    def state(self) -> Following:
        """Return how far memory is behind the log."""
        seq = self._hub.memory.seq
        return Following(seq, seq, 0.0) if self._log is None else self._log.following

    def check(self) -> None:
        """Raise `Problem` 503 while memory is more than `MOST_BEHIND` seconds behind the log, or cannot follow it.

        A process that is alone on its database continues: nothing can be revoked without it. But the last other one
        may have revoked something before its end, so memory has to have followed the log since then.
        """
        if self._log is None:
            return  # the one process of its database; this is asked for each heartbeat
        state, membership = self._log.following, self._hub.membership
        if membership.alone and not state.lost and boottime() - state.age >= membership.alone_since:
            return
        reason = self._reason()
        if reason:
            raise Behind(reason)

    def _reason(self) -> str:
        """Return why this hub may not answer; empty when it follows."""
        state = self.state
        if state.lost or state.age > MOST_BEHIND:
            behind = "loads again" if state.lost else f"has not followed for {state.age:.0f} s"
            storage = self._hub.storage
            step = "use another one." if storage.since is None else f"its storage is {storage.state}."
            return f"This hub {behind} what other hubs store, so it does not answer; {step}"
        return ""

    async def knows(self, authenticator: Authenticator, headers: Mapping[str, str]) -> None:
        """Wait until memory has a credential that another hub issued a moment ago; a wrong one is not waited for.

        Raises `Problem` 503 where memory does not get it in time: to its owner 401 would mean that it was revoked.
        """
        unknown = authenticator.unknown(headers)
        if self._log is None or unknown is None or not await self._hub.read(partial(_exists, unknown)):
            return
        end = monotonic() + MOST_BEHIND
        while authenticator.unknown(headers) is not None:
            if monotonic() >= end:
                text = "This hub has not followed yet what another hub stored (this credential); send it again."
                raise Behind(text)
            await asyncio.sleep(0.02)

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
