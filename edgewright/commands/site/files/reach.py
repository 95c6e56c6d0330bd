"""From a target, or a site that is open, to the files of its host; again after the link was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from edgewright.clients.ssh.files.host_files import HostFiles
from edgewright.commands.site.connecting import connect
from edgewright.core.errors import EdgewrightError, TimedOut, Unreachable
from edgewright.core.text import clean

if TYPE_CHECKING:
    from edgewright.clients.ssh.connection import SshConnection
    from edgewright.commands.kernel.context import CommandContext
    from edgewright.commands.site.opened import Site

T = TypeVar("T")
WAITS = (2.0, 10.0, 30.0)
"""Seconds before a host is connected to again; then the transfer is left for another run."""
PATIENCE = 180.0
"""Seconds that a transfer in the console waits until its site is connected again."""
LOOK = 0.25
ASK = 20.0


class TargetFiles:
    """The way of the command line: it connects, and connects again. Use it as a function."""

    def __init__(self, ctx: CommandContext, target: str, report: Callable[[str], None] = lambda line: None) -> None:
        self._ctx, self._target, self.report = ctx, target, report
        self._connection: SshConnection | None = None
        self.files: HostFiles | None = None
        """Of the connection that was made last."""
        ctx.at_end(self.aclose)

    async def __call__(self) -> HostFiles:
        """Return the files of a connection. Raises `EdgewrightError`."""
        again = self._connection is not None
        await self.aclose()
        if not again:
            return await self._connect()
        for wait in WAITS:
            self.report(f"The connection to {self._target} was lost. Connecting again in {wait:g} s.")
            await asyncio.sleep(wait)
            try:
                return await self._connect()
            except (Unreachable, TimedOut) as error:
                last: EdgewrightError = error
        raise type(last)(last.message, last.hint, "GivenUp")

    async def _connect(self) -> HostFiles:
        self._connection = await connect(self._target, self._ctx)
        self.files = HostFiles(self._connection, clean(self._connection.facts.host, 80))
        return self.files

    async def aclose(self) -> None:
        """End the connection; what is asked for after that connects again."""
        if self._connection is not None:
            await self._connection.aclose()


class SiteFiles:
    """The way of the console: the connection of a site, which connects again by itself. Use it as a function."""

    def __init__(self, site: Site, report: Callable[[str], None] = lambda line: None) -> None:
        self._site, self.report = site, report
        self.files: HostFiles | None = None
        """Of the connection that was used last."""

    async def __call__(self) -> HostFiles:
        """Return the files of the connection; waits while it is lost. Raises `EdgewrightError`."""
        site = self._site
        if self.files is not None and site.is_open and self._same(await site.use()):
            await self._ask()
        if not site.is_open and self.files is not None:
            self.report(f"The connection to {site.target} is lost. It continues when it is there again.")
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not site.is_open:
            if site.state in ("shut", "new") or self.files is None or loop.time() > end:
                raise Unreachable(f"There is no connection to {site.target}.", "Connect first.", "GivenUp")
            await asyncio.sleep(LOOK)
        connection: Any = await site.use()
        if self.files is None or not self._same(connection):
            self.files = files_of(site, connection)
        return self.files

    def _same(self, connection: Any) -> bool:
        return self.files is not None and self.files.connection is connection

    async def _ask(self) -> None:
        """Ask the host whether it is there: one channel may have ended alone."""
        connection: Any = await self._site.use()
        try:
            await connection.round_trip(ASK)
        except TimedOut as error:
            await self._site.broke(Unreachable(error.message, error.hint))
        except Unreachable as error:
            await self._site.broke(error)


_known: WeakKeyDictionary[Any, HostFiles] = WeakKeyDictionary()


def files_of(site: Site, connection: Any) -> HostFiles:
    """Return the files of a connection, the same object each time: it knows whether sudo works."""
    files = _known.get(connection)
    if files is None:
        files = _known[connection] = HostFiles(connection, clean(site.name, 80))
    return files


async def read(site: Site, do: Callable[[HostFiles], Awaitable[T]]) -> T:
    """Return what is read from the files of a site. Raises `EdgewrightError`; a lost link is known to the site then."""
    connection = await site.use()
    try:
        return await do(files_of(site, connection))
    except Unreachable as error:
        await site.broke(error)
        raise


def files_at(
    ctx: CommandContext, target: str, site: Site | None, report: Callable[[str], None] = lambda line: None
) -> TargetFiles | SiteFiles:
    """Return the way to the files of a target: by the site that is open, else by a connection of its own."""
    return TargetFiles(ctx, target, report) if site is None else SiteFiles(site, report)
