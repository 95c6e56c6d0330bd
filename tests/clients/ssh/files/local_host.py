"""A host that is a folder of this machine: scripts run in a real shell, in both directions; the link can be cut."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.clients.ssh.files.host_files import HostFiles
from edgewright.clients.ssh.ports import ScriptResult
from edgewright.core.errors import Unreachable
from tests.clients.ssh.bundle.local_shell import LocalScript, LocalShell

SHELLS = (("sh", "-s"), ("bash", "-s"), ("busybox", "ash", "-s"))


class LocalChannel(LocalScript):
    """Takes stdin too; `cut_sent` bytes to it the link is cut, `fail_after` bytes from it."""

    def __init__(self, process: asyncio.subprocess.Process, fail_after: int | None, cut_sent: int | None) -> None:
        super().__init__(process, fail_after)
        self._room = cut_sent
        self.sent = 0

    async def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        if self._room is not None and self.sent + len(data) > self._room:
            data = data[: max(0, self._room - self.sent)]
            self.process.stdin.write(data)
            self.sent += len(data)
            self.process.stdin.close()
            self._left = 0
            raise Unreachable("The connection to the host ended.", code="ConnectionLost")
        try:
            self.process.stdin.write(data)
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise Unreachable("The connection to the host ended.", code="ConnectionLost") from None
        self.sent += len(data)

    async def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()


class LocalHost(LocalShell):
    """`cuts`: bytes after which the output of each stream in turn is cut; `cuts_sent`: the same for its input."""

    def __init__(
        self,
        shell: Sequence[str] = SHELLS[0],
        *,
        root: bool = True,
        cuts: Sequence[int | None] = (),
        cuts_sent: Sequence[int | None] = (),
        only: str = "",
    ) -> None:
        super().__init__(shell, root=root, cuts=cuts)
        self._only = only
        self.cuts_sent = list(cuts_sent)
        self.channels: list[LocalChannel] = []
        self.windows: list[int] = []

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        return await super().run_script(self._restricted(script), timeout=timeout, limit=limit, sudo=sudo)

    def _restricted(self, script: bytes) -> bytes:
        """Return the script with `only` as its PATH: a host with fewer programs than this machine."""
        line = b"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH LC_ALL=C\n"
        return script.replace(line, f"PATH={self._only} LC_ALL=C\n".encode()) if self._only else script

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LocalChannel:
        process = await self._start()
        assert process.stdin is not None
        self.scripts.append(script)
        self.windows.append(window)
        process.stdin.write(self._restricted(script))
        await process.stdin.drain()
        cut = self.cuts.pop(0) if self.cuts else None
        channel = LocalChannel(process, cut, self.cuts_sent.pop(0) if self.cuts_sent else None)
        self.streams.append(channel)
        self.channels.append(channel)
        return channel


def have(shell: Sequence[str]) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")


def programs(folder: Path, *names: str, box: str = "") -> str:
    """Make a folder that has only these programs, those of `box` (a BusyBox) where it is given; return it as a PATH."""
    folder.mkdir()
    for name in names:
        found = box or shutil.which(name)
        assert found is not None, name
        (folder / name).symlink_to(found)
    return str(folder)


def files_of(host: LocalHost, root: Path) -> HostFiles:
    return HostFiles(host, "edge1", str(root))
