"""A host that answers probes with frames as a real one prints them: a stand-in for a connection alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from edgewright.clients.ssh.ports import ScriptResult
from edgewright.commands.site.opened import Site
from edgewright.core.errors import EdgewrightError, Unreachable
from tests.tui.samples import NOW

FULL = {
    "identity.host": "hostname edge-7f3a\nkernel Linux 6.8.0-45\nos PRETTY_NAME \"Ubuntu 24.04\"",
    "boot.uptime": "uptime 864000.10 1.0",
    "units.memory": "MemTotal: 32768000 kB\nMemAvailable: 16384000 kB\nSwapTotal: 0 kB",
    "time.clock": f"epoch {int(NOW)}",
    "disk.space": "/dev/sda2 30408704 30408704 0 100% / /\n/dev/sda2 30408704 30408704 0 100% / /var",
    "disk.mounts": "mount / ext4 rw",
    "disk.usage": "23068672 /var/log/journal\n1048576 /var/lib/containerd",
    "units.failed": "edgewright-agent.service loaded failed failed\nnightly.service loaded failed failed",
    "units.state": (
        "system degraded\nId=edgewright-agent.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\n"
        "Result=exit-code\nExecMainStatus=1\nUnitFileState=enabled\nNRestarts=5\nConditionResult=yes\nType=simple\n"
    ),
    "agent.unit": "agent edgewright-agent\nActiveState=failed\nNRestarts=5",
    "network.gateway": "answers 10.4.1.1 eno1",
    "network.routes": "eno1 00000000 0101040A 0003 0 0 0 00000000 0 0 0",
    "dns.servers": "server 10.4.1.1 rcode 0 localhost",
}  # fmt: skip
"""A host whose root file system is full: a sure cause."""
FINE = {
    **{name: text for name, text in FULL.items() if not name.startswith("units.") or name == "units.memory"},
    "disk.space": "/dev/sda2 30408704 9408704 21000000 31% / /",
    "disk.usage": "not-full",
    "units.failed": "",
    "agent.unit": "agent edgewright-agent\nActiveState=active\nNRestarts=0",
}
LOW = {**FINE, "units.memory": "MemTotal: 32768000 kB\nMemAvailable: 600000 kB\nSwapTotal: 0 kB"}
"""A host of which nothing is sure."""


class StandInHost:
    """One connection. `outputs`: what probes print, by id; `way`: how the script became root; `gate` delays answers."""

    def __init__(self, outputs: Mapping[str, str], way: str = "sudo", via: tuple[str, ...] = ("jump.berlin",)) -> None:
        self.outputs, self.way = dict(outputs), way
        self.alive, self.silence = True, 20.0
        self.gate: asyncio.Event | None = None
        self.part = 0
        """Bytes of an answer that arrive before the gate."""
        self.scripts: list[str] = []
        self.repairs: list[str] = []
        self.repaired: Callable[[str], str] = lambda command: "\nrc 0\n"
        """What a fix prints; it may change `outputs`, or raise."""
        self.facts = SimpleNamespace(
            host="edge-7f3a (10.4.1.7)", user="kairos", address="10.4.1.7:22", via=via, method="publickey ssh-ed25519",
            known_by="management plane", server="SSH-2.0-OpenSSH_9.6", warnings=(), plane_uid="",
            key=SimpleNamespace(fingerprint="SHA256:one"),
        )  # fmt: skip

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: Any = None
    ) -> ScriptResult:
        text = script.decode()
        self.scripts.append(text)
        if self.gate is not None and not self.part:
            await self.gate.wait()
        if not self.alive:
            raise Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost")
        if (command := re.search(r"^\( \{ \( (.*)$", text, re.MULTILINE)) is not None:
            self.repairs.append(command[1])
            return ScriptResult(0, self.repaired(command[1]).encode(), b"", False, 0.4)
        marker = re.findall(r"M=([0-9a-f]{32})", text)[0]
        asked = re.findall(r"^run \d+ (\S+) \d+ \d+ (\w+)", text, re.MULTILINE)
        parts = [f"\n{marker} host {self.way} 10.0\n"]
        for probe, rights in asked:
            if rights == "needed" and self.way not in ("root", "sudo"):
                parts.append(f"\n{marker} skip {probe} root\n")
            else:
                parts.append(f"\n{marker} begin {probe} 10.0\n{self.outputs.get(probe, '')}\n{marker} rc 0 0\n")
                parts.append(f"\n{marker} end {probe} 10.1 0\n")
        output = "".join([*parts, f"\n{marker} done\n"]).encode()
        if each_piece is not None:
            each_piece(output[: self.part])
            if self.part and self.gate is not None:
                await self.gate.wait()
            each_piece(output[self.part :])
        return ScriptResult(0, output, b"", False, 2.1)

    async def open_stream(self, host: str, port: int) -> Any:
        raise NotImplementedError

    async def round_trip(self, patience: float = 1.0) -> float:
        if not self.alive:
            raise Unreachable("The connection to edge-7f3a broke.", "", "ConnectionLost")
        return 0.31

    async def open_terminal(self, kind: str, columns: int, rows: int) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.alive = False


class Sites:
    """Makes the site of a console: each connection is the next of `hosts`; an error is raised in its place."""

    def __init__(self, *hosts: StandInHost | EdgewrightError, asks: Any = None) -> None:
        self.hosts, self.asks = list(hosts), asks
        self.connections = 0
        self.answers: list[Any] = []
        self.site: Site | None = None

    def make(self, target: str) -> Site:
        async def reach(asker: Any) -> StandInHost:
            self.connections += 1
            if self.asks is not None:
                self.answers.append(await self.asks(asker))
            host = self.hosts.pop(0) if len(self.hosts) > 1 else self.hosts[0]
            if isinstance(host, EdgewrightError):
                raise host
            host.alive = True
            return host

        self.site = Site(target, reach, now=lambda: NOW, pauses=(0.01,))
        return self.site
