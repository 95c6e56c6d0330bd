"""The host that a fix runs on, by a connection of its own (command line) or over the one of the console."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from edgewright.clients.ssh.connection import SshConnection
from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes.reading import examine
from edgewright.clients.ssh.probes.sets import chosen
from edgewright.commands.kernel.context import CommandContext
from edgewright.commands.site.connecting import connect
from edgewright.commands.site.opened import Site
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.doctor.document import document
from edgewright.core.errors import Failed, Refused, TimedOut, Unreachable

BACK = 60.0
"""Seconds in which a host has to be there again after its connection broke."""
PAUSE = 2.0
"""Seconds between two tries."""
LOOK = 0.2

Report = dict[str, Any]


class FixHost(Protocol):
    """A host as a fix needs it."""

    target: str

    async def connection(self) -> CanRunScript:
        """Return the connection. Raises `Unreachable` where there is none."""

    async def read(self) -> Report:
        """Run all probes; return the document of Doctor. Raises `EdgewrightError`."""

    async def broke(self, error: Unreachable) -> None:
        """Take the connection as lost."""

    async def back(self) -> bool:
        """Wait until there is a connection again; return whether there is."""


class DialledHost:
    """A host by a connection of its own; `aclose` ends it."""

    def __init__(self, target: str, ctx: CommandContext) -> None:
        self.target, self._ctx = target, ctx
        self._connection: SshConnection | None = None

    async def connection(self) -> SshConnection:
        """Return the connection; see `FixHost`. Raises what `connect` raises, the first time."""
        if self._connection is None:
            self._connection = await connect(self.target, self._ctx)
        return self._connection

    async def read(self) -> Report:
        """Run all probes; see `FixHost`."""
        run = await examine(await self.connection(), chosen())
        return document(self.target, run.facts, diagnose(run.facts), root=run.run.way, seconds=run.seconds)

    async def broke(self, error: Unreachable) -> None:
        """Take the connection as lost."""
        await self.aclose()

    async def back(self) -> bool:
        """Connect again and again; return whether it is there."""
        until = time.monotonic() + BACK
        while time.monotonic() < until:
            try:
                await self.connection()
                return True
            except (Unreachable, TimedOut, Refused):  # a link that breaks during the authentication looks refused
                await asyncio.sleep(PAUSE)
        return False

    async def aclose(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()


class OpenHost:
    """A host that the console has open: its site connects again by itself, and shows what is read."""

    def __init__(self, site: Site, now: Callable[[], float] = time.monotonic) -> None:
        self.target, self._site, self._now = site.target, site, now

    async def connection(self) -> CanRunScript:
        """Return the connection; see `FixHost`."""
        return await self._site.use()

    async def read(self) -> Report:
        """Have the site read; see `FixHost`. What it reads already began before: that one is waited for first."""
        site = self._site
        await self._wait(lambda: site.reading_since is None)
        await site.use()
        await site.read()
        if site.read_problem or site.report is None:
            raise Failed(site.read_problem or f"{site.target} could not be read.", "", "NotRead")
        return site.report

    async def broke(self, error: Unreachable) -> None:
        """Let the site know."""
        await self._site.broke(error)

    async def back(self) -> bool:
        """Wait for the site; return whether it is connected again."""
        until = self._now() + BACK
        await self._wait(lambda: self._site.is_open or self._site.state == "shut" or self._now() >= until)
        return self._site.is_open

    async def _wait(self, done: Callable[[], bool]) -> None:
        while not done():
            await asyncio.sleep(LOOK)
