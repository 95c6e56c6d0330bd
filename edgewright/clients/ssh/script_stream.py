"""A script on a session channel whose output is read while it runs; its stdin stays open and takes more."""

from __future__ import annotations

import asyncio
import contextlib

import paramiko

from edgewright.clients.ssh import refusals
from edgewright.clients.ssh.scripts import COMMAND, SUDO_COMMAND
from edgewright.clients.ssh.threads import Worker, in_thread

PIECE = 32_768


class SshScript:
    """One script that runs; see `bundle.ports.ScriptStream`. Made by `SshConnection.open_script`."""

    def __init__(self, channel: paramiko.Channel, host: str, window: int) -> None:
        self._channel, self._host = channel, host
        self._piece = min(PIECE, max(1024, window // 8)) if window else PIECE
        self._reader = Worker("ssh-script")

    async def read(self) -> bytes:
        """Return the next bytes of stdout, b"" at its end. Raises `Unreachable`."""
        try:
            data = await self._reader.do(lambda: self._channel.recv(self._piece))
        except (paramiko.SSHException, OSError, EOFError):
            raise refusals.lost(self._host) from None
        transport = self._channel.get_transport()
        if not data and not self._channel.eof_received and not transport.is_active():
            raise refusals.lost(self._host)
        return data

    async def write(self, data: bytes) -> None:
        """Send all of `data` to the stdin of the script. Raises `Unreachable`, also where the script has ended."""
        try:
            await in_thread(lambda: self._channel.sendall(data), "ssh-script")
        except (paramiko.SSHException, OSError, EOFError):
            raise refusals.lost(self._host) from None

    async def end(self) -> None:
        """Close stdin alone: what the script still prints can be read."""
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            await in_thread(self._channel.shutdown_write, "ssh-script")

    async def aclose(self) -> None:
        """Close the channel: the script reads the end of its stdin."""
        self._reader.end()
        await asyncio.shield(in_thread(self._channel.close, "ssh-close"))


def start(transport: paramiko.Transport, script: bytes, sudo: bool, window: int) -> paramiko.Channel:
    """Return the channel of a script that was started. Blocks; raises as paramiko does."""
    channel = transport.open_session(window_size=window or None, max_packet_size=min(32_768, window) or None)
    try:
        channel.exec_command(SUDO_COMMAND if sudo else COMMAND)
        channel.sendall(script)
    except BaseException:
        channel.close()
        raise
    return channel
