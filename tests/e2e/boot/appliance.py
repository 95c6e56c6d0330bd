"""Our own appliance on a disk: its ISO made by an answer file, installed by itself, registered at a hub, on a trunk."""

from __future__ import annotations

import time
from pathlib import Path

from tests.e2e.boot.machine import patience
from tests.e2e.forge.proof_installer import Installer
from tests.e2e.forge.proof_rig import Rig
from tests.e2e.network.vlan_host import TrunkHost

CARD = "enp0s5"
PATIENCE = patience(600)
"""Seconds for a start of the emulated appliance; its installation is given four times as many."""


class Appliance(TrunkHost):
    """An installed appliance that starts from its disk; the console is its user `edge`."""

    name = "box-9"
    user = "edge"
    up = "booted slot "
    patience = PATIENCE
    state = "/usr/local/.edgewright-network"

    def __init__(self, folder: Path) -> None:
        rig = Rig(folder)
        rig.must_be_possible()
        rig.up()
        super().__init__(rig)
        with rig.in_network() as plane:
            _, token = plane.make_token("box")
        answers = {
            "user.name": self.user,
            "user.keys": [self.key.with_name("id.pub").read_text().strip()],
            "net.mode": "static",
            "net.nic": CARD,
            "net.address": "10.55.0.15/24",
            "net.gateway": "10.55.0.1",
            "net.dns": "10.55.0.1",
        }
        installer = Installer(rig, self.name, token, more=answers)
        installer.apply()
        disk = folder / "disk.img"
        with disk.open("wb") as file:
            file.truncate(16 << 30)
        words = ["-drive", f"file={disk},if=none,id=d,format=raw,cache=writeback,discard=unmap"]
        words += ["-device", "virtio-blk-pci,drive=d,addr=0x4,bootindex=0"]  # while it is empty the medium is started
        words += ["-drive", f"file={installer.iso},if=none,id=m,format=raw,readonly=on,media=cdrom"]
        self.began = time.monotonic()
        self.start([*words, "-device", "ide-cd,bus=ide.1,drive=m,bootindex=1"], 1536)

    def installed(self) -> None:
        """Wait until it is installed and has started from its disk."""
        self.machine.wait("install step 11 of 11", 1, 4 * self.patience)
        print(f"installed after {time.monotonic() - self.began:.0f} s")
        self.started()

    def slot(self) -> str:
        """Return the slot that was started last, as it reported itself."""
        return self.machine.text().rpartition(self.up)[2].split()[0]
