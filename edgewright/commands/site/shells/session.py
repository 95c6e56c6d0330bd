"""A shell on a host, shown in one place at a time: a widget of the console, or the terminal that is lent to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from edgewright.commands.site.shells.recorder import Recorder
from edgewright.core.errors import EdgewrightError

MOST_KEYS = 1024
"""Pieces of what is typed that wait for a link that takes nothing."""
Output = Callable[[bytes], Awaitable[None]]


class Remote(Protocol):
    """A terminal on a host; `clients.ssh.streams.HostTerminal` is one."""

    async def read(self) -> bytes:
        """Return what arrived, b"" at the end. Raises `Unreachable`."""

    async def write(self, data: bytes) -> None:
        """Send everything. Raises `Unreachable`."""

    async def resize(self, columns: int, rows: int) -> None:
        """Give it another size. Raises `Unreachable`."""

    async def aclose(self) -> None:
        """End it."""


class HostShell:
    """One shell. `run` passes its output on until it ends; `send` and `resize` return at once.

    Output waits for the place that shows it, so that a host that writes without end is slowed down by the connection.
    """

    def __init__(self, remote: Remote, recorder: Recorder, name: str, size: tuple[int, int]) -> None:
        self.name, self.recorder, self.size = name, recorder, size
        self.received = self.sent = 0
        self.dropped = 0
        """Pieces of what was typed that the link did not take."""
        self.over = False
        self.show: Output = _nowhere
        """Shows output; another place may take it at any time."""
        self._remote = remote
        self._typed: asyncio.Queue[bytes | tuple[int, int]] = asyncio.Queue(MOST_KEYS)

    def send(self, data: bytes) -> None:
        """Send what was typed."""
        self._put(data)

    def resize(self, columns: int, rows: int) -> None:
        """Give the host's terminal another size, in cells."""
        if (columns, rows) != self.size and columns > 0 and rows > 0:
            self.size = columns, rows
            self.recorder.size(columns, rows)
            self._put((columns, rows))

    def _put(self, what: bytes | tuple[int, int]) -> None:
        try:
            self._typed.put_nowait(what)
        except asyncio.QueueFull:
            self.dropped += 1

    async def run(self) -> None:
        """Show and record output until the shell ends. Raises `Unreachable` where the connection breaks."""
        sending = asyncio.create_task(self._send(), name="site-shell")
        try:
            while output := await self._remote.read():
                self.received += len(output)
                self.recorder.output(output)
                await self.show(output)
        finally:
            self.over = True
            sending.cancel()
            with contextlib.suppress(EdgewrightError, asyncio.CancelledError):
                await sending
            await self._remote.aclose()

    async def _send(self) -> None:
        while True:
            what = await self._typed.get()
            if isinstance(what, tuple):
                await self._remote.resize(*what)
            else:
                await self._remote.write(what)
                self.sent += len(what)

    async def end(self) -> None:
        """End the shell; `run` returns then."""
        await self._remote.aclose()


async def _nowhere(data: bytes) -> None:
    """Show nothing: it is recorded all the same."""
