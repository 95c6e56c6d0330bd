"""The port to a host that runs scripts. Who uses it does not know the way: SSH, jump hosts, or a shell of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

EachPiece = Callable[[bytes], None]
"""Called with each piece of stdout as it arrives, in the thread that reads it; it must not raise."""


class ScriptResult(NamedTuple):
    """What a script left: its exit status, and what it wrote to stdout and stderr.

    `status` is -1 where the host reported none: a signal ended the shell itself, or the output was `cut`, i.e. one of
    the outputs was longer than the limit; it has the first bytes then, and the script was ended.
    """

    status: int
    output: bytes
    errors: bytes
    cut: bool
    seconds: float


class CanRunScript(Protocol):
    """A host that runs a POSIX shell script read from stdin."""

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: EachPiece | None = None
    ) -> ScriptResult:
        """Run `script` by a shell of the host, with `sudo` as root (`sudo -n`, without a question).

        `timeout`: seconds in total; `limit`: bytes of stdout, and of stderr, at most. The command that the host
        executes is a constant (`exec sh -s`, `exec sudo -n sh -s`): nothing of a caller reaches a command line. The
        user root needs no sudo. A status that is not 0 is a result. Raises `EdgewrightError`: `TimedOut` after
        `timeout`, `Unreachable` when the connection ends before the script does, `Refused` where `sudo -n` is not
        possible.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """End the connection and all that runs on it."""
        raise NotImplementedError
