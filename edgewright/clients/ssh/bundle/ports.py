"""What a bundle needs of a host: a script that runs while its output is read piece by piece."""

from __future__ import annotations

from typing import Protocol

from edgewright.clients.ssh.ports import CanRunScript


class ScriptStream(Protocol):
    """A script that runs; what it prints is read as fast as the reader wants: nothing is buffered without bound."""

    async def read(self) -> bytes:
        """Return the next bytes of stdout, b"" at its end. Raises `Unreachable` when the connection ends before."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close stdin and both outputs of the script, without waiting for it."""
        raise NotImplementedError


class CanStreamScript(CanRunScript, Protocol):
    """A host that runs a POSIX shell script read from stdin, and hands over its output while it runs."""

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> ScriptStream:
        """Start `script` as `run_script` does, and leave its stdin open: a script ends itself at its end.

        `window`: bytes at most that may be on the way before they are read (0: the default of the way), so that a limit
        of the rate applies from the first byte. stderr is thrown away. Raises `Unreachable`, `Refused`.
        """
        raise NotImplementedError
