"""A host that is this machine: scripts run in a shell of a subprocess. There is no SSH in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Sequence
from typing import Any

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.core.errors import Refused, Unreachable

SH = ("sh", "-s")
BUSYBOX = ("busybox", "ash", "-s")


class LocalScript:
    """A process; `fail_after` bytes the link is cut."""

    def __init__(self, process: asyncio.subprocess.Process, fail_after: int | None) -> None:
        self.process, self._left = process, fail_after
        self.read_bytes = 0

    async def read(self) -> bytes:
        assert self.process.stdout is not None
        if self._left is not None and self._left <= 0:
            raise Unreachable("The connection to the host ended.", code="ConnectionLost")
        data = await self.process.stdout.read(16_384 if self._left is None else min(16_384, self._left))
        self.read_bytes += len(data)
        if self._left is not None:
            self._left -= len(data)
        return data

    async def aclose(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        transport = self.process._transport  # type: ignore[attr-defined]
        transport.get_pipe_transport(1).close()


class LocalShell:
    """Runs scripts by `shell`.

    `cuts`: after how many bytes each stream in turn is cut; without `root`, no sudo; `path` comes first in PATH.
    """

    def __init__(
        self, shell: Sequence[str] = SH, *, root: bool = True, cuts: Sequence[int | None] = (), path: str = ""
    ) -> None:
        self.shell, self.root, self.cuts = tuple(shell), root, list(cuts)
        self.environment = {**os.environ, **({"PATH": f"{path}:{os.environ['PATH']}"} if path else {})}
        self.scripts: list[bytes] = []
        self.streams: list[LocalScript] = []

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        if sudo and not self.root:
            raise Refused("sudo asks for a password.", "", "NoSudo")
        process = await self._start()
        began = time.monotonic()
        output, errors = await asyncio.wait_for(process.communicate(script), timeout)
        return ScriptResult(process.returncode or 0, output[:limit], errors[:limit], False, time.monotonic() - began)

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalScript:
        process = await self._start()
        assert process.stdin is not None
        self.scripts.append(script)
        process.stdin.write(script)
        await process.stdin.drain()
        self.streams.append(LocalScript(process, self.cuts.pop(0) if self.cuts else None))
        return self.streams[-1]

    async def _start(self) -> asyncio.subprocess.Process:
        nobody: dict[str, Any] = (
            {} if self.root or os.getuid() else {"user": "nobody", "group": "nogroup", "extra_groups": ()}
        )
        return await asyncio.create_subprocess_exec(
            *self.shell,
            stdin=-1,
            stdout=-1,
            stderr=-1,
            start_new_session=True,
            preexec_fn=_as_sshd,
            **nobody,
            limit=32_768,
            env=self.environment,
        )

    async def aclose(self) -> None:
        for stream in self.streams:
            if stream.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(stream.process.pid, signal.SIGKILL)
                await stream.process.wait()


def _as_sshd() -> None:
    """Give a shell the signals that sshd gives it, whatever other tests of this process ignore or block."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
