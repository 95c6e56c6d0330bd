"""What files need of a host: a script that runs while its output is read and more is sent to its stdin."""

from __future__ import annotations

from typing import Protocol

from edgewright.clients.ssh.bundle.ports import ScriptStream
from edgewright.clients.ssh.ports import CanRunScript


class ScriptChannel(ScriptStream, Protocol):
    """A script that runs; `write` waits while the other end takes nothing."""

    async def write(self, data: bytes) -> None:
        """Send all of `data` to the script's stdin. Raises `Unreachable`, also where the script has ended."""
        raise NotImplementedError

    async def end(self) -> None:
        """Close stdin alone."""
        raise NotImplementedError


class CanTransfer(CanRunScript, Protocol):
    """A host with files; `clients.ssh.connection.SshConnection` is one."""

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> ScriptChannel:
        """Start a script and leave its stdin open; see `bundle.ports.CanStreamScript`."""
        raise NotImplementedError
