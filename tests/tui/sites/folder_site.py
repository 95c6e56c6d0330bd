"""A site whose files are a folder of this machine; scripts run in a real shell, Doctor sees a healthy host."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.clients.ssh.files.host_files import HostFiles
from edgewright.clients.ssh.ports import ScriptResult
from edgewright.commands.site.files import reach as file_reach
from edgewright.core.errors import Unreachable
from tests.clients.ssh.files.local_host import LocalHost
from tests.tui.sites.site_host import FINE, StandInHost


class FolderHost(LocalHost):
    """Like `StandInHost` for Doctor, and a real shell for everything else. `gate` delays answers of the shell."""

    def __init__(self) -> None:
        super().__init__()
        self._doctor = StandInHost(FINE)
        self.alive, self.silence = True, 20.0
        self.gate: asyncio.Event | None = None
        self.facts: SimpleNamespace = self._doctor.facts
        self.answers: dict[bytes, bytes] = {}
        """Outputs of the shell by a part of the script, instead of running it."""

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        if script.startswith(b"main()"):
            return await self._doctor.run_script(script, timeout=timeout, limit=limit, sudo=sudo)
        if self.gate is not None:
            await self.gate.wait()
        if not self.alive:
            raise Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost")
        return await super().run_script(script, timeout=timeout, limit=limit, sudo=sudo)

    async def round_trip(self, patience: float = 1.0) -> float:
        if not self.alive:
            raise Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost")
        return 0.31

    async def open_terminal(self, kind: str, columns: int, rows: int) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.alive = False
        await super().aclose()


def put_files_into(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files of every site be in a folder."""
    monkeypatch.setattr(file_reach, "HostFiles", lambda connection, host: HostFiles(connection, host, str(folder)))
