"""A TCP connection from a host to one of its neighbours or services, as bytes in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import paramiko

from edgewright.clients.ssh import refusals
from edgewright.clients.ssh.threads import in_thread

PIECE = 65_536
TERMINAL_WINDOW = 65_536
"""Bytes that a host may send to a terminal before they were shown: what is under way when Ctrl-C is pressed."""

T = TypeVar("T")


class HostStream:
    """One connection; `read` and `write` may be used at the same time, each by one task."""

    def __init__(self, channel: paramiko.Channel, host: str) -> None:
        self._channel, self._host = channel, host

    async def read(self, size: int = PIECE) -> bytes:
        """Return what arrived, b"" at the end. Raises `Unreachable` where the connection to the host broke."""
        return await self._do(lambda: self._channel.recv(size))

    async def write(self, data: bytes) -> None:
        """Send everything. Raises `Unreachable`."""
        await self._do(lambda: self._channel.sendall(data))

    async def end(self) -> None:
        """Send no more; what the other end still sends can be read."""
        await self._do(self._channel.shutdown_write)

    async def aclose(self) -> None:
        """End the connection."""
        await asyncio.shield(in_thread(self._channel.close, "ssh-close"))

    async def _do(self, work: Callable[[], T]) -> T:
        future = in_thread(work, "ssh-stream")
        try:
            return await future
        except asyncio.CancelledError:
            in_thread(self._channel.close, "ssh-close")
            raise
        except (paramiko.SSHException, OSError, EOFError):
            raise refusals.lost(self._host) from None


class HostTerminal(HostStream):
    """A terminal on a host, with the shell of the user in it."""

    async def resize(self, columns: int, rows: int) -> None:
        """Give it another size, in cells. Raises `Unreachable`."""
        await self._do(lambda: self._channel.resize_pty(columns, rows))


def open_shell(transport: paramiko.Transport, kind: str, columns: int, rows: int) -> paramiko.Channel:
    """Return a channel with a terminal of this kind (`TERM`) and a shell; blocks.

    Raises `paramiko.SSHException`, `OSError`, `EOFError`.
    """
    channel = transport.open_session(window_size=TERMINAL_WINDOW)
    try:
        channel.get_pty(kind, columns, rows)
        channel.invoke_shell()
    except BaseException:
        channel.close()
        raise
    return channel
