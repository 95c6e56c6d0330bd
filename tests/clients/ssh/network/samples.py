"""What the reading script printed on hosts, and a host whose change scripts are real and run in a folder."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

from edgewright.clients.ssh.network import change_scripts
from edgewright.clients.ssh.ports import ScriptResult

NETWORKD = b"""uid 0
name edge1
boot systemd
ssh 10.66.133.1 50312 10.66.133.11 22
runs systemd-networkd
link lo 1 loopback unknown 65536 00:00:00:00:00:00 -
link host0 2 virtual up 1500 6e:39:7c:76:71:0e -
link cni0 3 bridge up 1450 6e:39:7c:76:71:0f -
addr host0 10.66.133.11/24 brd 10.66.133.255 scope global host0
addr host0 fe80::6c39:7cff:fe76:710e/64 scope link
route via 10.66.133.1 dev host0 proto static
netif 2 ADMIN_STATE configured
netif 2 NETWORK_FILE /etc/systemd/network/10-host0.network
file 80 /etc/systemd/network/10-host0.network
|[Match]
|Name=host0
|
|[Network]
|LinkLocalAddressing=no
|Address=10.66.133.11/24
|Gateway=10.66.133.1

file 6 /etc/hostname
|edge1

file 40 /etc/hosts
|127.0.0.1 localhost
|10.66.133.11 edge1

file 50 /etc/environment
|PATH="/usr/bin"
|HTTP_PROXY=http://field:hunter2@10.4.1.1:3128

file 0 /etc/resolv.conf

end 1
"""
"""A host of the lab, with a proxy that has a password."""


class FolderHost:
    """A connection to a host that is a folder: change scripts run in it for real, a reading is a sample."""

    def __init__(self, root: Path, sample: bytes = NETWORKD, shell: tuple[str, ...] = ("sh", "-s")) -> None:
        self.root, self.sample, self.shell = root, sample, shell
        self.scripts: list[bytes] = []
        for folder in ("etc/systemd/network", "etc/systemd/system", "var/lib"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "etc/hostname").write_text("edge1\n")
        (root / "etc/systemd/network/10-host0.network").write_text("[Match]\nName=host0\n")

    async def run_script(
        self, script: bytes, *, timeout: float, limit: int, sudo: bool = False, each_piece: object = None
    ) -> ScriptResult:
        self.scripts.append(script)
        if b"out end 1" in script:
            state = await self._run(change_scripts.status())
            output = self.sample.replace(b"end 1\n", b"") + state.output + b"end 1\n"
            return ScriptResult(0, output, b"", False, 0.1)
        return await self._run(script)

    async def _run(self, script: bytes) -> ScriptResult:
        began = time.monotonic()
        text = script.replace(b"R=''", f"R='{self.root}'".encode(), 1)
        assert text != script
        done = await asyncio.to_thread(
            subprocess.run, self.shell, input=text, capture_output=True, timeout=30, check=False
        )
        return ScriptResult(done.returncode, done.stdout, done.stderr, False, time.monotonic() - began)

    async def aclose(self) -> None:
        """Nothing is open."""
