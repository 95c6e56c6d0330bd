"""A host whose logs are followed, as the script on it prints them; lines are written by a test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from edgewright.core.errors import Unreachable
from tests.clients.ssh.logs.local import row
from tests.tui.samples import NOW
from tests.tui.sites.site_host import FINE, StandInHost


class LogStream:
    def __init__(self, host: LogHost, marker: str, script: str) -> None:
        self.host, self.marker, self.script = host, marker, script
        self.waiting = bytearray(f"\n{marker} pack raw\n{marker} host 1 {NOW + host.ahead:.2f} +0000\n".encode())
        resumed = re.search(r"CURSOR='([^']+)'", script)
        if resumed:
            self.waiting += f"{marker} resumed\n".encode()
            old = [line for line in host.lines if resumed[1] in line]
            lines = host.lines[host.lines.index(old[0]) :] if old else host.lines
        else:
            self.waiting += f"{marker} begin\n".encode()
            lines = host.lines
        self.waiting += "".join(f"{line}\n" for line in lines).encode()
        if not resumed:
            self.waiting += f"{marker} now\n".encode()
        self.closed = False

    def report(self, text: str) -> None:
        self.waiting += f"{self.marker} {text}\n".encode()

    async def read(self) -> bytes:
        while not self.waiting:
            await asyncio.sleep(0.005)
            if not self.host.alive:
                raise Unreachable("The connection to kairos@edge-7f3a broke.", "", "ConnectionLost")
        data = bytes(self.waiting)
        self.waiting.clear()
        return data

    async def aclose(self) -> None:
        self.closed = True


class LogHost(StandInHost):
    """`write` logs a line; `ahead`: seconds of its clock."""

    def __init__(self, outputs: Mapping[str, str] = FINE, ahead: float = 0.0) -> None:
        super().__init__(outputs)
        self.lines: list[str] = []
        self.ahead = ahead
        self.streams: list[LogStream] = []

    def write(self, text: str, at: float, unit: str = "kubelet.service", priority: int = 6) -> None:
        line = row(len(self.lines) + 1, text, at + self.ahead, unit, PRIORITY=str(priority))
        self.lines.append(line)
        for stream in self.streams:
            if not stream.closed:
                stream.waiting += f"{line}\n".encode()

    async def open_script(self, script: bytes, *, sudo: bool = False, window: int = 0) -> LogStream:
        text = script.decode()
        found = re.search(r"M=([0-9a-f]{32})", text)
        assert found is not None
        self.streams.append(LogStream(self, found[1], text))
        return self.streams[-1]
