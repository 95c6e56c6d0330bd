"""A port of 127.0.0.1 whose connections begin at a host: for clients that know sockets alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from edgewright.core.errors import EdgewrightError

PIECE = 32_768


class Stream(Protocol):
    """A connection from the host; `clients.ssh.streams.HostStream` is one."""

    async def read(self, size: int = ...) -> bytes:
        """Return what arrived, b"" at the end. Raises `EdgewrightError`."""

    async def write(self, data: bytes) -> None:
        """Send everything. Raises `EdgewrightError`."""

    async def aclose(self) -> None:
        """End it."""


class Forward:
    """Carries each connection of a local port over a stream of its own; `error` is why the last one failed."""

    def __init__(self, open_stream: Callable[[], Awaitable[Stream]]) -> None:
        self._open_stream = open_stream
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.error: EdgewrightError | None = None

    async def start(self) -> int:
        """Listen on a free port; returns it. Raises `OSError`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=PIECE * 2)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def aclose(self) -> None:
        """End the port and its connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        stream: Stream | None = None
        try:
            stream = await self._open_stream()
            self.error = None
            await _carry(reader, writer, stream)
        except EdgewrightError as error:
            self.error = error
        except (OSError, asyncio.CancelledError):
            pass  # an end is away, which its client sees; or `aclose`
        finally:
            self._tasks.discard(task)
            writer.close()
            if stream is not None:
                with contextlib.suppress(EdgewrightError, OSError):
                    await stream.aclose()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stream: Stream) -> None:
    """Pass bytes on in both directions until one of them ends."""

    async def up() -> None:
        while data := await reader.read(PIECE):
            await stream.write(data)

    async def down() -> None:
        while data := await stream.read(PIECE):
            writer.write(data)
            await writer.drain()

    both = {asyncio.create_task(up()), asyncio.create_task(down())}
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
