"""The logs of a host that a site has open: read while there is a connection, continued after an interruption."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from edgewright.clients.ssh.logs.host_log import HostLog
from edgewright.clients.ssh.logs.request import Request as Request
from edgewright.clients.ssh.target import short_name
from edgewright.commands.site.opened import Site, sentence
from edgewright.core.errors import EdgewrightError, Failed, TimedOut, Unreachable
from edgewright.core.logs.entry import Entry

AGAIN = 3.0
"""Seconds before a log that ended on the host is asked for again."""


class SiteFollowing:
    """One host whose logs are followed. `changed` is called after each change of what is not a line."""

    def __init__(
        self,
        site: Site,
        request: Request,
        take: Callable[[list[Entry]], None],
        changed: Callable[[], None],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.site, self.name = site, short_name(site.target)
        self.log = HostLog(self.name, request, take, busy=busy)
        self.problem = ""
        """Why no lines arrive, while there is a connection."""
        self._changed = changed
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Read, or continue where it was stopped."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"log of {self.name}")

    def stop(self) -> None:
        """Read no more; the host ends its script."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @property
    def running(self) -> bool:
        """Whether it is read."""
        return self._task is not None

    async def _run(self) -> None:
        stop_listening = self.site.listen(self._wake.set)
        try:
            while True:
                await self._once()
        finally:
            stop_listening()

    async def _once(self) -> None:
        while not self.site.is_open:
            self._wake.clear()
            await self._wake.wait()
        self._become("")
        try:
            connection: Any = await self.site.use()
            await self.log.run(connection)
        except Unreachable as error:
            await self.site.broke(error)
        except (Failed, TimedOut) as error:
            self._become(sentence(error))
            await asyncio.sleep(AGAIN)
        except EdgewrightError as error:
            self._become(sentence(error))
            await asyncio.Event().wait()  # asking again gives the same answer

    def _become(self, problem: str) -> None:
        if problem != self.problem:
            self.problem = problem
            self._changed()
